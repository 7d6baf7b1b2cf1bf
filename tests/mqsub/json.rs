//! `--json`: an object a line, whatever the payload.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::{Broker, mqpub, mqsub, unused_port};
use serde_json::{Value, json};

use crate::support::{VERSIONS, publish, subscribed};

/// The objects, without the time, in which two runs differ.
fn objects(stdout: &str) -> Vec<Value> {
    let timeless = |line: &str| {
        let mut object: Value = serde_json::from_str(line).unwrap();
        let time = object.as_object_mut().unwrap().remove("tst").unwrap();
        assert!(time.as_str().unwrap().starts_with("20"), "{line}");
        object
    };
    assert!(stdout.ends_with('\n'), "{stdout}");
    stdout.lines().map(timeless).collect()
}

fn payload(object: &Value) -> Vec<u8> {
    let text = object["payload"].as_str().unwrap();
    match object.get("payload_encoding") {
        Some(encoding) => {
            assert_eq!(encoding, "base64");
            STANDARD.decode(text).unwrap()
        }
        None => text.as_bytes().to_vec(),
    }
}

#[test]
fn every_payload_is_one_line_and_comes_back() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let payloads: [&[u8]; 7] = [
        b"21.5",
        b"two\nlines\r\n",
        b"\"quotes\" and \\ backslashes",
        b"\0\x01\x1b[2J\x7f",
        "\u{9b}\u{2028}ä日\u{1F980}".as_bytes(),
        b"\xff\xfe\x00no UTF-8",
        &[0xAB; 5000],
    ];
    for version in VERSIONS {
        let count = payloads.len().to_string();
        let mqsub = subscribed(
            &broker,
            &["-V", version, "-t", "a/#", "--json", "-C", &count],
        );
        for bytes in payloads {
            let file = folder.path().join("payload");
            fs::write(&file, bytes).unwrap();
            publish(&broker, &["-t", "a/b", "-f", file.to_str().unwrap()]);
        }
        let output = mqsub.wait().assert_success();
        let objects = objects(output.stdout_str());
        assert_eq!(objects.len(), payloads.len(), "{output}");
        for (object, bytes) in objects.iter().zip(payloads) {
            assert_eq!(payload(object), bytes, "{object}");
            assert_eq!(object["topic"], "a/b");
            assert_eq!(object["payloadlen"], bytes.len());
        }
    }
}

/// One implementation.
#[test]
fn it_is_percent_j() {
    let broker = Broker::start();
    let options = ["-V", "5", "-t", "a", "-q", "1", "-C", "2"];
    let long = subscribed(&broker, &[&options[..], &["--json"]].concat());
    let short = subscribed(&broker, &[&options[..], &["-F", "%j"]].concat());
    let properties = "-D publish content-type text/plain -D publish correlation-data \
                      id -D publish user-property key value -D publish response-topic r";
    mqpub()
        .args(broker.args())
        .args(["-V", "5", "-t", "a", "-q", "1", "-m", "text"])
        .args(properties.split_whitespace())
        .run()
        .assert_success();
    publish(&broker, &["-t", "a", "-n"]);
    let [long, short] = [long, short].map(|running| {
        let output = running.wait().assert_success();
        objects(output.stdout_str())
    });
    assert_eq!(long, short);
    assert_eq!(
        long,
        [
            json!({
                "topic": "a", "qos": 1, "retain": false, "payloadlen": 4, "mid": 1,
                "properties": {
                    "content-type": "text/plain", "response-topic": "r",
                    "correlation-data": "id", "user-properties": [{"key": "value"}],
                },
                "payload": "text",
            }),
            json!({"topic": "a", "qos": 0, "retain": false, "payloadlen": 0, "payload": null}),
        ]
    );
}

#[test]
fn what_would_print_something_else_is_a_usage_error() {
    let port = unused_port();
    for other in [
        &["-F", "%p"][..],
        &["--pretty"],
        &["-N"],
        &["--message-rate"],
    ] {
        let output = mqsub()
            .args(port.args())
            .args(["-t", "a", "--json"])
            .args(other)
            .run()
            .assert_code(1);
        assert!(output.stderr_str().contains("--json"), "{output}");
    }
}
