//! A broker that sends anything at all. `MQ_GARBAGE_SEED` repeats the run that failed.

use harness::fake_broker::encode;
use harness::garbage::{
    MALFORMED, Trial, check, codes_before_connack, cut, damaged, giant, noise, seeds,
};
use harness::{FakeBroker, Tool, WebSocketConn};

use crate::support::{VERSIONS, greet, greet_v5, part, publisher};

/// At QoS 2, where no single packet could be taken for the end of the exchange.
fn of_trial(trial: &Trial, seed: u64, version: &str) -> Tool {
    trial.set_seed(seed);
    publisher(&trial.broker).args(["-V", version, "-q", "2", "-m", "text"])
}

#[test]
fn noise_instead_of_connack_is_reported() {
    let trial = Trial::new(|mut conn, seed| {
        conn.expect_connect();
        conn.send(&noise(seed));
        conn.hold();
    });
    for seed in seeds(20) {
        for version in VERSIONS {
            let output = of_trial(&trial, seed, version).run();
            assert!(output.stdout.is_empty(), "{output}");
            check(&output, seed, version, codes_before_connack(seed));
        }
    }
    trial.broker.finish();
}

#[test]
fn noise_and_damaged_packets_after_connack_are_reported() {
    let trial = Trial::new(|mut conn, seed| {
        let version = greet(&mut conn).level;
        conn.expect_publish();
        conn.send(&bytes(seed, version == 5));
        conn.hold();
    });
    for seed in seeds(30) {
        for version in VERSIONS {
            let output = of_trial(&trial, seed, version).run();
            assert!(output.stdout.is_empty(), "{output}");
            check(&output, seed, version, &MALFORMED);
        }
    }
    trial.broker.finish();
}

#[test]
fn the_same_over_websocket() {
    let trial = Trial::new(|conn, seed| {
        let mut socket = WebSocketConn::accept(conn);
        let version = socket.greet().level;
        socket.read_packet();
        for piece in bytes(seed, version == 5).chunks(7000) {
            socket.send(piece);
        }
        socket.conn.hold();
    });
    for seed in seeds(10) {
        for version in VERSIONS {
            let output = of_trial(&trial, seed, version).arg("--ws").run();
            assert!(output.stdout.is_empty(), "{output}");
            check(&output, seed, version, &MALFORMED);
        }
    }
    trial.broker.finish();
}

#[test]
fn noise_instead_of_frames_or_of_http_is_reported() {
    let trial = Trial::new(|conn, seed| {
        if seed % 2 == 0 {
            let mut socket = WebSocketConn::asked(conn);
            socket.conn.send(&noise(seed));
            return socket.conn.close();
        }
        let mut socket = WebSocketConn::accept(conn);
        socket.greet();
        socket.read_packet();
        socket.conn.send(&noise(seed));
        socket.conn.close();
    });
    for seed in seeds(20) {
        let output = of_trial(&trial, seed, "mqttv311").arg("--ws").run();
        // A broken WebSocket is a connection lost; before it is open, it is no broker's.
        let codes: &[i32] = if seed % 2 == 0 {
            &[21, 5]
        } else {
            &[21, 18, 7]
        };
        check(&output, seed, "WebSocket", codes);
    }
    trial.broker.finish();
}

#[test]
fn a_packet_that_is_cut_is_a_lost_connection() {
    let trial = Trial::new(|mut conn, seed| {
        if seed % 2 == 0 {
            conn.expect_connect();
            conn.send(&[0x20, 2, 0][..1 + usize::from(seed % 4 == 0)]);
        } else {
            let version = greet(&mut conn).level;
            conn.expect_publish();
            conn.send(&cut(seed, version == 5));
        }
        conn.close();
    });
    for seed in seeds(12) {
        for version in VERSIONS {
            let output = of_trial(&trial, seed, version).run();
            let code = if seed % 2 == 0 { 5 } else { 7 };
            check(&output, seed, version, &[code]);
        }
    }
    trial.broker.finish();
}

#[test]
fn a_packet_that_is_announced_and_does_not_come_takes_no_memory() {
    let trial = Trial::new(|mut conn, seed| {
        if seed % 2 == 0 {
            conn.expect_connect();
        } else {
            greet(&mut conn);
            conn.expect_publish();
        }
        conn.send(&giant(seed));
        conn.close();
    });
    let mut measured = 0;
    for seed in seeds(8) {
        for version in VERSIONS {
            let output = of_trial(&trial, seed, version).measure_memory().run();
            let what = format!("{version}, a giant");
            let codes: &[i32] = if seed % 2 == 0 { &[5, 21] } else { &[7] };
            check(&output, seed, &what, codes);
            // One that ends at once may be gone before anybody looks.
            if let Some(peak) = output.peak_rss_kib {
                assert!(peak < 64 * 1024, "{peak} KiB, seed {seed}\n{output}");
                measured += 1;
            }
        }
    }
    assert!(measured > 0, "no process lived long enough");
    trial.broker.finish();
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
            let text = output.stderr_str();
            assert!(text.starts_with("error: "), "{packet:x?}\n{output}");
            assert!(
                output.stdout.is_empty() && text.lines().count() <= 4,
                "{packet:x?}\n{output}"
            );
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
        let text = output.stderr_str();
        assert!(text.starts_with("error: "), "{what:?}\n{output}");
        assert!(text.contains("Topic Alias"), "{what:?}\n{output}");
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

fn bytes(seed: u64, is_v5: bool) -> Vec<u8> {
    match seed % 3 {
        0 => noise(seed),
        _ => damaged(seed, is_v5),
    }
}
