//! How xtask speaks and how it runs commands: each is shown as it could be typed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// Prints one line to stdout. A stdout that cannot be written is not worth failing over.
pub(crate) fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// Prints one line to stderr.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// The cargo that runs xtask, in the workspace's root and without stdin.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).stdin(Stdio::null());
    // What cargo tells xtask about xtask's own package would make build scripts that look at
    // it run again, here and at the next build by hand.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Shows the command, runs it with its output on the screen, and fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let typed = show(command);
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot run {typed}"))?;
    ensure!(status.success(), "{typed} ended with {status}");
    Ok(())
}

/// Runs the command unseen, and gives what it printed to stdout; fails unless it succeeds.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", typed(command)))?;
    ensure!(
        output.status.success(),
        "{} ended with {}: {}",
        typed(command),
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8(output.stdout).with_context(|| format!("what {} printed", typed(command)))
}

/// Runs the command unseen; whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Prints the command as it could be typed, and gives it back.
pub(crate) fn show(command: &Command) -> String {
    let typed = typed(command);
    say(&format!("$ {typed}"));
    typed
}

/// The command as it could be typed.
fn typed(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = match program.file_name() {
        Some(name) if name == "cargo" => name.to_string_lossy(),
        _ => program.as_os_str().to_string_lossy(),
    };
    std::iter::once(program)
        .chain(command.get_args().map(|word| word.to_string_lossy()))
        .map(|word| quote(&word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Quotes a word where a shell would need it.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn words_are_quoted_only_where_a_shell_needs_it() {
        assert_eq!(quote("paho-mqtt==1.6.1"), "paho-mqtt==1.6.1");
        assert_eq!(quote("paho-mqtt>=2,<3"), "'paho-mqtt>=2,<3'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
    }
}
