//! `--replay`: publishes what mqsub has recorded, as it was.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::{Broker, FakeBroker, Tool, mqpub, mqsub, unused_port};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Collector, PATIENCE, complaint, greet, last_complaint, part};

/// A file with these lines.
struct Recording {
    _folder: TempDir,
    path: PathBuf,
}

impl Recording {
    fn new(lines: impl AsRef<[u8]>) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("recording");
        std::fs::write(&path, lines).unwrap();
        Self {
            _folder: folder,
            path,
        }
    }

    /// Of payloads with the seconds at which they were recorded.
    fn of(messages: &[(&str, f64)]) -> Self {
        let lines = messages.iter().map(|(payload, seconds)| {
            let tst = format!("2024-05-06T21:48:{seconds:09.6}+0200");
            format!(
                "{}\n",
                json!({"topic": "a", "tst": tst, "payload": payload})
            )
        });
        Self::new(lines.collect::<String>())
    }

    /// `mqpub --replay` of it.
    fn mqpub(&self, broker: &[String], args: &[&str]) -> Tool {
        let tool = mqpub().args(broker).arg("--replay").arg(&self.path);
        tool.args(args)
    }
}

/// How long it takes from the broker's CONNACK to the last of so many messages.
fn duration(recording: &Recording, count: usize, args: &[&str]) -> Duration {
    let (sender, took) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        conn.expect_connect();
        let start = Instant::now();
        conn.connack(0);
        for _ in 0..count {
            conn.expect_publish();
        }
        sender.send(start.elapsed()).unwrap();
        part(&mut conn);
    });
    recording.mqpub(&broker.args(), args).run().assert_success();
    broker.finish();
    took.recv().unwrap()
}

#[test]
fn messages_keep_the_times_between_them() {
    let recording = Recording::of(&[("1", 10.0), ("2", 10.1), ("3", 10.3)]);
    assert!(duration(&recording, 3, &[]) >= Duration::from_millis(300));
    assert!(duration(&recording, 3, &["--speed", "0.5"]) >= Duration::from_millis(600));
    assert!(duration(&recording, 3, &["--speed", "2"]) >= Duration::from_millis(150));
    // The first of the next round follows at once on the last one.
    let twice = duration(&recording, 6, &["--loop", "2"]);
    assert!(twice >= Duration::from_millis(600), "{twice:?}");
    // Another pace takes the place of the recorded one.
    let paced = duration(&recording, 3, &["--rate", "5"]);
    assert!(paced >= Duration::from_millis(400), "{paced:?}");
}

#[test]
fn a_long_recording_can_be_sped_up_and_repeated() {
    // A year; the last line has no end.
    let text = concat!(
        r#"{"tst":"2024-01-01T00:00:00.000000+0000","topic":"a","payload":"one"}"#,
        "\n",
        r#"{"tst":"2025-01-01T00:00:00.000000+0000","topic":"a","payload":"two"}"#,
    );
    let recording = Recording::new(text);
    let broker = Collector::start();
    for args in [
        &["--speed", "max", "--loop", "3"][..],
        &["--speed", "1e12", "--loop", "3"],
        &["--rate", "100000", "--loop", "3"],
    ] {
        recording.mqpub(&broker.args(), args).run().assert_success();
    }
    let expected = [&b"one"[..], b"two"].repeat(9);
    assert_eq!(broker.payloads(), expected);
}

#[test]
fn no_recording_ends_without_a_message_however_often() {
    let broker = Collector::start();
    let recording = Recording::new("");
    let tool = recording.mqpub(&broker.args(), &["--loop", "1000000000"]);
    tool.run().assert_success();
    assert!(broker.payloads().is_empty());
}

#[test]
fn a_line_without_its_time_needs_another_pace() {
    let recording = Recording::new(concat!(
        r#"{"tst":"2024-01-01T00:00:00.000000+0000","topic":"a","payload":"one"}"#,
        "\n",
        r#"{"topic":"a","payload":"two"}"#,
    ));
    let broker = Collector::start();
    let output = recording.mqpub(&broker.args(), &["-q", "1"]).run();
    let complaint = last_complaint(output, 1);
    assert!(
        complaint.error.contains("line 2 of the file"),
        "{complaint:?}"
    );
    assert!(complaint.error.contains("recording"), "{complaint:?}");
    assert!(complaint.cause.contains("tst"), "{complaint:?}");
    assert!(complaint.hint.contains("--speed max"), "{complaint:?}");
    let tool = recording.mqpub(&broker.args(), &["--speed", "max"]);
    tool.run().assert_success();
    assert_eq!(broker.payloads(), [b"one", b"one", b"two"]);
}

