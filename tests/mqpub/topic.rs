//! `-t`: what is a Topic Name and what is not.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use harness::{mqpub, unused_port};

use crate::support::{Collector, VERSIONS, complaint};

#[test]
fn every_topic_name_is_published_to() {
    let long = "t".repeat(65_535);
    let topics = [
        "/",
        "a//b/",
        " ",
        "-t",
        "$SYS/x",
        "caf\u{e9}/\u{1f600}",
        &long,
    ];
    for version in VERSIONS {
        let broker = Collector::start();
        for topic in topics {
            broker
                .mqpub(["-V", version, "-m", "text", "-t", topic])
                .run()
                .assert_success();
        }
        let seen: Vec<_> = broker.finish().into_iter().map(|m| m.topic).collect();
        assert!(seen == topics);
    }
}

#[test]
fn what_is_no_topic_name_is_refused() {
    let long = "t".repeat(65_536);
    for (topic, error, cause) in [
        ("home/+/temperature", "home/+/temperature", "wildcard `+`"),
        ("a\u{1}b", "a\\u{1}b", "control character"),
        ("home/#", "home/#", "wildcard `#`"),
        ("#", "#", "wildcard `#`"),
        ("", "topic", "empty"),
        (&long, "topic", "65536"),
    ] {
        let nobody = unused_port();
        let output = mqpub()
            .args(nobody.args())
            .args(["-m", "text", "-t", topic])
            .run();
        let complaint = complaint(output, 1);
        assert!(complaint.error.contains(error), "{complaint:?}");
        assert!(complaint.cause.contains(cause), "{complaint:?}");
    }
}

#[test]
fn a_topic_that_is_not_utf_8_is_refused() {
    let nobody = unused_port();
    let output = mqpub()
        .args(nobody.args())
        .args(["-m", "text", "-t"])
        .arg(OsStr::from_bytes(b"a/\xff"))
        .run();
    let complaint = complaint(output, 1);
    assert!(complaint.error.contains("UTF-8"), "{complaint:?}");
}

#[test]
fn the_topic_of_a_will_is_a_topic_name_too() {
    let nobody = unused_port();
    for topic in ["a/#", "+", ""] {
        let output = mqpub()
            .args(nobody.args())
            .args(["-t", "a", "-m", "text", "--will-topic", topic])
            .run();
        let complaint = complaint(output, 1);
        assert!(complaint.error.contains("Will topic"), "{complaint:?}");
    }
}
