//! `-D`: MQTT 5 properties.

use harness::{mqpub, mqsub};

use crate::not_yet::not_yet;
use crate::properties;
use crate::support::{Stage, expect, publisher, refuses, sent, subscriber};

/// Each as `-D CMD NAME VALUE…`, and what must be on the wire.
#[test]
fn connect() {
    if not_yet("-D") {
        return;
    }
    for tool in [publisher, subscriber] {
        for (words, expected) in [
            (&["receive-maximum", "10"][..], "receive-maximum=10"),
            (&["maximum-packet-size", "1000"], "maximum-packet-size=1000"),
            (
                &["request-problem-information", "0"],
                "request-problem-information=0",
            ),
            (
                &["request-response-information", "1"],
                "request-response-information=1",
            ),
            (
                &["session-expiry-interval", "60"],
                "session-expiry-interval=60",
            ),
            (&["topic-alias-maximum", "5"], "topic-alias-maximum=5"),
            (
                &["user-property", "key é", "a value"],
                "user-property=key \\xc3\\xa9:a value",
            ),
        ] {
            for option in ["-D", "--property"] {
                let sent = sent(
                    tool()
                        .args([option, "connect"])
                        .args(words)
                        .args(["-i", "x"]),
                );
                assert_eq!(sent.connect.level, 5, "{words:?}");
                let list = properties::read(&sent.connect.properties);
                assert!(
                    list.iter().any(|text| text == expected),
                    "{list:?} {words:?}"
                );
            }
        }
    }
}

#[test]
fn publish() {
    if not_yet("-D") {
        return;
    }
    let words = [
        "-D publish payload-format-indicator 1",
        "-D publish message-expiry-interval 90",
        "-D publish content-type text/plain",
        "-D publish response-topic answer/here",
        "-D publish correlation-data corr",
        "-D publish user-property k v",
        "-D publish user-property k w",
    ];
    let words = words.iter().flat_map(|text| text.split(' '));
    let sent = sent(publisher().args(words));
    let mut list = properties::read(&sent.publishes[0].properties);
    list.sort();
    assert_eq!(
        list,
        [
            "content-type=text/plain",
            "correlation-data=corr",
            "message-expiry-interval=90",
            "payload-format-indicator=1",
            "response-topic=answer/here",
            "user-property=k:v",
            "user-property=k:w",
        ]
    );
}

#[test]
fn a_topic_alias_with_repetitions() {
    if not_yet("-D") {
        return;
    }
    let mut stage = Stage::start();
    let alias = [
        "-D",
        "publish",
        "topic-alias",
        "1",
        "-q",
        "1",
        "--repeat",
        "3",
    ];
    stage
        .mqpub(&["-t", "a", "-m", "x"])
        .args(alias)
        .run()
        .assert_success();
    let topics: Vec<_> = stage.messages().into_iter().map(|m| m.topic).collect();
    assert_eq!(topics, ["a", "a", "a"]);
}

#[test]
fn subscribe_and_unsubscribe() {
    if not_yet("-D") {
        return;
    }
    let sent = sent(subscriber().args([
        "-U",
        "u",
        "-D",
        "subscribe",
        "user-property",
        "s",
        "1",
        "-D",
        "unsubscribe",
        "user-property",
        "u",
        "2",
    ]));
    assert_eq!(
        properties::read(&sent.subscribes[0].properties),
        ["user-property=s:1"]
    );
    let body = &sent.unsubscribes[0].body;
    let length = usize::from(body[2]);
    assert_eq!(
        properties::read(&body[3..3 + length]),
        ["user-property=u:2"]
    );
}

#[test]
fn subscription_identifiers() {
    if not_yet("-D") {
        return;
    }
    let mut stage = Stage::start();
    let tool = stage.subscribed(&[
        "-t",
        "a",
        "-C",
        "1",
        "-F",
        "%S",
        "-D",
        "subscribe",
        "subscription-identifier",
        "300",
    ]);
    stage.publish("a", "x");
    assert_eq!(tool.wait().assert_success().stdout_str(), "300\n");
}

#[test]
fn disconnect() {
    if not_yet("-D") {
        return;
    }
    let sent = sent(publisher().args(["-D", "disconnect", "user-property", "d", "1"]));
    let body = &sent.disconnect.expect("a DISCONNECT").body;
    let list = match body.get(1) {
        Some(length) => properties::read(&body[2..2 + usize::from(*length)]),
        None => Vec::new(),
    };
    assert_eq!(
        list,
        expect(vec!["user-property=d:1"], vec!["user-property=d:1"])
    );
}

#[test]
fn will() {
    if not_yet("-D") {
        return;
    }
    for tool in [publisher, subscriber] {
        let words = [
            "-D will will-delay-interval 5",
            "-D will content-type text/plain",
            "-D will message-expiry-interval 90",
            "-D will payload-format-indicator 1",
            "-D will response-topic answer",
            "-D will correlation-data corr",
            "-D will user-property w 1",
        ];
        let words = words.iter().flat_map(|text| text.split(' '));
        let sent = sent(tool().args(["--will-topic", "w"]).args(words));
        let mut list = properties::read(&sent.connect.will.unwrap().properties);
        list.sort();
        assert_eq!(
            list,
            [
                "content-type=text/plain",
                "correlation-data=corr",
                "message-expiry-interval=90",
                "payload-format-indicator=1",
                "response-topic=answer",
                "user-property=w:1",
                "will-delay-interval=5",
            ]
        );
    }
}

#[test]
fn mistakes_are_usage_errors() {
    if not_yet("-D") {
        return;
    }
    let cases: [&[&str]; 11] = [
        &["nonsense", "user-property", "k", "v"],
        &["auth", "user-property", "k", "v"],
        &["puback", "user-property", "k", "v"],
        &["connect", "bogus", "1"],
        &["connect", "content-type", "x"],
        &["connect", "receive-maximum", "0"],
        &["connect", "receive-maximum", "65536"],
        &["connect", "maximum-packet-size", "0"],
        &["connect", "user-property", "k"],
        &["publish", "message-expiry-interval", "4294967296"],
        &["connect"],
    ];
    for words in cases {
        refuses(mqpub, &[&[&["-t", "a", "-m", "x", "-D"], words].concat()]);
        refuses(mqsub, &[&[&["-t", "a", "-E", "-D"], words].concat()]);
    }
}

/// Ours: an older version that was asked for together with `-D` is a usage error whatever the
/// order. The original switches to MQTT 5 unless `-V` follows; then it drops those of PUBLISH and
/// fails over those of CONNECT.
#[test]
fn with_an_older_version() {
    if not_yet("-D") {
        return;
    }
    for (property, theirs) in [
        (&["-D", "publish", "content-type", "x"][..], [0, 0]),
        (&["-D", "connect", "user-property", "k", "v"], [0, 1]),
    ] {
        let version = &["-V", "311"][..];
        for (args, theirs) in [[version, property], [property, version]]
            .iter()
            .zip(theirs)
        {
            let broker = harness::Broker::start();
            let output = publisher().args(broker.args()).args(args.concat()).run();
            assert_eq!(output.status, expect(1, theirs), "{output}");
        }
    }
}

/// Ours: a value that the specification does not have is refused.
#[test]
fn a_flag_is_0_or_1() {
    if not_yet("-D") {
        return;
    }
    let broker = harness::Broker::start();
    let output = publisher()
        .args(broker.args())
        .args(["-D", "publish", "payload-format-indicator", "2"])
        .run();
    assert_eq!(output.status, expect(1, 0), "{output}");
}
