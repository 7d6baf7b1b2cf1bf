//! What a broker says in its CONNACK that it does not take: such a message is not sent.

use harness::{Broker, FakeBroker, mqpub};
use tempfile::NamedTempFile;

use crate::support::{Complaint, complaint, expect_pause, greet_v5, part, publisher};

/// Publishes to a broker with these CONNACK properties, which must get no message but a
/// DISCONNECT.
#[track_caller]
fn refused(properties: &'static [u8], args: &[&str], code: i32) -> Complaint {
    let broker = FakeBroker::start(|mut conn| {
        greet_v5(&mut conn, properties);
        part(&mut conn);
    });
    let output = publisher(&broker).args(["-V", "mqttv5"]).args(args).run();
    broker.finish();
    complaint(output, code)
}

/// Publishes to a broker with these CONNACK properties, which must get the message.
#[track_caller]
fn taken(properties: &'static [u8], args: &[&str]) {
    let broker = FakeBroker::start(|mut conn| {
        greet_v5(&mut conn, properties);
        if let Some(id) = conn.expect_publish().packet_id {
            conn.puback(id);
        }
        part(&mut conn);
    });
    publisher(&broker)
        .args(["-V", "mqttv5"])
        .args(args)
        .run()
        .assert_success();
    broker.finish();
}

#[test]
fn a_packet_over_the_maximum_packet_size_is_not_sent() {
    // Two bytes of fixed header, the topic with its length, no properties: 2 + 12 + 1.
    const LIMIT_30: &[u8] = &[0x27, 0, 0, 0, 30];
    taken(LIMIT_30, &["-m", "fifteen bytes.."]);
    let complaint = refused(LIMIT_30, &["-m", "sixteen bytes..."], 25);
    assert!(
        complaint.cause.contains("31") && complaint.cause.contains("30"),
        "{complaint:?}"
    );
    // The Packet Identifier counts too.
    taken(LIMIT_30, &["-q", "1", "-m", "thirteen byte"]);
    refused(LIMIT_30, &["-q", "1", "-m", "fourteen bytes"], 25);
}

#[test]
fn messages_before_one_that_is_too_large_are_seen_to_their_end() {
    let broker = FakeBroker::start(|mut conn| {
        greet_v5(&mut conn, &[0x27, 0, 0, 0, 30]);
        let publish = conn.expect_publish();
        assert_eq!(publish.payload, b"short");
        expect_pause(&mut conn);
        conn.puback(publish.packet_id.unwrap());
        part(&mut conn);
    });
    let output = publisher(&broker)
        .args(["-V", "mqttv5", "-q", "1", "-l"])
        .stdin("short\nmuch longer than the broker allows\nshort\n")
        .run();
    broker.finish();
    let complaint = complaint(output, 25);
    assert!(complaint.error.contains("message 2"), "{complaint:?}");
}

#[test]
fn after_a_line_that_is_too_large_the_balance_is_told() {
    let broker = Broker::builder().config("max_packet_size 200").start();
    let stdin = format!("a\nc\n{}\nb\n", "x".repeat(500));
    for (qos, balance) in [
        ("0", "2 messages were sent at QoS 0; the last may be lost"),
        (
            "1",
            "of 2 messages sent, 2 were acknowledged, 0 refused, 0 are unknown",
        ),
    ] {
        let output = mqpub()
            .args(broker.args())
            .args(["-V", "mqttv5", "-t", "a", "-l", "-q", qos])
            .stdin(stdin.as_str())
            .run()
            .assert_code(25);
        let note = format!("note: {balance}; the rest of the input was not sent\n");
        let text = output.stderr_str();
        assert!(
            text.starts_with("error: cannot publish message 3\n"),
            "{text}"
        );
        assert!(text.contains(&note) && text.contains("\nhint: "), "{text}");
    }
}

#[test]
fn a_packet_over_our_own_maximum_is_no_doubt_about_the_port() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack_v5(0);
        conn.hold();
    });
    let output = publisher(&broker)
        .args(["-m", "x"])
        .args(["-D", "connect", "maximum-packet-size", "4"])
        .run();
    let complaint = complaint(output, 21);
    assert!(
        complaint.hint.contains("maximum-packet-size"),
        "{complaint:?}"
    );
}

#[test]
fn a_qos_over_the_maximum_qos_is_not_sent() {
    let complaint = refused(&[0x24, 0], &["-q", "1", "-m", "text"], 24);
    assert!(complaint.hint.contains("-q 0"), "{complaint:?}");
    let complaint = refused(&[0x24, 1], &["-q", "2", "-m", "text"], 24);
    assert!(complaint.hint.contains("-q 1"), "{complaint:?}");
    taken(&[0x24, 0], &["-q", "0", "-m", "text"]);
    taken(&[0x24, 1], &["-q", "1", "-m", "text"]);
}

#[test]
fn a_retained_message_is_not_sent_where_none_are_kept() {
    let complaint = refused(&[0x25, 0], &["-r", "-m", "text"], 28);
    assert!(complaint.hint.contains("-r"), "{complaint:?}");
    taken(&[0x25, 0], &["-m", "text"]);
    taken(&[0x25, 1], &["-r", "-m", "text"]);
}

#[test]
fn a_real_brokers_limits_have_their_exit_codes() {
    let acl = NamedTempFile::new().unwrap();
    std::fs::write(acl.path(), "topic readwrite test/topic\n").unwrap();
    let broker = Broker::builder()
        .config("max_qos 1")
        .config("retain_available false")
        .config("max_packet_size 50")
        .config(format!("acl_file {}", acl.path().display()))
        .start();
    let run = |options: &[&str]| {
        mqpub()
            .args(broker.args())
            .args(["-V", "mqttv5", "-t", "test/topic"])
            .args(options)
            .run()
    };
    complaint(run(&["-m", "x", "-q", "2"]), 24);
    complaint(run(&["-m", &"x".repeat(50)]), 25);
    complaint(run(&["-m", "x", "-r"]), 28);
    // Not for this user.
    let denied = complaint(run(&["-m", "x", "-q", "1", "-t", "other"]), 135);
    assert!(denied.cause.contains("not authorised"), "{denied:?}");
    run(&["-m", "x", "-q", "1"]).assert_success();
}
