//! `-E` and `-W`: ends that do not wait for a message.

use std::time::{Duration, Instant};

use harness::mqsub;

use crate::support::{Stage, expect, refuses, sent};

#[test]
fn e_ends_when_all_subscriptions_are_acknowledged() {
    let stage = Stage::start();
    let output = stage.mqsub(&["-t", "a", "-t", "b", "-q", "1", "-E"]).run();
    assert!(output.assert_success().stdout.is_empty());
    stage.broker.wait_for_log("Sending SUBACK to tool");
    stage.broker.wait_for_log("Received DISCONNECT from tool");
}

#[test]
fn e_asks_for_every_filter() {
    let sent = sent(mqsub().args(["-t", "a", "-t", "b", "-E"]));
    assert_eq!(
        sent.subscribes
            .iter()
            .map(|s| s.filters.len())
            .sum::<usize>(),
        2
    );
}

#[test]
fn w_ends_with_27() {
    let stage = Stage::start();
    let start = Instant::now();
    // Time enough to connect.
    let output = stage.mqsub(&["-t", "a", "-W", "15"]).run().assert_code(27);
    assert!(output.stdout.is_empty());
    assert!(start.elapsed() >= Duration::from_millis(14_900));
    stage.broker.wait_for_log("Received DISCONNECT from tool");
}

#[test]
fn what_came_before_the_end_is_printed() {
    let mut stage = Stage::start();
    let tool = stage.subscribed(&["-t", "a", "-W", "15"]);
    stage.publish("a", "in time");
    let output = tool.wait().assert_code(27);
    assert_eq!(output.stdout_str(), "in time\n");
}

/// Ours: fractions count; the original cuts them off, and refuses what is then zero.
#[test]
fn fractions_of_seconds() {
    let stage = Stage::start();
    let output = stage.mqsub(&["-t", "a", "-W", "0.3"]).run();
    assert_eq!(output.status, expect(27, 1), "{output}");
}

#[test]
fn the_time_is_above_zero() {
    refuses(mqsub, &[&["-t", "a", "-W", "0"], &["-t", "a", "-W", "-1"]]);
}
