//! `-c`: make a password file, or print its line.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use harness::{Tool, is_root};

use crate::support::Folder;

#[test]
fn a_new_file_has_one_user_and_is_for_its_owner_only() {
    let folder = Folder::empty();
    let output = folder
        .mqpasswd(&["-c", "-b", "passwd", "alice", "pw"])
        .run()
        .assert_success();
    assert!(folder.admits("alice", "pw"));
    assert_eq!(folder.text().lines().count(), 1);
    let file = fs::metadata(folder.file()).unwrap();
    // Made by root, it is for the broker's group, too; the broker's package makes that user.
    let (mode, note) = if is_root() {
        let id = Tool::new("id")
            .args(["-g", "mosquitto"])
            .run()
            .assert_success();
        assert_eq!(file.gid().to_string(), id.stdout_str().trim());
        (
            0o640,
            "note: passwd can be read by the group of the user mosquitto; --owner and --mode \
             choose otherwise\n",
        )
    } else {
        (0o600, "")
    };
    assert_eq!(file.mode() & 0o7777, mode);
    assert_eq!((output.stdout_str(), output.stderr_str()), ("", note));
}

#[test]
fn owner_and_mode_of_a_new_file_can_be_chosen() {
    let folder = Folder::empty();
    let args = [
        "-c", "--mode", "604", "--owner", "0:0", "-b", "passwd", "alice", "pw",
    ];
    if is_root() {
        for (owner, ids) in [
            ("12345:mosquitto", (12_345, None)),
            ("mosquitto:23456", (u32::MAX, Some(23_456))),
            (":23456", (0, Some(23_456))),
            ("12345", (12_345, Some(0))),
        ] {
            let folder = Folder::empty();
            let output = folder
                .mqpasswd(&["-c", "--owner", owner, "-b", "passwd", "alice", "pw"])
                .run()
                .assert_success();
            assert_eq!(output.stderr_str(), "");
            let file = fs::metadata(folder.file()).unwrap();
            assert!(ids.0 == u32::MAX && file.uid() != 0 || file.uid() == ids.0);
            assert!(ids.1.is_none_or(|gid| gid == file.gid()), "{owner}");
            let mode = if owner == "12345" { 0o600 } else { 0o640 };
            assert_eq!(file.mode() & 0o7777, mode, "{owner}");
        }
        folder.mqpasswd(&args).run().assert_success();
        let output = folder.mqpasswd(&args).run().assert_success();
        assert_eq!(
            output.stderr_str(),
            "warning: passwd was there, and keeps its owner and mode\n"
        );
    } else {
        let args = [&args[..3], &args[5..]].concat();
        folder.mqpasswd(&args).run().assert_success();
    }
    let mode = fs::metadata(folder.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o604);

    let folder = Folder::empty();
    let output = folder
        .mqpasswd(&[
            "-c",
            "--owner",
            "no such user",
            "-b",
            "passwd",
            "alice",
            "pw",
        ])
        .run()
        .assert_code(1);
    assert_eq!(
        output.stderr_str(),
        "error: there is no user 'no such user' on this machine\n"
    );
    assert!(folder.names().is_empty());
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
