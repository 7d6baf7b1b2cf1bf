//! Where the password comes from: `--password-file`, `--ask-password`, and what beats what.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::{Duration, Instant};

use harness::{FakeBroker, Pty, Tool, mqpub, unused_port};
use tempfile::TempDir;

use crate::support::{Collector, PATIENCE, VERSIONS, complaint, greet, part, publisher};

/// A broker that insists on this password, and takes one message.
fn broker_for(password: &'static [u8]) -> FakeBroker {
    FakeBroker::start(move |mut conn| {
        let connect = greet(&mut conn);
        assert_eq!(connect.username.as_deref(), Some("alice"));
        assert_eq!(connect.password.as_deref(), Some(password));
        conn.expect_publish();
        part(&mut conn);
    })
}

fn alice(broker: &FakeBroker) -> Tool {
    publisher(broker).args(["-m", "text", "-u", "alice"])
}

/// A private folder with a file `pw` of mode 600.
fn folder_with(text: &[u8]) -> TempDir {
    let folder = TempDir::with_prefix("mqpub-test-").unwrap();
    let path = folder.path().join("pw");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    folder
}

#[test]
fn the_first_line_of_a_file_is_the_password() {
    for text in [
        &b"s3cret pass\n"[..],
        b"s3cret pass",
        b"s3cret pass\r\n",
        b"s3cret pass\nanother line\n",
    ] {
        for version in VERSIONS {
            let broker = broker_for(b"s3cret pass");
            let folder = folder_with(text);
            let output = alice(&broker)
                .args(["-V", version, "--password-file", "pw", "-d"])
                .current_dir(folder.path())
                .run()
                .assert_success();
            broker.finish();
            let told = output.stderr_str();
            assert!(
                !told.contains("s3cret") && !told.contains("warning"),
                "{output}"
            );
        }
    }
}

#[test]
fn its_bytes_are_any_bytes() {
    let broker = broker_for(b"\xff\x00\xfe p\xc3\xa4ss\r ");
    let folder = folder_with(b"\xff\x00\xfe p\xc3\xa4ss\r \r\n");
    alice(&broker)
        .args(["--password-file", "pw"])
        .current_dir(folder.path())
        .run()
        .assert_success();
    broker.finish();
}

#[test]
fn a_file_that_others_can_read_gets_a_warning() {
    let folder = folder_with(b"s3cret\n");
    for (mode, args, warns) in [
        (0o640, &[][..], true),
        (0o604, &[], true),
        (0o644, &["--quiet"], false),
        (0o600, &[], false),
        (0o400, &[], false),
        (0o620, &[], false),
    ] {
        fs::set_permissions(folder.path().join("pw"), Permissions::from_mode(mode)).unwrap();
        let broker = broker_for(b"s3cret");
        let output = alice(&broker)
            .args(["--password-file", "pw"])
            .args(args)
            .current_dir(folder.path())
            .run()
            .assert_success();
        broker.finish();
        let expected =
            format!("warning: others can read pw (mode {mode:03o}); mend it with: chmod 600 pw\n");
        let expected = if warns { expected } else { String::new() };
        assert_eq!(output.stderr_str(), expected, "{output}");
    }
}

#[test]
fn a_pipe_is_read_no_further_than_its_first_line() {
    let broker = FakeBroker::start(|mut conn| {
        let connect = greet(&mut conn);
        assert_eq!(connect.password.as_deref(), Some(&b"s3cret"[..]));
        assert_eq!(conn.expect_publish().payload, b"the message\n");
        part(&mut conn);
    });
    let output = publisher(&broker)
        .args(["-s", "-u", "alice", "--password-file", "/dev/stdin"])
        .stdin("s3cret\nthe message\n")
        .run()
        .assert_success();
    broker.finish();
    assert_eq!(output.stderr_str(), "");
}

#[test]
fn a_fifo_is_waited_for() {
    let broker = broker_for(b"s3cret");
    let folder = TempDir::new().unwrap();
    Tool::new("mkfifo")
        .arg(folder.path().join("fifo"))
        .run()
        .assert_success();
    let running = alice(&broker)
        .args(["--password-file", "fifo"])
        .current_dir(folder.path())
        .spawn();
    // Blocks until the other side is opened.
    fs::write(folder.path().join("fifo"), "s3cret\n").unwrap();
    let output = running.wait().assert_success();
    broker.finish();
    assert_eq!(output.stderr_str(), "");
}

