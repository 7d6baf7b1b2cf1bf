//! `--password-file`, `--password-stdin`, `--generate`: passwords that nobody types.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::Folder;

#[test]
fn the_first_line_of_a_file_is_the_password() {
    for (text, password) in [
        ("pw", "pw"),
        ("pw\n", "pw"),
        ("p w: \r\nmore\n", "p w: "),
        ("日本語\n", "日本語"),
    ] {
        let folder = Folder::with("");
        let secret = folder.path().join("secret");
        fs::write(&secret, text).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let output = folder
            .mqpasswd(&["--password-file", "secret", "passwd", "alice"])
            .run()
            .assert_success();
        assert_eq!((output.stdout_str(), output.stderr_str()), ("", ""));
        assert!(folder.admits("alice", password), "{text:?}");
    }
}

#[test]
fn a_password_file_that_others_can_read_costs_a_warning() {
    let folder = Folder::with("");
    let secret = folder.path().join("secret");
    fs::write(&secret, "pw\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    let output = folder
        .mqpasswd(&["--password-file", "secret", "passwd", "alice"])
        .run()
        .assert_success();
    assert_eq!(
        output.stderr_str(),
        "warning: others can read secret (mode 644); mend it with: chmod 600 secret\n"
    );
}

#[test]
fn a_file_without_a_password_changes_nothing() {
    let longer = "x".repeat(65_536);
    for (text, cause) in [
        (Some(""), "the password is empty"),
        (Some("\npw\n"), "the password is empty"),
        (
            Some(longer.as_str()),
            "the password is longer than 65,535 bytes",
        ),
        (None, "No such file or directory"),
    ] {
        let folder = Folder::with("bob:x\n");
        if let Some(text) = text {
            fs::write(folder.path().join("secret"), text).unwrap();
        }
        let output = folder
            .mqpasswd(&["--password-file", "secret", "passwd", "alice"])
            .run()
            .assert_code(1);
        assert!(output.stderr_str().contains(cause), "{output}");
        assert_eq!(folder.text(), "bob:x\n");
    }
}

#[test]
fn one_line_of_stdin_is_enough() {
    let folder = Folder::with("");
    let args = ["--password-stdin", "passwd", "alice"];
    folder.mqpasswd(&args).stdin("pw\n").run().assert_success();
    assert!(folder.admits("alice", "pw"));
    folder
        .mqpasswd(&args)
        .stdin("other\nlines\n")
        .run()
        .assert_success();
    assert!(folder.admits("alice", "other"));
    for (stdin, cause) in [("", "stdin has ended"), ("\n", "the password is empty")] {
        let output = folder.mqpasswd(&args).stdin(stdin).run().assert_code(1);
        assert!(output.stderr_str().contains(cause), "{output}");
    }
    assert!(folder.admits("alice", "other"));
}

#[test]
fn a_generated_password_is_all_that_stdout_has() {
    let folder = Folder::with("");
    let mut seen = Vec::new();
    for (options, length) in [
        (&["--generate"][..], 24),
        (&["--generate"], 24),
        (&["--generate=12"], 12),
        (&["--generate", "20"], 20),
        (&["--generate=1024"], 1024),
    ] {
        let output = folder
            .mqpasswd(options)
            .args(["passwd", "alice"])
            .run()
            .assert_success();
        assert_eq!(output.stderr_str(), "");
        let password = output.stdout_str().strip_suffix('\n').unwrap().to_owned();
        assert_eq!(password.len(), length);
        assert!(password.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(folder.admits("alice", &password));
        assert!(!seen.contains(&password));
        seen.push(password);
    }
    let output = folder
        .mqpasswd(&["--generate", "--json", "passwd", "bob"])
        .run()
        .assert_success();
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&found["changed"], &found["added"]),
        (&true.into(), &1.into())
    );
    assert!(folder.admits("bob", found["password"].as_str().unwrap()));
    // Each of the 62 characters is missing from 1024 with a probability of 6 in 100 million.
    let mut used: Vec<_> = seen.last().unwrap().bytes().collect();
    used.sort_unstable();
    used.dedup();
    assert!(used.len() > 58, "{}", used.len());
}

#[test]
fn a_generated_password_that_nobody_can_see_is_a_failure() {
    let folder = Folder::with("");
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = folder
        .mqpasswd(&["--generate", "passwd", "alice"])
        .stdout_to(full)
        .run()
        .assert_code(1);
    assert!(output.stderr_str().contains("nobody knows it"), "{output}");
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = folder
        .mqpasswd(&["--generate", "--json", "passwd", "alice"])
        .stdout_to(full)
        .run()
        .assert_code(1);
    assert!(output.stderr_str().contains("nobody knows it"), "{output}");
    // Nothing is printed when nothing is written.
    let output = folder
        .mqpasswd(&["--generate", "missing", "alice"])
        .run()
        .assert_code(1);
    assert_eq!(output.stdout_str(), "");
}
