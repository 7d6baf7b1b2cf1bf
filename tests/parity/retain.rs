//! `-r` of mqpub.

use crate::support::{Stage, VERSIONS, published};

#[test]
fn the_message_is_retained_only_then() {
    for version in VERSIONS {
        for name in ["-r", "--retain"] {
            for qos in ["0", "1", "2"] {
                let args = ["-V", version, "-t", "a", "-m", "x", "-q", qos, name];
                assert_eq!(published(&args), [format!("a q{qos} r x")]);
            }
        }
        assert_eq!(
            published(&["-V", version, "-t", "a", "-m", "x"]),
            ["a q0 x"]
        );
    }
}

#[test]
fn later_subscribers_get_it_until_it_is_cleared() {
    let mut stage = Stage::start();
    stage
        .mqpub(&["-t", "a", "-m", "kept", "-r", "-q", "1"])
        .run()
        .assert_success();
    let late = stage.mqsub(&["-t", "a", "-C", "1", "-F", "%r %p"]).run();
    assert_eq!(late.assert_success().stdout_str(), "1 kept\n");
    stage
        .mqpub(&["-t", "a", "-n", "-r", "-q", "1"])
        .run()
        .assert_success();
    let later = stage
        .mqsub(&["-t", "a", "-t", "b", "-C", "1", "-v"])
        .spawn();
    stage.broker.wait_for_log_times("Sending SUBACK to tool", 2);
    stage.publish("b", "new");
    assert_eq!(later.wait().assert_success().stdout_str(), "b new\n");
}
