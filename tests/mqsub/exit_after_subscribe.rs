//! `-E`: ends once the subscriptions are acknowledged.

use harness::{Broker, FakeBroker, mqsub};

use crate::support::{VERSIONS, publish, subscribe};

#[test]
fn it_ends_with_0_once_the_broker_has_answered() {
    let broker = Broker::start();
    for (number, version) in (1..).zip(VERSIONS) {
        let output = subscribe(&broker, &["-V", version, "-t", "a", "-t", "b/#", "-E"]);
        assert_eq!(output.assert_success().stdout_str(), "");
        broker.wait_for_log_times("Sending SUBACK to", number);
        broker.wait_for_log_times("Received DISCONNECT from", number);
    }
}

#[test]
fn it_waits_for_the_answer() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack(0);
        let subscribe = conn.expect_subscribe();
        // Whatever else comes, it is not the answer.
        conn.suback(subscribe.packet_id.wrapping_add(1), &[0]);
        conn.pingresp();
        conn.suback(subscribe.packet_id, &[0]);
        conn.expect_disconnect();
        conn.expect_close();
    });
    let output = mqsub()
        .args(broker.args())
        .args(["-t", "a", "-E", "-d"])
        .run()
        .assert_success();
    let acknowledgements = output.stderr_str().matches("received SUBACK").count();
    assert_eq!(acknowledgements, 2, "{output}");
    broker.finish();
}

#[test]
fn it_leaves_a_session_that_collects() {
    let broker = Broker::start();
    for version in VERSIONS {
        let session = ["-V", version, "-i", version, "-c", "-q", "1", "-t", version];
        subscribe(&broker, &[&session, &["-E"][..]].concat()).assert_success();
        publish(&broker, &["-t", version, "-q", "1", "-m", "collected"]);
        let output = subscribe(&broker, &[&session, &["-C", "1"][..]].concat()).assert_success();
        assert_eq!(output.stdout_str(), "collected\n");
    }
}
