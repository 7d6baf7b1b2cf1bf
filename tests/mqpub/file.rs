//! `-f`.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::process::Command;
use std::sync::{Mutex, mpsc};
use std::thread;

use harness::{Authority, Broker, FakeBroker, mqpub, mqsub, unused_port};
use tempfile::TempDir;

use crate::support::{
    Collector, PATIENCE, VERSIONS, complaint, greet, last_complaint, take_everything,
};

/// Bytes of every value whose order matters.
fn bytes(count: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn files_of_all_sizes_arrive_byte_for_byte() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("payload");
    for version in VERSIONS {
        let broker = Collector::start();
        let mut expected = Vec::new();
        // Around the sizes at which a packet's length field grows and payloads get shared.
        for size in [0, 1, 111, 112, 8191, 8192, 8193, 16_369, 70_000, 2_100_000] {
            fs::write(&path, bytes(size)).unwrap();
            for qos in ["0", "1", "2"] {
                broker
                    .mqpub(["-V", version, "-q", qos, "-f"])
                    .arg(&path)
                    .run()
                    .assert_success();
                expected.push(bytes(size));
            }
        }
        assert!(broker.payloads() == expected, "{version}: other bytes");
    }
}

#[test]
fn ten_megabytes_pass_a_real_broker_byte_for_byte() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("payload");
    let payload = bytes(10_000_000);
    fs::write(&path, &payload).unwrap();
    let broker = Broker::start();
    for (version, qos) in [("mqttv311", "0"), ("mqttv5", "1"), ("mqttv311", "2")] {
        let common = ["-V", version, "-q", qos, "-t", "big"];
        let subscriber = mqsub()
            .args(broker.args())
            .args(common)
            .args(["-d", "-N", "-C", "1"])
            .spawn();
        subscriber.wait_for_stderr("received SUBACK");
        mqpub()
            .args(broker.args())
            .args(common)
            .arg("-f")
            .arg(&path)
            .run()
            .assert_success();
        let received = subscriber.wait().assert_success().stdout;
        assert!(received == payload, "{version}, QoS {qos}: other bytes");
    }
}

#[test]
fn a_fifo_is_read_to_its_end() {
    let folder = TempDir::new().unwrap();
    let fifo = folder.path().join("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let writer = thread::spawn({
        let fifo = fifo.clone();
        move || {
            let mut pipe = File::options().write(true).open(fifo).unwrap();
            for piece in bytes(300_000).chunks(7_000) {
                pipe.write_all(piece).unwrap();
            }
        }
    });
    let broker = Collector::start();
    broker.mqpub(["-f"]).arg(&fifo).run().assert_success();
    writer.join().unwrap();
    assert!(broker.payloads() == [bytes(300_000)], "other bytes");
}

#[test]
fn a_process_substitution_is_a_file() {
    let broker = Collector::start();
    let output = Command::new("bash")
        .arg("-c")
        .arg(r#""$0" "$@" -t a -f <(printf 'from a process')"#)
        .arg(mqpub().path())
        .args(broker.args())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(broker.payloads(), [b"from a process"]);
}

#[test]
fn any_file_name_will_do() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("-x"), "dash").unwrap();
    fs::write(folder.path().join("two words"), "space").unwrap();
    let broker = Collector::start();
    for name in ["-x", "two words", "/dev/null"] {
        broker
            .mqpub(["-f", name])
            .current_dir(folder.path())
            .run()
            .assert_success();
    }
    assert_eq!(broker.payloads(), [&b"dash"[..], b"space", b""]);
}

