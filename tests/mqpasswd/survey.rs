//! `--list` and `--check`: what is in a file, and what is wrong with it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};

use harness::is_root;
use serde_json::{Value, json};

use crate::support::Folder;

/// A file that the broker of this machine could read, and nobody else.
fn good_file() -> Folder {
    let folder = Folder::empty();
    for args in [
        &["-c", "-b", "passwd", "alice", "pw"][..],
        &["-I", "5000", "-b", "passwd", "bob", "pw"],
    ] {
        folder.mqpasswd(args).run().assert_success();
    }
    folder
}

/// What `--check` says, without what depends on who runs the tests: the file belongs to him.
#[track_caller]
fn check(folder: &Folder, args: &[&str], code: i32) -> String {
    let args = [args, &["--check", "passwd"]].concat();
    let output = folder.mqpasswd(&args).run();
    assert_eq!(output.stderr_str(), "");
    let text: String = output
        .stdout_str()
        .split_inclusive('\n')
        .filter(|line| is_root() || !line.contains("the user mosquitto cannot read it"))
        .collect();
    if is_root() {
        output.assert_code(code);
    }
    text
}

#[test]
fn a_list_has_a_row_for_each_user() {
    let folder = good_file();
    for args in [
        &["-H", "sha512", "-b", "passwd", "carol", "pw"][..],
        &["-H", "argon2id", "-b", "passwd", "dave", "pw"],
    ] {
        folder.mqpasswd(args).run().assert_success();
    }
    let text = format!(
        "# users\n{}eve:plain\nnobody\nfrank:$7$1$cut\n\u{1b}[2J:x\n",
        folder.text()
    );
    fs::write(folder.file(), text).unwrap();
    let output = folder
        .mqpasswd(&["--list", "passwd"])
        .run()
        .assert_success();
    assert_eq!(
        output.stdout_str(),
        "\
USER       SCHEME         COST             SALT  READ BY
alice      sha512-pbkdf2  1000             12    2.0 2.1
bob        sha512-pbkdf2  5000             12    2.0 2.1
carol      sha512         -                12    1.6 2.0 2.1
dave       argon2id       m=47104,t=1,p=1  64    2.1
eve        plain          -                -     -
frank      broken         -                -     -
\\u{1b}[2J  plain          -                -     -
"
    );
    let output = folder
        .mqpasswd(&["--list", "--json", "passwd"])
        .run()
        .assert_success();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        found[0],
        json!({ "line": 2, "user": "alice", "scheme": "sha512-pbkdf2", "iterations": 1000,
                "salt_bytes": 12, "read_by": ["2.0", "2.1"] })
    );
    assert_eq!(
        found[3],
        json!({ "line": 5, "user": "dave", "scheme": "argon2id", "memory_kib": 47104,
                "passes": 1, "lanes": 1, "salt_bytes": 64, "read_by": ["2.1"] })
    );
    assert_eq!(found.as_array().unwrap().len(), 7);
}

#[test]
fn a_good_file_has_nothing_to_say() {
    assert_eq!(check(&good_file(), &[], 0), "");
    assert_eq!(check(&good_file(), &["--for", "2.0"], 0), "");
}

#[test]
fn every_fault_is_found() {
    let folder = good_file();
    let hash = folder.text().lines().next().unwrap().to_owned();
    let hash = hash.strip_prefix("alice:").unwrap();
    let weak = hash.replace("$1000$", "$101$");
    for (line, findings) in [
        (
            "nobody".to_owned(),
            "passwd:3: error: there is no ':' between a user name and a password\n",
        ),
        (
            "eve:plain".to_owned(),
            "passwd:3: error: user 'eve': the password is not hashed (-U hashes it)\n",
        ),
        (
            "eve:$7$1$cut".to_owned(),
            "passwd:3: error: user 'eve': the password hash does not have the fields it should \
             have\n",
        ),
        (
            format!("alice:{hash}"),
            "passwd:1: error: user 'alice': the user is on line 3 again, which is the one that \
             counts\n",
        ),
        (
            format!("eve:{weak}"),
            "passwd:3: warning: user 'eve': 101 iterations are few; 1000 is the default\n",
        ),
        (
            format!("e\u{7}ve:{hash}"),
            "passwd:3: error: user 'e\\u{7}ve': the name: it contains a control character\n",
        ),
    ] {
        let text = format!("{}{line}\n", folder.text());
        let folder = good_file();
        // As it was made, so that owner and mode stay.
        fs::write(folder.file(), text).unwrap();
        assert_eq!(check(&folder, &[], 1), findings);
    }
}

#[test]
fn what_a_release_does_not_read_is_a_note_or_with_a_target_an_error() {
    let folder = good_file();
    folder
        .mqpasswd(&["-H", "argon2id", "-b", "passwd", "dave", "pw"])
        .run()
        .assert_success();
    assert_eq!(
        check(&folder, &[], 0),
        "passwd:3: note: user 'dave': of mosquitto's releases only 2.1 reads this hash\n"
    );
    assert_eq!(check(&folder, &["--for", "2.1"], 0), "");
    assert_eq!(
        check(&folder, &["--for", "2.0"], 1),
        "passwd:3: error: user 'dave': mosquitto 2.0 does not read this hash\n"
    );
    let output = folder
        .mqpasswd(&["--check", "--json", "--for", "2.0", "passwd"])
        .run()
        .assert_code(1);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["ok"], json!(false));
    let findings = found["findings"].as_array().unwrap();
    assert_eq!(
        findings.last().unwrap(),
        &json!({ "line": 3, "user": "dave", "severity": "error",
                 "text": "mosquitto 2.0 does not read this hash" })
    );
}

#[test]
fn mode_and_owner_are_checked() {
    let folder = good_file();
    for (mode, finding) in [
        (
            0o644,
            "passwd: warning: everybody can read it (mode 644), and guess at leisure\n",
        ),
        (0o642, "passwd: error: everybody can write it (mode 642)\n"),
    ] {
        fs::set_permissions(folder.file(), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(check(&folder, &[], 1), finding);
    }
    if is_root() {
        chown(folder.file(), Some(0), Some(0)).unwrap();
        fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o640)).unwrap();
        let text = check(&folder, &[], 1);
        assert!(
            text.starts_with("passwd: error: the user mosquitto cannot read it (owner 0, group 0,"),
            "{text}"
        );
    }
}

#[test]
fn an_interrupted_change_is_told_and_read_over() {
    let folder = good_file();
    let whole = folder.text();
    fs::write(
        folder.file(),
        format!("{whole}#mqpasswd-begin {}\n#mqpasswd-ne", whole.len()),
    )
    .unwrap();
    assert_eq!(
        check(&folder, &[], 1),
        "passwd: error: a change was interrupted; the next change finishes it\n"
    );
    folder
        .mqpasswd(&["--if-changed", "-D", "passwd", "nobody"])
        .run()
        .assert_success();
    assert_eq!(folder.text(), whole);
}
