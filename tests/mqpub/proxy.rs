//! `--proxy`: through a SOCKS5 proxy, and proxies that refuse.

use std::time::{Duration, Instant};

use harness::{
    Authority, Broker, Conn, FakeBroker, SocksProxy, Tool, WebSocketConn, mqpub, silent_port,
    unanswering_port, unused_port,
};

use crate::support::{Collector, Complaint, PATIENCE, VERSIONS, complaint, greet, part, publisher};

const SECRET: &str = "s3cr3t%2Fpass";

fn through(tool: Tool, port: u16) -> Tool {
    tool.args(["--proxy", &format!("socks5h://127.0.0.1:{port}")])
}

fn message() -> Tool {
    mqpub().args(["-t", "a", "-m", "text"])
}

#[test]
fn messages_go_through_and_the_proxy_looks_the_name_up() {
    let proxy = SocksProxy::start();
    let broker = Collector::start();
    let port = broker.args().last().unwrap().clone();
    for version in VERSIONS {
        // Only 127.0.0.1 is listened on, which the proxy finds behind the name.
        through(message(), proxy.port())
            .args(["-h", "localhost", "-p", &port, "-V", version, "-q", "2"])
            .run()
            .assert_success();
        assert_eq!(broker.next().payload, b"text");
    }
    let name = format!("connected to localhost:{port}\n");
    proxy.wait_for_log_times(&name, VERSIONS.len());
    assert_eq!(
        proxy.log().matches(&name).count(),
        VERSIONS.len(),
        "{}",
        proxy.log()
    );
}

#[test]
fn credentials_are_decoded_and_checked() {
    let proxy = SocksProxy::for_user("us@er", "s3cr3t/pass");
    let broker = Broker::start();
    let at = |user: &str| format!("socks5h://{user}localhost:{}", proxy.port());
    let run = |user: &str| {
        message()
            .args(broker.args())
            .args(["-d", "--proxy", &at(user)])
            .run()
    };
    let output = run(&format!("us%40er:{SECRET}@")).assert_success();
    assert!(!output.stderr_str().contains("s3cr3t"), "{output}");
    proxy.wait_for_log_times("connected to localhost:", 1);

    let report = complaint(run("us%40er:s3cr3t@"), 16);
    assert!(report.cause.contains("user name or password"), "{report:?}");
    assert!(!format!("{report:?}").contains("s3cr3t"), "{report:?}");
    let report = complaint(run(""), 16);
    assert!(report.cause.contains("authentication"), "{report:?}");
    assert!(report.hint.contains("USER:PASSWORD"), "{report:?}");
}

#[test]
fn tls_and_websocket_run_on_top_of_it() {
    let proxy = SocksProxy::for_user("user", "pass");
    let authority = Authority::new();
    let client = authority.certificate().for_clients_only().make();
    let broker = Broker::builder()
        .tls(&authority.server("localhost"))
        .config(format!("cafile {}", authority.pem_path().display()))
        .config("require_certificate true")
        .websockets()
        .start();
    let url = format!("wss://localhost:{}/a", broker.port());
    let over = |trusted: &Authority| {
        mqpub()
            .args(["-q", "1", "-m", "text", "-L", &url, "--proxy"])
            .arg(format!("socks5h://user:pass@127.0.0.1:{}", proxy.port()))
            .arg("--cafile")
            .arg(trusted.pem_path())
    };
    over(&authority)
        .arg("--cert")
        .arg(&client.cert_path)
        .arg("--key")
        .arg(&client.key_path)
        .run()
        .assert_success();
    broker.wait_for_log("Received PUBLISH");
    let report = complaint(over(&Authority::new()).run(), 8);
    assert!(report.error.contains("localhost"), "{report:?}");
}

/// What SOCKS5 says on the wire, where a domain name is sent as it is.
#[track_caller]
fn negotiated(conn: &mut Conn, target: &[u8]) {
    assert_eq!(conn.read_bytes(3), [5, 1, 0]);
    conn.send(&[5, 0]);
    assert_eq!(conn.read_bytes(3), [5, 1, 0]);
    assert_eq!(conn.read_bytes(target.len()), target);
}

#[test]
fn the_proxy_gets_the_name_and_port_that_were_given() {
    let ipv6 = [&[4][..], &[0; 15], &[1, 7, 0xd0]].concat();
    for (args, target) in [
        (
            &["-h", "broker.invalid"][..],
            b"\x03\x0ebroker.invalid\x07\x5b".to_vec(),
        ),
        // Also the default ports: 1883, and 8883 with TLS.
        (
            &["--url", "ws://broker.invalid/topic"],
            b"\x03\x0ebroker.invalid\x07\x5b".to_vec(),
        ),
        (
            &["-L", "wss://broker.invalid/topic", "--insecure"],
            b"\x03\x0ebroker.invalid\x22\xb3".to_vec(),
        ),
        (
            &["-h", "127.0.0.1", "-p", "2000"],
            vec![1, 127, 0, 0, 1, 7, 0xd0],
        ),
        (&["-h", "::1", "-p", "2000"], ipv6),
    ] {
        let proxy = FakeBroker::start(move |mut conn| {
            negotiated(&mut conn, &target);
            conn.close();
        });
        let output = through(message(), proxy.port()).args(args).run();
        proxy.finish();
        assert_eq!(output.assert_code(16).stdout_str(), "");
    }
}

#[test]
fn what_comes_in_pieces_and_together_is_understood() {
    for bound in [
        &[1, 10, 0, 0, 1, 4, 56][..],
        b"\x03\x04gate\x04\x38",
        &[4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 4, 56],
    ] {
        let proxy = FakeBroker::start(move |mut conn| {
            negotiated(&mut conn, b"\x03\x06broker\x07\x5b");
            for byte in [&[5, 0, 0], bound].concat() {
                conn.send(&[byte]);
            }
            greet(&mut conn);
            conn.expect_publish();
            part(&mut conn);
        });
        through(message(), proxy.port())
            .args(["-h", "broker"])
            .run()
            .assert_success();
        proxy.finish();
    }
}

