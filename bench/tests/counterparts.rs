//! Sink and source against the minimal clients and the tools.

use std::io::Write as _;
use std::process::{Command, Stdio};

use bench::numbers::write_lines;
use bench::programs::Counterpart;
use bench::sink::Received;
use bench::source::Sent;

use crate::{limit, programs};

const COUNT: u64 = 3000;

fn start(words: &str) -> Counterpart {
    let words: Vec<_> = words.split(' ').map(str::to_owned).collect();
    programs().counterpart(&words).unwrap()
}

/// Runs the minimal client; gives what it prints.
fn minimal(words: &str, port: u16, stdin: &[u8]) -> Vec<u8> {
    let mut child = Command::new(limit())
        .args(words.split(' '))
        .args(["--port", &port.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{words}: {output:?}");
    output.stdout
}

fn lines(size: usize) -> Vec<u8> {
    let mut lines = Vec::new();
    write_lines(&mut lines, COUNT, size).unwrap();
    lines
}

#[test]
fn the_sink_counts_what_publishers_send() {
    for version in ["mqttv311", "mqttv5"] {
        for qos in 0..=2 {
            let wanted = Received {
                connections: 2,
                messages: 2 * COUNT,
                payload_bytes: 2 * COUNT * 100,
                released: if qos == 2 { 2 * COUNT } else { 0 },
                first_wrong: 0,
            };
            let sink = start("sink --numbered --connections 2");
            let words = format!("pub --qos {qos} --version {version} --window 7");
            minimal(&words, sink.port, &lines(100));
            harness::mqpub()
                .args(["-h", "localhost", "-p", &sink.port.to_string()])
                .args(["-t", "bench", "-l", "-q", &qos.to_string(), "-V", version])
                .stdin(lines(100))
                .run()
                .assert_success();
            assert_eq!(sink.finish::<Received>().unwrap(), wanted, "{words}");
        }
    }
}

#[test]
fn the_sink_takes_connections_beside_each_other() {
    let sink = start("sink --connections 2 --parallel");
    let port = sink.port;
    // The second one ends while the first one is there.
    let mut first = Command::new(limit())
        .args(["pub", "--port", &port.to_string()])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    minimal("once --qos 2 --version mqttv5 hello", port, b"");
    drop(first.stdin.take());
    assert!(first.wait().unwrap().success());
    let received: Received = sink.finish().unwrap();
    assert_eq!((received.connections, received.messages), (2, 1));
    assert_eq!(received.payload_bytes, 5);
}

#[test]
fn a_message_that_is_missing_or_comes_twice_is_noticed() {
    for (text, wrong) in [
        ("0000000001\n0000000003\n", 2),
        ("0000000001\n0000000001\n", 2),
        ("0000000002\n", 1),
        ("0000000001\n0000000002\n", 0),
        // Without its line feed the last one counts, too; an empty one has no number.
        ("0000000001\n0000000002", 0),
        ("0000000001\n\n0000000003", 0),
    ] {
        let sink = start("sink --numbered");
        minimal("pub", sink.port, text.as_bytes());
        let received: Received = sink.finish().unwrap();
        assert_eq!(received.first_wrong, wrong, "{text:?}");
        assert_eq!(received.messages, text.lines().count() as u64, "{text:?}");
    }
}

#[test]
fn subscribers_get_what_the_source_sends() {
    for version in ["mqttv311", "mqttv5"] {
        for qos in 0..=2 {
            let wanted = Sent {
                connections: 1,
                messages: COUNT,
                acknowledged: if qos > 0 { COUNT } else { 0 },
            };
            let source = start(&format!("source --count {COUNT} --qos {qos} --size 100"));
            let words = format!("sub --qos {qos} --version {version} --count {COUNT}");
            let printed = minimal(&words, source.port, b"");
            assert!(printed == lines(100), "{words}");
            assert_eq!(source.finish::<Sent>().unwrap(), wanted, "{words}");
        }
    }
}

#[test]
fn the_source_keeps_to_its_window_and_to_the_qos_asked_for() {
    let source = start("source --count 500 --qos 2 --window 1 --topic a --topic b");
    let port = source.port.to_string();
    let output = harness::mqsub()
        .args(["-h", "localhost", "-p", &port])
        .args(["-t", "+", "-q", "1", "-C", "500", "-F", "%t %q"])
        .run();
    let output = output.assert_success();
    assert_eq!(output.stdout_str(), "a 1\nb 1\n".repeat(250));
    let sent: Sent = source.finish().unwrap();
    assert_eq!(sent.messages, 500);
}

#[test]
fn payloads_larger_than_every_buffer_pass() {
    let mut payload = vec![b'x'; 3_000_000];
    payload[..10].copy_from_slice(b"0000000001");
    payload.push(b'\n');
    for qos in 0..=2 {
        let source = start(&format!("source --count 1 --size 3000000 --qos {qos}"));
        let printed = minimal(&format!("sub --qos {qos}"), source.port, b"");
        assert!(printed == payload, "{} bytes at QoS {qos}", printed.len());
        source.finish::<Sent>().unwrap();
        let sink = start("sink --numbered");
        minimal(&format!("pub --qos {qos}"), sink.port, &payload);
        let received: Received = sink.finish().unwrap();
        assert_eq!(received.payload_bytes, 3_000_000);
        assert_eq!((received.messages, received.first_wrong), (1, 0));
    }
}
