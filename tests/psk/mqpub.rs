//! `mqpub --psk` in a build with the feature `psk`: TLS with a pre-shared key by OpenSSL.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code, helpers included, fails by a panic"
)]

mod support;

use std::fs;
use std::sync::mpsc;

use harness::{Authority, Broker, FakeBroker, Output, Tool, mqpub, unused_port};
use tempfile::TempDir;

use crate::support::{IDENTITY, KEY, SHARED, Secret, failed, links_libssl};

const MESSAGE: [&str; 4] = ["-t", "a", "-m", "x"];

fn publish(there: &Secret, options: &[&str]) -> Output {
    there.client(mqpub()).args(MESSAGE).args(options).run()
}

#[test]
fn messages_arrive_in_both_versions_of_tls() {
    for only_tls12 in [false, true] {
        let there = Secret::start(only_tls12, &[]);
        for version in ["mqttv311", "mqttv5"] {
            let output = publish(&there, &["-V", version, "-q", "2"]).assert_success();
            assert!(output.stderr.is_empty(), "{output}");
        }
        let user = format!("u'{IDENTITY}'");
        there.broker.wait_for_log_times(&user, 2);
        there.broker.wait_for_log_times("Received DISCONNECT", 2);
        // Large enough to fill every buffer on the way.
        let big = "x".repeat(3_000_000);
        let output = there
            .client(mqpub())
            .args(["-t", "big", "-q", "1", "-s"])
            .stdin(big)
            .run();
        output.assert_success();
        there.broker.wait_for_log("(3000000 bytes)");
    }
}

#[test]
fn debug_shows_what_was_agreed_on() {
    for (only_tls12, begin) in [(false, "debug: TLS 1.3, TLS_"), (true, "debug: TLS 1.2, ")] {
        let there = Secret::start(only_tls12, &[]);
        let output = publish(&there, &["-d"]).assert_success();
        let mut lines = output.stderr_str().lines();
        let line = lines.find(|line| line.starts_with(begin));
        // Which suite, the two libraries decide; those of TLS 1.2 have the key's kind in their names.
        let is_told = line.is_some_and(|line| {
            line.ends_with(", no ALPN, pre-shared key") && line.contains("-PSK-") == only_tls12
        });
        assert!(is_told, "{output}");
    }
}

#[test]
fn the_key_log_tells_which_version_and_the_lowest_one_is_respected() {
    let folder = TempDir::new().unwrap();
    for (only_tls12, label) in [(false, "CLIENT_TRAFFIC_SECRET_0"), (true, "CLIENT_RANDOM")] {
        let there = Secret::start(only_tls12, &[]);
        let path = folder.path().join(label);
        let key_log = ["--tls-keylog", path.to_str().unwrap(), "--quiet"];
        publish(&there, &key_log).assert_success();
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.lines().any(|line| line.starts_with(label)),
            "{label} is not in\n{text}"
        );
        let output = publish(&there, &["--tls-version", "tlsv1.3"]);
        if only_tls12 {
            let text = failed(output, 23);
            assert!(text.contains("version of TLS"), "{text}");
        } else {
            output.assert_success();
        }
    }
}

#[test]
fn a_wrong_key_and_an_unknown_identity_are_23() {
    for only_tls12 in [false, true] {
        let there = Secret::start(only_tls12, &[]);
        for (key, identity) in [("00c0ffee15bada56", IDENTITY), (KEY, "somebody")] {
            let output = mqpub()
                .args(there.broker.args())
                .args(MESSAGE)
                .args(["-d", "--psk", key, "--psk-identity", identity])
                .run();
            let text = failed(output, 23);
            assert!(text.contains("--psk-identity and --psk"), "{text}");
            assert!(!text.contains(key), "{text}");
        }
        let log = there.broker.log();
        assert!(!log.contains("New client connected"), "{log}");
    }
}

#[test]
fn a_listener_with_a_certificate_is_refused_which_the_original_accepts() {
    let authority = Authority::new();
    for only_tls12 in [false, true] {
        let mut builder = Broker::builder().tls(&authority.server("localhost"));
        if only_tls12 {
            builder = builder.tls12_only();
        }
        let broker = builder.start();
        let visit = |tool: Tool| {
            // A machine that trusts this authority, so that the certificate is not the reason.
            tool.env("SSL_CERT_FILE", authority.pem_path())
                .args(broker.args())
                .args(MESSAGE)
                .args(SHARED)
        };
        for options in [
            &[][..],
            &["--insecure", "--quiet"],
            &["--tls-version", "tlsv1.2"],
        ] {
            let output = visit(mqpub()).args(options).run();
            if options.contains(&"--quiet") {
                output.assert_code(if only_tls12 { 23 } else { 8 });
                continue;
            }
            let text = failed(output, if only_tls12 { 23 } else { 8 });
            assert!(text.contains("--cafile instead of --psk"), "{text}");
        }
        let log = broker.log();
        assert!(!log.contains("New client connected"), "{log}");
        visit(Tool::new("mosquitto_pub")).run().assert_success();
        broker.wait_for_log("New client connected");
    }
}

