//! A broker that sends anything at all.

use std::ops::RangeInclusive;

use harness::fake_broker::encode;
use harness::{FakeBroker, Output};

use crate::support::{VERSIONS, greet, greet_v5, part, publisher};

const SEEDS: RangeInclusive<u32> = 1..=100;

/// Bytes without sense, the same ones for the same seed.
fn garbage(seed: u32, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_be_bytes()[3]
    };
    (0..count).map(|_| next()).collect()
}

/// Whether no packet from a broker begins with this byte.
fn begins_no_packet(first: u8) -> bool {
    !matches!(
        first,
        0x20 | 0x30..=0x3F | 0x40 | 0x50 | 0x62 | 0x70 | 0x90 | 0xB0 | 0xD0 | 0xE0 | 0xF0
    )
}

#[track_caller]
fn check_report(output: &Output, what: &str) {
    assert!(output.stdout.is_empty(), "{what}\n{output}");
    let text = output.stderr_str();
    assert!(text.starts_with("error: "), "{what}\n{output}");
    assert!(!text.contains("panicked"), "{what}\n{output}");
    assert!(text.lines().count() <= 4, "{what}\n{output}");
}

#[test]
fn garbage_instead_of_connack_is_reported() {
    for version in VERSIONS {
        let broker = FakeBroker::start(|mut conn| {
            conn.expect_connect();
            let seed = SEEDS.start() + u32::try_from(conn.number()).unwrap();
            conn.send(&garbage(seed, 600));
            conn.close();
        });
        let mut malformed = 0;
        for seed in SEEDS {
            let output = publisher(&broker)
                .args(["-V", version, "-q", "1", "-m", "text"])
                .run();
            let what = format!("seed {seed}, {version}");
            check_report(&output, &what);
            let first = garbage(seed, 1)[0];
            if begins_no_packet(first) {
                assert_eq!(output.status, 21, "{what}, first byte {first:#x}\n{output}");
                malformed += 1;
            } else {
                // It may announce a packet and end too early.
                assert!([5, 21].contains(&output.status), "{what}\n{output}");
            }
        }
        assert!(malformed > 50, "{malformed} of the seeds are of use");
        broker.finish();
    }
}

#[test]
fn garbage_after_connack_is_reported() {
    for version in VERSIONS {
        let broker = FakeBroker::start(|mut conn| {
            let seed = SEEDS.start() + u32::try_from(conn.number()).unwrap();
            greet(&mut conn);
            conn.expect_publish();
            conn.send(&garbage(seed, 600));
            conn.close();
        });
        for seed in SEEDS {
            let output = publisher(&broker)
                .args(["-V", version, "-q", "1", "-m", "text"])
                .run();
            let what = format!("seed {seed}, {version}");
            check_report(&output, &what);
            let first = garbage(seed, 1)[0];
            if begins_no_packet(first) {
                assert_eq!(output.status, 21, "{what}, first byte {first:#x}\n{output}");
            } else {
                assert!(
                    [7, 21].contains(&output.status) || output.status >= 128,
                    "{what}\n{output}"
                );
            }
        }
        broker.finish();
    }
}

#[test]
fn packets_a_broker_may_not_send_are_21() {
    // CONNECT, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, reserved, wrong flags, QoS 3, a length without
    // end; a second CONNACK, which would accept or refuse; PUBREC and PUBCOMP where PUBACK is due.
    const PACKETS: [&[u8]; 12] = [
        &[0x10, 0],
        &[0x82, 2, 0, 1],
        &[0xA2, 2, 0, 1],
        &[0xC0, 0],
        &[0x00, 0],
        &[0x41, 2, 0, 1],
        &[0x36, 6, 0, 1, b'a', 0, 1, b'x'],
        &[0x40, 0xFF, 0xFF, 0xFF, 0xFF],
        &[0x20, 2, 0, 0],
        &[0x20, 2, 0, 5],
        &[0x50, 2, 0, 1],
        &[0x70, 2, 0, 1],
    ];
    for version in VERSIONS {
        let broker = FakeBroker::start(|mut conn| {
            greet(&mut conn);
            conn.expect_publish();
            conn.send(PACKETS[conn.number()]);
            conn.hold();
        });
        for packet in PACKETS {
            let output = publisher(&broker)
                .args(["-V", version, "-q", "1", "-m", "text"])
                .run();
            check_report(&output, &format!("{packet:x?}"));
            output.assert_code(21);
        }
        broker.finish();
    }
}

/// MQTT 5, sections 3.3.2.3.4 and 4.13.1: the broker is told what it did.
#[test]
fn a_topic_alias_that_nobody_allowed_is_21() {
    const ALIASES: [(&str, u8); 3] = [("a", 0), ("a", 1), ("", 1)];
    let broker = FakeBroker::start(|mut conn| {
        greet_v5(&mut conn, &[]);
        conn.expect_publish();
        let (topic, alias) = ALIASES[conn.number()];
        let mut body = Vec::new();
        encode::text(&mut body, topic.as_bytes());
        encode::properties(&mut body, &[0x23, 0, alias]);
        conn.send(&encode::packet(0x30, &body));
        assert_eq!(conn.expect_disconnect().body, [0x94]);
        conn.expect_close();
    });
    for what in ALIASES {
        let output = publisher(&broker)
            .args(["-V", "mqttv5", "-q", "1", "-m", "text"])
            .run();
        check_report(&output, &format!("{what:?}"));
        assert!(output.stderr_str().contains("Topic Alias"), "{output}");
        output.assert_code(21);
    }
    broker.finish();
}

#[test]
fn answers_to_no_question_change_nothing() {
    for version in VERSIONS {
        let broker = FakeBroker::start(move |mut conn| {
            greet(&mut conn);
            let id = conn.expect_publish().packet_id.unwrap();
            conn.pingresp();
            conn.pingresp();
            if version == "mqttv5" {
                conn.suback_v5(id, &[0]);
                conn.unsuback_v5(9, &[0]);
            } else {
                conn.suback(id, &[0]);
                conn.unsuback(9);
            }
            conn.puback(id);
            part(&mut conn);
        });
        publisher(&broker)
            .args(["-V", version, "-q", "1", "-m", "text"])
            .run()
            .assert_success();
        broker.finish();
    }
}
