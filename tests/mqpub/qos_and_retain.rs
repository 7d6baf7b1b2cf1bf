//! `-q` and `-r`, through a real broker.

use harness::{Broker, Tool, mqpub};

use crate::support::{Collector, VERSIONS, Witness};

#[test]
fn each_qos_arrives_as_that_qos_in_every_version() {
    let witness = Witness::start();
    let mut expected = Vec::new();
    for version in VERSIONS {
        for qos in 0..=2_u8 {
            let text = format!("{version} {qos}");
            witness
                .mqpub(["-V", version, "-q", &qos.to_string(), "-m", &text])
                .run()
                .assert_success();
            expected.push((qos, text.into_bytes()));
        }
    }
    let seen = witness.seen().into_iter();
    let mut seen: Vec<_> = seen.map(|seen| (seen.qos, seen.payload)).collect();
    // Different QoS may overtake each other.
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
}

#[test]
fn qos_and_retain_are_what_the_packet_says() {
    for version in VERSIONS {
        for qos in 0..=2_u8 {
            for retain in [false, true] {
                let broker = Collector::start();
                let mut mqpub = broker.mqpub(["-V", version, "-q", &qos.to_string(), "-m", "text"]);
                if retain {
                    mqpub = mqpub.arg("-r");
                }
                mqpub.run().assert_success();
                let [message] = &broker.finish()[..] else {
                    panic!("one message was to come");
                };
                assert_eq!(message.topic, "test/topic");
                assert_eq!((message.qos, message.retain), (qos, retain));
                assert!(!message.dup && message.properties.is_empty());
                assert_ne!(message.packet_id, Some(0));
            }
        }
    }
}

#[test]
fn the_default_is_qos_0_and_the_last_one_given_counts() {
    let broker = Collector::start();
    broker.mqpub(["-m", "text"]).run().assert_success();
    broker
        .mqpub(["-q", "2", "-m", "text", "-q", "1"])
        .run()
        .assert_success();
    let qos: Vec<_> = broker.finish().iter().map(|m| m.qos).collect();
    assert_eq!(qos, [0, 1]);
}

#[test]
fn the_broker_keeps_a_retained_message_until_a_null_message_clears_it() {
    for version in VERSIONS {
        let broker = Broker::start();
        let publish = |args: &[&str]| {
            mqpub()
                .args(broker.args())
                .args(["-V", version, "-q", "1"])
                .args(args)
                .run()
                .assert_success();
        };
        // Topics are delivered in the order of the subscriptions.
        let first_kept = || {
            let output = Tool::new("mosquitto_sub")
                .args(broker.args())
                .args(["-q", "1", "-C", "1", "-v", "-t", "state", "-t", "sentinel"])
                .run();
            output.assert_success().stdout_str().to_owned()
        };
        publish(&["-r", "-t", "sentinel", "-m", "on guard"]);
        publish(&["-t", "state", "-m", "not kept"]);
        assert_eq!(first_kept(), "sentinel on guard\n");
        publish(&["-r", "-t", "state", "-m", "kept"]);
        assert_eq!(first_kept(), "state kept\n");
        publish(&["-r", "-t", "state", "-n"]);
        assert_eq!(first_kept(), "sentinel on guard\n");
    }
}
