//! `-t` and `-U` of mqsub.

use harness::mqsub;

use crate::support::{Stage, VERSIONS, expect, printed, refuses, sent};

#[test]
fn each_filter_gets_its_messages() {
    let messages = [
        ("a", "1"),
        ("b", "no"),
        ("c/x", "2"),
        ("c", "no"),
        ("d", "3"),
        ("d/e/f", "4"),
    ];
    for version in VERSIONS {
        for name in ["-t", "--topic"] {
            let args = [
                "-V", version, name, "a", name, "c/+", name, "d/#", "-C", "4",
            ];
            assert_eq!(printed(&args, &messages), "1\n2\n3\n4\n");
        }
    }
}

#[test]
fn filters_must_be_valid() {
    for filter in ["a/#/b", "a#", "a+/b", "#/"] {
        refuses(mqsub, &[&["-t", filter]]);
    }
}

/// Ours: a usage error. The original never gets its SUBACK, and hangs.
#[test]
fn an_empty_filter() {
    if harness::original_under_test() {
        let broker = harness::Broker::start();
        let tool = mqsub().args(broker.args()).args(["-t", "", "-E"]).spawn();
        broker.wait_for_log_times("New connection", 2);
        assert!(tool.is_running());
    } else {
        refuses(mqsub, &[&["-t", "", "-E"]]);
    }
}

#[test]
fn unsubscribing_ends_a_kept_subscription() {
    for name in ["-U", "--unsubscribe"] {
        let mut stage = Stage::start();
        let session = ["-c", "-q", "1"];
        stage
            .mqsub(&session)
            .args(["-t", "a", "-t", "b", "-E"])
            .run()
            .assert_success();
        let tool = stage
            .mqsub(&session)
            .args(["-t", "c", name, "a", "-C", "2"])
            .spawn();
        stage.broker.wait_for_log("Received UNSUBSCRIBE from tool");
        stage.broker.wait_for_log_times("Sending SUBACK to tool", 2);
        for topic in ["a", "b", "c"] {
            stage.publish(topic, topic);
        }
        assert_eq!(tool.wait().assert_success().stdout_str(), "b\nc\n");
    }
}

/// Ours: allowed. The original wants a subscription with it.
#[test]
fn unsubscribing_alone() {
    let broker = harness::Broker::start();
    let tool = mqsub()
        .args(broker.args())
        .args(["-i", "tool", "-U", "a"])
        .spawn();
    if expect(true, false) {
        broker.wait_for_log("Received UNSUBSCRIBE");
        tool.terminate();
    }
    let output = tool.wait();
    assert_eq!(output.status != 0, expect(false, true), "{output}");
}

#[test]
fn shared_subscriptions_are_ordinary_filters() {
    let sent = sent(mqsub().args(["-t", "$share/group/a/+", "-E"]));
    assert_eq!(sent.subscribes[0].filters[0].0, "$share/group/a/+");
}