#[test]
fn a_signal_ends_it_at_once() {
    let recording = Recording::of(&[("now", 0.0), ("soon", 59.0), ("later", 59.0)]);
    let (sender, first) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        greet(&mut conn);
        assert_eq!(conn.expect_publish().payload, b"now");
        sender.send(()).unwrap();
        part(&mut conn);
    });
    let running = recording
        .mqpub(&broker.args(), &["--speed", "0.0001", "--loop", "2"])
        .spawn();
    first.recv_timeout(PATIENCE).unwrap();
    running.terminate();
    running.wait_for_end();
    running.wait().assert_code(143);
    broker.finish();
}

#[test]
fn what_cannot_be_replayed_is_told() {
    let nobody = unused_port();
    let tool = || mqpub().args(nobody.args());
    let missing = complaint(tool().args(["--replay", "/nowhere/at/all"]).run(), 14);
    assert!(missing.error.contains("/nowhere/at/all"), "{missing:?}");
    for (args, named) in [
        (&["-t", "a", "-m", "x", "--speed", "2"][..], "--speed"),
        (&["-t", "a", "-m", "x", "--loop", "2"], "--loop"),
        (&["--replay", "x", "--speed", "0"], "--speed"),
        (&["--replay", "x", "--speed", "fast"], "--speed"),
        (&["--replay", "x", "--loop", "0"], "--loop"),
        (&["--replay", "x", "--speed", "2", "--rate", "2"], "--speed"),
        (&["--replay", "x", "--repeat", "2"], "--repeat"),
        (&["--replay", "x", "-t", "a"], "--topic"),
    ] {
        let complaint = complaint(tool().args(args).run(), 1);
        assert!(complaint.error.contains(named), "{complaint:?}");
    }
    // A folder opens, and cannot be read.
    let broker = Collector::start();
    let tool = mqpub().args(broker.args()).args(["--replay", "/"]);
    let folder = complaint(tool.run(), 14);
    assert!(folder.error.contains("the file /"), "{folder:?}");
    drop(broker.finish());
}

/// Random bytes as a member of an object, with another one if they are no text.
fn put_bytes(object: &mut Value, member: &str, encoding: &str, random: &mut fastrand::Rng) {
    let most = if random.bool() { 20 } else { 2_000 };
    let length = random.usize(..most);
    let bytes: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
    object[member] = STANDARD.encode(bytes).into();
    object[encoding] = "base64".into();
}

fn text(random: &mut fastrand::Rng) -> String {
    let length = random.usize(..12);
    let any = || random.char(..);
    let is_legal = |c: &char| !c.is_control() && u32::from(*c) & 0xFFFE != 0xFFFE;
    std::iter::repeat_with(any)
        .filter(|c| is_legal(c) && !('\u{fdd0}'..='\u{fdef}').contains(c))
        .take(length)
        .collect()
}

/// A message that has everything, or some of it.
fn random_message(number: usize, random: &mut fastrand::Rng) -> Value {
    let mut message = json!({
        "topic": format!("t/{number}"),
        "qos": random.u8(..3),
        "retain": random.bool(),
    });
    put_bytes(&mut message, "payload", "payload_encoding", random);
    let mut properties = json!({});
    if random.bool() {
        properties["payload-format-indicator"] = 0.into();
    }
    if random.bool() {
        properties["message-expiry-interval"] = random.u32(1_000_000..).into();
    }
    if random.bool() {
        properties["content-type"] = text(random).into();
    }
    if random.bool() {
        properties["response-topic"] = format!("answer/{number}").into();
    }
    if random.bool() {
        put_bytes(
            &mut properties,
            "correlation-data",
            "correlation-data-encoding",
            random,
        );
    }
    if random.bool() {
        let pairs = (0..random.usize(1..5)).map(|_| {
            let key = ["a", "b", ""][random.usize(..3)];
            json!({key: text(random)})
        });
        properties["user-properties"] = pairs.collect::<Vec<_>>().into();
    }
    message["properties"] = properties;
    message
}

/// All that counts of a message: bytes are bytes, however they are written.
fn essence(message: &Value) -> (String, Value) {
    let bytes = |holder: &Value, member: &str, encoding: &str| -> Value {
        match (holder[member].as_str(), holder[encoding].as_str()) {
            (Some(text), Some("base64")) => STANDARD.decode(text).unwrap().into(),
            (Some(text), None) => text.as_bytes().into(),
            (None, None) => Value::Null,
            other => panic!("{other:?}"),
        }
    };
    let mut properties = message["properties"].clone();
    if properties.as_object().is_none_or(|list| list.is_empty()) {
        // An empty list is no list.
        properties = Value::Null;
    } else if properties["correlation-data"].is_string() {
        let data = bytes(&properties, "correlation-data", "correlation-data-encoding");
        properties["correlation-data"] = data;
        let list = properties.as_object_mut().unwrap();
        list.remove("correlation-data-encoding");
    }
    // Counts down by the second.
    if let Some(expiry) = properties.get_mut("message-expiry-interval") {
        assert!(expiry.as_u64().unwrap() > 990_000);
        *expiry = "some".into();
    }
    let payload = match bytes(message, "payload", "payload_encoding") {
        Value::Null => json!([]),
        bytes => bytes,
    };
    let essence = json!({
        "qos": message["qos"],
        "retain": message["retain"],
        "properties": properties,
        "payload": payload,
    });
    (message["topic"].as_str().unwrap().to_owned(), essence)
}

