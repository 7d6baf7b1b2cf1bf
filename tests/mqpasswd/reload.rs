//! `--reload`: a running broker reads the file again.

use std::fs;
use std::time::{Duration, Instant};

use harness::mqpasswd;

use crate::support::{Folder, broker_with, logs_in};

#[test]
fn a_running_broker_lets_the_new_user_in() {
    let folder = Folder::empty();
    folder
        .mqpasswd(&["-c", "-b", "passwd", "alice", "pw"])
        .run()
        .assert_success();
    // A broker that was started by root reads the file again as somebody else.
    let broker = broker_with(&folder.file());
    let pid = broker.pid().to_string();
    fs::write(folder.path().join("pid"), format!("{pid}\n")).unwrap();
    open_to_the_broker(&folder);
    for (user, reload) in [("bob", pid.as_str()), ("carol", "pid")] {
        assert!(!logs_in(&broker, user, "pw"));
        let output = folder
            .mqpasswd(&["--reload", reload, "-b", "passwd", user, "pw"])
            .run()
            .assert_success();
        assert_eq!((output.stdout_str(), output.stderr_str()), ("", ""));
        // The broker handles the signal between two rounds of its loop.
        let deadline = Instant::now() + Duration::from_secs(60);
        while !logs_in(&broker, user, "pw") {
            assert!(Instant::now() < deadline, "{user} is not let in");
        }
    }
}

#[test]
fn a_broker_that_is_not_there_is_known_before_the_change() {
    let folder = Folder::with("alice:x\n");
    fs::write(folder.path().join("empty"), "").unwrap();
    fs::write(folder.path().join("zero"), "0\n").unwrap();
    fs::write(folder.path().join("all"), "-1\n").unwrap();
    for (reload, cause) in [
        ("missing", "No such file or directory"),
        ("empty", "there is no process id in it"),
        ("zero", "there is no process id in it"),
        ("all", "there is no process id in it"),
        ("0", "there is no process id in it"),
        // Over the highest that Linux gives.
        ("4194305", "there is no process 4194305"),
        ("99999999999", "there is no process id in it"),
    ] {
        let output = folder
            .mqpasswd(&["--reload", reload, "-b", "passwd", "bob", "pw"])
            .run()
            .assert_code(1);
        let error = format!("error: cannot find the broker to reload by '{reload}'\n");
        assert!(output.stderr_str().starts_with(&error), "{output}");
        assert!(output.stderr_str().contains(cause), "{output}");
        assert_eq!(folder.text(), "alice:x\n");
    }
}

#[test]
fn without_a_change_nobody_is_signalled() {
    let folder = Folder::with("");
    // HUP would end it.
    let innocent = harness::Tool::new("sleep").arg("600").spawn();
    let pid = innocent.pid().to_string();
    folder
        .mqpasswd(&["--if-changed", "--reload", &pid, "-D", "passwd", "bob"])
        .run()
        .assert_success();
    assert!(innocent.is_running());
    folder
        .mqpasswd(&["--reload", &pid, "-b", "passwd", "bob", "pw"])
        .run()
        .assert_success();
    assert_eq!(innocent.wait().status, 128 + 1);
}

#[test]
fn on_a_terminal_a_hint_says_what_is_left_to_do() {
    let folder = Folder::with("");
    let terminal = folder
        .mqpasswd(&["-b", "passwd", "alice", "pw"])
        .run_on_pty();
    assert_eq!(terminal.wait(), 0);
    let screen = terminal.screen();
    assert_eq!(screen.matches("--reload PIDFILE").count(), 1, "{screen}");
    let terminal = mqpasswd().arg("--hash-only").run_on_pty();
    terminal.send_control_c();
    terminal.wait();
    assert!(!terminal.screen().contains("--reload"));
}

/// Lets the user that the broker runs as get to the file.
fn open_to_the_broker(folder: &Folder) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}
