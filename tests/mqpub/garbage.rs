//! A broker that sends anything at all.

use std::ops::RangeInclusive;

use harness::{FakeBroker, Output};

use crate::support::{VERSIONS, greet, publisher};

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
    // CONNECT, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, reserved, wrong flags, a length without end.
    const PACKETS: [&[u8]; 8] = [
        &[0x10, 0],
        &[0x82, 2, 0, 1],
        &[0xA2, 2, 0, 1],
        &[0xC0, 0],
        &[0x00, 0],
        &[0x41, 2, 0, 1],
        &[0x36, 6, 0, 1, b'a', 0, 1, b'x'],
        &[0x40, 0xFF, 0xFF, 0xFF, 0xFF],
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
