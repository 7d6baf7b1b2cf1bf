//! The few sentences that the tests are made of.

use std::time::Duration;

use harness::{Broker, Conn, Output, Running, mqpub, mqsub};

/// A bound for a busy machine, not a measurement.
pub(crate) const LIMIT: Duration = Duration::from_secs(600);

/// Every version that `-V` knows.
pub(crate) const VERSIONS: [&str; 3] = ["mqttv31", "mqttv311", "mqttv5"];

/// Accepts a client of MQTT 3.1.1 and its one subscription, at this QoS.
#[track_caller]
pub(crate) fn accept(conn: &mut Conn, qos: u8) {
    conn.expect_connect();
    conn.connack(0);
    let subscribe = conn.expect_subscribe();
    conn.suback(subscribe.packet_id, &[qos]);
}

/// Starts `mqsub -d` and waits until its subscriptions are acknowledged.
#[track_caller]
pub(crate) fn subscribed(broker: &Broker, args: &[&str]) -> Running {
    let running = mqsub().args(broker.args()).args(args).arg("-d").spawn();
    running.wait_for_stderr("received SUBACK");
    running
}

/// Runs `mqsub`, which is expected to end by itself.
#[track_caller]
pub(crate) fn subscribe(broker: &Broker, args: &[&str]) -> Output {
    mqsub().args(broker.args()).args(args).run()
}

/// Publishes with `mqpub` and waits until it is done.
#[track_caller]
pub(crate) fn publish(broker: &Broker, args: &[&str]) {
    mqpub()
        .args(broker.args())
        .args(args)
        .run()
        .assert_success();
}

/// Publishes each text to a topic, in this order, as the lines of one `mqpub -l`.
#[track_caller]
pub(crate) fn publish_lines(broker: &Broker, topic: &str, qos: &str, lines: &[&str]) {
    mqpub()
        .args(broker.args())
        .args(["-t", topic, "-q", qos, "-l"])
        .stdin(lines.join("\n"))
        .run()
        .assert_success();
}

/// The lines on stderr that tell of a received PUBLISH.
pub(crate) fn received(stderr: &str) -> Vec<&str> {
    stderr
        .lines()
        .filter_map(|line| line.strip_prefix("debug: received PUBLISH "))
        .collect()
}

/// Sends SIGTERM and expects an orderly end.
#[track_caller]
pub(crate) fn terminate(running: Running) -> Output {
    running.terminate();
    running.wait().assert_success()
}
