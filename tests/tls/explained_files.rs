//! `--cafile`, `--cert` and `--key`: every form that is taken, and what is said of the others, with
//! code 8.

use std::fs;
use std::path::PathBuf;

use harness::lab::{Draft, openssl};
use harness::{Broker, Output, Tool, mqpub};
use tempfile::TempDir;

use crate::support::{TLS_VERSIONS, Told, builder};

/// A broker that requires a certificate, everything about it made by openssl, in one folder.
struct Lab {
    folder: TempDir,
    broker: Broker,
}

impl Lab {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let root = Draft::new("root").authority(None).self_signed();
        root.save(&folder.path().join("ca.crt"));
        let server = Draft::new("localhost").names(&["localhost"]);
        let broker = builder(&server.signed_by(&root).serve(&[]), TLS_VERSIONS[1])
            .config(format!("cafile {}", folder.path().join("ca.crt").display()))
            .config("require_certificate true")
            .start();
        let client = Draft::new("client").signed_by(&root);
        client.save(&folder.path().join("client.crt"));
        fs::write(folder.path().join("client.key"), client.key_pem()).unwrap();
        Self { folder, broker }
    }

    fn openssl(&self, arguments: &str) {
        openssl(self.folder.path(), arguments);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tool(&self, cafile: &str, cert: &str, key: &str) -> Tool {
        mqpub()
            .args(self.broker.args())
            .args(["-t", "a", "-m", "x", "--cafile"])
            .arg(self.path(cafile))
            .arg("--cert")
            .arg(self.path(cert))
            .arg("--key")
            .arg(self.path(key))
    }

    fn publish(&self, cafile: &str, cert: &str, key: &str) -> Output {
        self.tool(cafile, cert, key).run()
    }

    fn copy(&self, from: &str, to: &str, change: impl Fn(String) -> Vec<u8>) {
        let text = fs::read_to_string(self.path(from)).unwrap();
        fs::write(self.path(to), change(text)).unwrap();
    }
}

#[test]
fn der_is_taken() {
    let lab = Lab::start();
    lab.openssl("x509 -in ca.crt -outform DER -out ca.der");
    lab.openssl("x509 -in client.crt -outform DER -out client.der");
    lab.openssl("pkcs8 -topk8 -nocrypt -in client.key -outform DER -out pkcs8.der");
    lab.openssl("ec -in client.key -outform DER -out sec1.der");
    for key in ["client.key", "pkcs8.der", "sec1.der"] {
        lab.publish("ca.der", "client.der", key).assert_success();
    }
    // RSA has a form of its own, and encrypted keys.
    lab.openssl(
        "req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=x -keyout rsa.key -out rsa.crt",
    );
    lab.openssl("rsa -in rsa.key -traditional -outform DER -out rsa.der");
    lab.openssl("pkcs8 -topk8 -in client.key -passout pass:secret -outform DER -out encrypted.der");
    fs::write(lab.path("pass"), "secret\n").unwrap();
    let with_pass = |key| {
        lab.tool("ca.crt", "client.crt", key)
            .arg("--key-passphrase-file")
            .arg(lab.path("pass"))
            .arg("--quiet")
            .run()
    };
    with_pass("encrypted.der").assert_success();
    // The key is read; it is the broker that refuses this certificate.
    let output = lab.publish("ca.crt", "rsa.crt", "rsa.der");
    Told::by(&output, 23).cause_holds(&["--cert"]);
    // In a folder too.
    let folder = lab.path("folder");
    fs::create_dir(&folder).unwrap();
    fs::copy(lab.path("ca.der"), folder.join("ca.der")).unwrap();
    mqpub()
        .args(lab.broker.args())
        .args(["-t", "a", "-m", "x", "--capath"])
        .arg(folder)
        .arg("--cert")
        .arg(lab.path("client.crt"))
        .arg("--key")
        .arg(lab.path("client.key"))
        .run()
        .assert_success();
}

#[test]
fn line_ends_of_windows_and_its_mark_are_taken() {
    let lab = Lab::start();
    for mark in ["", "\u{feff}"] {
        for (from, to) in [
            ("ca.crt", "ca.win"),
            ("client.crt", "crt.win"),
            ("client.key", "key.win"),
        ] {
            lab.copy(from, to, |text| {
                format!("{mark}{}", text.replace('\n', "\r\n")).into_bytes()
            });
        }
        lab.publish("ca.win", "crt.win", "key.win").assert_success();
    }
}

