//! `--repeat` and `--repeat-delay`.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use harness::{FakeBroker, mqpub, unused_port};
use tempfile::TempDir;

use crate::support::{Collector, VERSIONS, complaint, greet, part, publisher};

#[test]
fn a_message_is_repeated_exactly_that_often() {
    for version in VERSIONS {
        for qos in ["0", "1", "2"] {
            let broker = Collector::start();
            broker
                .mqpub(["-V", version, "-q", qos, "-m", "again", "--repeat", "300"])
                .run()
                .assert_success();
            let messages = broker.finish();
            assert_eq!(messages.len(), 300, "{version}, QoS {qos}");
            assert!(messages.iter().all(|m| m.payload == b"again" && !m.dup));
        }
    }
}

#[test]
fn every_source_but_lines_can_be_repeated() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("file"), "file").unwrap();
    let broker = Collector::start();
    for source in [&["-n"][..], &["-f", "file"], &["-s"]] {
        broker
            .mqpub(source)
            .args(["--repeat", "2", "--repeat-delay", "0"])
            .current_dir(folder.path())
            .stdin("stdin")
            .run()
            .assert_success();
    }
    let expected = [&b""[..], b"", b"file", b"file", b"stdin", b"stdin"];
    assert_eq!(broker.payloads(), expected);
}

#[test]
fn lines_cannot_be_repeated() {
    let nobody = unused_port();
    for option in [["--repeat", "2"], ["--repeat-delay", "1"]] {
        let output = mqpub()
            .args(nobody.args())
            .args(["-t", "a", "-l"])
            .args(option)
            .stdin("line\n")
            .run();
        let complaint = complaint(output, 1);
        assert!(complaint.error.contains(option[0]), "{complaint:?}");
    }
}

#[test]
fn repetitions_keep_their_distance() {
    const DELAY: Duration = Duration::from_millis(250);
    for qos in ["0", "1"] {
        let (sender, ends) = mpsc::channel();
        let broker = FakeBroker::start(move |mut conn| {
            conn.expect_connect();
            // Nothing can be published before this, so the time to the last message is at
            // least all delays together, however late each one is seen.
            let start = Instant::now();
            conn.connack(0);
            for _ in 0..4 {
                if let Some(id) = conn.expect_publish().packet_id {
                    conn.puback(id);
                }
            }
            sender.send(start.elapsed()).unwrap();
            part(&mut conn);
        });
        publisher(&broker)
            .args(["-q", qos, "-m", "tick", "--repeat", "4"])
            .args(["--repeat-delay", "0.25"])
            .run()
            .assert_success();
        broker.finish();
        let took = ends.recv().unwrap();
        assert!(took >= 3 * DELAY, "QoS {qos}: four messages in {took:?}");
    }
}

#[test]
fn the_first_of_them_does_not_wait() {
    let (sender, first) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        greet(&mut conn);
        conn.expect_publish();
        sender.send(()).unwrap();
        conn.hold();
    });
    let publisher = publisher(&broker)
        .args(["-m", "tick", "--repeat", "2", "--repeat-delay", "100000"])
        .spawn();
    first.recv_timeout(crate::support::PATIENCE).unwrap();
    assert!(publisher.is_running(), "it did not wait for the second");
    publisher.kill();
    drop(publisher);
    broker.finish();
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let nobody = unused_port();
    for [option, value] in [
        ["--repeat", "0"],
        ["--repeat", "-1"],
        ["--repeat", "1.5"],
        ["--repeat", "many"],
        ["--repeat", "18446744073709551616"],
        ["--repeat-delay", "-1"],
        ["--repeat-delay", "nan"],
        ["--repeat-delay", "inf"],
        ["--repeat-delay", "1e30"],
        ["--repeat-delay", "soon"],
        ["--repeat-delay", ""],
    ] {
        let output = mqpub()
            .args(nobody.args())
            .args(["-t", "a", "-m", "x", option, value])
            .run();
        let complaint = complaint(output, 1);
        assert!(
            complaint.error.contains(option) || complaint.error.contains(value),
            "{complaint:?}"
        );
    }
}
