//! `--import`: many users at once, all or none.

use std::fs;

use harness::{Tool, mqpasswd};

use crate::support::{Folder, broker_with, logs_in};

const CSV: &str = "id,user,password\r\n1,alice,\"a,\"\"b\"\r\n2,bob,p:w\r\n";

#[test]
fn users_are_added_and_updated_in_their_places() {
    let folder = Folder::with("# ours\r\nbob:x\r\nzoe:y\r\n");
    fs::write(
        folder.path().join("users"),
        "alice:a:b\n\n# none\nbob:new\ncarol:c",
    )
    .unwrap();
    let output = folder
        .mqpasswd(&["--import", "users", "passwd"])
        .run()
        .assert_success();
    assert_eq!(
        (output.stdout_str(), output.stderr_str()),
        ("", "passwd: 2 added, 1 updated, 0 unchanged\n")
    );
    let text = folder.text();
    let starts: Vec<_> = text
        .split("\r\n")
        .map(|line| line.split('$').next().unwrap())
        .collect();
    assert_eq!(starts, ["# ours", "bob:", "zoe:y", "alice:", "carol:", ""]);
    for (user, password) in [("alice", "a:b"), ("bob", "new"), ("carol", "c")] {
        assert!(folder.admits(user, password), "{user}");
    }
    fs::write(folder.file(), text.replace("zoe:y\r\n", "")).unwrap();
    let broker = broker_with(&folder.file());
    assert!(logs_in(&broker, "alice", "a:b") && logs_in(&broker, "carol", "c"));
}

#[test]
fn csv_comes_from_a_file_or_from_stdin() {
    let folder = Folder::with("");
    folder
        .mqpasswd(&["--import", "-", "passwd"])
        .stdin(CSV)
        .run()
        .assert_success();
    assert!(folder.admits("alice", "a,\"b") && folder.admits("bob", "p:w"));
    assert_eq!(folder.text().lines().count(), 2);
}

#[test]
fn hashes_that_come_along_stay_what_they_are() {
    let source = Folder::empty();
    source
        .mqpasswd(&["-c", "-H", "argon2id", "-b", "passwd", "alice", "pw"])
        .run()
        .assert_success();
    let folder = Folder::with("");
    folder
        .mqpasswd(&["--import", "-", "passwd"])
        .stdin(source.text())
        .run()
        .assert_success();
    assert_eq!(folder.text(), source.text());
    // One that the target does not read is refused.
    let output = folder
        .mqpasswd(&["--for", "2.0", "--import", "-", "passwd"])
        .stdin(source.text())
        .run()
        .assert_code(1);
    assert_eq!(
        output.stderr_str(),
        "error: cannot import stdin\n\
         cause: line 1: mosquitto 2.0 does not read this hash\n"
    );
}

#[test]
fn one_bad_line_and_nothing_changes() {
    for (source, cause) in [
        (
            "alice:a\nbob\n",
            "line 2: there is no ':' between a user name and a password",
        ),
        (
            "alice:a\nbob:\n",
            "line 2: there is no password after the ':'",
        ),
        (
            "alice:a\n\nalice:b\n",
            "line 3: the user 'alice' is on line 1 already",
        ),
        (
            "user,password\nalice,a\nbob,b,c\n",
            "line 3: it has 3 fields, and the header has 2",
        ),
        (
            "user,password\nalice,a\na:b,c\n",
            "line 3: 'a:b' cannot be a user name: it contains ':', which separates the user \
             name from the password in the file",
        ),
        (
            "alice:a\nbob:b\0c\n",
            "line 2: the password contains a NUL byte, where a broker takes it to end",
        ),
        (
            "user,password\nalice,a\n\nbob,\"\"\n",
            "line 4: the password is empty",
        ),
        (
            &format!("alice:a\nbob:{}\n", "x".repeat(65_536)),
            "line 2: the password is longer than 65,535 bytes",
        ),
        (
            "alice:$7$101$cut\n",
            "line 1: the password hash does not have the fields it should have",
        ),
    ] {
        let folder = Folder::with("bob:x\n");
        let output = folder
            .mqpasswd(&["--import", "-", "passwd"])
            .stdin(source)
            .run()
            .assert_code(1);
        assert_eq!(
            output.stderr_str(),
            format!("error: cannot import stdin\ncause: {cause}\n")
        );
        assert_eq!(folder.text(), "bob:x\n");
        assert_eq!(folder.names(), ["passwd"]);
    }
    let folder = Folder::with("broken\n");
    let output = folder
        .mqpasswd(&["--import", "-", "passwd"])
        .stdin("alice:a\n")
        .run()
        .assert_code(1);
    assert!(output.stderr_str().contains("cause: line 1: "), "{output}");
}

