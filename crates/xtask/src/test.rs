//! `cargo xtask test`: what the tests need, then every test, then the parity suite once more with
//! mosquitto's tools, then one line with the number of tests.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Context as _, Result};

use crate::shell::{self, cargo, say, show};
use crate::tally::Tally;
use crate::{node, parts, python};

/// Runs everything; `args` go to `cargo test`. Gives cargo test's own exit status.
pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    setup()?;
    say("Building the tools and the tests; the first time, this takes a few minutes.");
    shell::run(cargo().args(["build", "--bins"]))?;
    let everything = !args
        .iter()
        .any(|arg| arg.starts_with("-p") || arg.starts_with("--package"));
    let mut ours = test_command();
    if everything {
        // The demo's broker too, which is none of the default members.
        ours.arg("--workspace");
    }
    ours.args(args);
    let (mut status, mut tally) = stream(&mut ours)?;
    let mut also = |command: &mut Command| -> Result<()> {
        let (other, more) = stream(command)?;
        tally += more;
        if status.success() {
            status = other;
        }
        Ok(())
    };
    // Options choose test targets, which need not be this one.
    if everything && !args.iter().any(|arg| arg.starts_with('-')) {
        say("The parity suite with mosquitto's tools: what it asserts is what they do.");
        let mut theirs = test_command();
        theirs.args(["--package", "parity", "--test", "parity"]);
        also(theirs.args(args).env("MQ_UNDER_TEST", "mosquitto"))?;
    }
    if args.is_empty() {
        // In a folder of its own: the tools that everything else tests do without OpenSSL.
        let mut psk = with_signals(cargo());
        also(
            psk.args(["test", "--no-fail-fast", "--target-dir", "target/psk"])
                .args(["-p", "mqpub", "-p", "mqsub", "--test", "psk"])
                .args(["--features", "mqpub/psk,mqsub/psk"]),
        )?;
    }
    if !status.success() && tally.failed == 0 {
        say(&format!("cargo test ended with {status}: see above."));
    }
    say(&tally.to_string());
    Ok(exit_code(status))
}

/// Makes sure that everything is there that the tests run against.
pub(crate) fn setup() -> Result<()> {
    say("Looking for the programs and packages that the tests run against.");
    python::ensure(&parts::ensure()?)?;
    node::ensure()
}

fn test_command() -> Command {
    let mut command = with_signals(cargo());
    command
        .args(["test", "--no-fail-fast"])
        .env("MQ_TOOLS_BUILT", "1");
    command
}

/// Gives back the signals that whoever started us ignores, as `nohup` and the `&` of a script do: the
/// tools would ignore them too, and the tests send them.
fn with_signals(cargo: Command) -> Command {
    // By proc(5), bit N-1 of SigIgn stands for signal N: SIGHUP is 1, SIGINT 2.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    if ignored.unwrap_or(0) & 0b11 == 0 {
        return cargo;
    }
    let mut env = Command::new("env");
    env.arg("--default-signal=HUP,INT").arg(cargo.get_program());
    env.args(cargo.get_args());
    for (name, value) in cargo.get_envs() {
        match value {
            Some(value) => env.env(name, value),
            None => env.env_remove(name),
        };
    }
    if let Some(folder) = cargo.get_current_dir() {
        env.current_dir(folder);
    }
    env.stdin(std::process::Stdio::null());
    env
}

/// Runs `cargo test` with its output on the screen, and adds up its closing lines.
fn stream(command: &mut Command) -> Result<(ExitStatus, Tally)> {
    show(command);
    // One pipe for both, so that the lines stay in the order in which they were written.
    let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
    command.stdout(writer.try_clone().context("cannot share a pipe")?);
    command.stderr(writer);
    let mut child = command.spawn().context("cannot run cargo test")?;
    // The command holds the pipe's other end, which has to be closed to see the end here.
    command
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let mut tally = Tally::default();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    let mut stdout = std::io::stdout().lock();
    while reader
        .read_until(b'\n', &mut line)
        .context("cannot read from cargo test")?
        > 0
    {
        // A closed screen must not end the tests: their exit status still counts.
        let _ = stdout.write_all(&line).and_then(|()| stdout.flush());
        tally.add_line(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    let status = child.wait().context("cannot wait for cargo test")?;
    Ok((status, tally))
}

fn exit_code(status: ExitStatus) -> ExitCode {
    if status.success() {
        return ExitCode::SUCCESS;
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
