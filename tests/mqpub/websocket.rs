//! `--ws`, `ws://` and `wss://`: MQTT over WebSocket, and servers that are none or odd ones.

use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io};

use harness::fake_broker::Publish;
use harness::{Authority, Broker, FakeBroker, Running, Tool, WebSocketConn, mqpub, silent_port};
use tempfile::TempDir;

use crate::support::{Complaint, PATIENCE, VERSIONS, complaint, publisher};

/// mosquitto's own client, which sees the messages over a Unix domain socket.
fn witness(broker: &Broker, args: &[&str]) -> Running {
    let seen = Tool::new("mosquitto_sub")
        .arg("--unix")
        .arg(broker.socket())
        .args(["-q", "2"])
        .args(args)
        .spawn();
    broker.wait_for_log("Sending SUBACK");
    seen
}

#[test]
fn messages_arrive_in_every_version_and_qos() {
    let broker = Broker::builder().websockets().start();
    let port = broker.port();
    let messages = 5 * VERSIONS.len();
    let seen = witness(&broker, &["-t", "#", "-v", "-C", &messages.to_string()]);
    let mut expected = String::new();
    for version in VERSIONS {
        for qos in ["0", "1", "2"] {
            mqpub()
                .args(broker.args())
                .args(["--ws", "-V", version, "-q", qos, "-t", "a", "-m", qos])
                .run()
                .assert_success();
            expected += &format!("a {qos}\n");
        }
        // The URL's path is the topic, and /mqtt the path of the request all the same.
        for topic in ["mqtt", "b/c"] {
            let url = format!("ws://localhost:{port}/{topic}");
            mqpub()
                .args(["-V", version, "-q", "1", "-m", "url", "-L", &url])
                .run()
                .assert_success();
            expected += &format!("{topic} url\n");
        }
    }
    // One order for QoS 0 and the others is not promised.
    let output = seen.wait().assert_success();
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(output.stdout_str()), sorted(&expected));
    // Every run said good-bye.
    broker.wait_for_log_times("Received DISCONNECT from", messages + 1);
}

#[test]
fn over_tls_certificates_are_checked_on_both_sides() {
    let authority = Authority::new();
    let client = authority.certificate().for_clients_only().make();
    let broker = Broker::builder()
        .websockets()
        .tls(&authority.server("localhost"))
        .config(format!("cafile {}", authority.pem_path().display()))
        .config("require_certificate true")
        .start();
    let url = format!("wss://localhost:{}/t", broker.port());
    let over_tls = |trusted: &Authority| {
        mqpub()
            .args(["-q", "1", "-m", "x", "-L", &url, "--cafile"])
            .arg(trusted.pem_path())
    };
    let seen = witness(&broker, &["-t", "t", "-C", "1"]);
    over_tls(&authority)
        .arg("--cert")
        .arg(&client.cert_path)
        .arg("--key")
        .arg(&client.key_path)
        .run()
        .assert_success();
    assert_eq!(seen.wait().assert_success().stdout_str(), "x\n");
    over_tls(&Authority::new()).run().assert_code(8);
    let refused = complaint(over_tls(&authority).run(), 23);
    assert!(refused.hint.contains("--cert"), "{refused:?}");
}

#[test]
fn a_large_file_arrives_whole() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("large");
    let bytes: Vec<u8> = (0..=250).cycle().take(20_000_000).collect();
    fs::write(&file, &bytes).unwrap();
    let broker = Broker::builder().websockets().start();
    let seen = witness(&broker, &["-t", "large", "-C", "1", "-N"]);
    mqpub()
        .args(broker.args())
        .args(["--ws", "-q", "1", "-t", "large", "-f"])
        .arg(&file)
        .run()
        .assert_success();
    assert!(seen.wait().assert_success().stdout == bytes);
}

#[test]
fn the_request_is_that_of_mqtt() {
    let server = FakeBroker::start(|conn| {
        let mut socket = WebSocketConn::accept(conn);
        let request = &socket.request;
        assert!(request.starts_with("GET /mqtt HTTP/1.1\r\n"), "{request}");
        for (name, value) in [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Protocol", "mqtt"),
        ] {
            assert_eq!(socket.field(name), Some(value), "{request}");
        }
        assert!(socket.field("Host").unwrap().starts_with("127.0.0.1:"));
        assert_eq!(socket.field("Sec-WebSocket-Extensions"), None);
        socket.greet();
        assert_eq!(socket.read_packet().kind(), 3);
        socket.expect_end();
    });
    publisher(&server)
        .args(["--ws", "-m", "x"])
        .run()
        .assert_success();
    server.finish();
}

