//! The scripted broker.

use harness::fake_broker::Publish;
use harness::{FakeBroker, Tool};

use crate::panic_message;

fn publish(broker: &FakeBroker, version: &str) -> Tool {
    Tool::new("mosquitto_pub")
        .args(broker.args())
        .args(["-V", version, "-q", "1", "-t", "a/b", "-m", "text"])
}

#[test]
fn a_script_sees_what_the_client_sends() {
    for version in ["mqttv311", "mqttv5"] {
        let broker = FakeBroker::start(|mut conn| {
            let connect = conn.expect_connect();
            assert_eq!(connect.protocol, "MQTT");
            assert_eq!(connect.username.as_deref(), Some("user"));
            assert_eq!(connect.password.as_deref(), Some(&b"secret"[..]));
            assert_eq!(connect.will.as_ref().unwrap().topic, "will/topic");
            let v5 = connect.level == 5;
            if v5 {
                conn.connack_v5(0);
            } else {
                conn.connack(0);
            }
            let publish = conn.expect_publish();
            assert_eq!(publish.topic, "a/b");
            assert_eq!(publish.payload, b"text");
            assert_eq!((publish.qos, publish.dup, publish.retain), (1, false, true));
            let id = publish.packet_id.unwrap();
            if v5 {
                conn.puback_v5(id, 0);
            } else {
                conn.puback(id);
            }
            conn.expect_disconnect();
            conn.expect_close();
        });
        publish(&broker, version)
            .args(["-r", "-u", "user", "-P", "secret"])
            .args(["--will-topic", "will/topic"])
            .run()
            .assert_success();
        broker.finish();
    }
}

#[test]
fn a_script_can_deliver_messages() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack(0);
        let subscribe = conn.expect_subscribe();
        assert_eq!(subscribe.filters, [("a/#".to_owned(), 1)]);
        conn.suback(subscribe.packet_id, &[1]);
        conn.publish(&Publish::new("a/b", "text", 1, 7));
        assert_eq!(conn.expect_kind(4).packet_id(), 7);
        conn.hold();
    });
    let output = Tool::new("mosquitto_sub")
        .args(broker.args())
        .args(["-q", "1", "-t", "a/#", "-C", "1"])
        .run()
        .assert_success();
    assert_eq!(output.stdout_str(), "text\n");
    broker.finish();
}

#[test]
fn a_refusal_reaches_the_client() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack(4);
        conn.close();
    });
    publish(&broker, "mqttv311").run().assert_code(4);
    broker.finish();
}

#[test]
fn a_failing_script_fails_the_test() {
    let broker = || {
        let broker = FakeBroker::start(|mut conn| {
            assert_eq!(conn.expect_connect().client_id, "another");
        });
        publish(&broker, "mqttv311").args(["-i", "me"]).run();
        broker
    };
    let finished = panic_message(|| broker().finish());
    assert!(finished.contains("another"), "{finished}");
    let dropped = panic_message(|| drop(broker()));
    assert!(dropped.contains("another"), "{dropped}");
}

#[test]
fn a_script_that_never_ran_fails_the_test() {
    let message = panic_message(|| FakeBroker::start(|_| {}).finish());
    assert!(message.contains("nobody connected"), "{message}");
}

#[test]
fn a_reset_is_a_reset() {
    use std::io::Read as _;
    let broker = FakeBroker::start(|conn| {
        if conn.number() == 0 {
            conn.reset();
        } else {
            conn.close();
        }
    });
    let read = || {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", broker.port())).unwrap();
        stream.read(&mut [0]).map_err(|error| error.kind())
    };
    assert_eq!(read(), Err(std::io::ErrorKind::ConnectionReset));
    assert_eq!(read(), Ok(0));
}
