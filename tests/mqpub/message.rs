//! `-m` and `-n`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::support::{Collector, VERSIONS, Witness};

#[test]
fn any_text_arrives_as_it_was_typed() {
    let long = "0123456789".repeat(10 * 1024);
    let texts: &[&[u8]] = &[
        b"Hello, MQTT",
        b"-5",
        b"-",
        b"--",
        b"--help",
        b"-n",
        b"",
        b" two  spaces ",
        b"line\nbreak\r\n",
        "caf\u{e9} \u{1f600}".as_bytes(),
        b"\xff\xfe\x80 no UTF-8",
        long.as_bytes(),
    ];
    for version in VERSIONS {
        let broker = Collector::start();
        for text in texts {
            let output = broker
                .mqpub(["-V", version, "-m"])
                .arg(OsStr::from_bytes(text))
                .run()
                .assert_success();
            assert!(output.stdout.is_empty() && output.stderr.is_empty());
        }
        assert_eq!(broker.payloads(), texts, "{version}");
    }
}

#[test]
fn the_forms_of_the_option_mean_the_same() {
    let broker = Collector::start();
    for form in [
        &["-m", "-x"][..],
        &["-m-x"],
        &["--message", "-x"],
        &["--message=-x"],
    ] {
        broker.mqpub(form).run().assert_success();
    }
    assert_eq!(broker.payloads(), vec![b"-x"; 4]);
}

#[test]
fn a_null_message_is_empty() {
    for version in VERSIONS {
        let broker = Collector::start();
        broker.mqpub(["-V", version, "-n"]).run().assert_success();
        broker
            .mqpub(["-V", version, "--null-message", "-q", "1"])
            .run()
            .assert_success();
        assert_eq!(broker.payloads(), [b"", b""]);
    }
}

#[test]
fn stdin_is_left_alone() {
    let broker = Collector::start();
    let publisher = broker.mqpub(["-m", "text"]).spawn();
    publisher.write_stdin("not for mqpub\n");
    publisher.wait().assert_success();
    broker.mqpub(["-n"]).stdin_closed().run().assert_success();
    assert_eq!(broker.payloads(), [&b"text"[..], b""]);
}

#[test]
fn a_real_broker_passes_on_the_same_bytes() {
    let witness = Witness::start();
    for version in VERSIONS {
        for text in [&b"-5"[..], b"\xff", "\u{1f600}".as_bytes()] {
            witness
                .mqpub(["-V", version, "-m"])
                .arg(OsStr::from_bytes(text))
                .run()
                .assert_success();
        }
        witness.mqpub(["-V", version, "-n"]).run().assert_success();
    }
    let seen = witness.seen();
    let payloads: Vec<_> = seen.iter().map(|seen| &seen.payload[..]).collect();
    let once = [&b"-5"[..], b"\xff", "\u{1f600}".as_bytes(), b""];
    assert_eq!(payloads, once.repeat(VERSIONS.len()));
    assert!(
        seen.iter()
            .all(|seen| seen.topic == "test/topic" && seen.qos == 0)
    );
}
