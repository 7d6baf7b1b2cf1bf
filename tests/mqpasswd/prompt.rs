//! The password: typed on a terminal, or two lines of stdin.

use std::thread;
use std::time::{Duration, Instant};

use harness::Pty;

use crate::support::Folder;

#[test]
fn a_password_is_typed_twice_and_never_shown() {
    let folder = Folder::empty();
    let mut terminal = folder.mqpasswd(&["-c", "passwd", "alice"]).run_on_pty();
    type_secretly(&mut terminal, "Password: ", "pässwörd");
    type_secretly(&mut terminal, "Reenter password: ", "pässwörd");
    assert_eq!(terminal.wait(), 0, "{}", terminal.screen());
    assert!(
        !terminal.screen().contains("pässwörd"),
        "{}",
        terminal.screen()
    );
    assert!(terminal.echo_is_on(), "the terminal is as it was");
    assert!(folder.admits("alice", "pässwörd"));
}

/// More than a terminal keeps of one line (4095 bytes): nothing is cut.
#[test]
fn a_password_as_long_as_one_can_be_is_pasted() {
    let longest = "pä".repeat(21_845);
    let folder = Folder::empty();
    let mut terminal = folder.mqpasswd(&["-c", "passwd", "alice"]).run_on_pty();
    type_secretly(&mut terminal, "Password: ", &longest);
    type_secretly(&mut terminal, "Reenter password: ", &longest);
    assert_eq!(terminal.wait(), 0, "{}", terminal.screen());
    assert!(folder.admits("alice", &longest));
}

#[test]
fn two_different_passwords_exit_2_and_change_nothing() {
    let folder = Folder::with("# nobody yet\n");
    let mut terminal = folder.mqpasswd(&["passwd", "alice"]).run_on_pty();
    type_secretly(&mut terminal, "Password: ", "one");
    type_secretly(&mut terminal, "Reenter password: ", "two");
    terminal.expect("error: the two passwords are not the same");
    assert_eq!(terminal.wait(), 2);
    assert_eq!(folder.text(), "# nobody yet\n");
}

#[test]
fn an_empty_password_is_refused_without_asking_again() {
    let folder = Folder::with("# nobody yet\n");
    let mut terminal = folder.mqpasswd(&["passwd", "alice"]).run_on_pty();
    type_secretly(&mut terminal, "Password: ", "");
    terminal.expect("cause: the password is empty");
    assert_eq!(terminal.wait(), 1);
    assert!(
        !terminal.screen().contains("Reenter"),
        "{}",
        terminal.screen()
    );
    assert_eq!(folder.text(), "# nobody yet\n");
}

#[test]
fn control_c_ends_it_and_leaves_the_terminal_as_it_was() {
    let folder = Folder::with("# nobody yet\n");
    let mut terminal = folder.mqpasswd(&["passwd", "alice"]).run_on_pty();
    terminal.expect("Password: ");
    wait_until_echo_is_off(&terminal);
    terminal.send_control_c();
    assert_eq!(terminal.wait(), 130, "{}", terminal.screen());
    assert!(terminal.echo_is_on(), "echo is back");
    assert_eq!(folder.text(), "# nobody yet\n");
}

#[test]
fn a_signal_ends_it_and_leaves_the_terminal_and_the_file_as_they_were() {
    type Send = fn(&Pty);
    let signals: [(Send, i32); 3] = [
        (Pty::interrupt, 130),
        (Pty::terminate, 143),
        (Pty::hang_up, 129),
    ];
    for (signal, code) in signals {
        for prompt in ["Password: ", "Reenter password: "] {
            let folder = Folder::with("# nobody yet\n");
            let mut terminal = folder.mqpasswd(&["passwd", "alice"]).run_on_pty();
            if prompt.starts_with("Re") {
                type_secretly(&mut terminal, "Password: ", "secret");
            }
            terminal.expect(prompt);
            wait_until_echo_is(false, &terminal);
            signal(&terminal);
            assert_eq!(terminal.wait(), code, "{}", terminal.screen());
            assert!(terminal.echo_is_on(), "echo is back");
            assert_eq!(folder.text(), "# nobody yet\n");
            assert_eq!(folder.names(), ["passwd"]);
        }
    }
}

#[test]
fn while_it_is_stopped_the_terminal_is_as_it_was() {
    let folder = Folder::empty();
    let mut terminal = folder.mqpasswd(&["-c", "passwd", "alice"]).run_on_pty();
    terminal.expect("Password: ");
    wait_until_echo_is(false, &terminal);
    terminal.suspend();
    wait_until_echo_is(true, &terminal);
    wait_until_stopped(terminal.pid());
    terminal.resume();
    wait_until_echo_is(false, &terminal);
    terminal.send_line("secret");
    type_secretly(&mut terminal, "Reenter password: ", "secret");
    assert_eq!(terminal.wait(), 0, "{}", terminal.screen());
    assert!(
        !terminal.screen().contains("secret"),
        "{}",
        terminal.screen()
    );
    assert!(terminal.echo_is_on(), "echo is back");
    assert!(folder.admits("alice", "secret"));
}

