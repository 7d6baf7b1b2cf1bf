//! `-k`: PINGREQ on an idle connection, and brokers that do not answer it.

use std::time::{Duration, Instant};

use harness::fake_broker::encode;
use harness::{FakeBroker, together};

use crate::support::{PATIENCE, complaint, greet, greet_v5, part, publisher};

/// Kept alive every 5 or 15 s; the rest is for loaded machines.
const LATE: Duration = Duration::from_secs(45);

#[test]
fn an_idle_connection_is_kept_alive() {
    // A broker on a loaded machine may not answer within 5 s.
    together(
        [("mqttv311", "15"), ("mqttv5", "60")],
        |(version, keep_alive)| {
            let (sender, pinged) = std::sync::mpsc::channel();
            let broker = FakeBroker::start(move |mut conn| {
                let start = Instant::now();
                if version == "mqttv5" {
                    // The broker's Server Keep Alive overrides -k.
                    greet_v5(&mut conn, &[0x13, 0, 15]);
                } else {
                    assert_eq!(greet(&mut conn).keep_alive, 15);
                }
                conn.expect_kind(12);
                assert!(start.elapsed() < LATE, "{:?}", start.elapsed());
                conn.pingresp();
                sender.send(()).unwrap();
                assert_eq!(conn.expect_publish().payload, b"late");
                part(&mut conn);
            });
            let publisher = publisher(&broker)
                .args(["-V", version, "-k", keep_alive, "-l"])
                .spawn();
            pinged.recv_timeout(PATIENCE).expect("a PINGREQ");
            publisher.write_stdin("late\n");
            publisher.wait().assert_success();
            broker.finish();
        },
    );
}

#[test]
fn a_broker_that_does_not_answer_pingreq_is_given_up() {
    let broker = FakeBroker::start(|mut conn| {
        assert_eq!(greet(&mut conn).keep_alive, 5);
        let publish = conn.expect_publish();
        conn.expect_kind(12);
        let pinged = Instant::now();
        assert_eq!(publish.payload, b"text");
        // It never answers; a good-bye may come, the end must.
        conn.hold();
        assert!(pinged.elapsed() < LATE, "{:?}", pinged.elapsed());
    });
    let output = publisher(&broker)
        .args(["-k", "5", "-q", "1", "-m", "text"])
        .run();
    broker.finish();
    let complaint = complaint(output, 19);
    assert!(complaint.error.contains("was lost"), "{complaint:?}");
    assert_eq!(
        complaint.note,
        "of 1 message sent, 0 were acknowledged, 0 refused, 1 is unknown"
    );
}

#[test]
fn a_packet_that_is_announced_and_never_sent_costs_no_memory() {
    let broker = FakeBroker::start(|mut conn| {
        greet_v5(&mut conn, &[0x13, 0, 5]);
        let mut packet = vec![0x30];
        encode::length(&mut packet, 268_435_455);
        packet.extend([0, 1, b'a', 0]);
        packet.extend([b'x'; 100_000]);
        conn.send(&packet);
        conn.expect_kind(12);
        conn.hold();
    });
    let publisher = publisher(&broker)
        .args(["-V", "5", "-l", "--retry", "0"])
        .measure_memory()
        .spawn();
    publisher.wait_for_end();
    let output = publisher.wait();
    broker.finish();
    assert!(output.peak_rss_kib() < 32 * 1024, "{output}");
    complaint(output, 19);
}
