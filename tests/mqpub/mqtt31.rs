//! `-V mqttv31`: MQTT 3.1, which has another protocol name and asks for a client identifier.

use std::sync::mpsc;

use harness::fake_broker::Connect;
use harness::{Broker, FakeBroker, Output, mqpub, mqsub, unused_port};

use crate::support::{complaint, greet, part, publisher};

/// What CONNECT says with these options, and what the tool said.
#[track_caller]
fn connect_with(options: &[&str]) -> (Connect, Output) {
    let (sender, connect) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        sender.send(greet(&mut conn)).unwrap();
        conn.expect_publish();
        part(&mut conn);
    });
    let output = publisher(&broker)
        .args(["-V", "mqttv31", "-m", "x"])
        .args(options)
        .run()
        .assert_success();
    broker.finish();
    (connect.try_recv().unwrap(), output)
}

#[test]
fn connect_has_the_old_name_and_level() {
    let (connect, output) = connect_with(&[
        "-u",
        "name",
        "-P",
        "word",
        "-k",
        "7",
        "--will-topic",
        "w",
        "--will-payload",
        "gone",
        "--will-qos",
        "1",
        "--will-retain",
    ]);
    assert_eq!((&*connect.protocol, connect.level), ("MQIsdp", 3));
    assert_eq!((connect.clean, connect.keep_alive), (true, 7));
    assert_eq!(connect.username.as_deref(), Some("name"));
    assert_eq!(connect.password.as_deref(), Some(&b"word"[..]));
    let will = connect.will.unwrap();
    assert_eq!((&*will.topic, &will.payload[..]), ("w", &b"gone"[..]));
    assert_eq!((will.qos, will.retain), (1, true));
    assert!(output.stderr.is_empty(), "{output}");
    let (connect, _) = connect_with(&["-V", "31"]);
    assert_eq!(connect.level, 3);
}

#[test]
fn a_client_identifier_is_made_when_none_is_given() {
    let made = || connect_with(&[]).0.client_id;
    let (one, other) = (made(), made());
    for id in [&one, &other] {
        assert!((1..=23).contains(&id.len()), "{id}");
        assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    }
    assert_ne!(one, other);
    assert_eq!(connect_with(&["-i", "mine"]).0.client_id, "mine");
    let nobody = unused_port();
    let output = mqpub()
        .args(nobody.args())
        .args(["-V", "mqttv31", "-t", "a", "-m", "x", "-i", ""])
        .run();
    assert!(complaint(output, 1).hint.contains("leave -i out"));
}

#[test]
fn a_long_client_identifier_is_sent_with_a_warning() {
    let id = "x".repeat(24);
    let (connect, output) = connect_with(&["-i", &id]);
    assert_eq!(connect.client_id, id);
    assert!(
        output.stderr_str().starts_with("warning: ") && output.stderr_str().contains("23"),
        "{output}"
    );
    let (_, output) = connect_with(&["-i", &id, "--quiet"]);
    assert!(output.stderr.is_empty(), "{output}");
    let (_, output) = connect_with(&["-i", &id[1..]]);
    assert!(output.stderr.is_empty(), "{output}");
}

#[test]
fn a_password_needs_a_user_name() {
    let nobody = unused_port();
    let output = mqpub()
        .args(nobody.args())
        .args(["-V", "mqttv31", "-t", "a", "-m", "x", "-P", "word"])
        .run();
    assert!(complaint(output, 1).error.contains("MQTT 5 only"));
}

#[test]
fn a_refusal_is_the_exit_code() {
    let broker = FakeBroker::start(|mut conn| {
        assert_eq!(conn.expect_connect().level, 3);
        conn.connack(u8::try_from(conn.number()).unwrap() + 1);
        conn.expect_close();
    });
    for code in 1..=5 {
        let tool = publisher(&broker).args(["-V", "mqttv31", "-m", "x"]);
        complaint(tool.run(), code);
    }
    broker.finish();
}

#[test]
fn a_refused_subscription_is_128() {
    let broker = FakeBroker::start(|mut conn| {
        assert_eq!(conn.expect_connect().level, 3);
        conn.connack(0);
        let id = conn.expect_subscribe().packet_id;
        conn.suback(id, &[0x80]);
        part(&mut conn);
    });
    mqsub()
        .args(broker.args())
        .args(["-V", "mqttv31", "-t", "a"])
        .run()
        .assert_code(128);
    broker.finish();
}

#[test]
fn the_broker_sees_mqtt_3_1() {
    let broker = Broker::start();
    mqpub()
        .args(broker.args())
        .args([
            "-V", "mqttv31", "-t", "a", "-m", "x", "-q", "2", "-i", "old",
        ])
        .run()
        .assert_success();
    broker.wait_for_log("as old (p1,");
}