#[test]
fn every_refusal_is_16_and_explained() {
    for (reply, cause, hint) in [
        (1, "general failure", "log"),
        (2, "rules", "configuration"),
        (3, "network is unreachable", "-h"),
        (4, "host is unreachable", "-h"),
        (5, "refuses connections", "-p"),
        (6, "too long", "network"),
        (7, "makes no connections", "CONNECT"),
        (8, "kind of address", "-h"),
        (9, "not SOCKS5", "--proxy"),
        (255, "not SOCKS5", "--proxy"),
    ] {
        let report = refused(move |mut conn| {
            negotiated(&mut conn, b"\x03\x06broker\x07\x5b");
            conn.send(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]);
            conn.hold();
        });
        assert!(report.cause.contains(cause), "{report:?}");
        assert!(report.hint.contains(hint), "{report:?}");
        assert!(report.error.contains("broker:1883"), "{report:?}");
    }
}

#[test]
fn a_port_that_is_no_proxy_is_16() {
    let answers: [(&[u8], &str); 6] = [
        (b"", "closed"),
        (b"\x05", "closed"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not SOCKS5"),
        (&[4, 0x5a], "not SOCKS5"),
        (&[5, 1], "not SOCKS5"),
        (&[5, 0xff], "authentication"),
    ];
    for (answer, cause) in answers {
        let report = refused(move |mut conn| {
            conn.read_bytes(3);
            conn.send(answer);
            conn.close();
        });
        assert!(report.cause.contains(cause), "{report:?}");
        assert!(!report.hint.is_empty(), "{report:?}");
    }
}

/// What mqpub says when its proxy answers so.
#[track_caller]
fn refused(script: impl Fn(Conn) + Send + Sync + 'static) -> Complaint {
    let proxy = FakeBroker::start(script);
    let output = through(message(), proxy.port())
        .args(["-h", "broker"])
        .run();
    let port = proxy.port();
    proxy.finish();
    let report = complaint(output, 16);
    assert!(report.error.contains(&port.to_string()), "{report:?}");
    report
}

#[test]
fn a_proxy_that_is_not_there_is_16() {
    let nobody = unused_port();
    let report = complaint(through(message(), nobody.port()).run(), 16);
    assert!(report.error.contains("proxy"), "{report:?}");
    assert!(report.cause.contains("refused"), "{report:?}");
    let output = message()
        .args(["--connect-timeout", "100"])
        .args(["--proxy", "socks5h://no-such-host.invalid"])
        .run();
    let report = complaint(output, 16);
    assert!(
        report.error.contains("no-such-host.invalid:1080"),
        "{report:?}"
    );
}

#[test]
fn the_time_limit_covers_the_proxy() {
    for (port, limit, word) in [
        (unanswering_port(), "0.5", "cannot"),
        // Enough to be connected on a loaded machine.
        (silent_port(), "10", "did not"),
    ] {
        let start = Instant::now();
        let output = through(message(), port.port())
            .args(["--connect-timeout", limit])
            .run();
        let least = Duration::from_secs_f64(limit.parse().unwrap());
        assert!(start.elapsed() >= least && start.elapsed() < PATIENCE);
        let report = complaint(output, 16);
        assert!(report.error.contains(word), "{report:?}");
        assert!(report.cause.contains(&format!("{limit} s")), "{report:?}");
    }
}

#[test]
fn the_local_address_is_that_of_the_connection_to_the_proxy() {
    let proxy = SocksProxy::start();
    let broker = Collector::start();
    through(broker.mqpub(["-m", "text"]), proxy.port())
        .args(["-A", "127.0.0.77"])
        .run()
        .assert_success();
    proxy.wait_for_log_times(" 127.0.0.77: connected to 127.0.0.1:", 1);
    let output = through(message(), proxy.port())
        .args(["-A", "no-such-host.invalid", "--connect-timeout", "100"])
        .run();
    assert!(complaint(output, 15).hint.contains("-A"));
}

/// Errors after the connection name the whole way.
#[test]
fn a_lost_connection_names_the_proxy() {
    let broker = FakeBroker::start(|conn| {
        let mut socket = WebSocketConn::accept(conn);
        socket.greet();
        socket.read_packet();
        socket.conn.close();
    });
    let proxy = SocksProxy::start();
    let output = through(publisher(&broker), proxy.port())
        .args(["--ws", "-q", "1", "-m", "x"])
        .run();
    let way = format!(
        "127.0.0.1:{} over WebSocket through the proxy 127.0.0.1:{}",
        broker.port(),
        proxy.port()
    );
    broker.finish();
    let report = complaint(output, 7);
    assert!(report.error.contains(&way), "{report:?}");
}

#[test]
fn a_wrong_proxy_is_a_usage_error() {
    for (args, word) in [
        (&["--proxy", "localhost:1080"][..], "scheme"),
        (&["--proxy", "socks5://u:hunter2@localhost"], "socks5h"),
        (&["--proxy", "http://u:hunter2@localhost"], "socks5h"),
        (&["--proxy", "socks5h://hunter2@localhost"], "password"),
        (&["--proxy", "socks5h://u:hunter2@localhost:0"], "port"),
        (&["--proxy", "socks5h://u:hunter2@"], "host"),
        (
            &["--proxy", "socks5h://localhost", "--unix", "/tmp/mqtt"],
            "--unix",
        ),
    ] {
        let report = complaint(message().args(args).run(), 1);
        let text = format!("{report:?}");
        assert!(text.contains(word), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
