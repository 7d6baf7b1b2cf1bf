//! A reader of standard output that stalls: the connection lives on, memory is bounded, nothing
//! is acknowledged that was not written, and nothing is lost.

use std::fs::File;
use std::io::{BufRead as _, BufReader, PipeReader, Write as _};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use harness::fake_broker::{Publish, encode};
use harness::{Broker, Conn, FakeBroker, Running, mqpub, mqsub};

use crate::support::publish;

const PATIENCE: Duration = Duration::from_secs(60);

/// The bound on `mqsub`'s peak memory, in KiB.
const MEMORY_KIB: u64 = 64 * 1024;

/// How much a pipe holds unless somebody asks for more, in bytes.
const PIPE: usize = 64 * 1024;

const PINGREQ: u8 = 12;

/// `mqsub … | READER`, its memory measured.
#[track_caller]
fn into_a_pipe(address: &[String], args: &[&str]) -> (Running, PipeReader) {
    let (reader, writer) = std::io::pipe().unwrap();
    let mqsub = mqsub()
        .args(address)
        .args(["-t", "a"])
        .args(args)
        .measure_memory()
        .stdout_to(File::from(OwnedFd::from(writer)))
        .spawn();
    (mqsub, reader)
}

/// A line of its own for each number, newline not included.
fn line(number: usize, length: usize) -> String {
    let digits = number.to_string();
    "0".repeat(length - digits.len()) + &digits
}

/// Reads these lines, and the end if `mqsub` has ended.
#[track_caller]
fn expect_lines(reader: PipeReader, count: usize, length: usize) {
    let mut lines = BufReader::new(reader).lines();
    for number in 0..count {
        let read = lines.next().unwrap().unwrap();
        assert!(read == line(number, length), "line {number} is {read:?}");
    }
    assert!(lines.next().is_none());
}

/// Accepts a connection of MQTT 5 with a Keep Alive of 10 s (a shorter one gives a loaded machine
/// too little time to answer), and its subscription.
fn greet(conn: &mut Conn, qos: u8) {
    conn.expect_connect();
    conn.connack_v5_with(false, 0, &[0x13, 0, 10]);
    let subscribe = conn.expect_subscribe();
    conn.suback_v5(subscribe.packet_id, &[qos]);
}

