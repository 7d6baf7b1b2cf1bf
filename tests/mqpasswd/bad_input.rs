//! What cannot be done is said in one message, exits 1, and leaves every byte where it was.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};

use harness::is_root;

use crate::support::{Folder, as_nobody};

#[test]
fn a_broken_line_is_named_and_nothing_changes() {
    for (line, cause) in [
        ("bob", "there is no ':' between a user name and a password"),
        (" : x", "there is no user name before the ':'"),
        ("bob:", "there is no password after the ':'"),
        (
            "bob:$6$abcd",
            "the password hash does not have the fields it should have",
        ),
        (
            "bob:$7$0$YWJj$YWJj",
            "the password hash has a cost or a version that cannot be used",
        ),
        (
            "bob:$7$1$YWJj$YWJj",
            "the password hash has a salt or a digest of the wrong length",
        ),
        (
            "bob:$7$1$YWJj$!",
            "the password hash has a salt or a digest that is not base64",
        ),
    ] {
        let text = format!("# users\nalice:x\n{line}\r\n");
        for args in [
            &["-b", "passwd", "alice", "pw"][..],
            &["-b", "passwd", "carol", "pw"],
            &["-D", "passwd", "alice"],
            &["-U", "passwd"],
        ] {
            let folder = Folder::with(&text);
            let output = folder.mqpasswd(args).run().assert_code(1);
            assert_eq!(
                output.stderr_str(),
                format!("error: cannot change passwd\ncause: line 3: {cause}\n"),
                "{args:?}"
            );
            assert_unchanged(&folder, &text);
        }
    }
}

#[test]
fn bytes_that_are_no_password_file_are_refused() {
    let folder = Folder::with(b"\x7fELF\x00\xff\n\xfe\xfd");
    let output = folder
        .mqpasswd(&["-b", "passwd", "alice", "pw"])
        .run()
        .assert_code(1);
    assert!(
        output
            .stderr_str()
            .contains("cause: line 1: there is no ':'"),
        "{output}"
    );
    assert_eq!(folder.bytes(), b"\x7fELF\x00\xff\n\xfe\xfd");
}

#[test]
fn a_user_name_that_a_broker_would_not_read_back_is_refused() {
    let longer = "x".repeat(65_536);
    for (name, cause) in [
        ("", "it is empty"),
        (
            "a:b",
            "it contains ':', which separates the user name from the password in the file",
        ),
        ("a\nb", "it contains a control character"),
        (
            "#a",
            "it begins with '#', and a broker would take the line for a comment",
        ),
        (
            " a",
            "it begins or ends with a blank, which a broker would not count",
        ),
        (&longer, "it is longer than 65,535 bytes"),
    ] {
        for args in [["-b", "passwd", name, "pw"], ["-bc", "passwd", name, "pw"]] {
            let folder = Folder::with("alice:x\n");
            let output = folder.mqpasswd(&args).run().assert_code(1);
            let stderr = output.stderr_str();
            assert!(
                stderr.starts_with("error: '") && stderr.ends_with(&format!("cause: {cause}\n"))
            );
            assert_unchanged(&folder, "alice:x\n");
        }
    }
}

#[test]
fn a_password_that_nobody_could_send_is_refused() {
    let longer = "x".repeat(65_536);
    for (password, cause) in [
        ("", "the password is empty"),
        (&longer, "the password is longer than 65,535 bytes"),
    ] {
        let folder = Folder::with("alice:x\n");
        let output = folder
            .mqpasswd(&["-b", "passwd", "alice", password])
            .run()
            .assert_code(1);
        assert_eq!(
            output.stderr_str(),
            format!("error: the password cannot be used\ncause: {cause}\n")
        );
        assert_unchanged(&folder, "alice:x\n");
    }
}

#[test]
fn what_is_not_a_file_is_refused() {
    let folder = Folder::with("alice:x\n");
    for (path, message) in [
        (
            ".",
            "error: . cannot be a password file\ncause: it is a folder\n",
        ),
        (
            "/dev/null",
            "error: /dev/null cannot be a password file\ncause: it is not a regular file\n",
        ),
        (
            "passwd/below",
            "error: cannot open passwd/below\ncause: Not a directory\n",
        ),
    ] {
        for args in [
            &["-b", path, "alice", "pw"][..],
            &["-bc", path, "alice", "pw"],
            &["-D", path, "alice"],
            &["-U", path],
        ] {
            let output = folder.mqpasswd(args).run().assert_code(1);
            assert_eq!(output.stderr_str(), message, "{args:?}");
            assert_unchanged(&folder, "alice:x\n");
        }
    }
}

#[test]
fn a_new_file_needs_its_folder() {
    let folder = Folder::with("alice:x\n");
    let output = folder
        .mqpasswd(&["-bc", "missing/passwd", "alice", "pw"])
        .run()
        .assert_code(1);
    assert_eq!(
        output.stderr_str(),
        "error: cannot create missing/passwd\n\
         cause: No such file or directory\n\
         hint: does the folder missing exist?\n"
    );
    assert_unchanged(&folder, "alice:x\n");
}

#[test]
fn a_folder_and_a_file_that_cannot_be_written_are_named() {
    let folder = Folder::with("alice:x\n");
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    for (args, what) in [
        (&["-b", "passwd", "alice", "pw"][..], "replace passwd"),
        (&["-D", "passwd", "alice"], "replace passwd"),
        (&["-U", "passwd"], "replace passwd"),
        (&["-bc", "new", "alice", "pw"], "create new"),
    ] {
        let output = as_nobody(&folder, args).assert_code(1);
        let start = format!("error: cannot {what}\ncause: Permission denied\nhint: ");
        assert!(output.stderr_str().starts_with(&start), "{output}");
        assert!(output.stderr_str().contains("in the folder . "), "{output}");
        assert_unchanged(&folder, "alice:x\n");
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = Folder::with("alice:x\n");
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    for args in [
        &["-b", "passwd", "alice", "pw"][..],
        &["-D", "passwd", "alice"],
    ] {
        let output = as_nobody(&folder, args).assert_code(1);
        assert_eq!(
            output.stderr_str(),
            "error: cannot open passwd\ncause: Permission denied\n"
        );
    }
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o600)).unwrap();
    assert_unchanged(&folder, "alice:x\n");
}

#[test]
fn a_file_of_somebody_else_is_not_taken_over() {
    if !is_root() {
        // Only root can give a file away; what is left to see is that one's own can be changed.
        let folder = Folder::with("alice:x\n");
        folder
            .mqpasswd(&["-D", "passwd", "alice"])
            .run()
            .assert_success();
        return;
    }
    let folder = Folder::with("alice:x\n");
    chown(folder.file(), Some(12_345), None).unwrap();
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let output = as_nobody(&folder, &["-b", "passwd", "alice", "pw"]).assert_code(1);
    assert!(
        output
            .stderr_str()
            .starts_with("error: cannot replace passwd\ncause: Operation not permitted\n"),
        "{output}"
    );
    assert_unchanged(&folder, "alice:x\n");
}

#[track_caller]
fn assert_unchanged(folder: &Folder, text: &str) {
    assert_eq!(folder.text(), text);
    assert_eq!(folder.names(), ["passwd"]);
}
