//! How mqsub prints messages: plain, `-v` and `-N`.

use std::time::{Duration, Instant};

use crate::support::{Stage, expect, printed};

const MESSAGES: [(&str, &str); 4] = [("a", "one"), ("b/c", ""), ("a", "t w o"), ("end", ".")];

#[test]
fn payloads_one_a_line() {
    // An empty payload prints nothing, and still it is one of the four.
    assert_eq!(
        printed(&["-t", "#", "-C", "4"], &MESSAGES),
        "one\nt w o\n.\n"
    );
}

#[test]
fn v_puts_the_topic_before_it() {
    for name in ["-v", "--verbose"] {
        assert_eq!(
            printed(&["-t", "#", "-C", "4", name], &MESSAGES),
            "a one\nb/c (null)\na t w o\nend .\n"
        );
    }
}

#[test]
fn n_leaves_the_newline_out() {
    assert_eq!(
        printed(&["-t", "#", "-C", "4", "-N"], &MESSAGES),
        "onet w o."
    );
    // Ours: an empty payload shows as it does without -N; the original leaves it out.
    assert_eq!(
        printed(&["-t", "#", "-C", "4", "-N", "-v"], &MESSAGES),
        expect("a oneb/c (null)a t w oend .", "a onea t w oend .")
    );
}

#[test]
fn every_byte_is_printed() {
    let mut stage = Stage::start();
    let every_byte: Vec<u8> = (0..=255).collect();
    let tool = stage.subscribed(&["-t", "a", "-C", "2"]);
    stage.publish("a", &every_byte);
    stage.publish("a", "\u{e9}");
    let output = tool.wait().assert_success();
    assert_eq!(output.stdout, [&every_byte[..], b"\n\xc3\xa9\n"].concat());
}

#[test]
fn a_message_is_printed_at_once() {
    let mut stage = Stage::start();
    let tool = stage.subscribed(&["-t", "a"]);
    for text in ["one", "two"] {
        stage.publish("a", text);
        tool.wait_for_stdout(&format!("{text}\n"));
    }
    assert!(tool.is_running());
}

#[test]
fn a_closed_stdout_ends_it_quietly() {
    let mut stage = Stage::start();
    let command = format!(
        "{} -h localhost -p {} -i tool -t a -t b -v | head -n 1",
        stage.mqsub(&[]).path().display(),
        stage.broker.port()
    );
    let tool = harness::Tool::new("sh").args(["-c", &command]).spawn();
    stage.broker.wait_for_log("Sending SUBACK to tool");
    stage.publish("a", "one");
    tool.wait_for_stdout("a one\n");
    // The pipe breaks at the first message after the end of head.
    let deadline = Instant::now() + Duration::from_secs(60);
    while tool.is_running() {
        assert!(Instant::now() < deadline, "it does not end");
        stage.publish("b", "two");
    }
    let output = tool.wait().assert_success();
    assert_eq!(output.stdout_str(), "a one\n");
}
