//! Ports where nobody speaks TLS, or not the TLS that is wanted: code 23; and plain MQTT to a port
//! that speaks something else.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use harness::lab::Draft;
use harness::{Broker, Output, ServerCert, TlsServer, WebServer, mqpub};

use crate::support::{Root, TLS_VERSIONS, Told, broker, builder, with_cafile};

/// How often the same must come out.
const OFTEN: usize = 50;

fn server(root: &Root) -> ServerCert {
    let server = Draft::new("localhost").names(&["localhost"]);
    server.signed_by(&root.party).serve(&[])
}

fn publish(port: u16, options: &[&str]) -> Output {
    mqpub()
        .args(["-h", "localhost", "-p", &port.to_string()])
        .args(["-t", "a", "-m", "x"])
        .args(options)
        .run()
}

fn with_tls(port: u16, root: &Root, options: &[&str]) -> Output {
    let cafile = ["--cafile", root.path.to_str().unwrap()];
    publish(port, &[&cafile, options].concat())
}

#[test]
fn no_common_version() {
    let root = Root::new();
    let certificate = server(&root);
    let old = broker(&certificate, TLS_VERSIONS[0]);
    for _ in 0..OFTEN {
        let output = with_cafile(&old, &root.path)
            .args(["--tls-version", "tlsv1.3"])
            .run();
        Told::by(&output, 23)
            .cause_holds(&["TLS 1.3", "--tls-version", "ProtocolVersion"])
            .hint_holds(&["--tls-version tlsv1.3"]);
    }
    let older = Broker::builder()
        .tls(&certificate)
        .config("tls_version tlsv1.1")
        .openssl("MinProtocol = TLSv1.1")
        .openssl("MaxProtocol = TLSv1.1")
        .openssl("CipherString = DEFAULT@SECLEVEL=0")
        .start();
    for _ in 0..OFTEN {
        Told::by(&with_cafile(&older, &root.path).run(), 23)
            .cause_holds(&["neither TLS 1.2 nor TLS 1.3"])
            .hint_holds(&["TLS 1.2", "tls_version"]);
    }
}

#[test]
fn no_common_suite() {
    let root = Root::new();
    let certificate = server(&root);
    let old = builder(&certificate, TLS_VERSIONS[0])
        .config("ciphers ECDHE-ECDSA-AES128-SHA")
        .start();
    let new = builder(&certificate, TLS_VERSIONS[1])
        .config("ciphers_tls1.3 TLS_AES_128_CCM_SHA256")
        .start();
    for broker in [&old, &new] {
        for _ in 0..OFTEN {
            Told::by(&with_cafile(broker, &root.path).run(), 23)
                .cause_holds(&["cipher suites"])
                .hint_holds(&["ECDHE", "mosquitto: ciphers"]);
        }
    }
    let choosy = builder(&certificate, TLS_VERSIONS[0])
        .config("ciphers ECDHE-ECDSA-AES128-GCM-SHA256")
        .start();
    let with = |suite| {
        with_cafile(&choosy, &root.path)
            .args(["--ciphers", suite])
            .run()
    };
    with("ECDHE-ECDSA-AES128-GCM-SHA256").assert_success();
    Told::by(&with("ECDHE-ECDSA-AES256-GCM-SHA384"), 23)
        .cause_holds(&["cipher suites"])
        .hint_holds(&["--ciphers"]);
}

#[test]
fn a_protocol_name_that_the_server_does_not_know() {
    let root = Root::new();
    let server = TlsServer::start(&server(&root), &["-alpn", "h2"]);
    for _ in 0..OFTEN {
        Told::by(&with_tls(server.port(), &root, &["--tls-alpn", "mqtt"]), 23)
            .cause_holds(&["\"mqtt\"", "--tls-alpn"])
            .hint_holds(&["--tls-alpn"]);
    }
}

#[test]
fn a_broker_without_tls() {
    let root = Root::new();
    let broker = Broker::start();
    for (options, named) in [
        (&["--cafile", root.path.to_str().unwrap()][..], "--cafile"),
        (
            &["--capath", root.path.parent().unwrap().to_str().unwrap()],
            "--capath",
        ),
        (&["--pin-sha256", &"00".repeat(32)], "--pin-sha256"),
    ] {
        for _ in 0..OFTEN {
            Told::by(&publish(broker.port(), options), 23)
                .cause_holds(&["closed the connection"])
                .hint_holds(&["plain MQTT", named, "-p 8883"]);
        }
    }
}

#[test]
fn a_broker_with_tls_and_plain_mqtt() {
    let root = Root::new();
    for version in TLS_VERSIONS {
        let broker = broker(&server(&root), version);
        for _ in 0..OFTEN {
            Told::by(&publish(broker.port(), &[]), 5).hint_holds(&["--cafile"]);
        }
    }
    // It answers with an alert.
    let server = TlsServer::start(&server(&root), &[]);
    for _ in 0..OFTEN {
        Told::by(&publish(server.port(), &[]), 5).hint_holds(&["--cafile"]);
    }
}

#[test]
fn a_web_server() {
    let root = Root::new();
    let server = WebServer::start();
    for _ in 0..OFTEN {
        Told::by(&with_tls(server.port(), &root, &[]), 23)
            .cause_holds(&["web server", "\"HTTP/1.1 400 Bad Request\""])
            .hint_holds(&["-p"]);
        Told::by(&publish(server.port(), &[]), 21)
            .cause_holds(&["web server", "\"HTTP/1.1 400 Bad Request\""])
            .hint_holds(&["-p", "--ws"]);
    }
    let websocket = Broker::builder().websockets().start();
    for _ in 0..10 {
        let output = with_tls(websocket.port(), &root, &["--ws"]);
        assert_eq!(output.status, 23, "{output}");
    }
}

/// A server that introduces itself with a text, as those of SSH and mail do, and leaves when it
/// does not understand.
fn introduces_itself(text: &'static [u8]) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // The client may have left.
            let _ = stream.write_all(text);
            let _ = stream.read(&mut [0; 16]);
        }
    });
    port
}

#[test]
fn an_ssh_server() {
    let root = Root::new();
    let port = introduces_itself(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n");
    for _ in 0..OFTEN {
        Told::by(&with_tls(port, &root, &[]), 23)
            .cause_holds(&["SSH server", "\"SSH-2.0-OpenSSH_9.2p1 Debian-2\""])
            .hint_holds(&["-p"]);
        Told::by(&publish(port, &[]), 21)
            .cause_holds(&["SSH server", "\"SSH-2.0-OpenSSH_9.2p1 Debian-2\""])
            .hint_holds(&["-p"]);
    }
}

#[test]
fn another_server_is_quoted_and_gives_the_terminal_no_command() {
    let root = Root::new();
    let mail = introduces_itself(b"220 mail.example.test ESMTP\r\n");
    Told::by(&with_tls(mail, &root, &[]), 23)
        .cause_holds(&["not TLS", "\"220 mail.example.test ESMTP\""]);
    Told::by(&publish(mail, &[]), 21).cause_holds(&["not MQTT", "\"220 mail.example.test ESMTP\""]);
    let evil = introduces_itself(b"SSH-2.0-\x1b]0;title\x07\xC2\x9B2J\r\n");
    for output in [with_tls(evil, &root, &[]), publish(evil, &[])] {
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("SSH-2.0-\\x1b]0;title\\x07"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{9b}']), "{text:?}");
    }
}
