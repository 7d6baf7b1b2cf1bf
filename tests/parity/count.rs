//! `-C`: exit after so many messages.

use harness::mqsub;

use crate::support::{Stage, printed, refuses, sent};

const THREE: [(&str, &str); 3] = [("a", "1"), ("a", "2"), ("a", "3")];

#[test]
fn it_ends_after_that_many() {
    assert_eq!(printed(&["-t", "a", "-C", "1"], &THREE), "1\n");
    assert_eq!(printed(&["-t", "a", "-C", "2"], &THREE), "1\n2\n");
}

#[test]
fn messages_that_are_filtered_out_do_not_count() {
    let messages = [("x", "0"), ("a", "1"), ("x", "0"), ("a", "2")];
    let args = ["-t", "#", "-T", "x", "-C", "2"];
    assert_eq!(printed(&args, &messages), "1\n2\n");
}

#[test]
fn retained_messages_that_are_dropped_do_not_count() {
    let mut stage = Stage::start();
    stage.publish_retained("a", "old");
    let tool = stage.subscribed(&["-t", "a", "-R", "-C", "1"]);
    stage.publish("a", "new");
    assert_eq!(tool.wait().assert_success().stdout_str(), "new\n");
}

#[test]
fn it_is_at_least_one() {
    refuses(mqsub, &[&["-t", "a", "-C", "0"], &["-t", "a", "-C", "-1"]]);
}

/// Both tell an MQTT 5 broker how many messages they can take.
#[test]
fn the_broker_is_asked_for_no_more() {
    let tool = mqsub().args(["-V", "5", "-t", "a", "-C", "3", "-E"]);
    let properties = crate::properties::read(&sent(tool).connect.properties);
    assert!(
        properties.contains(&"receive-maximum=3".to_owned()),
        "{properties:?}"
    );
}