#[test]
fn a_file_without_a_password_is_a_clear_error() {
    let nobody = unused_port();
    let too_long = [b'x'; 65_536];
    let folder = folder_with(b"");
    for (text, code, cause) in [
        (&b""[..], 1, "its first line is empty"),
        (b"\n", 1, "its first line is empty"),
        (b"\r\nsecret\n", 1, "its first line is empty"),
        (&too_long, 1, "its first line is longer than 65535 bytes"),
    ] {
        fs::write(folder.path().join("pw"), text).unwrap();
        let output = mqpub()
            .args(nobody.args())
            .args(["-t", "a", "-m", "x", "-u", "alice", "--password-file", "pw"])
            .current_dir(folder.path())
            .run();
        let told = complaint(output, code);
        assert_eq!(told.error, "cannot use the --password-file pw");
        assert_eq!(told.cause, cause);
        assert_eq!(
            told.hint,
            "its first line is the password, and nothing else"
        );
    }
    for path in ["missing", "."] {
        let output = mqpub()
            .args(nobody.args())
            .args(["-t", "a", "-m", "x", "-u", "alice", "--password-file", path])
            .current_dir(folder.path())
            .run();
        let told = complaint(output, 14);
        assert_eq!(told.error, format!("cannot use the --password-file {path}"));
        assert!(!told.cause.is_empty());
    }
}

#[test]
fn the_longest_password_fits() {
    let longest = vec![b'x'; 65_535];
    let folder = folder_with(&longest);
    let broker = FakeBroker::start(move |mut conn| {
        assert_eq!(greet(&mut conn).password.as_ref(), Some(&longest));
        conn.expect_publish();
        part(&mut conn);
    });
    alice(&broker)
        .args(["--password-file", "pw"])
        .current_dir(folder.path())
        .run()
        .assert_success();
    broker.finish();
}

#[test]
fn a_password_without_a_user_name_stays_a_usage_error_before_mqtt_5() {
    let folder = folder_with(b"s3cret\n");
    let broker = Collector::start();
    let tool = |version| {
        broker
            .mqpub(["-m", "x", "--password-file", "pw", "-V", version])
            .current_dir(folder.path())
    };
    let told = complaint(tool("311").run(), 1);
    assert_eq!(
        told.error,
        "a password without a user name is possible in MQTT 5 only"
    );
    tool("5").run().assert_success();
    assert_eq!(broker.payloads(), [b"x"]);
}

#[test]
fn two_passwords_are_a_usage_error() {
    let folder = folder_with(b"s3cret\n");
    for args in [
        &["-P", "hunter2", "--password-file", "pw"][..],
        &["--password-file", "pw", "--pw", "hunter2"],
        &["--ask-password", "-P", "hunter2"],
        &["-P", "hunter2", "--ask-password"],
        &["--ask-password", "--password-file", "pw"],
    ] {
        let output = mqpub()
            .args(unused_port().args())
            .args(["-t", "a", "-m", "x", "-u", "alice"])
            .args(args)
            .current_dir(folder.path())
            .run();
        assert!(!output.stderr_str().contains("hunter2"), "{output}");
        let told = complaint(output, 1);
        assert!(told.error.contains("cannot be used with"), "{told:?}");
    }
}

#[test]
fn of_a_urls_password_and_an_option_the_last_one_wins() {
    let folder = folder_with(b"from-file\n");
    for (url_first, password) in [(true, &b"from-file"[..]), (false, b"from-url")] {
        let broker = broker_for(password);
        let args = broker.args();
        let port = args.last().unwrap();
        let url = [
            "-L".to_owned(),
            format!("mqtt://alice:from-url@localhost:{port}/t"),
        ];
        let file = ["--password-file".to_owned(), "pw".to_owned()];
        let args = if url_first { [url, file] } else { [file, url] };
        mqpub()
            .args(args.concat())
            .args(["-m", "x"])
            .current_dir(folder.path())
            .run()
            .assert_success();
        broker.finish();
    }
    // What does not count is not even asked for.
    let broker = broker_for(b"from-url");
    let args = broker.args();
    let url = format!("mqtt://alice:from-url@localhost:{}/t", args.last().unwrap());
    mqpub()
        .args(["--ask-password", "-L", &url, "-m", "x"])
        .run()
        .assert_success();
    broker.finish();
}

