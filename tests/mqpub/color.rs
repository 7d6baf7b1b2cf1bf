//! `--color` and `NO_COLOR`: which of the tool's own words have colours.

use harness::{Broker, Tool, mqpub, unused_port};

const ERROR: &str = "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m ";

/// A run that fails: there is no broker.
fn failing(args: &[&str]) -> Tool {
    let port = unused_port();
    mqpub()
        .args(port.args())
        .args(["-t", "a", "-m", "b"])
        .args(args)
}

#[test]
fn a_terminal_has_colors_and_a_pipe_has_none() {
    let terminal = failing(&[]).env("TERM", "xterm").run_on_pty();
    assert_eq!(terminal.wait(), 14);
    let screen = terminal.screen();
    assert!(screen.starts_with(ERROR), "{screen:?}");
    assert!(
        screen.contains("\r\n\u{1b}[1mcause:\u{1b}[0m "),
        "{screen:?}"
    );
    assert!(
        screen.contains("\r\n\u{1b}[1m\u{1b}[32mhint:\u{1b}[0m "),
        "{screen:?}"
    );
    let output = failing(&[]).env("TERM", "xterm").run().assert_code(14);
    assert!(output.stderr_str().starts_with("error: "), "{output}");
    assert!(!output.stderr_str().contains('\u{1b}'), "{output}");
}

#[test]
fn no_color_and_simple_terminals_have_none() {
    for (name, value) in [("NO_COLOR", "1"), ("NO_COLOR", "0"), ("TERM", "dumb")] {
        let terminal = failing(&[])
            .env("TERM", "xterm")
            .env(name, value)
            .run_on_pty();
        assert_eq!(terminal.wait(), 14);
        let screen = terminal.screen();
        assert!(screen.starts_with("error: "), "{screen:?}");
        assert!(!screen.contains('\u{1b}'), "{screen:?}");
    }
    // An empty one says nothing.
    let terminal = failing(&[])
        .env("TERM", "xterm")
        .env("NO_COLOR", "")
        .run_on_pty();
    assert_eq!(terminal.wait(), 14);
    assert!(terminal.screen().starts_with(ERROR));
}

#[test]
fn the_option_beats_the_surroundings() {
    let output = failing(&["--color", "always"])
        .env("NO_COLOR", "1")
        .run()
        .assert_code(14);
    assert!(output.stderr_str().starts_with(ERROR), "{output}");
    // The last one counts.
    for option in [
        &["--color=never"][..],
        &["--color", "always", "--color", "never"],
    ] {
        let terminal = failing(option).env("TERM", "xterm").run_on_pty();
        assert_eq!(terminal.wait(), 14);
        assert!(!terminal.screen().contains('\u{1b}'), "{option:?}");
    }
}

/// What is wrong with the command line is told before there are options.
#[test]
fn it_counts_for_errors_of_the_command_line() {
    let output = mqpub()
        .args(["--color", "always", "--no-such-option"])
        .run()
        .assert_code(1);
    assert!(output.stderr_str().starts_with(ERROR), "{output}");
    let output = mqpub().args(["--color", "sometimes"]).run().assert_code(1);
    assert!(
        output.stderr_str().starts_with("error: invalid value"),
        "{output}"
    );
    // It is the message here.
    let output = mqpub()
        .args(["-t", "a", "--repeat", "0", "-m", "--color=always"])
        .run()
        .assert_code(1);
    assert!(!output.stderr_str().contains('\u{1b}'), "{output}");
}

#[test]
fn warnings_and_debug_lines_have_colors() {
    let broker = Broker::start();
    let output = mqpub()
        .args(broker.args())
        .args(["-t", "a", "-m", "b", "-d", "--color", "always"])
        .args(["-D", "subscribe", "user-property", "a", "b", "-V", "5"])
        .run()
        .assert_success();
    let stderr = output.stderr_str();
    let warning = "\u{1b}[1m\u{1b}[33mwarning:\u{1b}[0m ";
    assert!(stderr.contains(warning), "{output}");
    assert!(stderr.contains("\u{1b}[2mdebug:\u{1b}[0m "), "{output}");
}

/// Help is read on stdout.
#[test]
fn help_has_colors_on_a_terminal() {
    let plain = mqpub().arg("--help").run().assert_success();
    assert!(!plain.stdout_str().contains('\u{1b}'), "{plain}");
    let colored = mqpub()
        .args(["--help", "--color", "always"])
        .run()
        .assert_success();
    assert!(colored.stdout_str().contains("\u{1b}["), "{colored}");
    let terminal = mqpub().arg("--help").env("TERM", "xterm").run_on_pty();
    assert_eq!(terminal.wait(), 0);
    assert!(terminal.screen().contains("\u{1b}["));
    let terminal = mqpub()
        .arg("--help")
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        .run_on_pty();
    assert_eq!(terminal.wait(), 0);
    assert!(!terminal.screen().contains('\u{1b}'));
}

#[test]
fn an_options_file_may_say_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("options");
    std::fs::write(&path, "--color always\n").unwrap();
    let output = failing(&["-o", path.to_str().unwrap()])
        .run()
        .assert_code(14);
    assert!(output.stderr_str().starts_with(ERROR), "{output}");
}
