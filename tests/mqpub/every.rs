//! `--every`: the same again and again, until it is stopped.

use std::fs;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use harness::{FakeBroker, mqpub, unused_port};
use tempfile::TempDir;

use crate::support::{Collector, VERSIONS, complaint, part, publisher};

#[test]
fn it_goes_on_until_a_signal_comes() {
    for version in VERSIONS {
        for qos in ["0", "1", "2"] {
            let broker = Collector::start();
            let running = broker
                .mqpub(["-V", version, "-q", qos, "-m", "tick", "--every", "20ms"])
                .spawn();
            for _ in 0..5 {
                assert_eq!(broker.next().payload, b"tick");
            }
            running.interrupt();
            running.wait_for_end();
            let output = running.wait().assert_code(130);
            assert!(output.stderr.is_empty(), "{output}");
            // It said DISCONNECT, on which the broker insists.
            drop(broker.finish());
        }
    }
}

#[test]
fn it_ends_when_it_was_repeated_often_enough_and_keeps_its_distance() {
    let (sender, took) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        conn.expect_connect();
        let start = Instant::now();
        conn.connack(0);
        for _ in 0..4 {
            conn.expect_publish();
        }
        sender.send(start.elapsed()).unwrap();
        part(&mut conn);
    });
    publisher(&broker)
        .args(["-m", "tick", "--every", "0.15", "--repeat", "4"])
        .run()
        .assert_success();
    broker.finish();
    // Beats may be missed, and then the distance is larger; the last one may be late by less than
    // one of them, and the next in time.
    let took = took.recv().unwrap();
    assert!(took >= Duration::from_millis(450), "{took:?}");
}

#[test]
fn a_file_is_read_again_each_time() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("status");
    let put = |text: &str| {
        let new = folder.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, &path).unwrap();
    };
    put("one");
    let broker = Collector::start();
    let running = broker
        .mqpub(["-q", "1", "--every", "10ms", "-f"])
        .arg(&path)
        .spawn();
    assert_eq!(broker.next().payload, b"one");
    for text in ["two, which is longer", "", "4"] {
        put(text);
        while broker.next().payload != text.as_bytes() {}
    }
    fs::remove_file(&path).unwrap();
    running.wait_for_end();
    let output = running.wait().assert_code(14);
    assert!(output.stderr_str().contains("status"), "{output}");
    drop(broker.finish());
}

#[test]
fn it_makes_no_sense_with_lines_and_other_paces() {
    let nobody = unused_port();
    for (args, named) in [
        (&["-l", "--every", "1"][..], "--every"),
        (&["-s", "--every", "1", "--rate", "2"], "--every"),
        (&["-m", "x", "--every", "1", "--rate", "1"], "--every"),
        (
            &["-m", "x", "--every", "1", "--repeat-delay", "1"],
            "--every",
        ),
        (&["-m", "x", "--every", "0"], "--every"),
        (&["-m", "x", "--every", "soon"], "--every"),
        (&["-m", "x", "--every", "1d"], "ms, s, m and h"),
    ] {
        let tool = mqpub().args(nobody.args()).args(["-t", "a"]);
        let complaint = complaint(tool.args(args).run(), 1);
        let text = format!("{} {}", complaint.error, complaint.cause);
        assert!(text.contains(named), "{args:?}: {complaint:?}");
    }
}
