//! `--rate`: no more messages in a time, from any source.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use harness::{FakeBroker, mqpub, unused_port};

use crate::support::{Collector, PATIENCE, complaint, greet, part, publisher};

/// How long five messages take from the broker's CONNACK on, before which none can be sent.
fn five_messages(args: &[&str], stdin: &str) -> Duration {
    let (sender, took) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        let connect = conn.expect_connect();
        let start = Instant::now();
        match connect.level {
            5 => conn.connack_v5(0),
            _ => conn.connack(0),
        }
        for _ in 0..5 {
            if let Some(id) = conn.expect_publish().packet_id {
                conn.puback(id);
            }
        }
        sender.send(start.elapsed()).unwrap();
        part(&mut conn);
    });
    mqpub()
        .args(broker.args())
        .args(args)
        .stdin(stdin)
        .run()
        .assert_success();
    broker.finish();
    took.recv().unwrap()
}

#[test]
fn every_source_is_held_back() {
    const LINES: &str = "1 a\n2 b\n3 c\n4 d\n5 e\n";
    // Four intervals of 100 ms each.
    let least = Duration::from_millis(400);
    for (args, stdin) in [
        (&["-t", "a", "-l", "--rate", "10"][..], LINES),
        (&["-t", "a", "-l", "-q", "1", "--rate", "10/s"], LINES),
        (
            &["-t", "a", "-m", "x", "--repeat", "5", "--rate", "600/m"],
            "",
        ),
        (
            &["-t", "a", "-s", "--repeat", "5", "--rate", "36000/h"],
            "x",
        ),
        (
            &["-l", "--topic-separator", " ", "-V", "5", "--rate", "10"],
            LINES,
        ),
    ] {
        let took = five_messages(args, stdin);
        assert!(took >= least, "{args:?}: {took:?}");
    }
}

#[test]
fn a_high_rate_loses_nothing() {
    let lines: Vec<_> = (0..5_000).map(|number| number.to_string()).collect();
    let broker = Collector::start();
    broker
        .mqpub(["-l", "-q", "1", "--rate", "50000"])
        .stdin(lines.join("\n"))
        .run()
        .assert_success();
    let payloads = broker.payloads();
    assert!(payloads.iter().eq(lines.iter().map(|line| line.as_bytes())));
}

#[test]
fn lines_that_were_read_go_at_once_when_it_is_stopped() {
    for qos in ["0", "1", "2"] {
        let broker = Collector::start();
        let running = broker.mqpub(["-q", qos, "-l", "--rate", "1/h"]).spawn();
        // One write into a pipe, and so one read.
        running.write_stdin("one\ntwo\nthree\n");
        assert_eq!(broker.next().payload, b"one");
        running.terminate();
        running.wait_for_end();
        running.wait().assert_code(143);
        assert_eq!(broker.payloads(), [&b"two"[..], b"three"]);
    }
}

#[test]
fn the_first_does_not_wait_and_the_rest_of_a_repetition_is_dropped_by_a_signal() {
    let (sender, first) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        greet(&mut conn);
        conn.expect_publish();
        sender.send(()).unwrap();
        part(&mut conn);
    });
    let running = publisher(&broker)
        .args(["-m", "x", "--repeat", "100", "--rate", "1/h"])
        .spawn();
    first.recv_timeout(PATIENCE).unwrap();
    running.interrupt();
    running.wait_for_end();
    running.wait().assert_code(130);
    broker.finish();
}

#[test]
fn what_is_no_rate_is_refused() {
    let nobody = unused_port();
    for value in ["0", "-1", "10/d", "fast", "", "1/0"] {
        let tool = mqpub().args(nobody.args()).args(["-t", "a", "-m", "x"]);
        let complaint = complaint(tool.args(["--rate", value]).run(), 1);
        assert!(complaint.error.contains("--rate"), "{complaint:?}");
    }
}