#[test]
fn a_file_that_cannot_be_read_costs_no_connection() {
    let folder = TempDir::new().unwrap();
    // Were the port tried, the report would be about it.
    let nobody = unused_port();
    for (name, why) in [("missing", "No such file"), (".", "directory")] {
        let output = mqpub()
            .args(nobody.args())
            .args(["-t", "a", "-f", name])
            .current_dir(folder.path())
            .run();
        let complaint = complaint(output, 14);
        assert!(
            complaint.error.contains("cannot read the file"),
            "{complaint:?}"
        );
        assert!(complaint.cause.contains(why), "{complaint:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_over_the_limit_is_refused_without_reading_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sparse");
    let nobody = unused_port();
    for size in [268_435_456, 1 << 40] {
        File::create(&path).unwrap().set_len(size).unwrap();
        let output = mqpub()
            .args(nobody.args())
            .args(["-t", "a", "-f"])
            .arg(&path)
            .measure_memory()
            .run();
        if let Some(peak) = output.peak_rss_kib {
            assert!(peak < 64 * 1024, "{peak} KiB for a file it need not read");
        }
        let complaint = complaint(output, 9);
        assert!(complaint.error.contains("too large"), "{complaint:?}");
        assert!(complaint.cause.contains(&size.to_string()), "{complaint:?}");
        assert!(complaint.cause.contains("268435455"), "{complaint:?}");
        assert_eq!(fs::metadata(&path).unwrap().len(), size);
    }
}

#[test]
fn a_large_file_is_never_in_memory_as_a_whole() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("payload");
    let size = 80_000_000;
    File::create(&path).unwrap().set_len(size).unwrap();
    let authority = Authority::new();
    let certificate = authority.server("localhost");
    let plain = Broker::start();
    let tls = Broker::builder().tls(&certificate).start();
    let ca = authority.pem_path().to_str().unwrap();
    for (broker, options) in [
        (&plain, &["-q", "0"][..]),
        (&plain, &["-q", "1", "-V", "5"]),
        (&plain, &["-q", "2", "--repeat", "2"]),
        (&tls, &["-q", "0", "-h", "localhost", "--cafile", ca]),
    ] {
        let output = mqpub()
            .args(broker.args())
            .args(options)
            .args(["-t", "a", "-f"])
            .arg(&path)
            .measure_memory()
            .run()
            .assert_success();
        let peak = output.peak_rss_kib();
        assert!(peak < 32 * 1024, "{options:?}: {peak} KiB");
    }
}

#[test]
fn what_is_sent_again_is_read_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("payload");
    // More than two sockets hold: at QoS 0, too, mqpub is not done with it when it breaks off.
    let payload = bytes(24_000_000);
    fs::write(&path, &payload).unwrap();
    for qos in ["0", "1", "2"] {
        let expected = payload.clone();
        let broker = FakeBroker::start(move |mut conn| {
            greet(&mut conn);
            if conn.number() == 0 {
                conn.read_bytes(1_000_000);
                conn.close();
                return;
            }
            let mut payloads = Vec::new();
            take_everything(&mut conn, false, |publish| payloads.push(publish.payload));
            assert!(payloads == [&expected[..]], "other bytes");
        });
        mqpub()
            .args(broker.args())
            .args(["-t", "a", "--retry", "forever", "-q", qos, "-f"])
            .arg(&path)
            .run()
            .assert_success();
        assert_eq!(broker.connections(), 2);
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_sent_is_told() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("payload");
    // More than any socket holds.
    File::create(&path).unwrap().set_len(200_000_000).unwrap();
    let (began, beginning) = mpsc::channel();
    let (cut, shorter) = mpsc::channel::<()>();
    let shorter = Mutex::new(shorter);
    let broker = FakeBroker::start(move |mut conn| {
        greet(&mut conn);
        conn.read_bytes(10);
        began.send(()).unwrap();
        shorter.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        let mut rest = conn.sender();
        let sent = io::copy(&mut rest, &mut io::sink()).unwrap();
        assert!(sent < 200_000_000, "{sent} bytes");
    });
    let publisher = mqpub()
        .args(broker.args())
        .args(["-t", "a", "--retry", "forever", "-f"])
        .arg(&path)
        .spawn();
    beginning.recv_timeout(PATIENCE).unwrap();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(1000)
        .unwrap();
    cut.send(()).unwrap();
    let complaint = last_complaint(publisher.wait(), 14);
    let what = format!("cannot read on in the file {}", path.display());
    assert!(complaint.error.contains(&what), "{complaint:?}");
    assert!(complaint.cause.contains("shorter"), "{complaint:?}");
    assert_eq!(broker.connections(), 1, "another one does not mend it");
    broker.finish();
}
