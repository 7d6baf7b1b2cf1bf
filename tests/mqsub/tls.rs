//! Which broker certificates are trusted over TLS, and which are not.

use std::path::Path;

use harness::{Authority, Broker, Output, ServerCert, mkcert, mqpub, mqsub};
use rcgen::{CertificateParams, Issuer, KeyPair};
use tempfile::TempDir;

use crate::support::VERSIONS;

fn broker_with(certificate: &Path, key: &Path) -> Broker {
    Broker::builder()
        .config(format!("certfile {}", certificate.display()))
        .config(format!("keyfile {}", key.display()))
        .start()
}

/// The tutorial's two commands, with this `--cafile`.
#[track_caller]
fn a_message_travels(broker: &Broker, cafile: &Path, version: &str) {
    let running = mqsub()
        .args(broker.args())
        .args(["-V", version, "-t", "test/topic", "-C", "1", "-d"])
        .arg("--cafile")
        .arg(cafile)
        .spawn();
    running.wait_for_stderr("received SUBACK");
    mqpub()
        .args(broker.args())
        .args(["-V", version, "-t", "test/topic"])
        .args(["-m", "Hello, MQTT with TLS!"])
        .arg("--cafile")
        .arg(cafile)
        .run()
        .assert_success();
    let output = running.wait().assert_success();
    assert_eq!(output.stdout_str(), "Hello, MQTT with TLS!\n");
}

/// A connection with this `--cafile` must end with code 8 before any MQTT is spoken.
#[track_caller]
fn is_refused(broker: &Broker, host: &str, cafile: &Path) -> Output {
    let port = broker.port().to_string();
    let output = mqsub()
        .args(["-h", host, "-p", &port, "-t", "test/topic", "-E", "-d"])
        .arg("--cafile")
        .arg(cafile)
        .run()
        .assert_code(8);
    let stderr = output.stderr_str();
    assert!(!stderr.contains("sending CONNECT"), "{output}");
    assert!(stderr.contains("is not trusted"), "{output}");
    assert!(!broker.log().contains("New client"), "{}", broker.log());
    output
}

#[test]
fn the_authority_of_mkcert_is_trusted() {
    let folder = TempDir::new().unwrap();
    let (certificate, key, root) = mkcert(folder.path(), &["localhost"]);
    let broker = broker_with(&certificate, &key);
    for version in VERSIONS {
        a_message_travels(&broker, &root, version);
    }
}

#[test]
fn the_brokers_own_certificate_from_mkcert_is_trusted() {
    let folder = TempDir::new().unwrap();
    let (certificate, key, _) = mkcert(folder.path(), &["localhost"]);
    let broker = broker_with(&certificate, &key);
    for version in VERSIONS {
        a_message_travels(&broker, &certificate, version);
    }
}

#[test]
fn a_certificate_that_signed_itself_is_trusted_when_named() {
    let certificate = ServerCert::self_signed().make();
    let broker = Broker::builder().tls(&certificate).start();
    a_message_travels(&broker, &certificate.cert_path, "mqttv311");
}

#[test]
fn a_cafile_may_hold_several_certificates() {
    let (ours, other) = (Authority::new(), Authority::new());
    let broker = Broker::builder().tls(&ours.server("localhost")).start();
    let folder = TempDir::new().unwrap();
    let both = folder.path().join("both.pem");
    let text = [other.pem_path(), ours.pem_path()].map(|path| std::fs::read(path).unwrap());
    std::fs::write(&both, text.concat()).unwrap();
    a_message_travels(&broker, &both, "mqttv311");
}

#[test]
fn another_authority_is_refused() {
    let (ours, other) = (Authority::new(), Authority::new());
    let broker = Broker::builder().tls(&ours.server("localhost")).start();
    let output = is_refused(&broker, "localhost", other.pem_path());
    // Both bear the same name.
    let text = output.stderr_str();
    assert!(text.contains("its signature is wrong"), "{output}");
    let file = other.pem_path().to_str().unwrap();
    assert!(text.contains(file), "{output}");
}

#[test]
fn another_leaf_of_the_same_authority_is_refused() {
    let authority = Authority::new();
    let broker = Broker::builder()
        .tls(&authority.server("localhost"))
        .start();
    let other = authority.server("localhost");
    is_refused(&broker, "localhost", &other.cert_path);
}

