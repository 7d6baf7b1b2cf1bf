//! `-D`: remove a user.

use crate::support::Folder;

#[test]
fn only_the_lines_of_the_user_go() {
    let folder = Folder::with("# alice:x\nalice:x\n\nbob:y\r\nalice:z\ncarol:a:b");
    let output = folder
        .mqpasswd(&["-D", "passwd", "alice"])
        .run()
        .assert_success();
    assert_eq!((output.stdout_str(), output.stderr_str()), ("", ""));
    assert_eq!(folder.text(), "# alice:x\n\nbob:y\r\ncarol:a:b");
    folder
        .mqpasswd(&["-D", "passwd", "bob"])
        .run()
        .assert_success();
    folder
        .mqpasswd(&["-D", "passwd", "carol"])
        .run()
        .assert_success();
    assert_eq!(folder.text(), "# alice:x\n\n");
}

#[test]
fn a_user_who_is_not_there_is_an_error() {
    let folder = Folder::with("alice:x\n");
    for user in ["bob", "alic", "alice:x", ""] {
        let output = folder
            .mqpasswd(&["-D", "passwd", user])
            .run()
            .assert_code(1);
        assert_eq!(
            output.stderr_str(),
            format!(
                "error: user '{user}' is not in passwd\nhint: check the name; upper and lower case differ\n"
            )
        );
    }
    assert_eq!(folder.text(), "alice:x\n");
}

#[test]
fn names_that_could_not_be_added_can_be_removed() {
    let folder = Folder::with("a\tb:x\n #c:y\nalice:z\n");
    folder
        .mqpasswd(&["-D", "passwd", "a\tb"])
        .run()
        .assert_success();
    folder
        .mqpasswd(&["-D", "passwd", "#c"])
        .run()
        .assert_success();
    assert_eq!(folder.text(), "alice:z\n");
}

#[test]
fn a_missing_file_stays_missing() {
    let folder = Folder::empty();
    let output = folder
        .mqpasswd(&["-D", "passwd", "alice"])
        .run()
        .assert_code(1);
    assert_eq!(
        output.stderr_str(),
        "error: cannot open passwd\ncause: No such file or directory\n"
    );
    assert!(folder.names().is_empty());
}
