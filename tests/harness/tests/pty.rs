//! The pseudo terminal.

use harness::Tool;

const ASK: &str = r#"
test -t 0 && test -t 1 && test -t 2 || exit 9
printf 'Name: '; read name
stty -echo; printf 'Password: '; read secret </dev/tty; stty echo; echo
printf 'Again: '; read again; echo "got $name and $secret"; exit 4
"#;

#[test]
fn a_prompt_is_seen_and_answered() {
    let mut pty = Tool::new("/bin/sh").arg("-c").arg(ASK).run_on_pty();
    pty.expect("Name: ");
    assert!(pty.echo_is_on());
    pty.send_line("alice");
    pty.expect("Password: ");
    assert!(!pty.echo_is_on());
    pty.send_line("secret");
    pty.expect("Again: ");
    assert!(pty.screen().contains("alice"), "typed text is echoed");
    assert!(!pty.screen().contains("secret"), "a secret is not echoed");
    pty.send_line("");
    assert_eq!(pty.wait(), 4);
    assert!(
        pty.screen().contains("got alice and secret"),
        "{}",
        pty.screen()
    );
}

#[test]
fn control_c_interrupts() {
    let mut pty = Tool::new("/bin/sh")
        .args(["-c", "printf 'Name: '; exec cat"])
        .run_on_pty();
    pty.expect("Name: ");
    pty.send_control_c();
    assert_eq!(pty.wait(), 130);
}

#[test]
fn expecting_text_ends_when_the_tool_does() {
    let mut pty = Tool::new("echo").arg("something else").run_on_pty();
    pty.expect("something");
    // What was found once does not count again.
    for text in ["Password: ", "something"] {
        let message = crate::panic_message(|| pty.expect(text));
        assert!(message.contains("something else"), "{message}");
    }
}
