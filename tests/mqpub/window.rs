//! How many messages are in flight at a time: `-M` and the broker's Receive Maximum.

use std::fs::File;
use std::io::Write as _;

use harness::{Conn, FakeBroker};
use tempfile::TempDir;

use crate::support::{VERSIONS, expect_pause, greet, greet_v5, part, publisher};

/// Takes ten messages at QoS 1, of which exactly `window` must come before an acknowledgement.
#[track_caller]
fn take_ten(conn: &mut Conn, window: usize) {
    let mut open: Vec<u16> = Vec::new();
    for number in 0..10 {
        if open.len() == window {
            expect_pause(conn);
            // The last one first: the window is a number, not a queue.
            conn.puback(open.pop().unwrap());
        }
        let publish = conn.expect_publish();
        assert_eq!(publish.payload, b"text", "message {number}");
        let id = publish.packet_id.unwrap();
        assert!(!open.contains(&id), "identifier {id} is in use");
        open.push(id);
    }
    for id in open {
        conn.puback(id);
    }
    part(conn);
}

#[test]
fn max_inflight_is_kept_and_filled() {
    for version in VERSIONS {
        for window in [1, 2, 5, 9] {
            let broker = FakeBroker::start(move |mut conn| {
                greet(&mut conn);
                take_ten(&mut conn, window);
            });
            publisher(&broker)
                .args(["-V", version, "-q", "1", "-M", &window.to_string()])
                .args(["-m", "text", "--repeat", "10"])
                .run()
                .assert_success();
            broker.finish();
        }
    }
}

#[test]
fn a_window_larger_than_all_messages_sends_them_at_once() {
    let broker = FakeBroker::start(|mut conn| {
        greet(&mut conn);
        take_ten(&mut conn, 10);
    });
    publisher(&broker)
        .args(["-q", "1", "-m", "text", "--repeat", "10"])
        .run()
        .assert_success();
    broker.finish();
}

#[test]
fn the_brokers_receive_maximum_is_never_exceeded() {
    for (receive_maximum, max_inflight, window) in [(1, "100", 1), (3, "65535", 3), (50, "4", 4)] {
        let broker = FakeBroker::start(move |mut conn| {
            greet_v5(&mut conn, &[0x21, 0, receive_maximum]);
            take_ten(&mut conn, window);
        });
        publisher(&broker)
            .args(["-V", "mqttv5", "-q", "1", "-M", max_inflight])
            .args(["-m", "text", "--repeat", "10"])
            .run()
            .assert_success();
        broker.finish();
    }
}

#[test]
fn a_qos_2_message_keeps_its_place_until_pubcomp() {
    for version in VERSIONS {
        let broker = FakeBroker::start(|mut conn| {
            greet(&mut conn);
            for _ in 0..3 {
                let id = conn.expect_publish().packet_id.unwrap();
                expect_pause(&mut conn);
                conn.pubrec(id);
                assert_eq!(conn.expect_pubrel(), id);
                expect_pause(&mut conn);
                conn.pubcomp(id);
            }
            part(&mut conn);
        });
        publisher(&broker)
            .args(["-V", version, "-q", "2", "-M", "1"])
            .args(["-m", "text", "--repeat", "3"])
            .run()
            .assert_success();
        broker.finish();
    }
}

#[test]
fn qos_0_knows_no_window() {
    let broker = FakeBroker::start(|mut conn| {
        greet_v5(&mut conn, &[0x21, 0, 1]);
        for _ in 0..10 {
            conn.expect_publish();
        }
        part(&mut conn);
    });
    publisher(&broker)
        .args(["-V", "mqttv5", "-M", "1", "-m", "text", "--repeat", "10"])
        .run()
        .assert_success();
    broker.finish();
}

#[test]
fn unacknowledged_bytes_are_limited_too() {
    const ROUNDS: usize = 6;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("lines");
    let mut file = File::create(&path).unwrap();
    let line = [vec![b'x'; 4 * 1024 * 1024], b"\n".to_vec()].concat();
    for _ in 0..2 * ROUNDS {
        file.write_all(&line).unwrap();
    }
    let broker = FakeBroker::start(|mut conn| {
        greet(&mut conn);
        for _ in 0..ROUNDS {
            // Far from the window of 100, but 8 MiB.
            let ids = [(); 2].map(|()| conn.expect_publish().packet_id.unwrap());
            expect_pause(&mut conn);
            for id in ids {
                conn.puback(id);
            }
        }
        part(&mut conn);
    });
    let output = publisher(&broker)
        .args(["-q", "1", "-l"])
        .stdin_from(File::open(&path).unwrap())
        .measure_memory()
        .run()
        .assert_success();
    broker.finish();
    assert!(
        output.peak_rss_kib() < 64 * 1024,
        "{} KiB",
        output.peak_rss_kib()
    );
}
