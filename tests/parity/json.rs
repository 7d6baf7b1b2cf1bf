//! `%j`, `%J` and `--pretty`.

use harness::fake_broker::Publish;

use crate::support::{Stage, expect};

/// What is printed of one message, without the value of `tst`.
#[track_caller]
fn json(format: &str, payload: &[u8], more: &[&str]) -> String {
    let mut stage = Stage::start();
    let args = ["-t", "a", "-q", "1", "-C", "1", "-F", format];
    let tool = stage.subscribed(&[&args, more].concat());
    stage.peer.publish(&Publish::new("a", payload, 1, 0));
    let output = tool.wait().assert_success();
    let text = output.stdout_str();
    let Some((before, rest)) = text.split_once("\"tst\":") else {
        return text.to_owned();
    };
    let (_, after) = rest.split_once(',').unwrap();
    format!("{before}{after}")
}

/// Ours: `retain` is true or false, as in 2.1.
fn head() -> &'static str {
    expect(
        "{\"topic\":\"a\",\"qos\":1,\"retain\":false,",
        "{\"topic\":\"a\",\"qos\":1,\"retain\":0,",
    )
}

#[test]
fn j_has_the_payload_as_a_string() {
    let out = json("%j", br#"{"b":1}"#, &[]);
    let rest = r#""payloadlen":7,"mid":1,"payload":"{\"b\":1}"}"#;
    assert_eq!(out, format!("{}{rest}\n", head()));
}

#[test]
fn capital_j_has_it_parsed() {
    let out = json("%J", br#" { "b" : [ 1, null ] } "#, &[]);
    let rest = r#""payloadlen":23,"mid":1,"payload":{"b":[1,null]}}"#;
    assert_eq!(out, format!("{}{rest}\n", head()));
}

#[test]
fn an_empty_payload_is_null() {
    for format in ["%j", "%J"] {
        let out = json(format, b"", &[]);
        let rest = r#""payloadlen":0,"mid":1,"payload":null}"#;
        assert_eq!(out, format!("{}{rest}\n", head()));
    }
}

#[test]
fn pretty_has_a_member_a_line() {
    let out = json("%j", b"x", &["--pretty"]);
    let retain = expect("false", "0");
    assert_eq!(
        out,
        format!(
            "{{\n\t\n\t\"topic\":\t\"a\",\n\t\"qos\":\t1,\n\t\"retain\":\t{retain},\n\t\
             \"payloadlen\":\t1,\n\t\"mid\":\t1,\n\t\"payload\":\t\"x\"\n}}\n"
        )
    );
}

/// Ours: nothing on stdout, the topic on stderr; the original prints an empty line.
#[test]
fn a_payload_that_is_not_json() {
    let mut stage = Stage::start();
    let tool = stage.subscribed(&["-t", "a", "-F", "%J"]);
    stage.publish("a", "[1,");
    tool.wait_for_stderr("\n");
    tool.terminate();
    let output = tool.wait().assert_success();
    assert_eq!(output.stdout_str(), expect("", "\n"));
}

/// Ours: valid JSON of every byte. The original cuts at NUL and prints invalid UTF-8.
#[test]
fn payloads_that_are_not_text() {
    let mut stage = Stage::start();
    let tool = stage.subscribed(&["-t", "a", "-C", "2", "-F", "%j"]);
    stage.publish("a", b"a\0b");
    stage.publish("a", b"\xff");
    let output = tool.wait().assert_success();
    let lines: Vec<_> = output.stdout.split(|byte| *byte == b'\n').collect();
    let ends: [&[u8]; 2] = expect(
        [
            br#""payload":"a\u0000b"}"#,
            br#""payload":"/w==","payload_encoding":"base64"}"#,
        ],
        [br#""payload":"a"}"#, b"\"payload\":\"\xff\"}"],
    );
    assert!(lines[0].ends_with(ends[0]), "{output}");
    assert!(lines[1].ends_with(ends[1]), "{output}");
}