#[test]
fn the_name_must_be_in_the_certificate() {
    let authority = Authority::new();
    let certificate = authority
        .certificate()
        .names(&["broker.example", "127.0.0.1"])
        .make();
    let broker = Broker::builder().tls(&certificate).start();
    for cafile in [&certificate.cert_path, authority.pem_path()] {
        let output = is_refused(&broker, "localhost", cafile);
        let hint = "give -h a name that is in the certificate";
        assert!(output.stderr_str().contains(hint), "{output}");
    }
    // The address is in it.
    for cafile in [&certificate.cert_path, authority.pem_path()] {
        mqsub()
            .args(["-h", "127.0.0.1", "-p", &broker.port().to_string()])
            .args(["-t", "test/topic", "-E", "--cafile"])
            .arg(cafile)
            .run()
            .assert_success();
    }
}

#[test]
fn an_expired_certificate_is_refused() {
    let authority = Authority::new();
    let certificate = authority.certificate().expired().make();
    let broker = Broker::builder().tls(&certificate).start();
    for cafile in [&certificate.cert_path, authority.pem_path()] {
        let output = is_refused(&broker, "localhost", cafile);
        assert!(output.stderr_str().contains("expired"), "{output}");
    }
}

#[test]
fn a_certificate_of_the_future_is_refused() {
    let authority = Authority::new();
    let certificate = authority.certificate().not_yet_valid().make();
    let broker = Broker::builder().tls(&certificate).start();
    for cafile in [&certificate.cert_path, authority.pem_path()] {
        let output = is_refused(&broker, "localhost", cafile);
        assert!(output.stderr_str().contains("not valid yet"), "{output}");
    }
}

#[test]
fn a_certificate_for_clients_only_is_refused() {
    let authority = Authority::new();
    let certificate = authority.certificate().for_clients_only().make();
    let broker = Broker::builder().tls(&certificate).start();
    for cafile in [&certificate.cert_path, authority.pem_path()] {
        let output = is_refused(&broker, "localhost", cafile);
        let hint = "not made for servers";
        assert!(output.stderr_str().contains(hint), "{output}");
    }
}

/// Whoever has the key of a certificate that somebody put into `--cafile` must not be able to
/// make certificates with it.
#[test]
fn a_leaf_is_no_authority() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let leaf_params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let leaf_key = KeyPair::generate().unwrap();
    let leaf = leaf_params.self_signed(&leaf_key).unwrap().pem();
    let cafile = file("leaf.crt", &leaf);

    let forged_params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let forged_key = KeyPair::generate().unwrap();
    let issuer = Issuer::from_params(&leaf_params, &leaf_key);
    let forged = forged_params.signed_by(&forged_key, &issuer).unwrap().pem();
    let key = file("forged.key", &forged_key.serialize_pem());
    for (name, chain) in [("alone.crt", forged.clone()), ("chain.crt", forged + &leaf)] {
        let broker = broker_with(&file(name, &chain), &key);
        is_refused(&broker, "localhost", &cafile);
    }

    let honest = broker_with(&cafile, &file("leaf.key", &leaf_key.serialize_pem()));
    a_message_travels(&honest, &cafile, "mqttv311");
}

#[test]
fn an_expired_authority_is_none() {
    let authority = Authority::expired();
    let broker = Broker::builder()
        .tls(&authority.server("localhost"))
        .start();
    let output = mqsub()
        .args(broker.args())
        .args(["-t", "test/topic", "-E", "--cafile"])
        .arg(authority.pem_path())
        .run()
        .assert_code(8);
    assert!(output.stderr_str().contains("has expired"), "{output}");
}

/// Made with openssl: a leaf of X.509 version 1, which cannot say that it is no authority, and a
/// certificate for localhost that its key has signed.
#[test]
fn a_version_1_leaf_in_cafile_is_no_authority() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    let itself = fixtures.join("signed-by-x509-v1-leaf.crt");
    let broker = broker_with(&itself, &fixtures.join("signed-by-x509-v1-leaf.key"));
    let output = is_refused(&broker, "localhost", &fixtures.join("x509-v1-leaf.crt"));
    assert!(output.stderr_str().contains("issuer"), "{output}");
    // The refusal is the leaf's fault: the certificate itself is good.
    mqsub()
        .args(["-h", "localhost", "-p", &broker.port().to_string()])
        .args(["-t", "test/topic", "-E", "--cafile"])
        .arg(itself)
        .run()
        .assert_success();
}
