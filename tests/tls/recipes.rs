//! The recipes by which people make their certificates, followed with the openssl command, and
//! the better ones that our warning names.

use std::path::Path;
use std::process::Command;

use harness::lab::openssl;
use harness::{Broker, ServerCert};
use tempfile::TempDir;

use crate::support::{TLS_VERSIONS, accepted_with_warning, broker, original_takes, with_cafile};

const KEYS: [(&str, &str); 3] = [
    ("RSA", "rsa:2048"),
    ("EC", "ec -pkeyopt ec_paramgen_curve:prime256v1"),
    ("Ed25519", "ed25519"),
];

fn certificate(folder: &Path) -> ServerCert {
    let read = |name| std::fs::read_to_string(folder.join(name)).unwrap();
    ServerCert::write(&read("server.crt"), &read("server.key"))
}

/// Does what the warning says, and then there is none.
#[track_caller]
fn follow_the_advice(broker: &Broker, folder: &Path, cafile: &Path) {
    let output = with_cafile(broker, cafile).run().assert_success();
    let text = output.stderr_str();
    let (_, command) = text.trim_end().split_once("make a new one: ").unwrap();
    let status = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .status()
        .unwrap();
    assert!(status.success(), "{command}");
    for version in TLS_VERSIONS {
        let broker = crate::support::broker(&certificate(folder), version);
        let output = with_cafile(&broker, cafile).arg("--tls-strict").run();
        assert!(output.assert_success().stderr.is_empty(), "{command}");
        assert!(original_takes(&broker, cafile));
    }
}

#[test]
fn the_recipe_of_mosquittos_manual() {
    for (name, key) in KEYS {
        let folder = TempDir::new().unwrap();
        let run = |arguments: &str| openssl(folder.path(), arguments);
        run(&format!(
            "req -new -x509 -newkey {key} -nodes -days 30 -extensions v3_ca -subj /CN=ca -keyout ca.key -out ca.crt"
        ));
        run(&format!(
            "req -new -newkey {key} -nodes -subj /C=DE/O=x/CN=localhost -keyout server.key -out server.csr"
        ));
        run(
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 30",
        );
        let cafile = folder.path().join("ca.crt");
        for version in TLS_VERSIONS {
            let broker = broker(&certificate(folder.path()), version);
            assert!(original_takes(&broker, &cafile), "{name}");
            accepted_with_warning(&broker, &cafile, &["X.509 version 1", "openssl x509 -req"]);
        }
        let broker = broker(&certificate(folder.path()), TLS_VERSIONS[0]);
        follow_the_advice(&broker, folder.path(), &cafile);
    }
}

#[test]
fn the_default_of_openssl_req_x509() {
    for (name, key) in KEYS {
        for names in ["", "-addext subjectAltName=DNS:localhost"] {
            let folder = TempDir::new().unwrap();
            openssl(
                folder.path(),
                &format!(
                    "req -x509 -newkey {key} -nodes -days 30 -subj /CN=localhost {names} -keyout server.key -out server.crt"
                ),
            );
            let cafile = folder.path().join("server.crt");
            for version in TLS_VERSIONS {
                let broker = broker(&certificate(folder.path()), version);
                assert!(original_takes(&broker, &cafile), "{name}");
                accepted_with_warning(&broker, &cafile, &["CA:TRUE", "openssl req -x509"]);
            }
            let broker = broker(&certificate(folder.path()), TLS_VERSIONS[0]);
            follow_the_advice(&broker, folder.path(), &cafile);
        }
    }
}

#[test]
fn self_signed_of_version_1() {
    let folder = TempDir::new().unwrap();
    let run = |arguments: &str| openssl(folder.path(), arguments);
    run("req -new -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr");
    run("x509 -req -in server.csr -signkey server.key -days 30 -out server.crt");
    let cafile = folder.path().join("server.crt");
    for version in TLS_VERSIONS {
        let broker = broker(&certificate(folder.path()), version);
        assert!(original_takes(&broker, &cafile));
        accepted_with_warning(&broker, &cafile, &["X.509 version 1", "openssl req -x509"]);
    }
}