/// A broker that sends `count` messages at QoS 0 as fast as they are taken, tells of each
/// PINGREQ and answers none: an answer would have to wait behind the messages.
fn flooding(count: usize, length: usize) -> (FakeBroker, Arc<AtomicUsize>, Receiver<()>) {
    let (pinged, pings) = mpsc::channel();
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let broker = FakeBroker::start(move |mut conn| {
        greet(&mut conn, 0);
        let mut sender = conn.sender();
        let counter = Arc::clone(&counter);
        let flood = thread::spawn(move || {
            for number in 0..count {
                let message = Publish::new("a", line(number, length), 0, 0);
                if sender.write_all(&message.encode(true)).is_err() {
                    return;
                }
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        until_disconnect(&mut conn, &pinged);
        drop(conn);
        flood.join().unwrap();
    });
    (broker, sent, pings)
}

fn until_disconnect(conn: &mut Conn, pinged: &Sender<()>) {
    loop {
        match conn.read_packet().kind() {
            // The test may not care any more.
            PINGREQ => drop(pinged.send(())),
            14 => return,
            kind => panic!("a packet of type {kind}"),
        }
    }
}

#[track_caller]
fn wait_for_pings(pings: &Receiver<()>, count: usize) {
    for _ in 0..count {
        pings.recv_timeout(PATIENCE).unwrap();
    }
}

/// Nobody reads what mqsub prints, and so nothing is read from the broker: its end shows when a
/// PINGREQ does not go out.
#[test]
fn a_connection_that_is_lost_meanwhile_is_made_again() {
    let (subscribed, again) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        greet(&mut conn, 0);
        if conn.number() > 0 {
            subscribed.send(()).unwrap();
            return conn.hold();
        }
        let mut sender = conn.sender();
        let flood = thread::spawn(move || {
            let message = Publish::new("a", line(1, 1000), 0, 0).encode(true);
            while sender.write_all(&message).is_ok() {}
        });
        conn.expect_kind(PINGREQ);
        conn.sender().shutdown(Shutdown::Both).unwrap();
        flood.join().unwrap();
    });
    let (mqsub, reader) = into_a_pipe(&broker.args(), &["-V", "5"]);
    again.recv_timeout(PATIENCE).unwrap();
    drop(reader);
    mqsub.wait_for_end();
    let output = mqsub.wait();
    assert!(output.peak_rss_kib() < MEMORY_KIB, "{output}");
    broker.finish();
}

/// Each of the broker's packets asks for an answer, and it reads none.
#[test]
fn answers_that_nobody_reads_cost_no_memory() {
    let broker = FakeBroker::start(|mut conn| {
        greet(&mut conn, 0);
        let releases = [0x62, 2, 0, 1].repeat(16 * 1024);
        let mut sender = conn.sender();
        // Much more than sockets hold; mqsub leaves, because nothing comes of its PINGREQ.
        let written = (0..4096).take_while(|_| sender.write_all(&releases).is_ok());
        assert!(written.count() < 4096, "all of it was read");
    });
    let (mqsub, _reader) = into_a_pipe(&broker.args(), &["-V", "5", "--retry", "0"]);
    mqsub.wait_for_end();
    let output = mqsub.wait().assert_code(19);
    assert!(output.peak_rss_kib() < MEMORY_KIB, "{output}");
    broker.finish();
}

#[test]
fn a_flood_costs_no_memory_and_no_connection() {
    let (count, length) = (200_000, 1000);
    let (broker, sent, pings) = flooding(count, length);
    let wanted = count.to_string();
    let (mqsub, reader) = into_a_pipe(&broker.args(), &["-V", "5", "-C", &wanted]);
    wait_for_pings(&pings, 3);
    let taken = sent.load(Ordering::SeqCst) * length;
    assert!(taken < 64_000_000, "{taken} bytes were taken in");
    assert!(mqsub.peak_rss_kib().unwrap() < MEMORY_KIB);
    expect_lines(reader, count, length);
    let output = mqsub.wait().assert_success();
    assert_eq!(output.stderr_str(), "");
    assert!(output.peak_rss_kib() < MEMORY_KIB, "{output}");
    broker.finish();
}

#[test]
fn a_real_broker_keeps_the_connection_too() {
    let (count, length) = (20_000, 1000);
    let broker = Broker::builder()
        .config("max_queued_messages 0")
        .config("max_inflight_messages 0")
        .start();
    let wanted = count.to_string();
    let args = ["-i", "me", "-q", "1", "-k", "20", "-C", &wanted];
    let (mqsub, reader) = into_a_pipe(&broker.args(), &args);
    broker.wait_for_log("Sending SUBACK to me");
    let lines: Vec<String> = (0..count).map(|number| line(number, length)).collect();
    mqpub()
        .args(broker.args())
        .args(["-t", "a", "-q", "1", "-l"])
        .stdin(lines.join("\n"))
        .run()
        .assert_success();
    broker.wait_for_log_times("Received PINGREQ from me", 2);
    let acknowledged = broker.log().matches("Received PUBACK from me").count();
    assert!(acknowledged <= PIPE / length + 1, "{acknowledged}");
    expect_lines(reader, count, length);
    let output = mqsub.wait().assert_success();
    assert_eq!(output.stderr_str(), "");
    assert!(output.peak_rss_kib() < MEMORY_KIB, "{output}");
    broker.wait_for_log_times("Received PUBACK from me", count);
}

#[test]
fn what_is_not_read_is_not_acknowledged_at_qos_1() {
    unread_is_unacknowledged("1", 4);
}

#[test]
fn what_is_not_read_is_not_acknowledged_at_qos_2() {
    unread_is_unacknowledged("2", 5);
}

/// `acknowledgement` is the type of the packet that answers a PUBLISH.
fn unread_is_unacknowledged(qos: &str, acknowledgement: u8) {
    const COUNT: u16 = 300;
    const LENGTH: usize = 1000;
    let (stalled, unread) = mpsc::channel();
    let reading = Arc::new(AtomicBool::new(false));
    let is_read = Arc::clone(&reading);
    let level = qos.parse().unwrap();
    let broker = FakeBroker::start(move |mut conn| {
        greet(&mut conn, level);
        for id in 1..=COUNT {
            let text = line(usize::from(id) - 1, LENGTH);
            conn.publish(&Publish::new("a", text, level, id));
        }
        let (mut pings, mut acknowledged) = (0, 0);
        while acknowledged < COUNT {
            let packet = conn.read_packet();
            if packet.kind() == PINGREQ {
                conn.pingresp();
                pings += 1;
                if pings == 2 {
                    stalled.send(()).unwrap();
                }
            } else {
                assert_eq!(packet.kind(), acknowledgement);
                acknowledged += 1;
                assert_eq!(packet.packet_id(), acknowledged);
                let fits = usize::from(acknowledged) * (LENGTH + 1) <= PIPE;
                assert!(fits || is_read.load(Ordering::SeqCst));
            }
        }
        conn.hold();
    });
    let wanted = COUNT.to_string();
    let args = ["-V", "5", "-q", qos, "-C", &wanted];
    let (mqsub, reader) = into_a_pipe(&broker.args(), &args);
    unread.recv_timeout(PATIENCE).unwrap();
    reading.store(true, Ordering::SeqCst);
    expect_lines(reader, COUNT.into(), LENGTH);
    mqsub.wait().assert_success();
    broker.finish();
}

#[test]
fn sigterm_still_ends_it_in_order() {
    let (broker, _, pings) = flooding(200_000, 1000);
    let (mqsub, reader) = into_a_pipe(&broker.args(), &["-V", "5"]);
    wait_for_pings(&pings, 1);
    mqsub.terminate();
    let output = mqsub.wait().assert_success();
    assert_eq!(output.stderr_str(), "");
    // The script saw a DISCONNECT.
    broker.finish();
    drop(reader);
}

#[test]
fn a_reader_that_leaves_instead_ends_it_quietly() {
    let (broker, _, pings) = flooding(200_000, 1000);
    let (mqsub, reader) = into_a_pipe(&broker.args(), &["-V", "5"]);
    wait_for_pings(&pings, 1);
    drop(reader);
    let output = mqsub.wait().assert_success();
    assert_eq!(output.stderr_str(), "");
    broker.finish();
}

#[test]
fn what_came_before_the_end_of_the_connection_is_printed() {
    let (count, length) = (3000, 1000);
    let broker = FakeBroker::start(move |mut conn| {
        greet(&mut conn, 0);
        for number in 0..count {
            conn.publish(&Publish::new("a", line(number, length), 0, 0));
        }
        // Not closed yet: bytes that come for a closed socket would take those on their way with
        // them.
        conn.sender().shutdown(Shutdown::Write).unwrap();
        conn.hold();
    });
    let (mqsub, reader) = into_a_pipe(&broker.args(), &["-V", "5", "--retry", "0"]);
    expect_lines(reader, count, length);
    mqsub.wait().assert_code(7);
    broker.finish();
}

/// It is larger than what may collect, and nothing else is taken in until it is written.
#[test]
fn a_message_of_any_size_goes_through() {
    let broker = Broker::start();
    let (mqsub, reader) = into_a_pipe(&broker.args(), &["-i", "me", "-q", "1", "-C", "3"]);
    broker.wait_for_log("Sending SUBACK to me");
    for number in 0..3 {
        mqpub()
            .args(broker.args())
            .args(["-t", "a", "-q", "1", "-s"])
            .stdin(line(number, 5_000_000))
            .run()
            .assert_success();
    }
    expect_lines(reader, 3, 5_000_000);
    mqsub.wait().assert_success();
    broker.wait_for_log_times("Received PUBACK from me", 3);
}

/// A short message follows a long one that is stuck: neither overtakes the other.
#[test]
fn short_ones_wait_behind_long_ones() {
    let broker = Broker::start();
    let (mqsub, reader) = into_a_pipe(&broker.args(), &["-i", "me", "-C", "2", "-d"]);
    broker.wait_for_log("Sending SUBACK to me");
    publish(&broker, &["-t", "a", "-m", &line(0, 100_000)]);
    publish(&broker, &["-t", "a", "-m", "short"]);
    mqsub.wait_for_stderr(|text: &str| text.matches("received PUBLISH").count() == 2);
    let mut lines = BufReader::new(reader).lines();
    assert!(lines.next().unwrap().unwrap() == line(0, 100_000));
    assert_eq!(lines.next().unwrap().unwrap(), "short");
    assert!(lines.next().is_none());
    mqsub.wait().assert_success();
}

#[test]
fn a_packet_that_is_announced_and_never_sent_costs_no_memory() {
    let broker = FakeBroker::start(|mut conn| {
        greet(&mut conn, 0);
        let mut packet = vec![0x30];
        encode::length(&mut packet, 268_435_455);
        packet.extend([0, 1, b'a', 0]);
        packet.extend([b'x'; 100_000]);
        conn.send(&packet);
        conn.expect_kind(PINGREQ);
        conn.hold();
    });
    let (mqsub, reader) = into_a_pipe(&broker.args(), &["-V", "5", "--retry", "0"]);
    let output = mqsub.wait().assert_code(19);
    assert!(output.peak_rss_kib() < 32 * 1024, "{output}");
    broker.finish();
    drop(reader);
}
