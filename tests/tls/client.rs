//! Old certificates of clients (`--cert`), and what a broker refuses about them.

use std::path::{Path, PathBuf};

use harness::lab::{Draft, KeyKind, Party, Version, key, openssl};
use harness::{Broker, Output};
use tempfile::TempDir;

use crate::support::{Root, TLS_VERSIONS, TlsVersion, builder, with_cafile};

struct Fortress {
    broker: Broker,
    servers: Root,
}

impl Fortress {
    fn start(clients: &Path, version: TlsVersion, more: Option<String>) -> Self {
        let servers = Root::new();
        let server = Draft::new("localhost").names(&["localhost"]);
        let server = server.signed_by(&servers.party);
        let mut broker = builder(&server.serve(&[]), version)
            .config(format!("cafile {}", clients.display()))
            .config("require_certificate true")
            .config("use_identity_as_username true");
        if let Some(line) = more {
            broker = broker.config(line);
        }
        let broker = broker.start();
        Self { broker, servers }
    }

    fn publish(&self, certificate: &Path, key: &Path) -> Output {
        with_cafile(&self.broker, &self.servers.path)
            .arg("--cert")
            .arg(certificate)
            .arg("--key")
            .arg(key)
            .run()
    }

    fn publish_as(&self, client: &Party) -> Output {
        let files = client.serve(&[]);
        self.publish(&files.cert_path, &files.key_path)
    }
}

#[test]
fn old_client_certificates_are_shown() {
    let clients = Root::of(Draft::new("clients").authority(None).self_signed());
    for version in TLS_VERSIONS {
        let fortress = Fortress::start(&clients.path, version, None);
        for kind in KeyKind::ALL {
            for (form, draft) in [
                ("v1", Draft::new("it").version(Version::V1)),
                ("cn", Draft::new("it")),
                ("ca", Draft::new("it").authority(None)),
                (
                    "critical",
                    Draft::new("it").extension(&[1, 2, 3, 4], &[5, 0], true),
                ),
            ] {
                let client = draft.key(key(kind)).signed_by(&clients.party);
                let output = fortress.publish_as(&client);
                if form == "critical" {
                    // Taken by us; it is the broker who does not like it.
                    assert_ne!(output.status, 0, "{output}");
                    assert!(output.stderr_str().contains("alert"), "{output}");
                    continue;
                }
                let output = output.assert_success();
                assert!(output.stderr.is_empty(), "{kind:?} {form} {output}");
            }
        }
    }
}

#[test]
fn the_key_must_belong_to_an_old_certificate_too() {
    let clients = Root::new();
    let fortress = Fortress::start(&clients.path, TLS_VERSIONS[1], None);
    let client = || {
        Draft::new("it")
            .version(Version::V1)
            .signed_by(&clients.party)
    };
    let mixed = client().with_key_of(&client());
    let output = fortress.publish_as(&mixed).assert_code(8);
    let text = output.stderr_str();
    assert!(text.contains("does not belong to the --cert"), "{output}");
    fortress.publish_as(&client()).assert_success();
}

/// An authority made by the openssl command, whose clients it can revoke.
struct Registry {
    folder: TempDir,
}

impl Registry {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("index.txt", "");
        write("crlnumber", "01\n");
        write(
            "ca.cnf",
            "[ca]\ndefault_ca = it\n[it]\ndatabase = index.txt\ncrlnumber = crlnumber\n\
             default_md = sha256\ndefault_crl_days = 30\ncertificate = ca.crt\nprivate_key = ca.key\n",
        );
        let registry = Self { folder };
        registry.run("req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=clients -keyout ca.key -out ca.crt");
        registry
    }

    fn run(&self, arguments: &str) {
        openssl(self.folder.path(), arguments);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn client(&self, name: &str) {
        self.run(&format!(
            "req -new -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ));
        self.run(&format!(
            "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out {name}.crt"
        ));
    }
}

#[test]
fn a_revoked_client_certificate_is_refused_by_the_broker() {
    let registry = Registry::new();
    registry.client("good");
    registry.client("bad");
    registry.run("ca -config ca.cnf -revoke bad.crt");
    registry.run("ca -config ca.cnf -gencrl -out revoked.crl");
    let crl = format!("crlfile {}", registry.path("revoked.crl").display());
    for version in TLS_VERSIONS {
        let fortress = Fortress::start(&registry.path("ca.crt"), version, Some(crl.clone()));
        let publish = |name: &str| {
            let path = |end: &str| registry.path(&format!("{name}.{end}"));
            fortress.publish(&path("crt"), &path("key"))
        };
        publish("good").assert_success();
        let output = publish("bad").assert_code(23);
        let text = output.stderr_str();
        assert!(text.contains("CertificateRevoked"), "{version:?} {output}");
        assert!(text.contains("--cert"), "{version:?} {output}");
    }
}
