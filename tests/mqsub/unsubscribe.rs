//! `-U`: ends a subscription of a kept session.

use harness::{Broker, FakeBroker, mqsub};

use crate::support::{VERSIONS, publish, subscribe};

#[test]
fn the_session_no_longer_gets_the_topic() {
    let broker = Broker::start();
    for version in VERSIONS {
        let id = ["-V", version, "-i", version, "-c", "-q", "1"];
        let run = |more: &[&str]| subscribe(&broker, &[&id, more].concat()).assert_success();
        run(&["-t", "a/#", "-t", "b", "-E"]);
        publish(&broker, &["-t", "a/1", "-q", "1", "-m", "before"]);
        assert_eq!(run(&["-t", "b", "-C", "1"]).stdout_str(), "before\n");

        run(&["-t", "b", "-U", "a/#", "-E"]);
        publish(&broker, &["-t", "a/1", "-q", "1", "-m", "unwanted"]);
        publish(&broker, &["-t", "b", "-q", "1", "-m", "wanted"]);
        assert_eq!(run(&["-t", "b", "-C", "1"]).stdout_str(), "wanted\n");
    }
}

#[test]
fn it_needs_no_subscription_beside_it() {
    let broker = Broker::start();
    for version in VERSIONS {
        let id = ["-V", version, "-i", version, "-c", "-q", "1"];
        let run = |more: &[&str]| subscribe(&broker, &[&id, more].concat()).assert_success();
        run(&["-t", "a", "-t", "b", "-E"]);
        run(&["-U", "a", "-E"]);
        publish(&broker, &["-t", "a", "-q", "1", "-m", "unwanted"]);
        publish(&broker, &["-t", "b", "-q", "1", "-m", "wanted"]);
        assert_eq!(run(&["-t", "c", "-C", "1"]).stdout_str(), "wanted\n");
    }
}

#[test]
fn a_refusal_is_told_and_ends_nothing() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack_v5(0);
        let unsubscribe = conn.expect_kind(10);
        conn.unsuback_v5(unsubscribe.packet_id(), &[0x87, 0x11]);
        conn.hold();
    });
    let mqsub = mqsub()
        .args(broker.args())
        .args(["-V", "5", "-U", "a/b", "-U", "c"])
        .spawn();
    mqsub.wait_for_stderr(
        "warning: the broker refused to unsubscribe from \"a/b\": not authorised, code 135\n",
    );
    mqsub.terminate();
    let output = mqsub.wait().assert_success();
    assert!(!output.stderr_str().contains("\"c\""), "{output}");
    broker.finish();
}
