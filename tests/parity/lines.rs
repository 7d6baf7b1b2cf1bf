//! `-l`: each line of stdin is a message.

use crate::support::{Stage, VERSIONS, expect, published_from};

#[test]
fn each_line_is_a_message() {
    for version in VERSIONS {
        for qos in ["0", "1", "2"] {
            for name in ["-l", "--stdin-line"] {
                let args = ["-V", version, "-t", "a", "-q", qos, name];
                let lines = published_from("one\ntwo words\n  three\t\n", &args);
                let expected =
                    ["one", "two words", "  three\\t"].map(|text| format!("a q{qos} {text}"));
                assert_eq!(lines, expected);
            }
        }
    }
}

#[test]
fn the_last_line_counts_without_a_newline() {
    assert_eq!(
        published_from("one\ntwo", &["-t", "a", "-l"]),
        ["a q0 one", "a q0 two"]
    );
}

#[test]
fn an_empty_line_is_an_empty_message() {
    assert_eq!(
        published_from("one\n\ntwo\n", &["-t", "a", "-l"]),
        ["a q0 one", "a q0 ", "a q0 two"]
    );
}

#[test]
fn no_line_is_no_message() {
    assert!(published_from("", &["-t", "a", "-l"]).is_empty());
}

#[test]
fn carriage_returns_stay() {
    assert_eq!(
        published_from("one\r\n", &["-t", "a", "-l"]),
        ["a q0 one\\r"]
    );
}

/// Ours: every byte is kept. The original cuts at NUL.
#[test]
fn bytes_that_are_not_text() {
    assert_eq!(
        published_from("\u{e9}\n", &["-t", "a", "-l"]),
        ["a q0 \\xc3\\xa9"]
    );
    assert_eq!(
        published_from(b"\xff\n", &["-t", "a", "-l"]),
        ["a q0 \\xff"]
    );
    // With the line that it cuts, the original loses the next one.
    assert_eq!(
        published_from(b"a\0b\nnext\n", &["-t", "a", "-l"]),
        expect(vec!["a q0 a\\x00b", "a q0 next"], vec!["a q0 a"])
    );
}

#[test]
fn a_line_may_be_long() {
    let long = "x".repeat(200_000);
    let lines = published_from(format!("{long}\nend\n"), &["-t", "a", "-l", "-q", "1"]);
    assert_eq!(lines, [format!("a q1 {long}"), "a q1 end".to_owned()]);
}

#[test]
fn a_line_goes_out_when_it_is_complete() {
    let mut stage = Stage::start();
    let tool = stage.mqpub(&["-t", "a", "-l"]).spawn();
    for text in ["first", "second"] {
        tool.write_stdin(format!("{text}\n"));
        assert_eq!(stage.peer.receive().payload, text.as_bytes());
        assert!(tool.is_running());
    }
    tool.wait().assert_success();
}

#[test]
fn lines_may_be_retained() {
    assert_eq!(
        published_from("one\n", &["-t", "a", "-l", "-r"]),
        ["a q0 r one"]
    );
}
