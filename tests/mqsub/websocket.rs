//! `--ws` and `ws://`: messages that come over a WebSocket.

use std::fs;

use harness::fake_broker::{Publish, encode};
use harness::{Authority, Broker, FakeBroker, WebSocketConn, mqpub, mqsub};
use tempfile::TempDir;

use crate::support::{LIMIT, VERSIONS, subscribed, terminate};

fn broker() -> Broker {
    Broker::builder().websockets().start()
}

#[test]
fn both_tools_meet_over_websocket() {
    let broker = broker();
    for version in VERSIONS {
        let running = subscribed(&broker, &["--ws", "-V", version, "-t", "a/#", "-q", "2"]);
        for (qos, text) in [("0", "one"), ("1", "two"), ("2", "three")] {
            mqpub()
                .args(broker.args())
                .args(["--ws", "-V", version, "-t", "a/b", "-q", qos, "-m", text])
                .run()
                .assert_success();
            running.wait_for_stdout(text);
        }
        let output = terminate(running);
        assert_eq!(output.stdout_str(), "one\ntwo\nthree\n");
    }
    // The subscriber's end was in order, too.
    broker.wait_for_log_times("Received DISCONNECT from", 8);
}

#[test]
fn the_path_of_the_url_is_the_filter() {
    let authority = Authority::new();
    let broker = Broker::builder()
        .tls(&authority.server("localhost"))
        .websockets()
        .start();
    let url = format!("wss://localhost:{}/a/+/c", broker.port());
    let over_tls = |tool: harness::Tool| {
        let tool = tool.args(["-L", &url, "--cafile"]);
        tool.arg(authority.pem_path())
    };
    let running = over_tls(mqsub()).args(["-d", "-v", "-C", "1"]).spawn();
    running.wait_for_stderr("received SUBACK");
    over_tls(mqpub())
        .args(["-t", "a/b/c", "-m", "found"])
        .run()
        .assert_success();
    assert_eq!(
        running.wait().assert_success().stdout_str(),
        "a/b/c found\n"
    );
}

#[test]
fn a_hundred_thousand_lines_arrive_in_order() {
    let broker = Broker::builder()
        .log_every_packet(false)
        .config("max_queued_messages 0")
        .config("log_type subscribe")
        .websockets()
        .start();
    let running = mqsub()
        .args(broker.args())
        .args(["--ws", "-t", "big", "-q", "1", "-C", "100000"])
        .measure_memory()
        .limit(LIMIT)
        .spawn();
    broker.wait_for_log(" 1 big");
    let lines: String = (0..100_000)
        .map(|number| format!("line {number}\n"))
        .collect();
    let publisher = mqpub()
        .args(broker.args())
        .args(["--ws", "-t", "big", "-q", "1", "-l"])
        .stdin(lines.clone())
        .measure_memory()
        .limit(LIMIT)
        .run()
        .assert_success();
    let output = running.wait().assert_success();
    assert!(output.stdout_str() == lines, "the lines differ");
    // The bound of issue 2.
    for used in [publisher.peak_rss_kib(), output.peak_rss_kib()] {
        assert!(used < 32 * 1024, "it needed {used} KiB");
    }
}

/// Not larger, because mosquitto 2.0 sends 4 KiB over a WebSocket every 0.1 s.
#[test]
fn a_message_in_many_frames_comes_whole() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("large");
    let bytes: Vec<u8> = (0..=250).cycle().take(100_000).collect();
    fs::write(&file, &bytes).unwrap();
    let broker = broker();
    let running = subscribed(&broker, &["--ws", "-t", "large", "-N", "-C", "1"]);
    mqpub()
        .args(broker.args())
        .args(["--ws", "-t", "large", "-f"])
        .arg(&file)
        .run()
        .assert_success();
    assert!(running.wait().assert_success().stdout == bytes);
}

/// One frame of 30 MB, one message in thousands of frames: the broker decides.
#[test]
fn frames_of_any_size_are_taken() {
    const SIZE: usize = 30_000_000;
    let server = FakeBroker::start(|conn| {
        let mut socket = WebSocketConn::accept(conn);
        socket.greet();
        let subscribe = socket.read_packet();
        socket.send(&encode::packet(
            0x90,
            &[subscribe.body[0], subscribe.body[1], 0],
        ));
        let packet = Publish::new("a", vec![b'x'; SIZE], 0, 0).encode(false);
        socket.send(&packet);
        socket.send_frame(0x02, &[]);
        for part in packet.chunks(1000) {
            socket.send_frame(0x00, part);
        }
        socket.send_frame(0x80, &[]);
        socket.expect_end();
    });
    let output = mqsub()
        .args(server.args())
        .args(["--ws", "-t", "a", "-C", "2"])
        .run()
        .assert_success();
    server.finish();
    assert_eq!(output.stdout.len(), 2 * (SIZE + 1));
}

#[test]
fn a_ping_is_answered_while_nothing_else_happens() {
    let server = FakeBroker::start(|conn| {
        let mut socket = WebSocketConn::accept(conn);
        socket.greet();
        let subscribe = socket.read_packet();
        socket.send(&encode::packet(
            0x90,
            &[subscribe.body[0], subscribe.body[1], 0],
        ));
        socket.send_frame(0x89, b"still there?");
        socket.expect_pong(b"still there?");
        socket.send_frame(0x88, b"\x03\xf3sorry");
        assert_eq!(socket.read_frame(), (0x88, vec![3, 0xe8]));
        socket.conn.close();
    });
    let output = mqsub()
        .args(server.args())
        .args(["--ws", "-t", "a", "--retry", "0"])
        .run()
        .assert_code(7);
    server.finish();
    let address = format!("127.0.0.1:{}", server_port(&output));
    assert_eq!(
        output.stderr_str(),
        format!(
            "error: the connection to {address} over WebSocket was lost\n\
             cause: the broker closed the WebSocket with code 1011 (internal error): \"sorry\"\n\
             hint: the broker's log may say more\n"
        )
    );
}

/// The port that the first line of an error names.
fn server_port(output: &harness::Output) -> String {
    let text = output.stderr_str();
    let digits = text.split("127.0.0.1:").nth(1).unwrap_or_default();
    digits.chars().take_while(char::is_ascii_digit).collect()
}

#[test]
fn the_keep_alive_works_over_it() {
    let broker = broker();
    let running = subscribed(&broker, &["--ws", "-t", "a", "-k", "5"]);
    running.wait_for_stderr("received PINGRESP");
    terminate(running);
}
