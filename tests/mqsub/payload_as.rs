//! `--payload-as`: what people read; and what does not decode.

use std::fs;

use harness::{Broker, mqsub, unused_port};
use serde_json::Value;

use crate::support::{VERSIONS, publish, subscribe, subscribed};

/// `{"t": 21.5, "ok": true}`
const CBOR: &[u8] = b"\xa2\x61t\xf9\x4d\x60\x62ok\xf5";
const MESSAGE_PACK: &[u8] = b"\x82\xa1t\xca\x41\xac\x00\x00\xa2ok\xc3";
const JSON: &str = r#"{"t":21.5,"ok":true}"#;

/// Publishes bytes, whatever they are.
#[track_caller]
fn publish_bytes(broker: &Broker, topic: &str, payload: &[u8], more: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payload");
    fs::write(&file, payload).unwrap();
    let options = ["-t", topic, "-f", file.to_str().unwrap()];
    publish(broker, &[&options, more].concat());
}

/// What is printed of a retained message.
#[track_caller]
fn printed(broker: &Broker, payload: &[u8], options: &[&str]) -> (String, String) {
    publish_bytes(broker, "a", payload, &["-r", "-q", "1"]);
    let options = [&["-t", "a", "-C", "1"], options].concat();
    let output = subscribe(broker, &options).assert_success();
    (
        output.stdout_str().to_owned(),
        output.stderr_str().to_owned(),
    )
}