#[test]
fn cipher_suites_can_be_chosen_among_those_with_a_shared_key() {
    let there = Secret::start(true, &["ciphers PSK-AES128-CBC-SHA"]);
    publish(&there, &[]).assert_success();
    for (list, code) in [
        ("PSK-AES128-CBC-SHA", 0),
        ("PSK-AES256-GCM-SHA384,PSK-AES128-CBC-SHA", 0),
        ("AES128-SHA:PSK-AES128-CBC-SHA", 0),
        ("PSK-AES256-GCM-SHA384", 23),
        ("TLS_AES_128_GCM_SHA256", 23),
        ("ECDHE-RSA-AES128-GCM-SHA256", 1),
        ("RSA-PSK-AES128-CBC-SHA", 1),
        ("PSK-NULL-SHA", 1),
        ("NONSENSE", 1),
        ("TLS_NONSENSE", 1),
        ("", 1),
    ] {
        let output = publish(&there, &["--ciphers", list]);
        if code == 0 {
            output.assert_success();
        } else {
            failed(output, code);
        }
    }
    let there = Secret::start(false, &["ciphers_tls1.3 TLS_CHACHA20_POLY1305_SHA256"]);
    publish(&there, &["--ciphers", "TLS_CHACHA20_POLY1305_SHA256"]).assert_success();
    failed(
        publish(&there, &["--ciphers", "TLS_AES_128_GCM_SHA256"]),
        23,
    );
}

#[test]
fn a_plain_port_is_23_and_the_default_port_is_8883() {
    let broker = Broker::start();
    let output = mqpub().args(broker.args()).args(MESSAGE).args(SHARED).run();
    let text = failed(output, 23);
    assert!(text.contains("--psk"), "{text}");
    let nobody = ["-h", "127.74.65.1"];
    let output = mqpub().args(nobody).args(MESSAGE).args(SHARED).run();
    let text = failed(output, 14);
    assert!(text.contains(":8883"), "{text}");
    let output = mqpub()
        .args(unused_port().args())
        .args(MESSAGE)
        .args(SHARED)
        .run();
    failed(output, 14);
}

#[test]
fn options_for_certificates_have_no_effect() {
    let there = Secret::start(false, &[]);
    let output = publish(&there, &["--insecure"]).assert_success();
    assert_eq!(
        output.stderr_str(),
        "warning: --insecure has no effect with --psk, which uses no certificates\n"
    );
    let output = publish(&there, &["--cert", "a", "--key", "b", "--quiet"]);
    assert!(output.assert_success().stderr.is_empty());
}

#[test]
fn the_client_hello_names_the_host_the_protocol_and_the_identity() {
    let (sender, hello) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        let header = conn.read_bytes(5);
        let length = u16::from_be_bytes([header[3], header[4]]);
        sender.send(conn.read_bytes(length.into())).unwrap();
        conn.close();
    });
    let port = broker.args().pop().unwrap();
    let output = mqpub()
        .args(["-h", "localhost", "-p", &port])
        .args(MESSAGE)
        .args(SHARED)
        .args(["--tls-alpn", "mqtt"])
        .run();
    broker.finish();
    let text = failed(output, 23);
    assert!(text.contains("closed the connection"), "{text}");
    let hello = hello.try_recv().unwrap();
    let holds = |part: &[u8]| hello.windows(part.len()).any(|window| window == part);
    assert!(holds(b"\x00\x09localhost"), "{hello:?}");
    // With the lengths of RFC 7301, section 3.1.
    assert!(holds(b"\x00\x10\x00\x07\x00\x05\x04mqtt"), "{hello:?}");
    assert!(holds(IDENTITY.as_bytes()), "{hello:?}");
}

#[test]
fn openssl_is_linked() {
    assert!(links_libssl(&mqpub()));
}

#[test]
fn the_key_is_hidden_in_what_ps_shows() {
    let there = Secret::start(false, &[]);
    let running = there.client(mqpub()).args(["-t", "a", "-l", "-d"]).spawn();
    running.wait_for_stderr("received CONNACK");
    let words = fs::read(format!("/proc/{}/cmdline", running.pid())).unwrap();
    let words = String::from_utf8(words).unwrap();
    let stars = "*".repeat(KEY.len());
    assert!(!words.contains(KEY), "{words:?}");
    assert!(words.contains(&format!("\0--psk\0{stars}\0")), "{words:?}");
    assert!(words.contains(IDENTITY), "{words:?}");
}
