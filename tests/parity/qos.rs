//! `-q` of both tools.

use crate::support::{Stage, VERSIONS, line, published, sent};
use harness::mqsub;

#[test]
fn messages_go_out_with_that_qos() {
    for version in VERSIONS {
        for (option, qos, topic) in [("-q", "0", "a"), ("--qos", "1", "b"), ("-q", "2", "c")] {
            let args = ["-V", version, "-t", topic, "-m", "x", option, qos];
            assert_eq!(published(&args), [format!("{topic} q{qos} x")]);
        }
    }
    assert_eq!(published(&["-t", "a", "-m", "x"]), ["a q0 x"]);
}

#[test]
fn subscriptions_ask_for_that_qos() {
    for qos in 0..=2 {
        let level = qos.to_string();
        let sent = sent(mqsub().args(["-t", "a", "-t", "b/#", "-E", "-q", &level]));
        let filters: Vec<_> = sent
            .subscribes
            .iter()
            .flat_map(|s| s.filters.clone())
            .collect();
        assert_eq!(filters, [("a".to_owned(), qos), ("b/#".to_owned(), qos)]);
    }
}

#[test]
fn a_message_comes_with_the_lower_of_both() {
    let mut stage = Stage::start();
    let tool = stage.subscribed(&["-t", "a", "-q", "1", "-C", "3", "-F", "%q %p"]);
    for qos in 0..=2 {
        let publish = harness::fake_broker::Publish::new("a", qos.to_string(), qos, 0);
        stage.peer.publish(&publish);
    }
    assert_eq!(tool.wait().assert_success().stdout_str(), "0 0\n1 1\n1 2\n");
    let arrived: Vec<_> = stage.messages().iter().map(line).collect();
    assert_eq!(arrived, ["a q0 0", "a q1 1", "a q2 2"]);
}