/// Everything the server says, cut in every way, with pings in between.
#[test]
fn frames_may_be_cut_anywhere() {
    for version in VERSIONS {
        let server = FakeBroker::start(|conn| {
            let mut socket = WebSocketConn::asked(conn);
            for byte in socket.agreement().as_bytes() {
                socket.conn.send(&[*byte]);
            }
            let connect = socket.read_packet();
            let is_v5 = connect.body[6] == 5;
            let connack: &[u8] = if is_v5 {
                &[0x20, 3, 0, 0, 0]
            } else {
                &[0x20, 2, 0, 0]
            };
            // One byte a frame, and each frame's bytes by themselves.
            for byte in connack {
                socket.send_frame(0x89, b"are you there?");
                for byte in WebSocketConn::frame(0x82, &[*byte]) {
                    socket.conn.send(&[byte]);
                }
                socket.expect_pong(b"are you there?");
            }
            let ids: Vec<_> = (0..3)
                .map(|_| {
                    Publish::parse(&socket.read_packet(), is_v5)
                        .packet_id
                        .unwrap()
                })
                .collect();
            // Several packets in one message of three frames.
            let acks: Vec<u8> = ids
                .iter()
                .flat_map(|id| [&[0x40, 2][..], &id.to_be_bytes()].concat())
                .collect();
            socket.send_frame(0x02, &acks[..1]);
            socket.send_frame(0x00, &acks[1..6]);
            socket.send_frame(0x89, b"");
            socket.send_frame(0x80, &acks[6..]);
            socket.expect_pong(b"");
            socket.expect_end();
        });
        publisher(&server)
            .args(["--ws", "-V", version, "-q", "1", "-l"])
            .stdin("1\n2\n3\n")
            .run()
            .assert_success();
        server.finish();
    }
}

#[test]
fn a_close_frame_ends_the_connection_and_says_why() {
    for (payload, cause) in [
        (&b""[..], "closed the connection"),
        (b"\x03\xe8", "closed the connection"),
        (b"\x03\xe9bye", "closed the connection"),
        (
            b"\x03\xf0not here",
            "code 1008 (policy violation): \"not here\"",
        ),
    ] {
        for is_early in [true, false] {
            let server = FakeBroker::start(move |conn| {
                let mut socket = WebSocketConn::accept(conn);
                if is_early {
                    socket.read_packet();
                } else {
                    socket.greet();
                    socket.read_packet();
                }
                socket.send_frame(0x88, payload);
                assert_eq!(socket.read_frame(), (0x88, vec![3, 0xe8]));
                socket.conn.close();
            });
            let output = publisher(&server)
                .args(["--ws", "-q", "1", "-m", "x"])
                .run();
            server.finish();
            let complaint = complaint(output, if is_early { 5 } else { 7 });
            assert!(complaint.cause.contains(cause), "{complaint:?}");
            assert!(complaint.error.contains("over WebSocket"), "{complaint:?}");
        }
    }
}

#[test]
fn a_text_frame_is_refused() {
    let server = FakeBroker::start(|conn| {
        let mut socket = WebSocketConn::accept(conn);
        socket.read_packet();
        socket.send_frame(0x81, &[0x20, 2, 0, 0]);
        socket.conn.hold();
    });
    let output = publisher(&server).args(["--ws", "-m", "x"]).run();
    server.finish();
    let complaint = complaint(output, 5);
    assert!(complaint.cause.contains("text frame"), "{complaint:?}");
}

/// As a web server in front of a broker may offer it; mosquitto itself does not.
#[test]
fn a_unix_domain_socket_may_carry_it() {
    let broker = Broker::builder().websockets().start();
    let seen = witness(&broker, &["-t", "a", "-C", "1"]);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ws");
    let listener = UnixListener::bind(&path).unwrap();
    let target = ("localhost", broker.port());
    let front = thread::spawn(move || {
        let near = listener.accept().unwrap().0;
        let far = TcpStream::connect(target).unwrap();
        let (mut requests, mut to_broker) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        let up = thread::spawn(move || {
            let _ = io::copy(&mut requests, &mut to_broker);
        });
        let _ = io::copy(&mut &far, &mut &near);
        near.shutdown(Shutdown::Both).unwrap();
        up.join().unwrap();
    });
    mqpub()
        .args(["--ws", "-q", "1", "-t", "a", "-m", "text", "--unix"])
        .arg(&path)
        .run()
        .assert_success();
    front.join().unwrap();
    assert_eq!(seen.wait().assert_success().stdout_str(), "text\n");
}

/// What mqpub says of a server that answers the request so.
#[track_caller]
fn answered(
    code: i32,
    answer: impl Fn(&WebSocketConn) -> String + Send + Sync + 'static,
) -> Complaint {
    let server = FakeBroker::start(move |conn| {
        let mut socket = WebSocketConn::asked(conn);
        let answer = answer(&socket);
        socket.conn.send(answer.as_bytes());
        socket.conn.close();
    });
    let output = publisher(&server).args(["--ws", "-m", "x"]).run();
    server.finish();
    let complaint = complaint(output, code);
    assert!(complaint.error.contains("WebSocket"), "{complaint:?}");
    complaint
}

