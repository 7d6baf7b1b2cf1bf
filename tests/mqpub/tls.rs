//! `--cafile` that cannot be used, and TLS where plain MQTT is spoken and the reverse.

use std::fs;
use std::path::Path;

use harness::{Authority, Broker, FakeBroker, Tool, mqpub, silent_port, unused_port};
use tempfile::TempDir;

use crate::support::{VERSIONS, complaint, publisher};

fn to(args: impl IntoIterator<Item = String>) -> Tool {
    mqpub().args(args).args(["-t", "a", "-m", "text"])
}

#[test]
fn a_cafile_that_cannot_be_used_is_8_before_any_connection() {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----\n";
    const END: &str = "-----END CERTIFICATE-----\n";
    let folder = TempDir::new().unwrap();
    let nobody = unused_port();
    let authority = fs::read_to_string(Authority::new().pem_path()).unwrap();
    let middle = authority.lines().nth(2).unwrap();
    let files = [
        ("empty", String::new(), "empty"),
        ("line ends", "\r\n\r\n".to_owned(), "no PEM certificate"),
        (
            "text",
            "not a certificate\n".to_owned(),
            "no PEM certificate",
        ),
        ("no end", format!("{BEGIN}{middle}\n"), "PEM"),
        ("no base64", format!("{BEGIN}?*!\n{END}"), "PEM"),
        ("no certificate", format!("{BEGIN}aGVsbG8=\n{END}"), ""),
        ("cut short", format!("{BEGIN}{middle}\n{END}"), ""),
    ];
    for (name, text, why) in files {
        let path = folder.path().join(name);
        fs::write(&path, &text).unwrap();
        check_cafile(&nobody.args(), &path, why);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    check_cafile(&nobody.args(), folder.path(), "directory");
    check_cafile(
        &nobody.args(),
        &folder.path().join("missing"),
        "No such file",
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 7);
}

#[track_caller]
fn check_cafile(address: &[String], path: &Path, why: &str) {
    let output = to(address.to_vec()).arg("--cafile").arg(path).run();
    let complaint = complaint(output, 8);
    let name = path.display().to_string();
    assert!(complaint.error.contains("--cafile"), "{complaint:?}");
    assert!(complaint.error.contains(&name), "{complaint:?}");
    assert!(complaint.cause.contains(why), "{name}: {complaint:?}");
}

#[test]
fn plain_mqtt_to_a_tls_port_is_5_and_names_cafile() {
    let authority = Authority::new();
    let broker = Broker::builder()
        .tls(&authority.server("localhost"))
        .start();
    for version in VERSIONS {
        let output = to(broker.args()).args(["-V", version]).run();
        let complaint = complaint(output, 5);
        assert!(complaint.hint.contains("--cafile"), "{complaint:?}");
    }
    to(broker.args())
        .arg("--cafile")
        .arg(authority.pem_path())
        .run()
        .assert_success();
}

#[test]
fn a_tls_alert_is_recognised() {
    for alert in [[0x15, 3, 1, 0, 2, 2, 70], [0x15, 3, 3, 0, 2, 2, 10]] {
        let broker = FakeBroker::start(move |mut conn| {
            conn.expect_connect();
            conn.send(&alert);
            conn.close();
        });
        let output = publisher(&broker).args(["-m", "text"]).run();
        broker.finish();
        let complaint = complaint(output, 5);
        assert!(complaint.cause.contains("TLS"), "{complaint:?}");
        assert!(complaint.hint.contains("--cafile"), "{complaint:?}");
    }
}

#[test]
fn tls_to_a_plain_port_is_23() {
    let authority = Authority::new();
    let broker = Broker::start();
    let output = to(broker.args())
        .arg("--cafile")
        .arg(authority.pem_path())
        .run();
    let complaint = complaint(output, 23);
    assert!(complaint.error.contains("TLS handshake"), "{complaint:?}");
    assert!(complaint.hint.contains("--cafile"), "{complaint:?}");
    to(broker.args()).run().assert_success();
}

#[test]
fn an_answer_that_is_not_tls_is_23() {
    let authority = Authority::new();
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], &[0x20, 2, 0, 0]] {
        let broker = FakeBroker::start(move |mut conn| {
            // The beginning of a ClientHello.
            assert_eq!(conn.read_bytes(1), [0x16]);
            conn.send(answer);
            conn.close();
        });
        let output = publisher(&broker)
            .args(["-m", "text", "--cafile"])
            .arg(authority.pem_path())
            .run();
        broker.finish();
        let complaint = complaint(output, 23);
        assert!(complaint.error.contains("TLS handshake"), "{complaint:?}");
    }
}

#[test]
fn a_tls_handshake_that_is_never_answered_ends_in_time() {
    let authority = Authority::new();
    let port = silent_port();
    let output = to(port.args())
        // Enough to be connected on a loaded machine.
        .args(["--connect-timeout", "10", "--cafile"])
        .arg(authority.pem_path())
        .run();
    let complaint = complaint(output, 23);
    assert!(complaint.error.contains("TLS handshake"), "{complaint:?}");
    assert!(complaint.cause.contains("10 s"), "{complaint:?}");
}

#[test]
fn no_tls_ignores_every_tls_option() {
    let broker = Broker::start();
    for options in [
        &["--cafile", "missing"][..],
        &["--capath", "missing"],
        &["--tls-use-os-certs"],
        &["--cert", "alone"],
        &["--insecure"],
        &[
            "--pin-sha256",
            "0000000000000000000000000000000000000000000000000000000000000000",
        ],
        &["--ciphers", "none"],
        &["--tls-keylog", "/no/such/folder/file"],
        &["--keyform", "engine"],
    ] {
        to(broker.args())
            .args(options)
            .arg("--no-tls")
            .run()
            .assert_success();
    }
    let complaint = complaint(
        mqpub()
            .args(["-m", "x", "--no-tls", "-L", "mqtts://localhost/t"])
            .run(),
        1,
    );
    assert!(complaint.error.contains("--no-tls"), "{complaint:?}");
}
