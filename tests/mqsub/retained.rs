//! Retained messages: `-r`, `-n`, `-R`, `--retained-only`.

use harness::Broker;

use crate::support::{VERSIONS, publish, received, subscribe, subscribed, terminate};

#[test]
fn a_retained_message_waits_for_subscribers() {
    let broker = Broker::start();
    for version in VERSIONS {
        publish(
            &broker,
            &["-V", version, "-t", "state", "-m", version, "-r"],
        );
        for _ in 0..2 {
            let output = subscribe(&broker, &["-V", version, "-t", "state", "-C", "1", "-d"])
                .assert_success();
            assert_eq!(output.stdout_str(), format!("{version}\n"));
            let lines = received(output.stderr_str());
            assert!(lines[0].starts_with("(d0, q0, r1, m0"), "{output}");
        }
    }
}

#[test]
fn an_empty_one_clears_it() {
    let broker = Broker::start();
    for version in VERSIONS {
        publish(&broker, &["-V", version, "-t", "state", "-m", "old", "-r"]);
        publish(&broker, &["-V", version, "-t", "state", "-n", "-r"]);
        publish(&broker, &["-V", version, "-t", "after", "-m", "end", "-r"]);
        // The first retained message the broker finds must be the other one.
        let output =
            subscribe(&broker, &["-V", version, "-v", "-t", "+", "-C", "1"]).assert_success();
        assert_eq!(output.stdout_str(), "after end\n");
    }
}

#[test]
fn a_live_message_does_not_look_retained() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-t", "state", "-C", "1"]);
    publish(&broker, &["-t", "state", "-m", "new", "-r"]);
    let output = mqsub.wait().assert_success();
    let lines = received(output.stderr_str());
    assert!(lines[0].starts_with("(d0, q0, r0, m0"), "{output}");
}

#[test]
fn capital_r_leaves_retained_messages_out() {
    let broker = Broker::start();
    for version in VERSIONS {
        publish(&broker, &["-t", "state", "-m", "old", "-r", "-q", "1"]);
        let mqsub = subscribed(
            &broker,
            &["-V", version, "-t", "state", "-q", "1", "-R", "-C", "1"],
        );
        mqsub.wait_for_stderr("r1, m");
        publish(&broker, &["-t", "state", "-m", "live", "-q", "1"]);
        let output = mqsub.wait().assert_success();
        assert_eq!(output.stdout_str(), "live\n");
        assert_eq!(received(output.stderr_str()).len(), 2, "{output}");
    }
}

#[test]
fn retained_only_ends_at_the_first_live_message() {
    let broker = Broker::start();
    for version in VERSIONS {
        publish(&broker, &["-t", "state/1", "-m", "old 1", "-r"]);
        publish(&broker, &["-t", "state/2", "-m", "old 2", "-r"]);
        let mqsub = subscribed(
            &broker,
            &["-V", version, "-t", "state/#", "--retained-only"],
        );
        mqsub.wait_for_stdout(|text: &str| text.lines().count() == 2);
        assert!(mqsub.is_running());
        publish(&broker, &["-t", "state/1", "-m", "live"]);
        let output = mqsub.wait().assert_success();
        let mut lines: Vec<_> = output.stdout_str().lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["old 1", "old 2"]);
    }
}

#[test]
fn retained_only_and_capital_r_exclude_each_other() {
    let broker = Broker::start();
    let output = subscribe(&broker, &["-t", "a", "-R", "--retained-only"]).assert_code(1);
    assert!(output.stderr_str().starts_with("error: "), "{output}");
}

#[test]
fn without_options_both_kinds_are_printed() {
    let broker = Broker::start();
    publish(&broker, &["-t", "state", "-m", "old", "-r"]);
    let mqsub = subscribed(&broker, &["-t", "state"]);
    mqsub.wait_for_stdout("old\n");
    publish(&broker, &["-t", "state", "-m", "live"]);
    mqsub.wait_for_stdout("live\n");
    assert_eq!(terminate(mqsub).stdout_str(), "old\nlive\n");
}
