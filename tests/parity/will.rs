//! `--will-topic`, `--will-payload`, `--will-qos` and `--will-retain`.

use crate::support::{BOTH, Stage, VERSIONS, both_send, line, refuses};

#[test]
fn the_will_is_in_the_connect() {
    for version in VERSIONS {
        let args = [
            "-V",
            version,
            "--will-topic",
            "gone/é",
            "--will-payload",
            "bye ü",
        ];
        for sent in both_send(&[&args[..], &["--will-qos", "2", "--will-retain"]].concat()) {
            let will = sent.connect.will.unwrap();
            assert_eq!(
                (will.topic.as_str(), will.qos, will.retain),
                ("gone/é", 2, true)
            );
            assert_eq!(will.payload, "bye ü".as_bytes());
        }
        for sent in both_send(&["-V", version, "--will-topic", "gone"]) {
            let will = sent.connect.will.unwrap();
            assert_eq!((will.qos, will.retain, will.payload.len()), (0, false, 0));
        }
        for sent in both_send(&["-V", version, "--will-qos", "1"]) {
            assert_eq!(sent.connect.will, None);
        }
    }
}

#[test]
fn what_needs_a_topic() {
    for tool in BOTH {
        refuses(
            tool,
            &[
                &["--will-payload", "x"],
                &["--will-retain"],
                &["--will-topic", "a/+"],
                &["--will-topic", "#"],
                &["--will-topic", "a", "--will-qos", "3"],
            ],
        );
    }
}

#[test]
fn the_broker_publishes_it_when_the_client_vanishes() {
    let mut stage = Stage::start();
    let args = [
        "-t",
        "a",
        "--will-topic",
        "gone",
        "--will-payload",
        "bye",
        "--will-qos",
        "1",
    ];
    let tool = stage.subscribed(&args);
    tool.kill();
    assert_eq!(line(&stage.peer.receive()), "gone q1 bye");
}
