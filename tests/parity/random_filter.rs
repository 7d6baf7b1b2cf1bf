//! `--random-filter`.

use harness::mqsub;

use crate::not_yet::not_yet;
use crate::support::{Stage, accepts, expect, refuses};

/// How many of 400 messages are printed. All of them count for `-C`.
#[track_caller]
fn printed_of_400(percent: &str) -> usize {
    let mut stage = Stage::start();
    let tool = stage.subscribed(&["-t", "a", "-C", "400", "--random-filter", percent]);
    for _ in 0..400 {
        stage.publish("a", "x");
    }
    tool.wait().assert_success().stdout_str().lines().count()
}

/// Ours: the percentage that was asked for. 2.0.11 prints a tenth of it.
#[test]
fn a_percentage_is_printed() {
    if not_yet("--random-filter") {
        return;
    }
    // At least seven standard deviations on either side.
    for (percent, ours, theirs) in [("100", 400..=400, 1..=110), ("50", 120..=280, 1..=80)] {
        let count = printed_of_400(percent);
        assert!(expect(ours, theirs).contains(&count), "{percent}: {count}");
    }
}

#[test]
fn the_range() {
    if not_yet("--random-filter") {
        return;
    }
    accepts(mqsub, &[&["-t", "a", "-E", "--random-filter", "0.1"]]);
    refuses(mqsub, &[&["-t", "a", "-E", "--random-filter", "0"]]);
    // Ours: more than everything is refused.
    let broker = harness::Broker::start();
    let output = mqsub()
        .args(broker.args())
        .args(["-t", "a", "-E", "--random-filter", "101"])
        .run();
    assert_eq!(output.status, expect(1, 0), "{output}");
}