#[test]
fn another_status_of_http_is_named() {
    for (status, cause, hint) in [
        ("200 OK", "HTTP 200 (OK)", "/mqtt"),
        (
            "400 Bad Request",
            "HTTP 400 (Bad Request)",
            "protocol websockets",
        ),
        ("403 Keep out", "HTTP 403 (Forbidden)", "refuses"),
        ("404 Not Found", "HTTP 404 (Not Found)", "/mqtt"),
        ("502 Bad Gateway", "HTTP 502 (Bad Gateway)", "down"),
        (
            "302 Found\r\nLocation: wss://other\u{e9}/mqtt",
            "HTTP 302 (Found)",
            "wss://other",
        ),
    ] {
        let complaint = answered(5, move |_| {
            format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nno")
        });
        assert!(complaint.cause.contains(cause), "{complaint:?}");
        assert!(complaint.hint.contains(hint), "{complaint:?}");
    }
}

#[test]
fn an_agreement_with_a_flaw_is_none() {
    for (from, to, cause) in [
        (
            "Sec-WebSocket-Protocol: mqtt\r\n",
            "",
            "subprotocol \"mqtt\"",
        ),
        ("Protocol: mqtt", "Protocol: chat", "subprotocol \"chat\""),
        ("Accept: ", "Accept: x", "does not belong"),
        ("Upgrade: websocket\r\n", "", "another protocol"),
        ("Upgrade: websocket", "Upgrade: h2c", "another protocol"),
        ("Connection: Upgrade\r\n", "", "another protocol"),
        (
            "Upgrade: websocket\r\n",
            "Upgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n",
            "extension",
        ),
    ] {
        let complaint = answered(5, move |socket| {
            let answer = socket.agreement();
            assert!(answer.contains(from));
            answer.replace(from, to)
        });
        assert!(complaint.cause.contains(cause), "{complaint:?}");
    }
}

#[test]
fn what_is_not_http_is_21_and_an_end_without_answer_is_5() {
    for answer in ["\x20\x02\x00\x00", "220 mail.example ESMTP\r\n"] {
        let complaint = answered(21, move |_| answer.to_owned());
        assert!(complaint.cause.contains("not HTTP"), "{complaint:?}");
    }
    let endless = answered(21, |_| {
        format!("HTTP/1.1 101 Go\r\n{}", "X-Y: z\r\n".repeat(5000))
    });
    assert!(!endless.hint.is_empty(), "{endless:?}");
    for answer in ["", "HTTP/1.1 101 Switching"] {
        let complaint = answered(5, move |_| answer.to_owned());
        assert!(complaint.cause.contains("closed"), "{complaint:?}");
        assert!(complaint.hint.contains("--ws"), "{complaint:?}");
    }
}

#[test]
fn plain_mqtt_and_tls_are_told_from_websocket() {
    let args = ["-t", "a", "-m", "x"];
    let plain = Broker::start();
    let complaint_of = |tool: Tool, code| complaint(tool.args(args).run(), code);
    let report = complaint_of(mqpub().args(plain.args()).arg("--ws"), 5);
    assert!(report.hint.contains("plain MQTT"), "{report:?}");
    let broker = Broker::builder().websockets().start();
    let report = complaint_of(mqpub().args(broker.args()), 21);
    assert!(report.hint.contains("--ws"), "{report:?}");

    let alert = FakeBroker::start(|conn| {
        let mut socket = WebSocketConn::asked(conn);
        socket.conn.send(&[0x15, 3, 3, 0, 2, 2, 40]);
        socket.conn.close();
    });
    let report = complaint_of(mqpub().args(alert.args()).arg("--ws"), 5);
    alert.finish();
    assert!(report.cause.contains("TLS"), "{report:?}");
    assert!(report.hint.contains("--cafile"), "{report:?}");
}

#[test]
fn a_server_that_never_answers_is_5_when_the_time_is_over() {
    let port = silent_port();
    let start = Instant::now();
    // Enough to be connected on a loaded machine.
    let output = mqpub()
        .args(port.args())
        .args(["--ws", "--connect-timeout", "10", "-t", "a", "-m", "x"])
        .run();
    assert!(start.elapsed() >= Duration::from_secs(10) && start.elapsed() < PATIENCE);
    let complaint = complaint(output, 5);
    assert!(complaint.error.contains("WebSocket"), "{complaint:?}");
    assert!(complaint.cause.contains("10 s"), "{complaint:?}");
}
