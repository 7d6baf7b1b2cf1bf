//! `--payload-is`: payloads that are written in something else than what is published.

use harness::{mqpub, unused_port};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Collector, complaint, last_complaint};

#[test]
fn each_source_is_converted() {
    let folder = TempDir::new().unwrap();
    // As xxd -p and base64 write them.
    std::fs::write(folder.path().join("hex"), "00ff\n1A\n").unwrap();
    std::fs::write(folder.path().join("base64"), "AP8a\n").unwrap();
    let expected: &[u8] = b"\0\xff\x1a";
    for version in ["mqttv311", "mqttv5"] {
        let broker = Collector::start();
        for args in [
            &["-m", "00FF1a", "--payload-is", "hex"][..],
            &["-f", "hex", "--payload-is", "hex"],
            &["-f", "base64", "--payload-is", "base64"],
            &["-s", "--payload-is", "base64"],
            &["-l", "--payload-is", "base64", "-q", "1"],
            &["-m", "AP8a", "--payload-is", "base64", "--repeat", "2"],
        ] {
            broker
                .mqpub(["-V", version])
                .args(args)
                .current_dir(folder.path())
                .stdin("AP8a")
                .run()
                .assert_success();
        }
        assert_eq!(broker.payloads(), [expected; 7], "{version}");
    }
}

#[test]
fn json_becomes_cbor_and_message_pack() {
    let text = r#"{"b":[1,-1,2.5,null,true],"a":"\u00e4"}"#;
    for (encoding, expected) in [
        (
            "cbor",
            &b"\xa2\x61b\x85\x01\x20\xf9\x41\x00\xf6\xf5\x61a\x62\xc3\xa4"[..],
        ),
        (
            "msgpack",
            b"\x82\xa1b\x95\x01\xff\xca\x40\x20\0\0\xc0\xc3\xa1a\xa2\xc3\xa4",
        ),
    ] {
        let broker = Collector::start();
        for args in [&["-m", text][..], &["-s"], &["-l", "-q", "2"]] {
            broker
                .mqpub(args)
                .args(["--payload-is", encoding])
                .stdin(text)
                .run()
                .assert_success();
        }
        let object = json!({"topic": "a", "payload": serde_json::from_str::<serde_json::Value>(text).unwrap()["b"]});
        mqpub()
            .args(broker.args())
            .args(["--json-lines", "--payload-is", encoding])
            .stdin(object.to_string())
            .run()
            .assert_success();
        let payloads = broker.payloads();
        assert_eq!(payloads[..3], [expected; 3], "{encoding}");
        // The list alone.
        let list = &expected[3..expected.len() - 5];
        assert_eq!(payloads[3], list, "{encoding}");
    }
}

#[test]
fn a_large_file_is_converted_too() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hex");
    std::fs::write(&path, "5a".repeat(1_000_000)).unwrap();
    let broker = Collector::start();
    broker
        .mqpub(["--payload-is", "hex", "-f"])
        .arg(&path)
        .run()
        .assert_success();
    assert!(broker.payloads() == [vec![0x5a; 1_000_000]]);
}

#[test]
fn what_is_given_wrongly_costs_no_connection() {
    let nobody = unused_port();
    for (encoding, text, reason) in [
        ("hex", "0g", "'g'"),
        ("hex", "123", "odd"),
        ("base64", "A", "base64"),
        ("cbor", "{", "JSON"),
        ("msgpack", "1 2", "JSON"),
    ] {
        let tool = mqpub().args(nobody.args()).args(["-t", "a", "-m", text]);
        let complaint = complaint(tool.args(["--payload-is", encoding]).run(), 1);
        assert!(complaint.cause.contains(reason), "{complaint:?}");
        assert!(complaint.hint.contains("--payload-is"), "{complaint:?}");
    }
    let tool = mqpub().args(nobody.args()).args(["-t", "a", "-m", "x"]);
    let complaint = complaint(tool.args(["--payload-is", "xml"]).run(), 1);
    assert!(complaint.error.contains("--payload-is"), "{complaint:?}");
}

#[test]
fn a_line_that_is_given_wrongly_is_named_or_left_out() {
    let broker = Collector::start();
    let tool = |more: &[&str]| {
        let tool = broker.mqpub(["-l", "-q", "1", "--payload-is", "hex"]);
        tool.args(more).stdin("00\n0\n01\n").run()
    };
    let complaint = last_complaint(tool(&[]), 1);
    assert!(complaint.error.contains("line 2 of"), "{complaint:?}");
    let output = tool(&["--on-bad-line", "skip"]).assert_success();
    assert!(output.stderr_str().contains("line 2 of"), "{output}");
    assert_eq!(broker.payloads(), [[0], [0], [1]]);
}
