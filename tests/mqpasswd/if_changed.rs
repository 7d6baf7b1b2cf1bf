//! `--if-changed`: what is right already stays untouched.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use crate::support::Folder;

#[track_caller]
fn assert_says(folder: &Folder, args: &[&str], stdin: &str, word: &str) {
    let before = fs::metadata(folder.file()).ok();
    let output = folder.mqpasswd(args).stdin(stdin).run().assert_success();
    assert_eq!(output.stdout_str(), format!("{word}\n"), "{args:?}");
    let after = fs::metadata(folder.file()).unwrap();
    let same = before.is_some_and(|before| {
        (before.ino(), before.ctime(), before.ctime_nsec())
            == (after.ino(), after.ctime(), after.ctime_nsec())
    });
    assert_eq!(same, word == "unchanged", "{args:?}");
}

#[test]
fn a_right_password_is_left_alone() {
    let folder = Folder::with("  zoe : x\n");
    let alice = ["--if-changed", "-b", "passwd", "alice", "pw"];
    assert_says(&folder, &alice, "", "changed");
    assert_says(&folder, &alice, "", "unchanged");
    let stdin = ["--if-changed", "--password-stdin", "passwd", "alice"];
    assert_says(&folder, &stdin, "pw\n", "unchanged");
    assert_says(&folder, &stdin, "new\n", "changed");
    assert!(folder.admits("alice", "new"));
    // Another scheme or cost than the one that is asked for is not right.
    for args in [&["-I", "7"][..], &["-H", "argon2id"], &["--for", "1.6"]] {
        let args = [args, &["--if-changed", "-b", "passwd", "alice", "new"]].concat();
        assert_says(&folder, &args, "", "changed");
        assert_says(&folder, &args, "", "unchanged");
    }
    assert!(folder.text().starts_with("  zoe : x\n"));
}

#[test]
fn a_user_with_two_lines_is_mended() {
    let folder = Folder::empty();
    folder
        .mqpasswd(&["-c", "-b", "passwd", "alice", "pw"])
        .run()
        .assert_success();
    fs::write(folder.file(), folder.text().repeat(2)).unwrap();
    let alice = ["--if-changed", "-b", "passwd", "alice", "pw"];
    assert_says(&folder, &alice, "", "changed");
    assert_eq!(folder.text().lines().count(), 1);
}

#[test]
fn every_change_says_whether_it_was_one() {
    let folder = Folder::empty();
    let create = ["--if-changed", "-c", "-b", "passwd", "alice", "pw"];
    assert_says(&folder, &create, "", "changed");
    assert_says(&folder, &create, "", "unchanged");
    let delete = ["--if-changed", "-D", "passwd", "bob"];
    assert_says(&folder, &delete, "", "unchanged");
    let hash = ["--if-changed", "-U", "passwd"];
    assert_says(&folder, &hash, "", "unchanged");
    let import = ["--if-changed", "--import", "-", "passwd"];
    assert_says(&folder, &import, "alice:pw\nbob:b\n", "changed");
    assert_says(&folder, &import, "alice:pw\nbob:b\n", "unchanged");
    assert_says(&folder, &delete, "", "changed");
}

#[test]
fn machines_get_json() {
    let folder = Folder::with("alice:plain\n");
    let import = ["--if-changed", "--json", "--import", "-", "passwd"];
    let mut expected = serde_json::json!({
        "file": "passwd", "changed": true, "added": 1, "updated": 1, "unchanged": 0,
    });
    for _ in 0..2 {
        let output = folder
            .mqpasswd(&import)
            .stdin("alice:pw\nbob:b\n")
            .run()
            .assert_success();
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found, expected);
        expected = serde_json::json!({
            "file": "passwd", "changed": false, "added": 0, "updated": 0, "unchanged": 2,
        });
    }
    fs::write(folder.file(), folder.text() + "carol:plain\n").unwrap();
    for (args, expected) in [
        (
            &["-U"][..],
            serde_json::json!({
                "file": "passwd", "changed": true, "added": 0, "updated": 1, "unchanged": 2,
            }),
        ),
        (
            &["-D"],
            serde_json::json!({ "file": "passwd", "changed": true }),
        ),
    ] {
        let user = args.contains(&"-D").then_some("carol");
        let args = [args, &["--json", "passwd"]].concat();
        let output = folder.mqpasswd(&args).args(user).run().assert_success();
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found, expected, "{args:?}");
    }
}