#[test]
fn each_kind_is_decoded() {
    let broker = Broker::start();
    let cases: [(&str, &[u8], &str); 8] = [
        ("text", "grün".as_bytes(), "grün"),
        ("hex", b"\x00\xffab", "00ff6162"),
        ("base64", b"\x00\xffab", "AP9hYg=="),
        (
            "json",
            b" { \"t\" : 21.50,\n \"ok\" : true }\n",
            r#"{"t":21.50,"ok":true}"#,
        ),
        ("cbor", CBOR, JSON),
        ("msgpack", MESSAGE_PACK, JSON),
        // A key that is no text, a byte string, and a moment.
        ("cbor", b"\xa1\x01\x43\xfb\xff\x00", r#"{"1":"-_8A"}"#),
        (
            "msgpack",
            b"\xd6\xff\x00\x00\x00\x01",
            r#""1970-01-01T00:00:01Z""#,
        ),
    ];
    for version in VERSIONS {
        for (kind, payload, expected) in cases {
            let (stdout, stderr) =
                printed(&broker, payload, &["-V", version, "--payload-as", kind]);
            assert_eq!((stdout, stderr), (format!("{expected}\n"), String::new()));
        }
    }
    // The message that clears a topic is no mistake.
    let mqsub = subscribed(
        &broker,
        &["-t", "b", "--payload-as", "cbor", "-v", "-C", "1"],
    );
    publish(&broker, &["-t", "b", "-n"]);
    let output = mqsub.wait().assert_success();
    assert_eq!(output.stdout_str(), "b (null)\n");
    assert!(!output.stderr_str().contains("warning"), "{output}");
}

/// Where the payload stands, and only there: its length and its bytes stay.
#[test]
fn every_format_shows_it() {
    let broker = Broker::start();
    for (options, expected) in [
        (&["-v"][..], format!("a {JSON}\n")),
        (
            &["-F", "%p|%t|%l|%.2:x"],
            format!("{JSON}|a|10|a2:61:74:f9:4d:60:62:6f:6b:f5\n"),
        ),
        (
            &["--pretty"],
            "{\n\t\"t\":\t21.5,\n\t\"ok\":\ttrue\n}\n".to_owned(),
        ),
    ] {
        let options = [&["--payload-as", "cbor"], options].concat();
        assert_eq!(printed(&broker, CBOR, &options).0, expected);
    }
    for format in [&["--json"][..], &["-F", "%j"], &["-F", "%J"]] {
        let object = |payload, kind| -> Value {
            let options = [&["--payload-as", kind], format].concat();
            serde_json::from_str(&printed(&broker, payload, &options).0).unwrap()
        };
        let of_cbor = object(CBOR, "cbor");
        assert_eq!(of_cbor["payload"]["t"], 21.5);
        assert_eq!(of_cbor["payloadlen"], 10);
        assert_eq!(of_cbor.get("payload_encoding"), None);
        let of_hex = object(b"\x00\xff", "hex");
        assert_eq!(of_hex["payload"], "00ff");
        assert_eq!(of_hex["payload_encoding"], "hex");
        let of_base64 = object(b"text", "base64");
        assert_eq!(of_base64["payload"], "dGV4dA==");
        assert_eq!(of_base64["payload_encoding"], "base64");
    }
}

#[test]
fn what_does_not_decode_is_hexadecimal_with_a_warning() {
    let broker = Broker::start();
    let cases: [(&str, &[u8], &str, &str); 5] = [
        ("text", b"a\xff", "61ff", "not UTF-8 text: "),
        ("json", b"{nonsense", "7b6e6f6e73656e7365", "not JSON: "),
        ("cbor", b"\x18", "18", "not CBOR: it ends too early\n"),
        (
            "cbor",
            b"\x00\x00",
            "0000",
            "not CBOR: bytes behind its end: 1\n",
        ),
        ("msgpack", b"\xc1", "c1", "not MessagePack: "),
    ];
    for (kind, payload, hex, why) in cases {
        let (stdout, stderr) = printed(&broker, payload, &["--payload-as", kind]);
        assert_eq!(stdout, format!("{hex}\n"));
        let warning = format!("warning: a payload on the topic \"a\" is {why}");
        assert!(stderr.starts_with(&warning), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        let (stdout, stderr) = printed(
            &broker,
            payload,
            &["--payload-as", kind, "--json", "--quiet"],
        );
        let object: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(object["payload"], hex);
        assert_eq!(object["payload_encoding"], "hex");
        assert_eq!(stderr, "");
    }
}

/// It ends before the message that does not decode, which stays with the broker, as what came
/// behind it.
#[test]
fn exit_on_error_leaves_it_with_the_broker() {
    let broker = Broker::start();
    for (version, format) in [("mqttv311", "%j"), ("mqttv5", "%p")] {
        let session = ["-V", version, "-i", version, "-c", "-q", "1", "-t", version];
        let run = |more: &[&str]| subscribe(&broker, &[&session, more].concat());
        run(&["-E"]).assert_success();
        for payload in [CBOR, b"\x18", CBOR] {
            publish_bytes(&broker, version, payload, &["-q", "1"]);
        }
        let strict = ["--payload-as", "cbor", "--exit-on-error", "-F", format];
        let output = run(&strict).assert_code(13);
        assert_eq!(output.stdout_str().lines().count(), 1, "{output}");
        let error =
            format!("error: a payload on the topic {version:?} is not CBOR: it ends too early\n");
        assert_eq!(output.stderr_str(), error);
        let rest = run(&["-F", "%x", "-C", "2"]).assert_success();
        assert_eq!(rest.stdout_str(), "18\na26174f94d60626f6bf5\n");
    }
}

/// `%J` prints nothing of what is not JSON, and goes on; unless that is the end.
#[test]
fn exit_on_error_is_for_capital_j_too() {
    let broker = Broker::start();
    let options = ["-t", "a", "-F", "%J", "--exit-on-error"];
    let mqsub = subscribed(&broker, &options);
    publish(&broker, &["-t", "a", "-m", "1"]);
    publish(&broker, &["-t", "a", "-m", "nonsense"]);
    let output = mqsub.wait().assert_code(13);
    assert_eq!(output.stdout_str().lines().count(), 1, "{output}");
    let error = "\nerror: a payload on the topic \"a\" is not JSON: ";
    assert!(output.stderr_str().contains(error), "{output}");
}

#[test]
fn another_kind_is_a_usage_error() {
    let port = unused_port();
    for options in [
        &["--payload-as", "xml"][..],
        &["--payload-as", "hex", "--message-rate"],
    ] {
        let output = mqsub()
            .args(port.args())
            .args(["-t", "a"])
            .args(options)
            .run()
            .assert_code(1);
        assert!(output.stderr_str().starts_with("error: "), "{output}");
    }
}
