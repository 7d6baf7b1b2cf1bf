//! `--progress`: how far a long run is, for a person who waits.

use std::fs;
use std::sync::Mutex;
use std::sync::mpsc::{self, Sender};

use harness::{Conn, FakeBroker, Pty, Tool};
use tempfile::TempDir;
use vt100::Parser;

use crate::support::{Collector, greet, part, publisher, read_to_disconnect};

/// A terminal on which the cursor can be moved.
fn on_terminal(tool: Tool) -> Pty {
    tool.env("TERM", "xterm").run_on_pty()
}

/// What the terminal shows now: its lines without the empty ones.
fn lines(pty: &Pty) -> Vec<String> {
    let mut parser = Parser::new(24, 100, 0);
    parser.process(pty.screen().as_bytes());
    let rows = parser.screen().rows(0, 100);
    rows.map(|row| row.trim_end().to_owned())
        .filter(|row| !row.is_empty())
        .collect()
}

/// A broker that does nothing with its connections before it is told to go on, once for each.
fn held(then: impl Fn(Conn) + Send + Sync + 'static) -> (FakeBroker, Sender<()>) {
    let (go, gone) = mpsc::channel();
    let gone = Mutex::new(gone);
    let broker = FakeBroker::start(move |mut conn| {
        greet(&mut conn);
        gone.lock().unwrap().recv().unwrap();
        then(conn);
    });
    (broker, go)
}

fn take(mut conn: Conn, count: usize) {
    for _ in 0..count {
        let id = conn.expect_publish().packet_id;
        conn.puback(id.unwrap());
    }
    part(&mut conn);
}

#[test]
fn messages_are_counted_and_nothing_is_left_of_it() {
    let (broker, go) = held(|conn| take(conn, 8));
    let pty =
        on_terminal(publisher(&broker).args(["-q", "1", "-M", "5", "--repeat", "8", "-m", "text"]));
    pty.wait_for(|screen| screen.contains(" 5 of 8 messages, 0/s, 5 in flight"));
    go.send(()).unwrap();
    assert_eq!(pty.wait(), 0);
    broker.finish();
    assert_eq!(lines(&pty), [""; 0], "{:?}", pty.screen());
}

#[test]
fn without_an_end_there_are_numbers_alone() {
    let broker = Collector::start();
    let tool = broker.mqpub(["-m", "text", "--every", "0.1"]);
    let pty = on_terminal(tool);
    // QoS 0 is never in flight.
    pty.wait_for(|screen| screen.contains(" messages, ") && screen.contains("/s"));
    assert!(!pty.screen().contains("in flight"));
    pty.interrupt();
    assert_eq!(pty.wait(), 130);
    assert_eq!(lines(&pty), [""; 0], "{:?}", pty.screen());
}

#[test]
fn a_recording_is_counted_too() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("recording");
    fs::write(&path, "{\"topic\":\"a\",\"payload\":\"b\"}\n".repeat(9)).unwrap();
    let (broker, go) = held(|conn| take(conn, 9));
    let tool = harness::mqpub()
        .args(broker.args())
        .args(["-q", "1", "-M", "2", "--speed", "max", "--replay"])
        .arg(&path);
    let pty = on_terminal(tool);
    pty.wait_for(|screen| screen.contains("2 messages, 0/s, 2 in flight"));
    go.send(()).unwrap();
    assert_eq!(pty.wait(), 0);
    broker.finish();
    assert_eq!(lines(&pty), [""; 0]);
}

/// More than any buffer of the network takes.
const LARGE: usize = 60_000_000;

#[test]
fn the_bytes_of_a_file_are_counted() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("large");
    fs::File::create(&path)
        .unwrap()
        .set_len(LARGE as u64)
        .unwrap();
    let (broker, go) = held(|mut conn| read_to_disconnect(&mut conn));
    let pty = on_terminal(publisher(&broker).arg("-f").arg(&path));
    pty.wait_for(|screen| screen.contains(" MB of 60.00 MB, "));
    go.send(()).unwrap();
    assert_eq!(pty.wait(), 0);
    broker.finish();
    assert_eq!(lines(&pty), [""; 0]);
}

