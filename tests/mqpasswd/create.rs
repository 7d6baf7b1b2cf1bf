//! `-c`: make a password file, or print its line.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Folder, is_root};

#[test]
fn a_new_file_has_one_user_and_is_for_its_owner_only() {
    let folder = Folder::empty();
    let output = folder
        .mqpasswd(&["-c", "-b", "passwd", "alice", "pw"])
        .run()
        .assert_success();
    assert!(folder.admits("alice", "pw"));
    assert_eq!(folder.text().lines().count(), 1);
    let mode = fs::metadata(folder.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let hint = if is_root() {
        "hint: only root can read passwd; for a broker that runs as the user mosquitto: \
         chown mosquitto passwd\n"
    } else {
        ""
    };
    assert_eq!((output.stdout_str(), output.stderr_str()), ("", hint));
}

#[test]
fn an_existing_file_is_overwritten_whatever_was_in_it() {
    let folder = Folder::with("no password file at all");
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o640)).unwrap();
    let output = folder
        .mqpasswd(&["-bc", "passwd", "alice", "pw"])
        .run()
        .assert_success();
    assert_eq!(output.stderr_str(), "");
    assert!(folder.admits("alice", "pw"));
    assert_eq!(folder.text().lines().count(), 1);
    let mode = fs::metadata(folder.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
}

#[test]
fn with_no_clobber_an_existing_file_stays_and_nobody_is_asked() {
    for args in [
        &["-c", "--no-clobber", "passwd", "alice"][..],
        &["--no-clobber", "-bc", "passwd", "alice", "pw"],
    ] {
        let folder = Folder::with("bob:x\n");
        let output = folder.mqpasswd(args).run().assert_code(1);
        assert_eq!(
            output.stderr_str(),
            "error: passwd is there already\n\
             hint: without --no-clobber it is overwritten\n"
        );
        assert_eq!(folder.text(), "bob:x\n");

        let folder = Folder::empty();
        folder
            .mqpasswd(args)
            .stdin("pw\npw\n")
            .run()
            .assert_success();
        assert!(folder.admits("alice", "pw"));
    }
    let folder = Folder::with("");
    let args = ["--no-clobber", "-b", "passwd", "alice", "pw"];
    let output = folder.mqpasswd(&args).run().assert_code(1);
    assert!(output.stderr_str().contains("-c"), "{output}");
}

#[test]
fn without_it_a_missing_file_is_an_error_that_names_it() {
    let folder = Folder::empty();
    let output = folder
        .mqpasswd(&["-b", "passwd", "alice", "pw"])
        .run()
        .assert_code(1);
    assert_eq!(
        output.stderr_str(),
        "error: cannot open passwd\n\
         cause: No such file or directory\n\
         hint: to make a new file: mqpasswd -c passwd alice\n"
    );
    assert!(folder.names().is_empty());
}

#[test]
fn a_dash_prints_the_line_instead() {
    let folder = Folder::empty();
    let output = folder
        .mqpasswd(&["-c", "-b", "-", "alice", "pw"])
        .run()
        .assert_success();
    assert_eq!(output.stderr_str(), "");
    assert!(folder.names().is_empty());
    fs::write(folder.file(), &output.stdout).unwrap();
    assert!(folder.admits("alice", "pw"));
    assert!(folder.text().ends_with("==\n"));
}
