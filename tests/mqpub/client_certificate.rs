//! `--cert` and `--key`: the client shows a certificate to a broker that requires one.

use std::fs;
use std::path::{Path, PathBuf};

use harness::{Authority, Broker, Output, ServerCert, Tool, mqpub, mqsub};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::support::{VERSIONS, complaint};

/// A broker that requires a certificate of its own authority for clients.
pub(crate) struct Fortress {
    pub(crate) broker: Broker,
    servers: Authority,
    clients: CertifiedIssuer<'static, KeyPair>,
    pub(crate) folder: TempDir,
}

impl Fortress {
    pub(crate) fn start(settings: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let servers = Authority::new();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let clients = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let cafile = folder.path().join("clients.crt");
        fs::write(&cafile, clients.pem()).unwrap();
        let certificate: ServerCert = servers.server("localhost");
        let mut builder = Broker::builder()
            .tls(&certificate)
            .config(format!("cafile {}", cafile.display()))
            .config("require_certificate true");
        for line in settings {
            builder = builder.config(*line);
        }
        Self {
            broker: builder.start(),
            servers,
            clients,
            folder,
        }
    }

    /// A certificate for this key, signed by the clients' authority.
    pub(crate) fn certificate(&self, name: &str, key: &KeyPair) -> PathBuf {
        let mut params = CertificateParams::default();
        let common_name = rcgen::DnType::CommonName;
        params.distinguished_name.push(common_name, name);
        let path = self.folder.path().join(format!("{name}.crt"));
        let certificate = params.signed_by(key, &self.clients).unwrap();
        fs::write(&path, certificate.pem()).unwrap();
        path
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn publish(&self, args: &[&Path]) -> Output {
        self.publisher(args).run()
    }

    fn publisher(&self, args: &[&Path]) -> Tool {
        mqpub()
            .args(self.address())
            .args(["-t", "a", "-m", "x"])
            .args(args)
    }

    /// `-h`, `-p` and `--cafile`.
    pub(crate) fn address(&self) -> Vec<String> {
        let mut args = self.broker.args();
        args.push("--cafile".to_owned());
        args.push(self.servers.pem_path().display().to_string());
        args
    }

    /// `mqpub` with a message and this certificate.
    pub(crate) fn visitor(&self, certificate: &Path, key: &Path) -> Tool {
        self.publisher(&["--cert".as_ref(), certificate, "--key".as_ref(), key])
    }

    pub(crate) fn with(&self, certificate: &Path, key: &Path) -> Output {
        self.visitor(certificate, key).run()
    }
}

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/client_keys")
        .join(name)
}

pub(crate) fn key_pair(name: &str) -> KeyPair {
    KeyPair::from_pem(&fs::read_to_string(fixture(name)).unwrap()).unwrap()
}

#[test]
fn keys_of_every_kind_and_form_are_taken() {
    let fortress = Fortress::start(&["use_identity_as_username true"]);
    for (kind, forms) in [
        ("rsa", ["rsa_pkcs8.pem", "rsa_pkcs1.pem"]),
        ("ec", ["ec_pkcs8.pem", "ec_sec1.pem"]),
    ] {
        let certificate = fortress.certificate(kind, &key_pair(forms[0]));
        for form in forms {
            fortress.with(&certificate, &fixture(form)).assert_success();
        }
        // In one file, the key first.
        let both = [fixture(forms[1]), certificate]
            .map(|path| fs::read_to_string(path).unwrap())
            .concat();
        let both = fortress.write("both.pem", &both);
        fortress.with(&both, &both).assert_success();
        fortress.broker.wait_for_log_times(&format!("u'{kind}'"), 3);
    }
    for (name, algorithm) in [
        ("ed25519", &rcgen::PKCS_ED25519),
        ("p384", &rcgen::PKCS_ECDSA_P384_SHA384),
    ] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate = fortress.certificate(name, &key);
        let key = fortress.write("generated.key", &key.serialize_pem());
        fortress.with(&certificate, &key).assert_success();
        fortress.broker.wait_for_log(&format!("u'{name}'"));
    }
}

#[test]
fn mqsub_shows_it_too() {
    let fortress = Fortress::start(&[]);
    let key = KeyPair::generate().unwrap();
    let certificate = fortress.certificate("subscriber", &key);
    let key = fortress.write("client.key", &key.serialize_pem());
    for version in VERSIONS {
        mqsub()
            .args(fortress.broker.args())
            .args(["-V", version, "-t", "a", "-E", "--cafile"])
            .arg(fortress.servers.pem_path())
            .arg("--cert")
            .arg(&certificate)
            .arg("--key")
            .arg(&key)
            .run()
            .assert_success();
    }
    fortress.with(&certificate, &key).assert_success();
}

#[test]
fn without_one_the_broker_refuses_and_the_options_are_named() {
    let fortress = Fortress::start(&[]);
    let report = complaint(fortress.publish(&[]), 23);
    assert!(report.hint.contains("--cert"), "{report:?}");
}

#[test]
fn one_of_another_authority_is_refused() {
    let fortress = Fortress::start(&[]);
    let stranger = Authority::new().certificate().for_clients_only().make();
    let output = fortress.with(&stranger.cert_path, &stranger.key_path);
    let report = complaint(output, 23);
    assert!(report.hint.contains("--cert"), "{report:?}");
}

#[test]
fn a_key_of_another_certificate_is_8() {
    let fortress = Fortress::start(&[]);
    let certificate = fortress.certificate("mine", &KeyPair::generate().unwrap());
    for key in ["ec_pkcs8.pem", "rsa_pkcs1.pem"] {
        let report = complaint(fortress.with(&certificate, &fixture(key)), 8);
        assert!(report.error.contains("does not belong"), "{report:?}");
        assert!(report.error.contains("mine.crt"), "{report:?}");
        assert!(report.error.contains(key), "{report:?}");
    }
}

#[test]
fn files_that_hold_something_else_are_8() {
    let fortress = Fortress::start(&[]);
    let key = fixture("ec_pkcs8.pem");
    let certificate = fortress.certificate("mine", &key_pair("ec_pkcs8.pem"));
    let text = fortress.write("text", "nothing\n");
    let broken = fortress.write(
        "broken",
        "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n",
    );
    let missing = fortress.folder.path().join("missing");
    for (certificate, key, named) in [
        (&text, &key, "--cert"),
        (&missing, &key, "--cert"),
        (&key, &key, "--cert"),
        (&certificate, &text, "--key"),
        (&certificate, &missing, "--key"),
        (&certificate, &certificate, "--key"),
        (&certificate, &broken, "--key"),
    ] {
        let report = complaint(fortress.with(certificate, key), 8);
        assert!(report.error.contains(named), "{report:?}");
    }
}
