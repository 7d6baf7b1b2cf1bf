//! `-m`, `-n`, `-f` and `-s`: one message.

use std::fs;

use harness::mqpub;

use crate::support::{VERSIONS, expect, published, published_from, refuses};

#[test]
fn text() {
    for version in VERSIONS {
        for name in ["-m", "--message"] {
            let args = ["-V", version, "-t", "a", name, " Hello, \t é \\n "];
            assert_eq!(published(&args), ["a q0  Hello, \\t \\xc3\\xa9 \\\\n "]);
        }
        assert_eq!(published(&["-V", version, "-t", "a", "-m", ""]), ["a q0 "]);
    }
}

#[test]
fn nothing() {
    for name in ["-n", "--null-message"] {
        assert_eq!(published(&["-t", "a", name]), ["a q0 "]);
        assert_eq!(published(&["-t", "a", name, "-r"]), ["a q0 r "]);
    }
}

#[test]
fn a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let name = path.to_str().unwrap();
    let every_byte: Vec<u8> = (0..=255).collect();
    let large = vec![b'x'; 1_000_000];
    for bytes in [&every_byte[..], b"two\nlines\n", b"", &large] {
        fs::write(&path, bytes).unwrap();
        for option in ["-f", "--file"] {
            let lines = published(&["-t", "a", "-q", "1", option, name]);
            assert_eq!(lines, [format!("a q1 {}", bytes.escape_ascii())]);
        }
    }
}

/// Ours: an operating system error, 14.
#[test]
fn a_file_that_is_not_there() {
    let broker = harness::Broker::start();
    mqpub()
        .args(broker.args())
        .args(["-t", "a", "-f", "missing"])
        .run()
        .assert_code(expect(14, 1));
    assert!(!broker.log().contains("New connection"));
}

#[test]
fn all_of_stdin() {
    for name in ["-s", "--stdin-file"] {
        assert_eq!(
            published_from(b"two\nlines\0\xff\n", &["-t", "a", name]),
            ["a q0 two\\nlines\\x00\\xff\\n"]
        );
    }
    let large = "y".repeat(1_000_000);
    assert_eq!(
        published_from(&large, &["-t", "a", "-s"]),
        [format!("a q0 {large}")]
    );
}

#[test]
fn an_empty_stdin_is_no_message() {
    refuses(mqpub, &[&["-t", "a", "-s"]]);
}

/// Ours: 9, the number for it. The largest that MQTT allows has 268,435,455 bytes with its header.
#[test]
fn a_file_that_is_too_large() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    // It takes no room on the disk.
    fs::File::create(&path)
        .unwrap()
        .set_len(268_435_456)
        .unwrap();
    let broker = harness::Broker::start();
    mqpub()
        .args(broker.args())
        .args(["-t", "a", "-f", path.to_str().unwrap()])
        .run()
        .assert_code(expect(9, 1));
}
