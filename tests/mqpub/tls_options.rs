//! `--capath`, `--insecure`, `--tls-version`, `--tls-alpn`.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::mpsc;

use harness::{Authority, Broker, FakeBroker, Output, Tool, mqpub, mqsub};
use tempfile::TempDir;

use crate::support::{complaint, publisher};

fn to(broker: &Broker) -> Tool {
    mqpub().args(broker.args()).args(["-t", "a", "-m", "x"])
}

fn with_capath(broker: &Broker, folder: &TempDir) -> Output {
    to(broker).arg("--capath").arg(folder.path()).run()
}

#[test]
fn every_certificate_in_a_folder_is_trusted() {
    let (first, second) = (Authority::new(), Authority::new());
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::copy(first.pem_path(), path("one.pem")).unwrap();
    symlink(second.pem_path(), path("5ed36f99.0")).unwrap();
    symlink(second.pem_path(), path("again.crt")).unwrap();
    // What else lies in such folders.
    fs::write(path("README"), "certificates").unwrap();
    fs::write(path("broken.pem"), "-----BEGIN CERTIFICATE-----\n?*!\n").unwrap();
    fs::create_dir(path("folder")).unwrap();
    symlink("nowhere", path("dangling")).unwrap();
    for authority in [&first, &second] {
        let certificate = authority.server("localhost");
        let broker = Broker::builder().tls(&certificate).start();
        with_capath(&broker, &folder).assert_success();
        mqsub()
            .args(broker.args())
            .args(["-t", "a", "-E", "--capath"])
            .arg(folder.path())
            .run()
            .assert_success();
    }
    let third = Authority::new();
    let broker = Broker::builder().tls(&third.server("localhost")).start();
    let report = complaint(with_capath(&broker, &folder), 8);
    let name = folder.path().display().to_string();
    assert!(report.hint.contains(&name), "{report:?}");
    // Both options together.
    to(&broker)
        .arg("--capath")
        .arg(folder.path())
        .arg("--cafile")
        .arg(third.pem_path())
        .run()
        .assert_success();
}

#[test]
fn a_folder_without_a_certificate_is_8() {
    let broker = Broker::start();
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("README"), "nothing").unwrap();
    let report = complaint(with_capath(&broker, &folder), 8);
    assert!(report.error.contains("--capath"), "{report:?}");
    let output = to(&broker).args(["--capath", "/no/such/folder"]).run();
    let report = complaint(output, 8);
    assert!(report.cause.contains("No such file"), "{report:?}");
}

#[test]
fn insecure_verifies_no_certificate_and_warns() {
    let (authority, other) = (Authority::new(), Authority::new());
    let faulty = [
        authority.certificate().expired().make(),
        authority.certificate().names(&["elsewhere.example"]).make(),
        authority.certificate().for_clients_only().make(),
    ];
    for certificate in &faulty {
        let broker = Broker::builder().tls(certificate).start();
        let cafile = ["--cafile".as_ref(), other.pem_path().as_os_str()];
        to(&broker).args(cafile).run().assert_code(8);
        let output = to(&broker)
            .args(cafile)
            .arg("--insecure")
            .run()
            .assert_success();
        let stderr = output.stderr_str();
        assert!(stderr.starts_with("warning: --insecure"), "{output}");
        assert_eq!(stderr.lines().count(), 1, "{output}");
        let output = to(&broker)
            .args(["--insecure", "--tls-use-os-certs", "--quiet"])
            .run()
            .assert_success();
        assert!(output.stderr.is_empty(), "{output}");
    }
}

#[test]
fn options_that_need_tls_warn_without_it() {
    let broker = Broker::start();
    for (options, named) in [
        (&["--insecure"][..], "--insecure"),
        (&["--cert", "a", "--key", "b"], "--cert"),
        (&["--tls-version", "tlsv1.2"], "--tls-version"),
        (&["--tls-alpn", "mqtt"], "--tls-alpn"),
        (&["--tls-strict"], "--tls-strict"),
    ] {
        let output = to(&broker).args(options).run().assert_success();
        let warning = format!("warning: {named} has no effect without TLS");
        assert!(output.stderr_str().starts_with(&warning), "{output}");
        let output = to(&broker).args(options).arg("--quiet").run();
        assert!(output.assert_success().stderr.is_empty());
    }
}

/// What `mqpub` with these options sends before a broker has said anything.
#[track_caller]
fn client_hello(options: &[&str]) -> Vec<u8> {
    let authority = Authority::new();
    let (sender, hello) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        let header = conn.read_bytes(5);
        let length = u16::from_be_bytes([header[3], header[4]]);
        sender.send(conn.read_bytes(length.into())).unwrap();
        conn.close();
    });
    publisher(&broker)
        .args(options)
        .args(["-m", "x", "--cafile"])
        .arg(authority.pem_path())
        .run()
        .assert_code(23);
    broker.finish();
    hello.try_recv().unwrap()
}

fn holds(hello: &[u8], extension: &[u8]) -> bool {
    hello
        .windows(extension.len())
        .any(|window| window == extension)
}

#[test]
fn the_tls_version_is_the_lowest_and_not_the_only_one() {
    // The extension supported_versions (RFC 8446, section 4.2.1) with its lengths.
    let both = b"\x00\x2b\x00\x05\x04\x03\x04\x03\x03";
    let only_13 = b"\x00\x2b\x00\x03\x02\x03\x04";
    assert!(holds(&client_hello(&[]), both));
    assert!(holds(&client_hello(&["--tls-version", "tlsv1.2"]), both));
    assert!(holds(&client_hello(&["--tls-version", "tlsv1.3"]), only_13));

    let authority = Authority::new();
    let broker = Broker::builder()
        .tls(&authority.server("localhost"))
        .start();
    for version in ["tlsv1.2", "tlsv1.3"] {
        to(&broker)
            .args(["--tls-version", version, "--cafile"])
            .arg(authority.pem_path())
            .run()
            .assert_success();
    }
}

#[test]
fn the_client_hello_offers_the_protocol_name() {
    // The extension (RFC 7301, section 3.1) with its lengths, then the name.
    let extension = b"\x00\x10\x00\x07\x00\x05\x04mqtt";
    assert!(holds(&client_hello(&["--tls-alpn", "mqtt"]), extension));
    assert!(!holds(&client_hello(&[]), b"\x04mqtt"));

    let authority = Authority::new();
    let broker = Broker::builder()
        .tls(&authority.server("localhost"))
        .start();
    to(&broker)
        .args(["--tls-alpn", "mqtt", "--cafile"])
        .arg(authority.pem_path())
        .run()
        .assert_success();
}
