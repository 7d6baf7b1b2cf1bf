//! Many messages: every line of `mqpub -l` arrives at `mqsub`, once and in order.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use harness::{Broker, mqpub, mqsub};
use tempfile::TempDir;

use crate::support::LIMIT;

/// The bound of issue 2 on mqpub's peak memory.
const MEMORY_KIB: u64 = 32 * 1024;

/// One at a time: they keep the whole machine busy.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn a_million_lines_arrive_at_qos_0() {
    every_line_arrives(1_000_000, "0");
}

#[test]
fn two_hundred_thousand_lines_arrive_at_qos_1() {
    every_line_arrives(200_000, "1");
}

#[test]
fn two_hundred_thousand_lines_arrive_at_qos_2() {
    every_line_arrives(200_000, "2");
}

fn every_line_arrives(count: u32, qos: &str) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = TempDir::new().unwrap();
    let sent = folder.path().join("sent");
    let printed = folder.path().join("printed");
    write_lines(&sent, count);
    let broker = Broker::builder()
        .log_every_packet(false)
        .config("max_queued_messages 0")
        .config("log_type subscribe")
        .start();

    let start = Instant::now();
    let subscriber = mqsub()
        .args(broker.args())
        .args(["-t", "big", "-q", qos, "-C", &count.to_string()])
        .stdout_to(File::create(&printed).unwrap())
        .limit(LIMIT)
        .spawn();
    broker.wait_for_log(&format!(" {qos} big"));
    let publisher = mqpub()
        .args(broker.args())
        .args(["-t", "big", "-q", qos, "-l"])
        .stdin_from(File::open(&sent).unwrap())
        .measure_memory()
        .limit(LIMIT)
        .run()
        .assert_success();
    let published = start.elapsed();
    subscriber.wait().assert_success();
    println!(
        "{count} lines at QoS {qos}: published after {published:.1?}, printed after {:.1?}, \
         mqpub's peak memory {} KiB",
        start.elapsed(),
        publisher.peak_rss_kib()
    );
    assert_same_lines(&sent, &printed);
    assert!(
        publisher.peak_rss_kib() < MEMORY_KIB,
        "mqpub needed {} KiB",
        publisher.peak_rss_kib()
    );
}

/// Short lines, each another one.
fn write_lines(path: &Path, count: u32) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    for number in 0..count {
        writeln!(file, "line {number}").unwrap();
    }
    file.flush().unwrap();
}

#[track_caller]
fn assert_same_lines(sent: &Path, printed: &Path) {
    let [mut sent, mut printed] =
        [sent, printed].map(|path| BufReader::new(File::open(path).unwrap()));
    let (mut expected, mut line) = (Vec::new(), Vec::new());
    for number in 1.. {
        expected.clear();
        line.clear();
        sent.read_until(b'\n', &mut expected).unwrap();
        printed.read_until(b'\n', &mut line).unwrap();
        assert!(
            line == expected,
            "line {number}: expected {:?}, got {:?}",
            String::from_utf8_lossy(&expected),
            String::from_utf8_lossy(&line)
        );
        if expected.is_empty() {
            return;
        }
    }
}
