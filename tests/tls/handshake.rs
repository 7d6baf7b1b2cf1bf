//! The signature over the handshake: whoever shows a certificate must hold its key. mosquitto
//! checks that its key fits, so the server here is rustls, with a key of its own choice.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread;

use harness::lab::{Draft, KeyKind, Party, Version, key};
use harness::{Output, mqpub};
use rustls::crypto::ring::{default_provider, sign::any_supported_type};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::support::Root;

/// A server that shows one party's certificate and signs with the key of another, for one client.
fn serve(shown: &Party, signer: &Party, is_tls13: bool) -> (u16, thread::JoinHandle<bool>) {
    let key = PrivateKeyDer::from_pem_slice(signer.key_pem().as_bytes()).unwrap();
    let certificate = CertificateDer::from(shown.der().to_vec());
    let pair = CertifiedKey::new(vec![certificate], any_supported_type(&key).unwrap());
    let version = if is_tls13 { &TLS13 } else { &TLS12 };
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        // A CONNECT, if the client trusts us so far.
        let mut first = [0];
        let spoke = matches!(stream.read(&mut first), Ok(1));
        if spoke {
            let _ = stream.write_all(&[0x20, 2, 0, 0]);
            let _ = stream.flush();
            let mut rest = [0; 256];
            while matches!(stream.read(&mut rest), Ok(1..)) {}
        }
        spoke
    });
    (port, thread)
}

/// What mqpub says, and whether it spoke MQTT to the server.
fn meet(shown: &Party, signer: &Party, is_tls13: bool, options: &[&str]) -> (Output, bool) {
    let (port, server) = serve(shown, signer, is_tls13);
    let output = mqpub()
        .args([
            "-h",
            "localhost",
            "-p",
            &port.to_string(),
            "-t",
            "a",
            "-m",
            "x",
        ])
        .args(options)
        .run();
    (output, server.join().unwrap())
}

#[test]
fn the_key_of_another_certificate_opens_nothing() {
    let root = Root::new();
    for kind in KeyKind::ALL {
        let thief = Draft::new("localhost")
            .key(key(kind))
            .signed_by(&root.party);
        for draft in [
            Draft::new("localhost").names(&["localhost"]),
            Draft::new("localhost"),
            Draft::new("localhost").version(Version::V1),
            Draft::new("localhost").authority(None),
        ] {
            let shown = draft.key(key(kind)).signed_by(&root.party);
            let cafile = root.path.to_str().unwrap();
            let pin = crate::pins::pin(&shown);
            let folder = TempDir::new().unwrap();
            let own = folder.path().join("server.crt");
            shown.save(&own);
            for is_tls13 in [false, true] {
                for options in [
                    &["--cafile", cafile, "--quiet"][..],
                    &["--cafile", own.to_str().unwrap(), "--quiet"],
                    &["--pin-sha256", &pin],
                    &["--insecure", "--tls-use-os-certs", "--quiet"],
                ] {
                    let what = (kind, is_tls13, options);
                    let (output, spoke) = meet(&shown, &thief, is_tls13, options);
                    assert!(output.status == 8 && !spoke, "{what:?} {output}");
                    let (output, spoke) = meet(&shown, &shown, is_tls13, options);
                    assert!(output.status == 0 && spoke, "{what:?} {output}");
                }
            }
        }
    }
}
