//! `--template`: texts that are filled in for each message.

use std::collections::HashSet;

use harness::{mqpub, unused_port};

use crate::support::{Collector, Seen, Witness, complaint, last_complaint};

/// `mqpub` with this topic at a collecting broker; gives topics and payloads as text.
fn published(topic: &str, args: &[&str], stdin: &[u8]) -> Vec<(String, String)> {
    let broker = Collector::start();
    mqpub()
        .args(broker.args())
        .args(["-t", topic])
        .args(args)
        .stdin(stdin)
        .run()
        .assert_success();
    let seen = broker.finish().into_iter();
    seen.map(|m| (m.topic, String::from_utf8(m.payload).unwrap()))
        .collect()
}

fn pair(topic: &str, payload: &str) -> (String, String) {
    (topic.to_owned(), payload.to_owned())
}

#[test]
fn each_repetition_is_filled_in_anew() {
    let args = ["--template", r#"{"n":{seq}}"#, "--repeat", "3", "-q", "1"];
    assert_eq!(
        published("device/{seq}/up", &args, b""),
        [
            pair("device/1/up", r#"{"n":1}"#),
            pair("device/2/up", r#"{"n":2}"#),
            pair("device/3/up", r#"{"n":3}"#),
        ]
    );
}

#[test]
fn lines_go_into_topic_and_payload() {
    let args = ["-l", "--template", r#"{"n":{seq},"line":{line:json}}"#];
    assert_eq!(
        published("room/{line}", &args, b"kitchen\nsay \"hi\"\n"),
        [
            pair("room/kitchen", r#"{"n":1,"line":"kitchen"}"#),
            pair("room/say \"hi\"", r#"{"n":2,"line":"say \"hi\""}"#),
        ]
    );
    assert_eq!(
        published("{{line}}", &["-l", "--template", "<{line}>"], b"a\n\n"),
        [pair("{line}", "<a>"), pair("{line}", "<>")]
    );
}

#[test]
fn it_goes_with_other_options() {
    let broker = Collector::start();
    mqpub()
        .args(broker.args())
        .args(["-l", "--topic-separator", ":", "--rate", "1000"])
        .args(["--template", "0{line}", "--payload-is", "hex"])
        .stdin("a:1\nb:2")
        .run()
        .assert_success();
    let seen = broker.finish();
    let seen: Vec<_> = seen
        .iter()
        .map(|m| (m.topic.as_str(), m.payload.as_slice()))
        .collect();
    assert_eq!(seen, [("a", &[1][..]), ("b", &[2])]);
}

#[test]
fn chance_differs_from_message_to_message() {
    let args = ["--template", "{uuid} {random:0-999999999} {time}"];
    let seen = published("a", &[&args[..], &["--repeat", "50"]].concat(), b"");
    for word in [0, 1] {
        let words: HashSet<_> = seen
            .iter()
            .map(|(_, payload)| payload.split(' ').nth(word).unwrap())
            .collect();
        assert!(words.len() > 40, "{words:?}");
    }
    let times: Vec<_> = seen
        .iter()
        .map(|(_, payload)| payload.split(' ').nth(2).unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn without_it_braces_are_braces() {
    let seen = published("a/{seq}", &["-m", "{seq} {nonsense}"], b"");
    assert_eq!(seen, [pair("a/{seq}", "{seq} {nonsense}")]);
}

#[test]
fn a_real_broker_gets_it_at_every_qos() {
    for qos in ["0", "1", "2"] {
        let witness = Witness::start();
        witness
            .mqpub_anywhere(["-t", "a/{seq}", "--template", "{line}", "-l", "-q", qos])
            .stdin(b"\xff\nx".as_slice())
            .run()
            .assert_success();
        let seen = |topic: &str, payload: &[u8]| Seen {
            topic: topic.to_owned(),
            qos: qos.parse().unwrap(),
            payload: payload.to_vec(),
        };
        assert_eq!(witness.seen(), [seen("a/1", b"\xff"), seen("a/2", b"x")]);
    }
}

#[test]
fn a_line_that_makes_no_topic_is_named() {
    let broker = Collector::start();
    let output = mqpub()
        .args(broker.args())
        .args(["-t", "a/{line}", "-l", "--template", "x", "-q", "1"])
        .stdin("fine\na#\n")
        .run();
    let complaint = last_complaint(output, 1);
    assert!(complaint.error.contains("line 2 of"), "{complaint:?}");
    assert!(complaint.cause.contains("wildcard"), "{complaint:?}");
    assert_eq!(broker.payloads(), [b"x"]);
}

#[test]
fn mistakes_in_it_cost_no_connection() {
    let nobody = unused_port();
    for (args, named) in [
        (&["-t", "a", "--template", "{sequence}"][..], "{sequence}"),
        (&["-t", "a", "--template", "{random:6-1}"], "{random:6-1}"),
        (&["-t", "a/{nonsense}", "--template", "x"], "{nonsense}"),
        (&["-t", "a", "--template", "{line}"], "{line}"),
        (&["-t", "a/{line}", "--template", "x"], "{line}"),
        (&["-t", "a", "--template", "x", "-m", "y"], "--template"),
        (&["-t", "a", "--template", "x", "-s"], "--template"),
        (&["--template", "x", "--json-lines"], "--template"),
    ] {
        let complaint = complaint(mqpub().args(nobody.args()).args(args).run(), 1);
        let text = format!("{} {}", complaint.error, complaint.cause);
        assert!(text.contains(named), "{args:?}: {complaint:?}");
    }
}
