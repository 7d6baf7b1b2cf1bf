//! `-t` of mqpub.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use harness::mqpub;

use crate::support::{VERSIONS, expect, published, refuses};

#[test]
fn the_topic_is_what_was_typed() {
    for version in VERSIONS {
        for topic in ["a", "a/b c/é", "/", "a//b/", "x-y_z.1", "温度"] {
            for name in ["-t", "--topic"] {
                let args = ["-V", version, name, topic, "-m", "x"];
                assert_eq!(published(&args), [format!("{topic} q0 x")]);
            }
        }
    }
}

#[test]
fn wildcards_are_for_subscriptions() {
    for topic in ["#", "a/#", "+", "a/+/b", "a+", "a#b"] {
        refuses(mqpub, &[&["-t", topic, "-m", "x"]]);
    }
}

/// Ours: a usage error. The original connects, sends nothing and ends with 0.
#[test]
fn an_empty_topic() {
    let broker = harness::Broker::start();
    let output = mqpub()
        .args(broker.args())
        .args(["-t", "", "-m", "x"])
        .run();
    assert_eq!(output.status, expect(1, 0), "{output}");
}

/// Ours: a usage error.
#[test]
fn a_topic_that_is_not_utf_8() {
    let broker = harness::Broker::start();
    let output = mqpub()
        .args(broker.args())
        .arg("-t")
        .arg(OsStr::from_bytes(b"a\xff"))
        .args(["-m", "x"])
        .run();
    assert_eq!(output.status, expect(1, 1), "{output}");
    assert!(!broker.log().contains("Received PUBLISH"));
}
