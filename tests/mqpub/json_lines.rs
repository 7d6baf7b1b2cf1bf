//! `--json-lines`: each line describes a whole message.

use std::collections::{BTreeMap, BTreeSet};

use harness::{Broker, Tool, mqpub, mqsub, unused_port};
use serde_json::{Value, json};

use crate::support::{Collector, Complaint, complaint, last_complaint};

/// `mqpub --json-lines` with this broker's address.
fn lines(broker: &Collector, args: &[&str]) -> Tool {
    mqpub().args(broker.args()).arg("--json-lines").args(args)
}

#[test]
fn an_object_says_all_about_its_message() {
    let input = concat!(
        r#"{"tst":"2024-05-06T21:48:00.123456+0200","topic":"a","qos":2,"retain":true,"payloadlen":3,"mid":7,"payload":"abc"}"#,
        "\n",
        r#"{"payload":null,"topic":"\u00e4/b","qos":1,"retain":0}"#,
        "\n",
        r#" { "topic" : "c", "payload" : "/wA=", "payload_encoding" : "base64", "retain":1 } "#,
        "\n",
        r#"{"topic":"d","payload":"a\u0000\n\"\\\ud83d\ude00"}"#,
        "\n",
        r#"{"topic":"e","payload":{"on": true, "n":[1.50,2]},"properties":{}}"#,
        "\n",
        r#"{"topic":"f","payload":17}"#,
    );
    for version in ["mqttv31", "mqttv311", "mqttv5"] {
        let broker = Collector::start();
        lines(&broker, &["-V", version, "-q", "1"])
            .stdin(input)
            .run()
            .assert_success();
        let mut seen = broker.finish();
        for publish in &mut seen {
            publish.packet_id = None;
        }
        let seen: Vec<_> = seen
            .iter()
            .map(|m| (m.topic.as_str(), m.qos, m.retain, m.payload.as_slice()))
            .collect();
        assert_eq!(
            seen,
            [
                ("a", 2, true, &b"abc"[..]),
                ("\u{e4}/b", 1, false, b""),
                ("c", 1, true, b"\xff\0"),
                ("d", 1, false, "a\0\n\"\\\u{1f600}".as_bytes()),
                ("e", 1, false, br#"{"on": true, "n":[1.50,2]}"#),
                ("f", 1, false, b"17"),
            ],
            "{version}"
        );
    }
}

#[test]
fn options_stand_for_what_an_object_does_not_say() {
    let broker = Collector::start();
    lines(
        &broker,
        &["-q", "2", "-r", "-D", "publish", "content-type", "x"],
    )
    .stdin(concat!(
        r#"{"topic":"a","payload":"1"}"#,
        "\n",
        r#"{"topic":"b","payload":"2","qos":0,"retain":false,"properties":{"content-type":"y"}}"#,
        "\n",
        r#"{"topic":"c","payload":"3","properties":{}}"#,
    ))
    .run()
    .assert_success();
    let seen: Vec<_> = broker
        .finish()
        .into_iter()
        .map(|m| (m.topic, m.qos, m.retain, m.properties))
        .collect();
    assert_eq!(
        seen,
        [
            ("a".to_owned(), 2, true, b"\x03\0\x01x".to_vec()),
            ("b".to_owned(), 0, false, b"\x03\0\x01y".to_vec()),
            ("c".to_owned(), 2, true, Vec::new()),
        ]
    );
}

#[test]
fn objects_may_have_several_lines_when_nul_ends_them() {
    let broker = Collector::start();
    lines(&broker, &["-0"])
        .stdin("{\n\"topic\":\"a\",\n\"payload\":\"1\"}\n\0{\"topic\":\"b\",\"payload\":\"2\"}\0")
        .run()
        .assert_success();
    assert_eq!(broker.payloads(), [b"1", b"2"]);
}

const BAD: [(&str, &str); 16] = [
    ("", "EOF"),
    ("no json", "expected"),
    ("[]", "no such object"),
    (r#"{"topic":"a"}"#, "payload"),
    (r#"{"payload":"a"}"#, "topic"),
    (r#"{"topic":"a/#","payload":"a"}"#, "wildcard"),
    (r#"{"topic":"","payload":"a"}"#, "empty"),
    (r#"{"topic":"a","payload":"a","qos":3}"#, "QoS is 3"),
    (r#"{"topic":"a","payload":"a","retian":true}"#, "retian"),
    (r#"{"topic":"a","payload":"a","retain":2}"#, "true or false"),
    (
        r#"{"topic":"a","payload":"!","payload_encoding":"base64"}"#,
        "base64",
    ),
    (
        r#"{"topic":"a","payload":"a","payload_encoding":"rot13"}"#,
        "rot13",
    ),
    (
        r#"{"topic":"a","payload":"a","properties":{"colour":"red"}}"#,
        "colour",
    ),
    (
        r#"{"topic":"a","payload":"a","properties":{"response-topic":"b/#"}}"#,
        "wildcard",
    ),
    (
        r#"{"topic":"a","payload":"a","properties":{"payload-format-indicator":2}}"#,
        "0 or 1",
    ),
    (r#"{"topic":"a","payload":"a","tst":"noon"}"#, "noon"),
];

#[test]
fn a_bad_line_ends_it_and_is_named() {
    for (line, reason) in BAD {
        let broker = Collector::start();
        let input = format!("{0}\n{0}\n{line}\n{0}\n", r#"{"topic":"a","payload":"x"}"#);
        let output = lines(&broker, &["-V", "5", "-q", "1"]).stdin(input).run();
        let complaint = last_complaint(output, 1);
        assert!(complaint.error.contains("line 3 of"), "{complaint:?}");
        assert!(complaint.cause.contains(reason), "{complaint:?}");
        assert!(!complaint.hint.is_empty(), "{complaint:?}");
        assert_eq!(broker.payloads(), [b"x", b"x"], "{line}");
    }
}

#[test]
fn bad_lines_can_be_left_out_and_are_counted() {
    let good = r#"{"topic":"a","payload":"x","qos":1}"#;
    let mut input = format!("{good}\n");
    for (line, _) in BAD {
        input += &format!("{line}\n{good}\n");
    }
    let broker = Collector::start();
    let output = lines(
        &broker,
        &["-V", "5", "--on-bad-line", "skip", "--json-summary"],
    )
    .stdin(input.clone())
    .run()
    .assert_success();
    let text = output.stderr_str();
    for (index, (_, reason)) in BAD.iter().enumerate() {
        let line = text.lines().nth(index).unwrap();
        let number = format!("line {} of", 2 * index + 2);
        assert!(line.starts_with("warning: "), "{line}");
        assert!(line.contains(&number) && line.contains(reason), "{line}");
    }
    let summary: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(summary["skipped"], BAD.len());
    assert_eq!(summary["sent"], BAD.len() + 1);
    assert_eq!(text.lines().count(), BAD.len() + 1);
    let output = lines(&broker, &["-V", "5", "--on-bad-line", "skip", "--quiet"])
        .stdin(input)
        .run()
        .assert_success();
    assert!(output.stderr.is_empty(), "{output}");
    assert_eq!(broker.payloads().len(), 2 * (BAD.len() + 1));
}

#[test]
fn the_bad_lines_of_a_topic_separator_can_be_left_out_too() {
    let broker = Collector::start();
    let output = mqpub()
        .args(broker.args())
        .args(["-l", "--topic-separator", ":", "--on-bad-line", "skip"])
        .stdin("a:1\nb\nc:3\n")
        .run()
        .assert_success();
    assert!(output.stderr_str().contains("line 2 of"), "{output}");
    assert_eq!(broker.payloads(), [b"1", b"3"]);
}

#[test]
fn properties_need_mqtt_5() {
    let broker = Collector::start();
    let input = r#"{"topic":"a","payload":"a","properties":{"content-type":"x"}}"#;
    let output = lines(&broker, &[]).stdin(input).run();
    let complaint = complaint(output, 1);
    assert!(complaint.hint.contains("-V mqttv5"), "{complaint:?}");
    assert!(broker.payloads().is_empty());
}

#[test]
fn it_takes_no_topic_and_no_repetition() {
    let nobody = unused_port();
    let misused = |args: &[&str]| -> Complaint {
        let tool = mqpub().args(nobody.args()).arg("--json-lines");
        complaint(tool.args(args).run(), 1)
    };
    for args in [
        &["-t", "a"][..],
        &["-l"],
        &["-m", "x"],
        &["--repeat", "2"],
        &["--repeat-delay", "2"],
        &["--every", "2"],
        &["-L", "mqtt://localhost/a"],
        &["--topic-separator", " "],
        &["--on-bad-line", "perhaps"],
    ] {
        assert!(!misused(args).hint.is_empty(), "{args:?}");
    }
}

/// What a broker retains, as mqsub prints it; without what differs from run to run.
fn retained(broker: &Broker, count: usize) -> (Vec<u8>, BTreeMap<String, Value>) {
    let output = mqsub()
        .args(broker.args())
        .args([
            "-V",
            "5",
            "-q",
            "2",
            "-t",
            "#",
            "--retained-only",
            "-F",
            "%j",
        ])
        .args(["-C", &count.to_string()])
        .run()
        .assert_success();
    let mut messages = BTreeMap::new();
    for line in output.stdout_str().lines() {
        let mut message: Value = serde_json::from_str(line).unwrap();
        let object = message.as_object_mut().unwrap();
        object.remove("tst");
        object.remove("mid");
        // Counts down while the message waits.
        if let Some(expiry) = message.pointer_mut("/properties/message-expiry-interval") {
            let left = expiry.as_u64().unwrap();
            assert!((900_000..=1_000_000).contains(&left), "{line}");
            *expiry = json!("some");
        }
        let topic = message["topic"].as_str().unwrap().to_owned();
        assert!(messages.insert(topic, message).is_none(), "{line} twice");
    }
    assert_eq!(messages.len(), count);
    (output.stdout, messages)
}

#[test]
fn messages_move_from_one_broker_to_another() {
    const COUNT: usize = 60;
    let here = Broker::start();
    let there = Broker::start();
    let mut input = String::new();
    for number in 0..COUNT {
        let mut message = json!({
            "topic": format!("house/{number}/\u{e4}"),
            "payload": format!("text {number}"),
            "qos": number % 3,
            "retain": true,
        });
        if number % 2 == 0 {
            message["payload"] = json!("/wAB//4=");
            message["payload_encoding"] = json!("base64");
        }
        if number % 4 != 0 {
            message["properties"] = json!({
                "payload-format-indicator": 0,
                "message-expiry-interval": 1_000_000,
                "content-type": "text/\u{e4}",
                "response-topic": format!("answer/{number}"),
                "correlation-data": "AP8=",
                "correlation-data-encoding": "base64",
                "user-properties": [{"b": "1"}, {"a": ""}, {"b": "2"}],
            });
        }
        input += &format!("{message}\n");
    }
    let publish = |broker: &Broker, input: Vec<u8>| {
        mqpub()
            .args(broker.args())
            .args(["-V", "5", "--json-lines"])
            .stdin(input)
            .run()
            .assert_success();
    };
    publish(&here, input.into_bytes());
    let (text, before) = retained(&here, COUNT);
    assert_eq!(before["house/1/\u{e4}"]["qos"], 1);
    assert_eq!(before["house/2/\u{e4}"]["payload_encoding"], "base64");
    let properties = &before["house/5/\u{e4}"]["properties"];
    assert_eq!(properties["correlation-data"], "AP8=");
    assert_eq!(properties["user-properties"][1], json!({"a": ""}));
    publish(&there, text);
    let (_, after) = retained(&there, COUNT);
    assert_eq!(before, after);
}

/// What the benchmark does with ten times as many.
#[test]
fn ten_thousand_retained_messages_are_moved() {
    const COUNT: usize = 10_000;
    let broker = || Broker::builder().log_every_packet(false).start();
    let (here, there) = (broker(), broker());
    let lines: String = (0..COUNT)
        .map(|n| format!("site/{n}/state\t{n}\n"))
        .collect();
    mqpub()
        .args(here.args())
        .args(["-q", "1", "-r", "-l", "--topic-separator", "\t"])
        .stdin(lines)
        .run()
        .assert_success();
    let count = COUNT.to_string();
    let subscriber = |broker: &Broker| {
        mqsub()
            .args(broker.args())
            .args(["-t", "#", "--retained-only", "-C", &count])
    };
    let moved = subscriber(&here).arg("--json").run().assert_success();
    mqpub()
        .args(there.args())
        .arg("--json-lines")
        .stdin(moved.stdout)
        .run()
        .assert_success();
    let output = subscriber(&there).arg("-v").run().assert_success();
    let found: BTreeSet<_> = output.stdout_str().lines().collect();
    assert_eq!(found.len(), COUNT);
    for number in 0..COUNT {
        let line = format!("site/{number}/state {number}");
        assert!(found.contains(&*line), "{line} is not there");
    }
}

/// As mqsub shows it to people, as far as nothing is lost of it.
#[test]
fn a_payload_in_another_encoding_comes_back() {
    const PAYLOAD: &[u8] = b"\x00\xff\n text";
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("payload");
    std::fs::write(&path, PAYLOAD).unwrap();
    mqpub()
        .args(broker.args())
        .args(["-t", "a", "-r", "-f"])
        .arg(&path)
        .run()
        .assert_success();
    let there = Collector::start();
    for encoding in ["hex", "base64"] {
        let printed = mqsub()
            .args(broker.args())
            .args(["-t", "a", "-C", "1", "--json", "--payload-as", encoding])
            .run()
            .assert_success();
        let tool = lines(&there, &[]);
        tool.stdin(printed.stdout).run().assert_success();
        assert_eq!(there.next().payload, PAYLOAD, "{encoding}");
    }
    assert!(there.payloads().is_empty());
}

#[test]
fn what_mosquitto_sub_prints_can_be_published() {
    let here = Broker::start();
    mqpub()
        .args(here.args())
        .args(["-q", "1", "-r", "-t", "a/b", "-m", "kept"])
        .run()
        .assert_success();
    let line = Tool::new("mosquitto_sub")
        .args(here.args())
        .args(["-t", "#", "-q", "1", "-F", "%j", "-C", "1"])
        .run()
        .assert_success();
    let broker = Collector::start();
    lines(&broker, &[])
        .stdin(line.stdout)
        .run()
        .assert_success();
    let seen = broker.finish();
    assert_eq!(seen.len(), 1);
    let seen = &seen[0];
    assert_eq!(
        (seen.topic.as_str(), &seen.payload[..]),
        ("a/b", &b"kept"[..])
    );
    assert_eq!((seen.qos, seen.retain), (1, true));
}

#[test]
fn qos_0_and_acknowledged_messages_are_told_apart_when_the_connection_is_lost() {
    let broker = harness::FakeBroker::start(|mut conn| {
        crate::support::greet(&mut conn);
        for _ in 0..3 {
            conn.expect_publish();
        }
        conn.reset();
    });
    let line = |qos: u8| format!("{{\"topic\":\"a\",\"payload\":\"x\",\"qos\":{qos}}}\n");
    let output = mqpub()
        .args(broker.args())
        .args(["--json-lines", "--retry", "0"])
        .stdin([line(0), line(1), line(2)].concat())
        .run();
    broker.finish();
    let complaint = last_complaint(output, 7);
    for part in [
        "3 messages",
        "1 at QoS 0",
        "2 are unknown",
        "1 at QoS 0 may be lost",
    ] {
        assert!(complaint.note.contains(part), "{part}: {complaint:?}");
    }
}
