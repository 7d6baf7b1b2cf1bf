//! `mqpasswd [-b] PASSWORDFILE USERNAME [PASSWORD]`: add a user, change a password.

use crate::support::Folder;

#[test]
fn a_user_is_added_at_the_end() {
    let folder = Folder::with("# users\n\n");
    let output = folder
        .mqpasswd(&["-b", "passwd", "alice", "pw1"])
        .run()
        .assert_success();
    assert_eq!((output.stdout_str(), output.stderr_str()), ("", ""));
    folder
        .mqpasswd(&["-b", "passwd", "bob", "pw2"])
        .run()
        .assert_success();
    let text = folder.text();
    assert!(text.starts_with("# users\n\nalice:$7$1000$"), "{text}");
    assert!(text.contains("\nbob:$7$1000$"), "{text}");
    assert!(folder.admits("alice", "pw1") && folder.admits("bob", "pw2"));
    assert_eq!(folder.names(), ["passwd"]);
}

#[test]
fn a_changed_password_stands_where_the_old_one_stood() {
    let folder = Folder::with("alice:old\r\n# between\nbob:x\n");
    folder
        .mqpasswd(&["-b", "passwd", "alice", "new"])
        .run()
        .assert_success();
    let text = folder.text();
    let (line, rest) = text.split_once("\r\n").unwrap();
    assert!(line.starts_with("alice:$7$1000$"), "{text}");
    assert_eq!(rest, "# between\nbob:x\n");
    assert!(folder.admits("alice", "new") && !folder.admits("alice", "old"));
}

#[test]
fn a_last_line_without_a_newline_is_ended_first() {
    let folder = Folder::with("bob:x");
    folder
        .mqpasswd(&["-b", "passwd", "alice", "pw"])
        .run()
        .assert_success();
    assert!(folder.text().starts_with("bob:x\nalice:$7$"));
    assert!(folder.text().ends_with("==\n"));
}

#[test]
fn an_old_line_further_down_does_not_let_the_user_in() {
    let folder = Folder::empty();
    folder
        .mqpasswd(&["-c", "-b", "passwd", "alice", "old"])
        .run()
        .assert_success();
    let old = folder.text();
    // To a broker the last line of a user is the one that counts.
    let twice = format!("{old}bob:x\n {old}");
    std::fs::write(folder.file(), twice).unwrap();
    folder
        .mqpasswd(&["-b", "passwd", "alice", "new"])
        .run()
        .assert_success();
    assert!(folder.admits("alice", "new") && !folder.admits("alice", "old"));
    assert_eq!(folder.text().matches("alice").count(), 1);
}

#[test]
fn a_password_is_taken_as_it_is() {
    let longest = "x".repeat(65_535);
    for password in [
        "-c",
        "--help",
        "a:b",
        " blanks ",
        "$7$1$x",
        "日本語",
        &longest,
    ] {
        let folder = Folder::with("");
        folder
            .mqpasswd(&["-b", "passwd", "alice", password])
            .run()
            .assert_success();
        assert!(folder.admits("alice", password), "{password}");
    }
}

#[test]
fn twenty_at_once_add_twenty_users() {
    let folder = Folder::with("# all of them\n");
    let running: Vec<_> = (0..20)
        .map(|n| {
            folder
                .mqpasswd(&[
                    "-I",
                    "1",
                    "-b",
                    "passwd",
                    &format!("user{n}"),
                    &format!("pw{n}"),
                ])
                .spawn()
        })
        .collect();
    for tool in running {
        tool.wait().assert_success();
    }
    for n in 0..20 {
        assert!(
            folder.admits(&format!("user{n}"), &format!("pw{n}")),
            "user{n}"
        );
    }
    assert_eq!(folder.text().lines().count(), 21);
    assert_eq!(folder.names(), ["passwd"]);
}
