//! A broker that sends anything at all. `MQ_GARBAGE_SEED` repeats the run that failed.
//!
//! After CONNACK all of it ends in a malformed packet, not in a lost connection.

use harness::fake_broker::Publish;
use harness::garbage::{
    MALFORMED, Trial, check, codes_before_connack, damaged, giant, noise, seeds,
};
use harness::{Conn, Tool, WebSocketConn, mqsub};

use crate::support::{VERSIONS, terminate};

fn subscriber(trial: &Trial, seed: u64, version: &str) -> Tool {
    trial.set_seed(seed);
    // A different way to print for each: all of them see the damage.
    let output: &[&str] = match seed % 3 {
        0 => &["-v"],
        1 => &["-F", "%j"],
        _ => &["-F", "%t %x %P"],
    };
    mqsub()
        .args(trial.broker.args())
        .args(["-t", "a/#", "-q", "2", "-V", version])
        .args(output)
}

#[test]
fn noise_instead_of_connack_is_reported() {
    let trial = Trial::new(|mut conn, seed| {
        conn.expect_connect();
        conn.send(&noise(seed));
        conn.hold();
    });
    for seed in seeds(10) {
        for version in VERSIONS {
            let output = subscriber(&trial, seed, version).run();
            assert!(output.stdout.is_empty(), "{output}");
            check(&output, seed, version, codes_before_connack(seed));
        }
    }
    trial.broker.finish();
}

#[test]
fn noise_and_damaged_packets_after_connack_are_reported() {
    let trial = Trial::new(|mut conn, seed| {
        let is_v5 = greet(&mut conn);
        conn.expect_subscribe();
        conn.send(&bytes(seed, is_v5));
        conn.hold();
    });
    for seed in seeds(30) {
        for version in VERSIONS {
            let output = subscriber(&trial, seed, version).run();
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
            let output = subscriber(&trial, seed, version).arg("--ws").run();
            check(&output, seed, version, &MALFORMED);
        }
    }
    trial.broker.finish();
}

#[test]
fn a_packet_that_is_announced_and_does_not_come_takes_no_memory() {
    let trial = Trial::new(|mut conn, seed| {
        let is_v5 = greet(&mut conn);
        conn.expect_subscribe();
        // What comes before it shows that it has been read.
        let first = Publish::new("a/b", "before", 0, 0).encode(is_v5);
        conn.send(&[first, giant(seed)].concat());
        conn.hold();
    });
    for seed in seeds(3) {
        for version in VERSIONS {
            let running = subscriber(&trial, seed, version).measure_memory().spawn();
            running.wait_for_stdout("a/b");
            // The rest may still come: only the user ends the wait.
            let output = terminate(running);
            let peak = output.peak_rss_kib.expect("it was measured");
            assert!(peak < 64 * 1024, "{peak} KiB, seed {seed}\n{output}");
        }
        let output = subscriber(&trial, seed, "mqttv5")
            .args(["-D", "connect", "maximum-packet-size", "1000"])
            .run();
        check(&output, seed, "over our Maximum Packet Size", &[21]);
    }
    trial.broker.finish();
}

/// Accepts the client in its version; says whether that is MQTT 5.
fn greet(conn: &mut Conn) -> bool {
    let is_v5 = conn.expect_connect().level == 5;
    if is_v5 {
        conn.connack_v5(0);
    } else {
        conn.connack(0);
    }
    is_v5
}

fn bytes(seed: u64, is_v5: bool) -> Vec<u8> {
    match seed % 3 {
        0 => noise(seed),
        _ => damaged(seed, is_v5),
    }
}
