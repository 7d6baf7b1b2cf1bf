//! A real mosquitto broker lets in exactly the users of our files.

use std::fs;

use crate::support::{Folder, broker_with, logs_in};

#[test]
fn the_broker_follows_every_change_of_the_file() {
    let folder = Folder::empty();
    for args in [
        &["-c", "-b", "passwd", "alice", "pw1"][..],
        &["-b", "passwd", "bob", "pw2"],
        &["-H", "sha512", "-b", "passwd", "carol", "pässwörd"],
        &["-I", "1", "-b", "passwd", "dave", "-d$: "],
    ] {
        folder.mqpasswd(args).run().assert_success();
    }
    let broker = broker_with(&folder.file());
    for (user, password) in [
        ("alice", "pw1"),
        ("bob", "pw2"),
        ("carol", "pässwörd"),
        ("dave", "-d$: "),
    ] {
        assert!(logs_in(&broker, user, password), "{user}");
        assert!(!logs_in(&broker, user, "wrong"), "{user}");
    }
    assert!(!logs_in(&broker, "alice", "pw2"));
    assert!(!logs_in(&broker, "nobody", "pw1"));

    folder
        .mqpasswd(&["-D", "passwd", "bob"])
        .run()
        .assert_success();
    folder
        .mqpasswd(&["-b", "passwd", "alice", "new"])
        .run()
        .assert_success();
    let broker = broker_with(&folder.file());
    assert!(!logs_in(&broker, "bob", "pw2"));
    assert!(!logs_in(&broker, "alice", "pw1"));
    assert!(logs_in(&broker, "alice", "new"));
    assert!(logs_in(&broker, "carol", "pässwörd"));
}

/// What [`mqtools_common::passwd::admits`] says of odd lines is what the broker does with them.
#[test]
fn our_reading_of_a_file_is_the_brokers() {
    let folder = Folder::empty();
    let hash_of = |password: &str| {
        let line = folder
            .mqpasswd(&["-c", "-b", "-", "x", password])
            .run()
            .assert_success();
        line.stdout_str()
            .trim_end()
            .strip_prefix("x:")
            .unwrap()
            .to_owned()
    };
    let (one, two) = (hash_of("one"), hash_of("two"));
    let text = format!(
        "twice:{one}\ntwice:{two}\n  led:{one}\ntrailed :{one}\nblanks: {one} \n\
         crlf:{one}\r\nplain:plain\nempty:\n\n   \nnocolon\n#comment:{one}\n #user:{one}\n\
         cut:{}\nin ner:{one}\nlast:{one}",
        &one[..one.len() - 4]
    );
    fs::write(folder.file(), text).unwrap();
    let broker = broker_with(&folder.file());
    for (user, password, admitted) in [
        ("twice", "one", false),
        ("twice", "two", true),
        ("led", "one", true),
        ("  led", "one", false),
        ("trailed", "one", true),
        ("trailed ", "one", false),
        ("blanks", "one", true),
        ("crlf", "one", true),
        ("plain", "plain", false),
        ("nocolon", "one", false),
        ("#comment", "one", false),
        ("#user", "one", true),
        (" #user", "one", false),
        ("cut", "one", false),
        ("in ner", "one", true),
        ("last", "one", true),
        ("last", "two", false),
    ] {
        assert_eq!(
            logs_in(&broker, user, password),
            admitted,
            "{user:?} at the broker"
        );
        assert_eq!(folder.admits(user, password), admitted, "{user:?} with us");
    }
}
