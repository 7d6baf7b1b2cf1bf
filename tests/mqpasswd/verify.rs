//! `--verify`: is this the password?

use crate::support::Folder;

#[test]
fn the_exit_code_is_the_answer() {
    let folder = Folder::with("");
    for (scheme, user) in [("sha512", "a"), ("sha512-pbkdf2", "b"), ("argon2id", "c")] {
        folder
            .mqpasswd(&["-H", scheme, "-b", "passwd", user, "pw"])
            .run()
            .assert_success();
    }
    let before = format!("{}plain:plain\ncut:$7$101$cut\n", folder.text());
    std::fs::write(folder.file(), &before).unwrap();
    for (user, password, code, stderr) in [
        ("a", "pw", 0, ""),
        ("b", "pw", 0, ""),
        ("c", "pw", 0, ""),
        ("b", "wrong", 1, "error: the password of 'b' is wrong\n"),
        (
            "d",
            "pw",
            3,
            "error: user 'd' is not in passwd\n\
             hint: check the name; upper and lower case differ\n",
        ),
        (
            "plain",
            "plain",
            1,
            "error: no password can be right for 'plain'\n\
             cause: the stored password is not hashed\n",
        ),
        (
            "cut",
            "x",
            1,
            "error: no password can be right for 'cut'\n\
             cause: the password hash does not have the fields it should have\n",
        ),
    ] {
        for (args, stdin) in [
            (&["--verify", "-b", "passwd", user, password][..], ""),
            (&["--verify", "passwd", user], password),
            (&["--verify", "--password-stdin", "passwd", user], password),
        ] {
            let output = folder.mqpasswd(args).stdin(stdin).run().assert_code(code);
            assert_eq!((output.stdout_str(), output.stderr_str()), ("", stderr));
        }
    }
    assert_eq!(folder.text(), before);
    let output = folder
        .mqpasswd(&["--verify", "-b", "missing", "a", "pw"])
        .run()
        .assert_code(1);
    assert!(output.stderr_str().contains("No such file"), "{output}");
}

#[test]
fn machines_get_json() {
    let folder = Folder::with("");
    folder
        .mqpasswd(&["-b", "passwd", "alice", "pw"])
        .run()
        .assert_success();
    for (user, password, code, answer) in [
        ("alice", "pw", 0, "right"),
        ("alice", "x", 1, "wrong"),
        ("bob", "x", 3, "no such user"),
    ] {
        let output = folder
            .mqpasswd(&["--verify", "--json", "-b", "passwd", user, password])
            .run()
            .assert_code(code);
        assert_eq!(output.stderr_str(), "");
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            found,
            serde_json::json!({ "user": user, "password": answer })
        );
    }
}

/// On a terminal it is asked for once.
#[test]
fn a_person_is_asked_once() {
    let folder = Folder::with("");
    folder
        .mqpasswd(&["-b", "passwd", "alice", "pw"])
        .run()
        .assert_success();
    let mut terminal = folder
        .mqpasswd(&["--verify", "passwd", "alice"])
        .run_on_pty();
    terminal.expect("Password: ");
    terminal.send_line("pw");
    assert_eq!(terminal.wait(), 0);
}
