//! Connections that end before the work is done, by the broker's word or without one.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Mutex, mpsc};

use harness::{Broker, Conn, FakeBroker, mqpub};
use tempfile::TempDir;

use crate::support::{
    VERSIONS, complaint, for_a_proof, greet, greet_v5, part, publisher, read_to_disconnect,
};

/// A file larger than all buffers between two sockets, which takes no room on the disk.
fn large_file(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("large");
    File::create(&path).unwrap().set_len(64 << 20).unwrap();
    path
}

#[test]
fn a_broker_that_leaves_after_connack_loses_the_messages() {
    for version in VERSIONS {
        for qos in ["1", "2"] {
            let broker = FakeBroker::start(|mut conn| {
                greet(&mut conn);
                conn.close();
            });
            let output = publisher(&broker)
                .args(["-V", version, "-q", qos, "-m", "text"])
                .run();
            broker.finish();
            complaint(output, 7);
        }
    }
}

#[test]
fn a_broker_that_leaves_while_stdin_is_open_ends_the_run() {
    for qos in ["0", "1", "2"] {
        let broker = FakeBroker::start(|mut conn| {
            greet(&mut conn);
            conn.close();
        });
        let publisher = publisher(&broker)
            .args(["-q", qos, "-l", "--retry", "0"])
            .spawn();
        // Ends though nobody closes its stdin.
        publisher.wait_for_stderr("was lost");
        complaint(publisher.wait(), 7);
        broker.finish();
    }
}

#[test]
fn a_large_message_that_is_cut_off_is_not_delivered() {
    let folder = TempDir::new().unwrap();
    let file = large_file(&folder);
    let cuts: [fn(Conn); 2] = [Conn::close, Conn::reset];
    for cut in cuts {
        for qos in ["0", "1"] {
            let broker = FakeBroker::start(move |mut conn| {
                greet(&mut conn);
                conn.read_bytes(1_000_000);
                cut(conn);
            });
            let output = publisher(&broker).args(["-q", qos, "-f"]).arg(&file).run();
            broker.finish();
            let complaint = complaint(output, 7);
            assert!(complaint.error.contains("was lost"), "{complaint:?}");
            assert!(complaint.note.contains("1 message"), "{complaint:?}");
        }
    }
}

#[test]
fn a_reset_after_the_last_byte_was_written_is_noticed_at_qos_0() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("payload");
    std::fs::write(&path, vec![b'x'; 100_000]).unwrap();
    for version in VERSIONS {
        let broker = FakeBroker::start(|mut conn| {
            greet(&mut conn);
            conn.read_bytes(10);
            conn.reset();
        });
        let output = publisher(&broker)
            .args(["-V", version, "-f"])
            .arg(&path)
            .run();
        broker.finish();
        let complaint = complaint(output, 7);
        assert!(complaint.note.contains("QoS 0"), "{complaint:?}");
    }
}

#[test]
fn the_brokers_disconnect_gives_the_code() {
    /// MQTT 5, table 3.14: what a server may say, but 0; and one that no table has.
    const REASONS: [(u8, &str); 28] = [
        (0x80, "unspecified error"),
        (0x81, "malformed packet"),
        (0x82, "protocol error"),
        (0x83, "implementation specific error"),
        (0x87, "not authorised"),
        (0x89, "server busy"),
        (0x8B, "server shutting down"),
        (0x8D, "keep alive timeout"),
        (
            0x8E,
            "session taken over by another client with the same client identifier",
        ),
        (0x8F, "topic filter invalid"),
        (0x90, "topic name invalid"),
        (0x93, "receive maximum exceeded"),
        (0x94, "topic alias invalid"),
        (0x95, "packet too large"),
        (0x96, "message rate too high"),
        (0x97, "quota exceeded"),
        (0x98, "administrative action"),
        (0x99, "payload format invalid"),
        (0x9A, "retain not supported"),
        (0x9B, "QoS not supported"),
        (0x9C, "use another server"),
        (0x9D, "server moved"),
        (0x9E, "shared subscriptions not supported"),
        (0x9F, "connection rate exceeded"),
        (0xA0, "maximum connect time"),
        (0xA1, "subscription identifiers not supported"),
        (0xA2, "wildcard subscriptions not supported"),
        (0xEF, "unknown reason 239 (0xEF)"),
    ];
    let broker = FakeBroker::start(|mut conn| {
        greet_v5(&mut conn, &[]);
        conn.expect_publish();
        conn.disconnect_v5(REASONS[conn.number()].0);
        conn.close();
    });
    for (code, words) in REASONS {
        let output = publisher(&broker)
            .args(["-V", "mqttv5", "-q", "1", "-m", "text"])
            .run();
        let complaint = complaint(output, code.into());
        assert!(
            complaint.error.ends_with("ended the session"),
            "{complaint:?}"
        );
        assert_eq!(complaint.cause, format!("{words}, code {code}"));
        assert_eq!(
            complaint.note,
            "of 1 message sent, 0 were acknowledged, 0 refused, 1 is unknown"
        );
    }
    broker.finish();
}