#[test]
fn the_password_is_asked_for_on_the_terminal_and_never_shown() {
    let broker = broker_for("s3crèt pass".as_bytes());
    let mut terminal = alice(&broker).arg("--ask-password").run_on_pty();
    type_secretly(&mut terminal, "s3crèt pass");
    assert_eq!(terminal.wait(), 0, "{}", terminal.screen());
    assert_eq!(terminal.screen(), "Password: \r\n");
    assert!(terminal.echo_is_on(), "the terminal is as it was");
    broker.finish();
}

#[test]
fn standard_input_is_for_the_message_while_the_terminal_asks() {
    let broker = FakeBroker::start(|mut conn| {
        let connect = greet(&mut conn);
        assert_eq!(connect.password.as_deref(), Some(&b"s3cret"[..]));
        assert_eq!(conn.expect_publish().payload, b"from stdin");
        part(&mut conn);
    });
    let mut terminal = Tool::new("sh")
        .args(["-c", r#"printf 'from stdin' | "$0" "$@""#])
        .arg(mqpub().path())
        .args(broker.args())
        .args(["-t", "a", "-s", "-u", "alice", "--ask-password"])
        .run_on_pty();
    type_secretly(&mut terminal, "s3cret");
    assert_eq!(terminal.wait(), 0, "{}", terminal.screen());
    broker.finish();
}

#[test]
fn control_c_at_the_prompt_ends_it_and_leaves_the_terminal_as_it_was() {
    let nobody = unused_port();
    let mut terminal = mqpub()
        .args(nobody.args())
        .args(["-t", "a", "-m", "x", "-u", "alice", "--ask-password"])
        .run_on_pty();
    terminal.expect("Password: ");
    wait_until_echo_is_off(&terminal);
    terminal.send_control_c();
    assert_eq!(terminal.wait(), 130, "{}", terminal.screen());
    assert!(terminal.echo_is_on(), "echo is back");
}

#[test]
fn no_password_typed_is_an_error() {
    let nobody = unused_port();
    for (control_d, error) in [
        (false, "error: the password is empty"),
        (true, "error: cannot ask for the password"),
    ] {
        let mut terminal = mqpub()
            .args(nobody.args())
            .args(["-t", "a", "-m", "x", "-u", "alice", "--ask-password"])
            .run_on_pty();
        terminal.expect("Password: ");
        wait_until_echo_is_off(&terminal);
        if control_d {
            terminal.send_control_d();
        } else {
            terminal.send_line("");
        }
        terminal.expect(error);
        assert_ne!(terminal.wait(), 0, "{}", terminal.screen());
    }
}

#[test]
fn without_a_terminal_nobody_can_be_asked() {
    let output = Tool::new("setsid")
        .arg("--wait")
        .arg(mqpub().path())
        .args(unused_port().args())
        .args(["-t", "a", "-m", "x", "-u", "alice", "--ask-password"])
        .stdin("from stdin\n")
        .run();
    let told = complaint(output, 14);
    assert_eq!(told.error, "cannot ask for the password");
    assert_eq!(told.cause, "there is no terminal to ask on");
    assert_eq!(
        told.hint,
        "without a terminal, give it with --password-file FILE"
    );
}

#[test]
fn nobody_is_asked_when_something_else_is_wrong() {
    for wrong in [
        &["--cert", "only"][..],
        &["-c"],
        &["--will-topic", "a/#"],
        &["-p", "0"],
        &["--cafile", "missing"],
    ] {
        let mut terminal = mqpub()
            .args(unused_port().args())
            .args(["-t", "a", "-m", "x", "-u", "alice", "--ask-password"])
            .args(wrong)
            .run_on_pty();
        terminal.expect("error: ");
        assert_ne!(terminal.wait(), 0);
        let screen = terminal.screen();
        assert!(!screen.contains("Password"), "{screen}");
    }
}

/// Waits for the prompt and for the echo to be off, then types a line.
fn type_secretly(terminal: &mut Pty, line: &str) {
    terminal.expect("Password: ");
    wait_until_echo_is_off(terminal);
    terminal.send_line(line);
}

fn wait_until_echo_is_off(terminal: &Pty) {
    let deadline = Instant::now() + PATIENCE;
    while terminal.echo_is_on() {
        assert!(Instant::now() < deadline, "echo stays on");
        thread::sleep(Duration::from_millis(1));
    }
}
