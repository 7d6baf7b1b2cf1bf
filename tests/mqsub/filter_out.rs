//! `-T`: messages whose topic matches are not printed.

use harness::Broker;

use crate::support::{VERSIONS, publish, publish_lines, subscribe, subscribed};

#[test]
fn matching_topics_are_left_out() {
    let broker = Broker::start();
    let mqsub = subscribed(
        &broker,
        &[
            "-v",
            "-t",
            "home/#",
            "-T",
            "home/attic/#",
            "-T",
            "home/+/humidity",
            "-C",
            "3",
        ],
    );
    for topic in [
        "home/attic",
        "home/attic/a/b",
        "home/hall/humidity",
        "home/hall/a/humidity",
        "home/hall/temperature",
        "home/attics",
    ] {
        publish(&broker, &["-t", topic, "-m", "x"]);
    }
    assert_eq!(
        mqsub.wait().assert_success().stdout_str(),
        "home/hall/a/humidity x\nhome/hall/temperature x\nhome/attics x\n"
    );
}

/// Left out is read, too: the broker must not bring it again.
#[test]
fn they_are_acknowledged_all_the_same() {
    let broker = Broker::start();
    for version in VERSIONS {
        for qos in ["1", "2"] {
            let id = format!("{version}-{qos}");
            let session = ["-V", version, "-i", &id, "-c", "-q", qos, "-t", "t/#"];
            let run =
                |more: &[&str]| subscribe(&broker, &[&session, more].concat()).assert_success();
            run(&["-E"]);
            publish_lines(&broker, "t/noise", qos, &["no", "no"]);
            publish_lines(&broker, "t/signal", qos, &["1", "2"]);
            assert_eq!(run(&["-T", "t/noise", "-C", "1"]).stdout_str(), "1\n");
            assert_eq!(run(&["-C", "1"]).stdout_str(), "2\n");
        }
    }
}