#[test]
fn what_a_file_holds_instead_is_named() {
    let lab = Lab::start();
    lab.openssl("req -new -key client.key -subj /CN=x -out request.csr");
    lab.openssl("pkey -in client.key -pubout -out public.pem");
    lab.openssl("pkcs12 -export -in client.crt -inkey client.key -passout pass: -out client.p12");
    lab.openssl("x509 -in ca.crt -trustout -out trusted.pem");
    lab.openssl("crl2pkcs7 -nocrl -certfile ca.crt -out ca.p7b");
    lab.openssl("x509 -in ca.crt -outform DER -out ca.der");
    lab.openssl("pkcs8 -topk8 -nocrypt -in client.key -outform DER -out key.der");
    fs::write(lab.path("empty"), "").unwrap();
    fs::write(lab.path("blank"), "\r\n\r\n").unwrap();
    lab.copy("ca.crt", "utf16", |text| {
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    });
    let good = ("ca.crt", "client.crt", "client.key");
    for (file, cause, hint) in [
        ("client.key", "a private key", "ca.crt"),
        ("key.der", "a private key", "ca.crt"),
        ("request.csr", "signing request", "ca.crt"),
        ("public.pem", "a public key", "ca.crt"),
        ("client.p12", "PKCS #12", "openssl pkcs12 -in"),
        ("trusted.pem", "OpenSSL's own", "openssl x509 -in"),
        ("ca.p7b", "PKCS #7", "openssl pkcs7 -in"),
        ("utf16", "UTF-16", "iconv"),
        ("empty", "the file is empty", "-----BEGIN CERTIFICATE-----"),
        ("blank", "no PEM certificate", "-----BEGIN CERTIFICATE-----"),
    ] {
        let told = Told::by(&lab.publish(file, good.1, good.2), 8);
        assert!(told.error.contains("--cafile"), "{told:?}");
        told.cause_holds(&[cause]).hint_holds(&[hint]);
    }
    for (file, cause, hint) in [
        ("client.key", "a private key", "that is for --key"),
        ("request.csr", "signing request", "authority sign it"),
        ("client.p12", "PKCS #12", "-nokeys"),
        ("empty", "the file is empty", "-----BEGIN CERTIFICATE-----"),
    ] {
        let told = Told::by(&lab.publish(good.0, file, good.2), 8);
        assert!(told.error.contains("--cert"), "{told:?}");
        told.cause_holds(&[cause]).hint_holds(&[hint]);
    }
    for (file, cause, hint) in [
        ("client.crt", "a certificate", "that is for --cert"),
        ("ca.der", "a certificate", "that is for --cert"),
        ("public.pem", "a public key", "-----BEGIN PRIVATE KEY-----"),
        ("client.p12", "PKCS #12", "-nocerts"),
        ("empty", "the file is empty", "-----BEGIN PRIVATE KEY-----"),
    ] {
        let told = Told::by(&lab.publish(good.0, good.1, file), 8);
        assert!(told.error.contains("--key"), "{told:?}");
        told.cause_holds(&[cause]).hint_holds(&[hint]);
    }
    lab.publish(good.0, good.1, good.2).assert_success();
}

#[test]
fn the_commands_of_the_hints_work() {
    let lab = Lab::start();
    lab.openssl(
        "pkcs12 -export -in client.crt -inkey client.key -certfile ca.crt -passout pass: -out client.p12",
    );
    lab.openssl("x509 -in ca.crt -trustout -out trusted.pem");
    for (told, more) in [
        (lab.publish("trusted.pem", "client.crt", "client.key"), ""),
        (
            lab.publish("ca.crt", "client.p12", "client.key"),
            " -passin pass:",
        ),
        (
            lab.publish("ca.crt", "client.crt", "client.p12"),
            " -passin pass: -nodes",
        ),
    ] {
        let told = Told::by(&told, 8);
        let (command, then) = told.hint.split_once(", then --").unwrap();
        lab.openssl(&format!(
            "{}{more}",
            command.strip_prefix("openssl ").unwrap()
        ));
        let (option, file) = then.split_once(' ').unwrap();
        let pick = |name, usual| if option == name { file } else { usual };
        let output = lab.publish(
            pick("cafile", "ca.crt"),
            pick("cert", "client.crt"),
            pick("key", "client.key"),
        );
        output.assert_success();
    }
}

#[test]
fn a_key_of_another_certificate() {
    let lab = Lab::start();
    lab.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other.key");
    let told = Told::by(&lab.publish("ca.crt", "client.crt", "other.key"), 8);
    assert!(told.error.contains("does not belong to"), "{told:?}");
    told.hint_holds(&["first in its file"]);
}

#[test]
fn a_certificate_alone_turns_tls_on() {
    let lab = Lab::start();
    let with = |more: &[&str]| {
        mqpub()
            .args(lab.broker.args())
            .args(["-t", "a", "-m", "x", "--cert"])
            .arg(lab.path("client.crt"))
            .arg("--key")
            .arg(lab.path("client.key"))
            .args(more)
    };
    with(&[])
        .env("SSL_CERT_FILE", lab.path("ca.crt"))
        .run()
        .assert_success();
    let other = Draft::new("other").authority(None).self_signed();
    other.save(&lab.path("other.crt"));
    let output = with(&[]).env("SSL_CERT_FILE", lab.path("other.crt")).run();
    Told::by(&output, 8)
        .cause_holds(&["the system's certificates"])
        .hint_holds(&["--cafile"]);
    // Nothing goes out in plain text.
    let plain = Broker::start();
    let mut tool = mqpub().args(plain.args()).args(["-t", "a", "-m", "x"]);
    tool = tool.arg("--cert").arg(lab.path("client.crt"));
    tool = tool.arg("--key").arg(lab.path("client.key"));
    let tool = tool.env("SSL_CERT_FILE", lab.path("ca.crt"));
    Told::by(&tool.run(), 23).hint_holds(&["plain MQTT", "--cert"]);
    assert!(!plain.log().contains("New client"), "{}", plain.log());
    let output = mqpub()
        .args(plain.args())
        .args(["-t", "a", "-m", "x", "--no-tls", "--cert", "none"])
        .run();
    output.assert_success();
}
