//! What bash, zsh and fish offer with the checked-in completions: a line goes to the shell's own
//! line editor, which puts all that it would offer into the line.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::generated;
use crate::tool::Tool;

/// The shells whose answers are compared.
pub const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// What a shell offers at the end of each line, in alphabetical order; `tool` is the first word of
/// all lines. In the current folder are a file `picture.jpg` and a folder `album`.
///
/// # Panics
/// The shell does not answer.
#[must_use]
#[track_caller]
pub fn offers(shell: &str, tool: &str, lines: &[&str]) -> Vec<Vec<String>> {
    let folder = TempDir::with_prefix("mqtools-").unwrap();
    let work = folder.path().join("work");
    fs::create_dir_all(work.join("album")).unwrap();
    fs::write(work.join("picture.jpg"), "").unwrap();
    let answers = match shell {
        "bash" => bash(folder.path(), &work, tool, lines),
        "zsh" => zsh(folder.path(), &work, tool, lines),
        "fish" => fish(&work, tool, lines),
        other => panic!("no shell is called {other}"),
    };
    assert_eq!(answers.len(), lines.len(), "{shell}: {answers:?}");
    lines
        .iter()
        .zip(answers)
        .map(|(line, answer)| words(line, &answer))
        .collect()
}

/// Checks that all shells offer the same at the end of each line, in any order.
///
/// # Panics
/// One offers something else.
#[track_caller]
pub fn assert_offers(tool: &str, cases: &[(&str, &[&str])]) {
    let lines: Vec<_> = cases.iter().map(|(line, _)| *line).collect();
    for shell in SHELLS {
        for ((line, expected), offered) in cases.iter().zip(offers(shell, tool, &lines)) {
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(offered, expected, "{shell} after {line:?}");
        }
    }
}

/// The offered words without what belongs to one shell: the option in front of a value, the slash
/// behind a folder, the equals sign behind an option.
fn words(line: &str, answer: &str) -> Vec<String> {
    let option = line.split(' ').next_back().unwrap();
    let option = option.split_inclusive('=').next().unwrap_or_default();
    let option = if option.ends_with('=') { option } else { "" };
    let mut words: Vec<String> = answer
        .split_whitespace()
        .map(|word| word.strip_prefix(option).unwrap_or(word))
        .map(|word| word.trim_end_matches(['/', '=']).to_owned())
        .filter(|word| !word.is_empty())
        .collect();
    words.sort();
    words
}

/// The tool is a function that writes down its arguments, and Control-T puts all that is offered
/// there.
fn bash(folder: &Path, work: &Path, tool: &str, lines: &[&str]) -> Vec<String> {
    let script = generated::file(tool, "bash");
    let rc = folder.join("bashrc");
    fs::write(
        &rc,
        format!(
            "source '{}'\nmqoffer() {{ printf '%s\\n' \"$*\" >> \"$OFFERS\"; }}\n\
             {tool}() {{ mqoffer {tool} \"$@\"; }}\nHISTFILE=\n\
             bind '\"\\C-t\": insert-completions'\nPS1='ready>'\n",
            script.display()
        ),
    )
    .unwrap();
    let offers = folder.join("offers");
    let mut terminal = Tool::new("bash")
        .current_dir(work)
        .args(["--noprofile", "--rcfile"])
        .arg(&rc)
        .arg("-i")
        .env("OFFERS", &offers)
        .env("TERM", "dumb")
        .run_on_pty();
    for line in lines {
        terminal.expect("ready>");
        terminal.send_line(&format!("{line}\u{14}"));
    }
    terminal.expect("ready>");
    terminal.send_line("exit");
    terminal.wait();
    let typed = fs::read_to_string(&offers).unwrap_or_default();
    typed
        .lines()
        .zip(lines)
        .map(|(typed, line)| behind(line, typed))
        .collect()
}

/// The part of a completed line that the last word of the line before was replaced by; nothing where
/// the line stayed as it was.
fn behind(line: &str, completed: &str) -> String {
    let (before, _) = line.rsplit_once(' ').unwrap();
    if completed.trim() == line.trim() {
        return String::new();
    }
    let rest = completed.strip_prefix(before).unwrap_or(completed);
    rest.trim().to_owned()
}

/// The line editor completes each line before it shows its first prompt.
fn zsh(folder: &Path, work: &Path, tool: &str, lines: &[&str]) -> Vec<String> {
    let completions = generated::file(tool, "zsh");
    fs::write(
        folder.join(".zshrc"),
        r#"fpath=("$COMPLETIONS" $fpath)
autoload -Uz compinit && compinit -u -D
every() { _main_complete; compstate[insert]=all; compstate[list]= }
zle -C every complete-word every
zle-line-init() {
    local line
    for line in "${(@f)TO_COMPLETE}"; do
        BUFFER=$line CURSOR=$#line
        zle every
        print -r -- "$BUFFER" >> "$OFFERS"
    done
    BUFFER=exit
    zle accept-line
}
zle -N zle-line-init
"#,
    )
    .unwrap();
    let offers = folder.join("offers");
    let terminal = Tool::new("zsh")
        .current_dir(work)
        .args(["-d", "-i"])
        .env("ZDOTDIR", folder)
        .env("COMPLETIONS", completions.parent().unwrap())
        .env("TO_COMPLETE", lines.join("\n"))
        .env("OFFERS", &offers)
        .env("TERM", "dumb")
        .run_on_pty();
    terminal.wait();
    let completed = fs::read_to_string(&offers).unwrap_or_default();
    completed
        .lines()
        .zip(lines)
        .map(|(completed, line)| behind(line, completed))
        .collect()
}

/// It has a command for this.
fn fish(work: &Path, tool: &str, lines: &[&str]) -> Vec<String> {
    let script =
        "source $argv[1]\nfor line in $argv[2..]\n    complete -C $line\n    echo ---\nend";
    let output = Tool::new("fish")
        .current_dir(work)
        .args(["--no-config", "-c", script])
        .arg(generated::file(tool, "fish"))
        .args(lines)
        .run()
        .assert_success();
    let mut answers = vec![String::new()];
    for line in output.stdout_str().lines() {
        if line == "---" {
            answers.push(String::new());
        } else if let Some(answer) = answers.last_mut() {
            // A description follows the tab.
            answer.push_str(line.split('\t').next().unwrap());
            answer.push('\n');
        }
    }
    answers.pop();
    answers
}
