//! `-R`, `--retained-only`, `--remove-retained` and `--retain-as-published`.

use harness::mqsub;

use crate::not_yet::not_yet;
use crate::support::{Stage, expect, refuses, sent};

#[test]
fn capital_r_drops_retained_messages() {
    let mut stage = Stage::start();
    stage.publish_retained("a", "old");
    let tool = stage.subscribed(&["-t", "a", "-R", "-C", "2"]);
    stage.publish("a", "new");
    // Retained, but not because of the subscription.
    stage.publish_retained("a", "newer");
    assert_eq!(tool.wait().assert_success().stdout_str(), "new\nnewer\n");
}

#[test]
fn retained_only_ends_at_the_first_that_is_not() {
    let mut stage = Stage::start();
    stage.publish_retained("a/1", "one");
    stage.publish_retained("a/2", "two");
    let tool = stage.subscribed(&["-t", "a/#", "--retained-only", "-v"]);
    stage.publish("a/3", "live");
    let output = tool.wait().assert_success();
    let mut lines: Vec<_> = output.stdout_str().lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["a/1 one", "a/2 two"]);
}

#[test]
fn they_exclude_each_other() {
    refuses(mqsub, &[&["-t", "a", "-R", "--retained-only"]]);
}

#[test]
fn remove_retained_clears_what_is_received() {
    if not_yet("--remove-retained") {
        return;
    }
    let mut stage = Stage::start();
    for topic in ["a/1", "a/2", "a/keep", "b"] {
        stage.publish_retained(topic, "x");
    }
    // Ours: done when its own messages are acknowledged. The original waits for ever.
    let limit = expect("100", "15");
    let args = [
        "-t",
        "a/#",
        "-T",
        "a/keep",
        "--remove-retained",
        "-v",
        "-C",
        "2",
        "-W",
        limit,
    ];
    let output = stage.mqsub(&args).run().assert_code(expect(0, 27));
    let mut lines: Vec<_> = output.stdout_str().lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["a/1 x", "a/2 x"]);
    let mut cleared: Vec<_> = stage.messages();
    cleared.retain(|message| message.payload.is_empty() && message.retain);
    let mut cleared: Vec<_> = cleared.into_iter().map(|message| message.topic).collect();
    cleared.sort_unstable();
    assert_eq!(cleared, ["a/1", "a/2"]);
    let rest = stage
        .mqsub(&["-t", "#", "--retained-only", "-v", "-C", "2"])
        .run()
        .assert_success();
    let mut lines: Vec<_> = rest.stdout_str().lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["a/keep x", "b x"]);
}

#[test]
fn retain_as_published_asks_the_broker() {
    if not_yet("--retain-as-published") {
        return;
    }
    let tool = || mqsub().args(["-V", "5", "-t", "a", "-q", "1", "-E"]);
    let plain = sent(tool());
    assert_eq!(plain.subscribes[0].filters, [("a".to_owned(), 1)]);
    let asked = sent(tool().arg("--retain-as-published"));
    assert_eq!(asked.subscribes[0].filters, [("a".to_owned(), 1 | 8)]);
}

#[test]
fn retain_as_published_shows_the_flag() {
    if not_yet("--retain-as-published") {
        return;
    }
    let mut stage = Stage::start();
    let args = [
        "-V",
        "5",
        "-t",
        "a",
        "-C",
        "2",
        "-F",
        "%r %p",
        "--retain-as-published",
    ];
    let tool = stage.subscribed(&args);
    stage.publish_retained("a", "one");
    stage.publish("a", "two");
    assert_eq!(tool.wait().assert_success().stdout_str(), "1 one\n0 two\n");
}