#[test]
fn nobody_is_asked_when_the_file_cannot_be_used_anyway() {
    let folder = Folder::with("broken\n");
    for args in [["passwd", "alice"], ["missing", "alice"]] {
        let mut terminal = folder.mqpasswd(&args).run_on_pty();
        terminal.expect("error: ");
        assert_eq!(terminal.wait(), 1);
        assert!(
            !terminal.screen().contains("Password"),
            "{}",
            terminal.screen()
        );
    }
}

#[test]
fn the_line_goes_to_stdout_and_the_prompt_to_the_terminal() {
    let folder = Folder::empty();
    let mut terminal = folder.mqpasswd(&["-c", "-", "alice"]).run_on_pty();
    type_secretly(&mut terminal, "Password: ", "secret");
    type_secretly(&mut terminal, "Reenter password: ", "secret");
    terminal.expect("alice:$7$1000$");
    assert_eq!(terminal.wait(), 0);
    assert!(folder.names().is_empty());
}

#[test]
fn without_a_terminal_two_lines_of_stdin_are_read() {
    for stdin in [
        "se cret\nse cret\n",
        "se cret\r\nse cret",
        "se cret\nse cret\nmore\n",
    ] {
        let folder = Folder::with("");
        let output = folder
            .mqpasswd(&["passwd", "alice"])
            .stdin(stdin)
            .run()
            .assert_success();
        assert_eq!((output.stdout_str(), output.stderr_str()), ("", ""));
        assert!(folder.admits("alice", "se cret"), "{stdin:?}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_a_password_too() {
    use mqtools_common::{passwd, secret::Secret};
    let folder = Folder::with("");
    folder
        .mqpasswd(&["passwd", "alice"])
        .stdin(b"\xff\x01\xfe\n\xff\x01\xfe\n")
        .run()
        .assert_success();
    let password = Secret::new(b"\xff\x01\xfe".to_vec());
    assert!(passwd::admits(&folder.bytes(), b"alice", &password));
}

#[test]
fn lines_that_make_no_password_are_refused() {
    let longest = "x".repeat(65_535);
    let folder = Folder::with("");
    let twice = |line: &str| format!("{line}\n{line}\n");
    for (stdin, code, message) in [
        (
            "one\ntwo\n".to_owned(),
            2,
            "error: the two passwords are not the same\n",
        ),
        ("\n\n".to_owned(), 1, "cause: the password is empty\n"),
        (String::new(), 1, "cause: stdin has ended\n"),
        ("one\n".to_owned(), 1, "cause: stdin has ended\n"),
        (
            twice("a\0b"),
            1,
            "cause: the password contains a NUL byte, where a broker takes it to end\n",
        ),
        (
            twice(&format!("{longest}x")),
            1,
            "cause: the password is longer than 65,535 bytes\n",
        ),
    ] {
        let output = folder
            .mqpasswd(&["passwd", "alice"])
            .stdin(stdin)
            .run()
            .assert_code(code);
        assert!(output.stderr_str().contains(message), "{output}");
        assert_eq!(folder.text(), "");
    }
    folder
        .mqpasswd(&["passwd", "alice"])
        .stdin(twice(&longest))
        .run()
        .assert_success();
    assert!(folder.admits("alice", &longest));
}

#[test]
fn a_closed_stdin_is_an_error() {
    let folder = Folder::with("");
    let output = folder
        .mqpasswd(&["passwd", "alice"])
        .stdin_closed()
        .run()
        .assert_code(1);
    assert!(output.stderr_str().starts_with("error: "), "{output}");
    assert_eq!(folder.text(), "");
}

/// Waits for the prompt and for the echo to be off, then types a line.
fn type_secretly(terminal: &mut Pty, prompt: &str, line: &str) {
    terminal.expect(prompt);
    wait_until_echo_is_off(terminal);
    terminal.send_line(line);
}

/// The prompt appears a moment before the echo goes off.
fn wait_until_echo_is_off(terminal: &Pty) {
    wait_until_echo_is(false, terminal);
}

fn wait_until_echo_is(wanted: bool, terminal: &Pty) {
    wait_until("the echo changes", || terminal.echo_is_on() == wanted);
}

/// By proc(5): the state follows the name in parentheses.
fn wait_until_stopped(pid: u32) {
    wait_until("it is stopped", || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit(") ").next().unwrap().starts_with('T')
    });
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "not within 60 s: {what}");
        thread::yield_now();
    }
}
