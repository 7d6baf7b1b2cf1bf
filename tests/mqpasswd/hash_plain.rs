//! `-U`: hash a file of plain `user:password` lines.

use std::time::Duration;

use harness::mqpasswd;

use crate::support::{Folder, broker_with, logs_in};

#[test]
fn plain_passwords_are_hashed_and_everything_else_stays() {
    let folder = Folder::with("# our users\r\n\nalice:pw1\nbob:a:b\r\n  # x :y\ncarol:last");
    let output = folder.mqpasswd(&["-U", "passwd"]).run().assert_success();
    assert_eq!(
        (output.stdout_str(), output.stderr_str()),
        ("", "passwd: 4 hashed, 0 hashed already\n")
    );
    let text = folder.text();
    let lines: Vec<_> = text.split('\n').collect();
    assert_eq!(lines[..2], ["# our users\r", ""]);
    for (line, prefix, suffix) in [
        (lines[2], "alice:$7$1000$", "=="),
        (lines[3], "bob:$7$1000$", "==\r"),
        // A blank before the '#' makes it a user to every broker.
        (lines[4], "# x:$7$1000$", "=="),
        (lines[5], "carol:$7$1000$", "=="),
    ] {
        assert!(line.starts_with(prefix) && line.ends_with(suffix), "{line}");
    }
    assert_eq!(lines.len(), 6);
    assert_eq!(folder.names(), ["passwd"]);

    let broker = broker_with(&folder.file());
    assert!(logs_in(&broker, "alice", "pw1"));
    assert!(logs_in(&broker, "bob", "a:b"));
    assert!(logs_in(&broker, "carol", "last"));
    assert!(!logs_in(&broker, "bob", "a"));
}

#[test]
fn hashes_of_every_kind_are_left_alone() {
    let folder = Folder::with("");
    for (scheme, user) in [("sha512", "a"), ("sha512-pbkdf2", "b"), ("argon2id", "c")] {
        folder
            .mqpasswd(&["-H", scheme, "-b", "passwd", user, "pw"])
            .run()
            .assert_success();
    }
    let before = folder.text();
    let output = folder.mqpasswd(&["-U", "passwd"]).run().assert_success();
    assert_eq!(output.stderr_str(), "passwd: 0 hashed, 3 hashed already\n");
    assert_eq!(folder.text(), before);

    std::fs::write(folder.file(), format!("{before}dave:plain\n")).unwrap();
    let output = folder.mqpasswd(&["-U", "passwd"]).run().assert_success();
    assert_eq!(output.stderr_str(), "passwd: 1 hashed, 3 hashed already\n");
    assert!(folder.text().starts_with(&before));
    assert!(folder.admits("dave", "plain"));
}

#[test]
fn scheme_and_iterations_can_be_chosen() {
    for (args, prefix) in [
        (&["-H", "sha512"][..], "alice:$6$"),
        (&["-I", "7"][..], "alice:$7$7$"),
        (
            &["-H", "argon2id"][..],
            "alice:$argon2id$v=19$m=47104,t=1,p=1$",
        ),
    ] {
        let folder = Folder::with("alice:pw\n");
        mqpasswd()
            .current_dir(folder.path())
            .args(args)
            .args(["-U", "passwd"])
            .run()
            .assert_success();
        assert!(folder.text().starts_with(prefix), "{}", folder.text());
        assert!(folder.admits("alice", "pw"));
    }
}

#[test]
fn one_bad_line_and_nothing_is_hashed() {
    for (bad, cause) in [
        (
            "bob",
            "line 2: there is no ':' between a user name and a password",
        ),
        (":pw", "line 2: there is no user name before the ':'"),
        ("bob:", "line 2: there is no password after the ':'"),
        (
            "bob:$7$101$cut",
            "line 2: the password hash does not have the fields it should have",
        ),
    ] {
        let text = format!("alice:pw\n{bad}\ncarol:pw\n");
        let folder = Folder::with(&text);
        let output = folder.mqpasswd(&["-U", "passwd"]).run().assert_code(1);
        assert_eq!(
            output.stderr_str(),
            format!("error: cannot change passwd\ncause: {cause}\n")
        );
        assert_eq!(folder.text(), text);
        assert_eq!(folder.names(), ["passwd"]);
    }
}

#[test]
fn long_work_shows_a_bar_on_a_terminal_and_nowhere_else() {
    // Six million iterations: more than a second on any machine, in steps of much less.
    let text: String = (0..60).map(|n| format!("user{n}:pw\n")).collect();
    let args = ["-I", "100000", "-U", "passwd"];
    let limit = Duration::from_secs(600);
    let elsewhere = Folder::with(&text);
    let quiet = elsewhere.mqpasswd(&args).limit(limit).spawn();

    let folder = Folder::with(&text);
    let tool = folder.mqpasswd(&args).limit(limit).env("TERM", "xterm");
    let mut terminal = tool.run_on_pty();
    terminal.expect("/60");
    assert_eq!(terminal.wait(), 0);
    terminal.expect("passwd: 60 hashed");

    let output = quiet.wait().assert_success();
    assert_eq!(output.stderr_str(), "passwd: 60 hashed, 0 hashed already\n");
}