#[test]
fn a_disconnect_without_an_error_is_no_success_either() {
    for bytes in [&[0xE0, 0][..], &[0xE0, 1, 0], &[0xE0, 2, 0, 0]] {
        let broker = FakeBroker::start(move |mut conn| {
            greet_v5(&mut conn, &[]);
            conn.expect_publish();
            conn.send(bytes);
            conn.close();
        });
        let output = publisher(&broker)
            .args(["-V", "mqttv5", "-q", "1", "-m", "text"])
            .run();
        broker.finish();
        complaint(output, 7);
    }
}

#[test]
fn a_disconnect_with_the_last_acknowledgement_takes_nothing_back() {
    let broker = FakeBroker::start(|mut conn| {
        greet_v5(&mut conn, &[]);
        let id = conn.expect_publish().packet_id.unwrap();
        let [high, low] = id.to_be_bytes();
        // In one piece, so that mqpub reads both together.
        conn.send(&[0x40, 2, high, low, 0xE0, 1, 0x8B]);
        conn.close();
    });
    publisher(&broker)
        .args(["-V", "mqttv5", "-q", "1", "-m", "text"])
        .run()
        .assert_success();
    broker.finish();
}

#[test]
fn who_has_every_answer_waits_for_the_brokers_end_only_with_something_to_lose() {
    for (options, waits) in [
        (&[][..], false),
        (&["--will-topic", "will"], true),
        (&["-D", "disconnect", "user-property", "a", "b"], true),
    ] {
        let broker = FakeBroker::start(|mut conn| {
            greet_v5(&mut conn, &[]);
            let id = conn.expect_publish().packet_id.unwrap();
            conn.puback(id);
            read_to_disconnect(&mut conn);
            conn.disconnect_v5(0x8B);
            conn.close();
        });
        let output = publisher(&broker)
            .args(["-V", "mqttv5", "-q", "1", "-m", "text", "-d"])
            .args(options)
            .run();
        broker.finish();
        let heard = output.stderr_str().contains("received DISCONNECT (139)");
        assert_eq!(heard, waits, "{options:?}: {output:?}");
        output.assert_success();
    }
}

#[test]
fn a_broker_that_never_closes_holds_nobody_up() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let broker = FakeBroker::start(move |mut conn| {
        greet(&mut conn);
        conn.expect_publish();
        part(&mut conn);
        let _ = released.lock().unwrap().recv();
    });
    publisher(&broker)
        .args(["-m", "text"])
        .run()
        .assert_success();
    drop(release);
    broker.finish();
}

#[test]
fn a_disconnect_that_crosses_ours_gives_the_code_at_qos_0() {
    let broker = FakeBroker::start(|mut conn| {
        greet_v5(&mut conn, &[]);
        read_to_disconnect(&mut conn);
        conn.disconnect_v5(0x97);
        conn.close();
    });
    let output = publisher(&broker)
        .args(["-V", "mqttv5", "-l"])
        .stdin(for_a_proof())
        .run();
    broker.finish();
    let complaint = complaint(output, 0x97);
    assert!(complaint.cause.contains("quota exceeded"), "{complaint:?}");
    assert!(complaint.note.contains("QoS 0"), "{complaint:?}");
}

#[test]
fn a_broker_that_stops_reading_is_given_up() {
    let broker = Broker::start();
    let publisher = mqpub()
        .args(broker.args())
        .args(["-t", "flood", "-k", "5", "-l", "--retry", "0"])
        .spawn();
    publisher.write_stdin("first\n");
    // It has got its CONNACK.
    broker.wait_for_log("Received PUBLISH");
    broker.pause();
    publisher.write_stdin(vec![b'x'; 64 * 1024 * 1024]);
    let output = publisher.wait();
    broker.resume();
    let complaint = complaint(output, 19);
    assert!(complaint.error.contains("was lost"), "{complaint:?}");
}