/// 4 GiB for a hash are not there when 1 GiB is all.
#[test]
fn a_password_that_cannot_be_hashed_is_named_by_its_line() {
    let folder = Folder::with("");
    let made = folder
        .mqpasswd(&["-b", "-c", "-", "carol", "pw"])
        .run()
        .assert_success();
    let source = format!("# users\n{}bob:pw\n", made.stdout_str());
    let output = Tool::new("prlimit")
        .current_dir(folder.path())
        .args(["--as=1073741824", "--"])
        .arg(mqpasswd().path())
        .args(["--cost", "m=4194304,t=1,p=1", "--import", "-", "passwd"])
        .stdin(source)
        .run()
        .assert_code(1);
    assert_eq!(
        output.stderr_str(),
        "error: cannot import stdin\ncause: line 3: there is not enough memory for Argon2id\n"
    );
    assert_eq!(folder.text(), "");
}

/// Where a limit (of a container, for one) allows no second thread, one does it all.
#[test]
fn without_threads_it_is_slower_and_no_less() {
    let folder = Folder::with("alice:plain\n");
    let source: String = (0..9).map(|n| format!("user{n}:pw{n}\n")).collect();
    for args in [&["-I", "1", "--import", "-"][..], &["-U"]] {
        Tool::new("strace")
            .current_dir(folder.path())
            .args(["-f", "-qq", "-o", "/dev/null"])
            .args(["-e", "inject=clone,clone3:error=EAGAIN", "--"])
            .arg(mqpasswd().path())
            .args(args)
            .arg("passwd")
            .stdin(source.as_str())
            .run()
            .assert_success();
    }
    assert!(folder.admits("user8", "pw8") && folder.admits("alice", "plain"));
}

#[test]
fn a_new_file_has_the_users_of_the_source_alone() {
    let folder = Folder::with("zoe:x\n");
    folder
        .mqpasswd(&["-c", "--import", "-", "passwd"])
        .stdin("alice:a\nbob:b\n")
        .run()
        .assert_success();
    assert!(folder.admits("alice", "a") && folder.admits("bob", "b"));
    assert_eq!(folder.text().lines().count(), 2);
    let output = folder
        .mqpasswd(&["--import", "-", "missing"])
        .stdin("alice:a\n")
        .run()
        .assert_code(1);
    assert_eq!(
        output.stderr_str(),
        "error: cannot open missing\ncause: No such file or directory\nhint: -c makes a new file\n"
    );
}

#[test]
fn five_thousand_users_keep_their_order() {
    let folder = Folder::with("");
    let source: String = (0..5000).map(|n| format!("user{n}:pw{n}\n")).collect();
    folder
        .mqpasswd(&["-I", "1", "--import", "-", "passwd"])
        .stdin(source)
        .run()
        .assert_success();
    let text = folder.text();
    for (n, line) in text.lines().enumerate() {
        assert!(line.starts_with(&format!("user{n}:$7$1$")), "{line}");
    }
    assert_eq!(text.lines().count(), 5000);
    assert!(folder.admits("user4711", "pw4711") && !folder.admits("user4711", "pw4712"));
}
