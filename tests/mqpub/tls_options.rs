//! `--capath`, `--tls-use-os-certs`, `--insecure`, `--tls-version`, `--tls-alpn`, `--keyform` and
//! the options of OpenSSL's engines.

use std::fs;
use std::os::unix::fs::symlink;

use harness::{Authority, Broker, Output, Tool, mqpub, mqsub};
use tempfile::TempDir;

use crate::support::{client_hello, complaint};

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
        (&["--ciphers", "TLS_AES_128_GCM_SHA256"], "--ciphers"),
        (&["--tls-keylog", "/dev/null"], "--tls-keylog"),
    ] {
        let output = to(&broker).args(options).run().assert_success();
        let warning = format!("warning: {named} has no effect without TLS");
        assert!(output.stderr_str().starts_with(&warning), "{output}");
        let output = to(&broker).args(options).arg("--quiet").run();
        assert!(output.assert_success().stderr.is_empty());
    }
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
    for version in ["tlsv1.2", "tlsv1.3", "TLSv1.3"] {
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

#[test]
fn a_broker_that_speaks_tls_1_2_only_is_spoken_to_in_it() {
    let authority = Authority::new();
    let broker = Broker::builder()
        .tls(&authority.server("localhost"))
        .tls12_only()
        .start();
    let trusting = || to(&broker).arg("--cafile").arg(authority.pem_path());
    trusting().run().assert_success();
    trusting()
        .args(["--tls-version", "tlsv1.2"])
        .run()
        .assert_success();
    mqsub()
        .args(broker.args())
        .args(["-t", "a", "-E", "--cafile"])
        .arg(authority.pem_path())
        .run()
        .assert_success();
    let report = complaint(trusting().args(["--tls-version", "tlsv1.3"]).run(), 23);
    assert!(report.cause.contains("ProtocolVersion"), "{report:?}");
}

#[test]
fn older_versions_than_1_2_are_never_spoken() {
    let authority = Authority::new();
    let broker = Broker::builder()
        .tls(&authority.server("localhost"))
        .start();
    let trusting = || to(&broker).arg("--cafile").arg(authority.pem_path());
    // It allows TLS 1.1, the original does not insist on it either.
    let output = trusting()
        .args(["--tls-version", "tlsv1.1"])
        .run()
        .assert_success();
    assert!(
        output
            .stderr_str()
            .starts_with("warning: --tls-version tlsv1.1"),
        "{output}"
    );
    let both = b"\x00\x2b\x00\x05\x04\x03\x04\x03\x03";
    assert!(holds(&client_hello(&["--tls-version", "tlsv1.1"]), both));
    for version in ["tlsv1", "tlsv1.0", "sslv3", ""] {
        let report = complaint(trusting().args(["--tls-version", version]).run(), 1);
        assert!(
            report.error.contains("tlsv1.2, tlsv1.3"),
            "{version}: {report:?}"
        );
    }
}

#[test]
fn the_systems_certificates_are_trusted_beside_named_ones() {
    let (named, system) = (Authority::new(), Authority::new());
    let folder = TempDir::new().unwrap();
    fs::copy(named.pem_path(), folder.path().join("named.pem")).unwrap();
    let named_file = ["--cafile".as_ref(), named.pem_path().as_os_str()];
    let named_folder = ["--capath".as_ref(), folder.path().as_os_str()];
    for authority in [&named, &system] {
        let certificate = authority.server("localhost");
        let broker = Broker::builder().tls(&certificate).start();
        for named in [named_file, named_folder] {
            // What stands for the system's store wherever OpenSSL's variables are honoured.
            let tool = to(&broker).env("SSL_CERT_FILE", system.pem_path());
            tool.args(named)
                .arg("--tls-use-os-certs")
                .run()
                .assert_success();
        }
    }
    let broker = Broker::builder().tls(&system.server("localhost")).start();
    to(&broker).args(named_file).run().assert_code(8);
    let stranger = Authority::new();
    let broker = Broker::builder().tls(&stranger.server("localhost")).start();
    let output = to(&broker)
        .env("SSL_CERT_FILE", system.pem_path())
        .args(named_file)
        .arg("--tls-use-os-certs")
        .run();
    let report = complaint(output, 8);
    assert!(report.hint.contains("the system's"), "{report:?}");
}

#[test]
fn engines_are_refused_and_pem_is_the_form_of_keys() {
    let broker = Broker::start();
    for options in [
        &["--tls-engine", "pkcs11"][..],
        &["--tls-engine-kpass-sha1", "00"],
        &["--keyform", "engine"],
        &["--keyform", "ENGINE", "--tls-engine", "x"],
    ] {
        let report = complaint(to(&broker).args(options).run(), 1);
        assert!(report.cause.contains("OpenSSL"), "{report:?}");
        assert!(report.hint.contains("--key"), "{report:?}");
    }
    for form in ["pem", "PEM"] {
        let output = to(&broker).args(["--keyform", form]).run();
        assert!(output.assert_success().stderr.is_empty());
    }
    let report = complaint(to(&broker).args(["--keyform", "der"]).run(), 1);
    assert!(report.error.contains("--keyform"), "{report:?}");
}
