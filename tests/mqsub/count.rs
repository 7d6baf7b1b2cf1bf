//! `-C`: ends after exactly so many printed messages.

use harness::Broker;

use crate::support::{VERSIONS, publish, publish_lines, received, subscribe, subscribed};

#[test]
fn it_ends_after_so_many_messages_and_prints_no_more() {
    let broker = Broker::start();
    for version in VERSIONS {
        for qos in ["0", "1", "2"] {
            let mqsub = subscribed(
                &broker,
                &["-V", version, "-t", "count", "-q", qos, "-C", "3"],
            );
            publish_lines(&broker, "count", qos, &["1", "2", "3", "4", "5"]);
            let output = mqsub.wait().assert_success();
            assert_eq!(output.stdout_str(), "1\n2\n3\n");
        }
    }
}

#[test]
fn it_does_not_end_before() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-t", "count", "-C", "3"]);
    publish_lines(&broker, "count", "0", &["1", "2"]);
    mqsub.wait_for_stdout("1\n2\n");
    publish(&broker, &["-t", "elsewhere", "-m", "not for it"]);
    assert!(mqsub.is_running());
    publish(&broker, &["-t", "count", "-m", "3"]);
    assert_eq!(mqsub.wait().assert_success().stdout_str(), "1\n2\n3\n");
}

#[test]
fn what_is_not_printed_is_not_counted() {
    let broker = Broker::start();
    publish(&broker, &["-t", "count/old", "-m", "retained", "-r"]);
    let mqsub = subscribed(
        &broker,
        &["-t", "count/#", "-T", "count/no", "-R", "-C", "2"],
    );
    for (topic, text) in [
        ("count/a", "1"),
        ("count/no", "filtered out"),
        ("count/no", "filtered out"),
        ("count/b", "2"),
    ] {
        publish(&broker, &["-t", topic, "-m", text]);
    }
    assert_eq!(mqsub.wait().assert_success().stdout_str(), "1\n2\n");
}

#[test]
fn an_empty_message_counts() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-t", "count", "-C", "2"]);
    publish(&broker, &["-t", "count", "-n"]);
    publish(&broker, &["-t", "count", "-m", "2"]);
    assert_eq!(mqsub.wait().assert_success().stdout_str(), "2\n");
}

#[test]
fn what_a_kept_session_did_not_print_comes_in_the_next_run() {
    for version in VERSIONS {
        for qos in ["1", "2"] {
            let broker = Broker::start();
            let run = |count: &[&str]| {
                let session = [
                    "-V", version, "-i", "counter", "-c", "-q", qos, "-t", "count",
                ];
                subscribe(&broker, &[&session, count].concat()).assert_success()
            };
            run(&["-E"]);
            publish_lines(&broker, "count", qos, &["1", "2", "3", "4", "5"]);
            assert_eq!(run(&["-C", "2"]).stdout_str(), "1\n2\n");
            assert_eq!(run(&["-C", "1"]).stdout_str(), "3\n");
            assert_eq!(run(&["-C", "2"]).stdout_str(), "4\n5\n");
            publish_lines(&broker, "count", qos, &["6"]);
            assert_eq!(run(&["-C", "1"]).stdout_str(), "6\n");
        }
    }
}

/// MQTT 5 can ask the broker for no more than that.
#[test]
fn in_5_the_receive_maximum_is_the_count() {
    let broker = harness::FakeBroker::start(|mut conn| {
        let connect = conn.expect_connect();
        // Receive Maximum is property 0x21, of two bytes.
        let asked = connect.properties.windows(3).any(|p| p == [0x21, 0, 3]);
        assert!(asked, "{connect:?}");
        conn.connack_v5(0);
        let subscribe = conn.expect_subscribe();
        conn.suback_v5(subscribe.packet_id, &[1]);
        for id in 1..=3 {
            let text = id.to_string();
            conn.publish(&harness::fake_broker::Publish::new("count", text, 1, id));
        }
        for id in 1..=3 {
            assert_eq!(conn.expect_kind(4).packet_id(), id);
        }
        conn.expect_disconnect();
        conn.expect_close();
    });
    let output = harness::mqsub()
        .args(broker.args())
        .args(["-V", "5", "-q", "1", "-t", "count", "-C", "3", "-d"])
        .run()
        .assert_success();
    assert_eq!(output.stdout_str(), "1\n2\n3\n");
    assert_eq!(received(output.stderr_str()).len(), 3);
    broker.finish();
}

#[test]
fn zero_and_less_and_words_are_usage_errors() {
    let port = harness::unused_port();
    for count in ["0", "-1", "three", "1.5", ""] {
        let output = harness::mqsub()
            .args(port.args())
            .args(["-t", "count", "-C", count])
            .run()
            .assert_code(1);
        assert!(output.stderr_str().starts_with("error: "), "{output}");
    }
}
