//! The exit codes of COMPAT.md, section 3, where there is a broker or none.

use std::io::Write as _;

use harness::{Broker, FakeBroker, Tool, mqpub, mqsub, unused_port};

use crate::support::{BOTH, expect};

/// Ours: 14. The original ends with 1 whatever was in the way.
#[test]
fn nobody_listens() {
    let port = unused_port();
    for tool in BOTH {
        tool().args(port.args()).run().assert_code(expect(14, 1));
    }
}

/// Ours: 15.
#[test]
fn a_host_that_has_no_address() {
    for tool in BOTH {
        tool()
            .args(["-h", "no-such-host.invalid"])
            .run()
            .assert_code(expect(15, 1));
    }
}

#[test]
fn a_connack_refuses_with_its_return_code() {
    for code in 1..=5 {
        for tool in BOTH {
            let broker = FakeBroker::start(move |mut conn| {
                assert_eq!(conn.expect_connect().level, 4);
                conn.connack(code);
                conn.hold();
            });
            tool().args(broker.args()).run().assert_code(code.into());
        }
    }
}

#[test]
fn a_connack_refuses_with_its_reason_code() {
    for code in [0x80, 0x82, 0x85, 0x86, 0x87, 0x88, 0x8a, 0x97, 0x9f] {
        for tool in BOTH {
            let broker = FakeBroker::start(move |mut conn| {
                assert_eq!(conn.expect_connect().level, 5);
                conn.connack_v5(code);
                conn.hold();
            });
            let output = tool().args(broker.args()).args(["-V", "5"]).run();
            assert!(output.status == i32::from(code), "{code}: {output}");
        }
    }
}

/// Ours: the code says that the message did not get there; the original's is 0.
#[test]
fn a_publish_that_the_broker_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let acl = folder.path().join("acl");
    let mut file = std::fs::File::create(&acl).unwrap();
    writeln!(file, "topic read secret\ntopic readwrite open").unwrap();
    let broker = Broker::builder()
        .config(format!("acl_file {}", acl.display()))
        .start();
    for (qos, ours) in [("1", 135), ("2", 135)] {
        mqpub()
            .args(broker.args())
            .args(["-V", "5", "-t", "secret", "-m", "x", "-q", qos])
            .run()
            .assert_code(expect(ours, 0));
    }
    mqpub()
        .args(broker.args())
        .args(["-V", "5", "-t", "open", "-m", "x", "-q", "1"])
        .run()
        .assert_success();
}

/// Ours: 128, the SUBACK's code. The original ends as if nothing had happened.
#[test]
fn all_subscriptions_refused() {
    for (version, ours) in [("311", 128), ("5", 135)] {
        let broker = FakeBroker::start(move |mut conn| {
            let v5 = conn.expect_connect().level == 5;
            if v5 {
                conn.connack_v5(0);
            } else {
                conn.connack(0);
            }
            let id = conn.expect_subscribe().packet_id;
            if v5 {
                conn.suback_v5(id, &[135]);
            } else {
                conn.suback(id, &[128]);
            }
            conn.hold();
        });
        let output = mqsub()
            .args(broker.args())
            .args(["-V", version, "-t", "a"])
            .run();
        assert_eq!(output.status, expect(ours, 0), "{output}");
    }
}

#[test]
fn a_subscription_among_others_that_is_refused_changes_nothing() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack(0);
        let id = conn.expect_subscribe().packet_id;
        conn.suback(id, &[128, 0]);
        conn.publish(&harness::fake_broker::Publish::new("b", "text", 0, 0));
        conn.hold();
    });
    let output = mqsub()
        .args(broker.args())
        .args(["-t", "a", "-t", "b", "-C", "1"])
        .run()
        .assert_success();
    assert_eq!(output.stdout_str(), "text\n");
}

/// Ours: 24, before anything is lost. The original says nothing.
#[test]
fn a_qos_that_the_broker_does_not_have() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack_v5_with(false, 0, &[0x24, 0]);
        conn.hold();
    });
    let output = mqpub()
        .args(broker.args())
        .args(["-V", "5", "-t", "a", "-m", "x", "-q", "1"])
        .run();
    assert_eq!(output.status, expect(24, 0), "{output}");
}

/// Ours: 28; the same.
#[test]
fn retained_messages_that_the_broker_does_not_keep() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack_v5_with(false, 0, &[0x25, 0]);
        conn.hold();
    });
    let output = mqpub()
        .args(broker.args())
        .args(["-V", "5", "-t", "a", "-m", "x", "-r"])
        .run();
    assert_eq!(output.status, expect(28, 0), "{output}");
}

/// Ours: 25; the same.
#[test]
fn a_packet_that_is_too_large_for_the_broker() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack_v5_with(false, 0, &[0x27, 0, 0, 0, 20]);
        conn.hold();
    });
    let output = mqpub()
        .args(broker.args())
        .args(["-V", "5", "-t", "a", "-m", &"x".repeat(100)])
        .run();
    assert_eq!(output.status, expect(25, 0), "{output}");
}

/// Ours: 5, since there was no answer at all. mosquitto_sub tries again for ever.
#[test]
fn a_connection_closed_before_the_connack() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.close();
    });
    let output = crate::support::publisher().args(broker.args()).run();
    assert_eq!(output.status, expect(5, 7), "{output}");
}

/// Ours: 21, the number for what is not MQTT. The original waits for ever.
#[test]
fn an_answer_that_is_not_mqtt() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.send(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        conn.hold();
    });
    let tool = crate::support::publisher();
    // It ends a command with 124.
    let output = Tool::new("timeout")
        .arg(expect("100", "15"))
        .arg(tool.path())
        .args(broker.args())
        .args(["-t", "t", "-m", "x"])
        .run();
    assert_eq!(output.status, expect(21, 124), "{output}");
}

/// Ours: 7, since a message was not acknowledged.
#[test]
fn a_connection_lost_before_the_acknowledgement() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack(0);
        conn.expect_publish();
        conn.close();
    });
    let output = crate::support::publisher()
        .args(broker.args())
        .args(["-q", "1"])
        .run();
    assert_eq!(output.status, expect(7, 7), "{output}");
}

/// Ours: 19 for a broker that answers no PINGREQ.
#[test]
fn a_broker_that_falls_silent() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack(0);
        conn.hold();
    });
    let output = crate::support::publisher()
        .args(broker.args())
        .args(["-q", "1", "-k", "5"])
        .run();
    assert_eq!(output.status, expect(19, 19), "{output}");
}