/// Where standard error is no terminal there is nothing, unless it was asked for.
#[test]
fn a_pipe_has_lines_only_if_asked() {
    for (option, is_shown) in [("auto", false), ("never", false), ("always", true)] {
        let broker = Collector::start();
        let output = broker
            .mqpub(["-m", "text", "--repeat", "4", "--repeat-delay", "0.7"])
            .args(["--progress", option])
            .run()
            .assert_success();
        let lines: Vec<_> = output.stderr_str().lines().collect();
        assert_eq!(!lines.is_empty(), is_shown, "{output}");
        for line in lines {
            let is_it = line.starts_with("progress: ") && line.contains(" of 4 messages, ");
            assert!(is_it, "{output}");
        }
        assert_eq!(broker.finish().len(), 4);
    }
}

#[test]
fn what_is_read_is_counted_before_it_is_sent() {
    let broker = Collector::start();
    let mut running = broker.mqpub(["-s", "--progress", "always"]).spawn();
    running.write_stdin(b"0123456789");
    running.wait_for_stderr("progress: 10 B read, ");
    running.close_stdin();
    let output = running.wait().assert_success();
    assert!(!output.stderr_str().contains('\u{1b}'), "{output}");
    assert_eq!(broker.payloads(), [b"0123456789"]);
}

#[test]
fn it_is_not_in_the_way() {
    // On this terminal somebody types, or does not want to see it.
    for options in [
        &["-l", "--rate", "2"][..],
        &[
            "-m",
            "text",
            "--rate",
            "2",
            "--repeat",
            "4",
            "--progress",
            "never",
        ],
        &["-m", "text", "--rate", "2", "--repeat", "4", "--quiet"],
    ] {
        let broker = Collector::start();
        let pty = on_terminal(broker.mqpub(options));
        if options.contains(&"-l") {
            for line in ["1", "2", "3", "4"] {
                pty.send_line(line);
            }
            pty.send_control_d();
        }
        for _ in 0..4 {
            broker.next();
        }
        assert_eq!(pty.wait(), 0);
        assert!(!pty.screen().contains("message"), "{:?}", pty.screen());
    }
}

/// Who has put it into the background types something else.
#[test]
fn a_job_in_the_background_does_not_show_it() {
    let broker = Collector::start();
    let tool = Tool::new("/bin/sh")
        .args(["-c", "set -m; \"$0\" \"$@\" & wait $!"])
        .arg(harness::mqpub().path())
        .args(broker.args())
        .args(["-t", "a", "-m", "text", "--rate", "2", "--repeat", "4"]);
    let pty = on_terminal(tool);
    assert_eq!(pty.wait(), 0);
    assert_eq!(broker.payloads().len(), 4);
    assert!(
        !pty.screen().contains("of 4 messages"),
        "{:?}",
        pty.screen()
    );
}

#[test]
fn an_error_stands_alone() {
    let (broker, go) = held(|conn| conn.close());
    let pty = on_terminal(
        publisher(&broker).args(["-q", "1", "--retry", "0", "--repeat", "500", "-m", "text"]),
    );
    pty.wait_for(|screen| screen.contains(" of 500 messages, "));
    go.send(()).unwrap();
    assert_eq!(pty.wait(), 7);
    broker.finish();
    let lines = lines(&pty);
    assert!(lines[0].starts_with("error: "), "{lines:?}");
    assert!(
        !lines.iter().any(|line| line.contains(" of 500 messages, ")),
        "{lines:?}"
    );
}

/// Warnings push it down.
#[test]
fn warnings_are_readable() {
    let (broker, go) = held(|conn| match conn.number() {
        0 => conn.close(),
        _ => take(conn, 500),
    });
    let pty = on_terminal(publisher(&broker).args(["-q", "1", "--repeat", "500", "-m", "text"]));
    pty.wait_for(|screen| screen.contains(" of 500 messages, "));
    go.send(()).unwrap();
    pty.wait_for(|screen| {
        // It is drawn again behind them.
        let after = screen.split_once(" connected to ");
        after.is_some_and(|(_, after)| after.contains(" of 500 messages, "))
    });
    go.send(()).unwrap();
    assert_eq!(pty.wait(), 0);
    broker.finish();
    let lines = lines(&pty);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("warning: "), "{lines:?}");
    assert!(lines[1].starts_with("note: "), "{lines:?}");
}