fn essences(recording: &[u8]) -> BTreeMap<String, Value> {
    let lines = std::str::from_utf8(recording).unwrap().lines();
    lines
        .map(|line| essence(&serde_json::from_str(line).unwrap()))
        .collect()
}

/// What mqsub records of all that `publish` publishes to a broker of its own.
fn record(version: &str, count: usize, publish: impl FnOnce(&Broker)) -> Vec<u8> {
    let broker = Broker::start();
    let subscriber = mqsub()
        .args(broker.args())
        .args(["-V", version, "-q", "2", "-t", "t/#", "-F", "%j"])
        .args((version == "5").then_some("--retain-as-published"))
        .args(["-C", &count.to_string()])
        .spawn();
    broker.wait_for_log("Sending SUBACK");
    publish(&broker);
    subscriber.wait().assert_success().stdout
}

/// Records what is published, replays that to another broker, and records it again.
fn there_and_back(version: &str, messages: &[Value]) {
    let count = messages.len();
    let lines: String = messages.iter().map(|m| format!("{m}\n")).collect();
    let first = record(version, count, |broker| {
        mqpub()
            .args(broker.args())
            .args(["-V", version, "--json-lines"])
            .stdin(lines)
            .run()
            .assert_success();
    });
    let expected: BTreeMap<_, _> = messages.iter().map(essence).collect();
    let recorded = essences(&first);
    assert_eq!(recorded.len(), count);
    for (topic, message) in &expected {
        assert_eq!(&recorded[topic], message, "{topic}");
    }
    let recording = Recording::new(first);
    let second = record(version, count, |broker| {
        let tool = recording.mqpub(&broker.args(), &["-V", version, "--speed", "10"]);
        tool.run().assert_success();
    });
    assert!(essences(&second) == recorded);
}

/// The seed is for those who look for a failure.
#[expect(clippy::print_stderr, reason = "shown if the test fails")]
fn random() -> fastrand::Rng {
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    fastrand::Rng::with_seed(seed)
}

#[test]
fn a_recording_of_a_replay_is_the_same_byte_for_byte() {
    let mut random = random();
    let mut messages: Vec<_> = (0..150)
        .map(|number| random_message(number, &mut random))
        .collect();
    // Text that says that it is.
    messages.push(json!({
        "topic": "t/text", "qos": 1, "retain": true, "payload": "text \u{e4}\n\u{1}",
        "properties": {"payload-format-indicator": 1},
    }));
    there_and_back("5", &messages);
}

/// Without properties, which it does not have, and without the retain flag, which it does not tell
/// of live messages.
#[test]
fn so_it_is_in_mqtt_3_1_1() {
    let mut random = random();
    let mut message = |number| {
        let mut message = random_message(number, &mut random);
        message.as_object_mut().unwrap().remove("properties");
        message["retain"] = false.into();
        message
    };
    let messages: Vec<_> = (0..150).map(&mut message).collect();
    there_and_back("mqttv311", &messages);
}

/// What belongs to one connection stays there: an alias, and the identifier of a subscription.
#[test]
fn what_is_of_one_connection_is_not_recorded() {
    let broker = Broker::start();
    let subscriber = mqsub()
        .args(broker.args())
        .args(["-V", "5", "-t", "a", "-C", "2", "--json"])
        .args(["-D", "subscribe", "subscription-identifier", "7"])
        .args(["-D", "connect", "topic-alias-maximum", "5"])
        .spawn();
    broker.wait_for_log("Sending SUBACK");
    mqpub()
        .args(broker.args())
        .args(["-V", "5", "-t", "a", "-m", "x", "--repeat", "2"])
        .args(["-D", "publish", "topic-alias", "3"])
        .run()
        .assert_success();
    let recorded = subscriber.wait().assert_success();
    for line in recorded.stdout_str().lines() {
        let message: Value = serde_json::from_str(line).unwrap();
        assert_eq!(message["topic"], "a", "{line}");
        assert!(!line.contains("alias"), "{line}");
    }
    let again = Collector::start();
    let tool = mqpub().args(again.args()).args(["-V", "5", "--json-lines"]);
    tool.stdin(recorded.stdout).run().assert_success();
    for publish in again.finish() {
        assert_eq!(publish.topic, "a");
        assert_eq!(publish.properties, [0_u8; 0]);
    }
}
