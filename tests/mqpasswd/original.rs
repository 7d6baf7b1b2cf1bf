//! Files go back and forth between `mqpasswd` and `mosquitto_passwd`.

use harness::Tool;

use crate::support::{Folder, broker_with, logs_in};

#[test]
fn files_of_the_original_are_read_and_edited() {
    let folder = Folder::empty();
    original(&folder, &["-c", "-b", "passwd", "alice", "pw1"]);
    original(&folder, &["-H", "sha512", "-b", "passwd", "bob", "pw2"]);
    original(&folder, &["-b", "passwd", "carol", "pw3"]);
    assert!(folder.admits("alice", "pw1") && folder.admits("bob", "pw2"));
    let before = folder.text();

    folder
        .mqpasswd(&["-b", "passwd", "bob", "new"])
        .run()
        .assert_success();
    folder
        .mqpasswd(&["-D", "passwd", "carol"])
        .run()
        .assert_success();
    let (old, new) = (before.lines().next(), folder.text());
    assert_eq!(new.lines().next(), old, "the line of alice stays");
    let broker = broker_with(&folder.file());
    assert!(logs_in(&broker, "alice", "pw1"));
    assert!(logs_in(&broker, "bob", "new"));
    assert!(!logs_in(&broker, "bob", "pw2"));
    assert!(!logs_in(&broker, "carol", "pw3"));
}

#[test]
fn the_original_reads_and_edits_ours() {
    let folder = Folder::empty();
    folder
        .mqpasswd(&["-c", "-b", "passwd", "alice", "pw1"])
        .run()
        .assert_success();
    folder
        .mqpasswd(&["-H", "sha512", "-b", "passwd", "bob", "pw2"])
        .run()
        .assert_success();
    let ours = folder.text();
    original(&folder, &["-b", "passwd", "carol", "pw3"]);
    assert!(folder.text().starts_with(&ours));
    original(&folder, &["-D", "passwd", "bob"]);
    assert!(folder.admits("alice", "pw1") && !folder.admits("bob", "pw2"));
    assert!(folder.admits("carol", "pw3"));
}

/// A script that knows only these exit codes finds them here, too.
#[test]
fn exit_codes_are_those_of_the_original() {
    for (args, stdin, code) in [
        (&["-D", "passwd", "nobody"][..], "", 1),
        (&["-D", "-c", "passwd", "alice"], "", 1),
        (&["-D", "-b", "passwd", "alice"], "", 1),
        (&["-c", "-D", "passwd", "alice"], "", 1),
        (&["-U", "-c", "passwd"], "", 1),
        (&["-U", "-D", "passwd"], "", 1),
        (&["-D", "-U", "passwd", "alice"], "", 1),
        (&["-b", "-D", "passwd", "alice"], "", 1),
        (&["-U", "passwd", "alice"], "", 1),
        (&["-U"], "", 1),
        (&["passwd", "alice", "pw"], "", 1),
        (&["passwd", "bob", "-b", "pw"], "", 1),
        (&["-b", "passwd", "alice", "pw", "more"], "", 1),
        (&["-Z", "passwd", "alice"], "", 1),
        (&["-H"], "", 1),
        (&["-I", "many", "-b", "passwd", "alice", "pw"], "", 1),
        (&["-I", "-1", "-b", "passwd", "alice", "pw"], "", 1),
        (
            &["-H", "sha512", "-I", "5", "-b", "passwd", "bob", "pw"],
            "",
            0,
        ),
        (&["-c", "-b", "passwd", "bob", "pw"], "", 0),
        (&["-c", "-", "bob"], "pw\npw\n", 0),
        (&["-b", "passwd", "-x", "-c"], "", 0),
        (&["-H", "md5", "-b", "passwd", "alice", "pw"], "", 1),
        (&["-I", "0", "-b", "passwd", "alice", "pw"], "", 1),
        (&["-b", "missing", "alice", "pw"], "", 1),
        (&["-D", "missing", "alice"], "", 1),
        (&["-U", "missing"], "", 1),
        (&["-b", "passwd", "a:b", "pw"], "", 1),
        (&["-b", "passwd", "alice"], "", 1),
        (&["passwd", "bob"], "one\ntwo\n", 2),
        (&["passwd", "bob"], "\n\n", 1),
        (&[], "", 1),
        (&["passwd", "bob"], "pw\npw\n", 0),
        (&["-b", "passwd", "bob", "-c"], "", 0),
    ] {
        let (ours, theirs) = (Folder::empty(), Folder::empty());
        for folder in [&ours, &theirs] {
            original(folder, &["-c", "-b", "passwd", "alice", "pw"]);
        }
        ours.mqpasswd(args).stdin(stdin).run().assert_code(code);
        Tool::new("mosquitto_passwd")
            .current_dir(theirs.path())
            .args(args)
            .stdin(stdin)
            .run()
            .assert_code(code);
    }
}

/// Ours: a word too many is not passed over, where a second user may have been meant; and
/// help is no failure.
#[test]
fn exit_codes_that_differ_on_purpose() {
    for (args, code, their_code) in [
        (&["-D", "passwd", "alice", "bob"][..], 1, 0),
        (&["--help"], 0, 1),
    ] {
        let (ours, theirs) = (Folder::empty(), Folder::empty());
        for folder in [&ours, &theirs] {
            original(folder, &["-c", "-b", "passwd", "alice", "pw"]);
        }
        ours.mqpasswd(args).run().assert_code(code);
        Tool::new("mosquitto_passwd")
            .current_dir(theirs.path())
            .args(args)
            .run()
            .assert_code(their_code);
    }
}

fn original(folder: &Folder, args: &[&str]) {
    Tool::new("mosquitto_passwd")
        .current_dir(folder.path())
        .args(args)
        .run()
        .assert_success();
}
