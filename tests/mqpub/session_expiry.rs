//! `-x`: the Session Expiry Interval, and the MQTT version that it implies.

use std::sync::mpsc;

use harness::{Broker, FakeBroker, mqpub, mqsub, unused_port};

use crate::support::{complaint, greet, part, publisher};

/// Version and properties of the CONNECT that these options lead to.
#[track_caller]
fn connect_with(options: &[&str]) -> (u8, Vec<u8>) {
    let (sender, connect) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        sender.send(greet(&mut conn)).unwrap();
        conn.expect_kind(3);
        part(&mut conn);
    });
    publisher(&broker)
        .args(["-m", "x"])
        .args(options)
        .run()
        .assert_success();
    broker.finish();
    let connect = connect.try_recv().unwrap();
    (connect.level, connect.properties)
}

/// The property as MQTT 5 (section 3.1.2.11.2) encodes it.
fn expiry(seconds: u32) -> Vec<u8> {
    [&[0x11][..], &seconds.to_be_bytes()].concat()
}

#[test]
fn the_interval_is_sent_and_implies_mqtt_5() {
    for (text, seconds) in [
        ("0", 0),
        ("10", 10),
        ("4294967294", u32::MAX - 1),
        ("4294967295", u32::MAX),
        ("-1", u32::MAX),
        ("∞", u32::MAX),
    ] {
        let options = ["-i", "id", "-x", text];
        let (level, properties) = connect_with(&options);
        assert_eq!((level, properties), (5, expiry(seconds)), "{text}");
    }
    let (level, properties) = connect_with(&["-x", "7", "-V", "5"]);
    assert_eq!((level, properties), (5, expiry(7)));
    // Stronger than what -c means without it.
    let (_, properties) = connect_with(&["-c", "-i", "id", "-x", "60"]);
    assert_eq!(properties, expiry(60));
    let (level, _) = connect_with(&["-m", "x"]);
    assert_eq!(level, 4);
}

#[test]
fn the_broker_keeps_the_session_so_long() {
    let broker = Broker::start();
    let run = |options: &[&str]| {
        let mqsub = mqsub()
            .args(broker.args())
            .args(["-i", "sub", "-c", "-t", "a", "-E", "-d"])
            .args(options)
            .run();
        mqsub.assert_success().stderr_str().to_owned()
    };
    assert!(run(&["-x", "1000"]).contains("session present 0"));
    assert!(run(&["-x", "0"]).contains("session present 1"));
    assert!(run(&["-x", "1000"]).contains("session present 0"));
}

#[test]
fn wrong_intervals_are_usage_errors() {
    let nobody = unused_port();
    let misused = |options: &[&str]| {
        let tool = mqpub().args(nobody.args()).args(["-t", "a", "-m", "x"]);
        complaint(tool.args(options).run(), 1)
    };
    for text in ["-2", "4294967296", "1.5", "soon", ""] {
        let report = misused(&["-x", text]);
        assert!(report.error.contains("4294967295"), "{report:?}");
    }
    for version in ["mqttv311", "311"] {
        for options in [["-V", version, "-x", "1"], ["-x", "1", "-V", version]] {
            let report = misused(&options);
            assert!(report.error.contains("MQTT 5"), "{report:?}");
        }
    }
    for options in [
        &["-x", "-1"][..],
        &["-x", "-1", "-i", ""],
        &["-x", "-1", "-I", "p"],
    ] {
        let report = misused(options);
        assert!(report.hint.contains("-i ID"), "{report:?}");
    }
}
