//! Brokers that want a client's certificate, or none like this one: code 23 each time, whether the
//! alert came during the handshake or, in TLS 1.3, after it.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use harness::lab::{Draft, Party};
use harness::{Broker, Output, TlsServer, mqpub};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};

use crate::support::{Root, TLS_VERSIONS, TlsVersion, Told, builder, with_cafile};

/// How often the same must come out: an alert and a reset may race.
const OFTEN: usize = 50;

struct Fortress {
    broker: Broker,
    servers: Root,
    clients: Root,
}

impl Fortress {
    fn start(version: TlsVersion) -> Self {
        let servers = Root::new();
        let clients = Root::of(
            Draft::new("the clients' root")
                .authority(None)
                .self_signed(),
        );
        let server = Draft::new("localhost").names(&["localhost"]);
        let server = server.signed_by(&servers.party);
        let broker = builder(&server.serve(&[]), version)
            .config(format!("cafile {}", clients.path.display()))
            .config("require_certificate true")
            .start();
        Self {
            broker,
            servers,
            clients,
        }
    }

    fn publish(&self, client: Option<&Party>) -> Output {
        let tool = with_cafile(&self.broker, &self.servers.path);
        match client {
            None => tool.run(),
            Some(client) => {
                let files = client.serve(&[]);
                tool.arg("--cert")
                    .arg(&files.cert_path)
                    .arg("--key")
                    .arg(&files.key_path)
                    .run()
            }
        }
    }
}

#[test]
fn one_is_required() {
    for version in TLS_VERSIONS {
        let fortress = Fortress::start(version);
        for _ in 0..OFTEN {
            Told::by(&fortress.publish(None), 23)
                .cause_holds(&["requires a client certificate", "none was given"])
                .hint_holds(&["--cert", "--key"]);
        }
    }
}

#[test]
fn one_of_another_authority() {
    for version in TLS_VERSIONS {
        let fortress = Fortress::start(version);
        let stranger = Draft::new("a stranger").authority(None).self_signed();
        let client = Draft::new("me").signed_by(&stranger);
        for _ in 0..OFTEN {
            Told::by(&fortress.publish(Some(&client)), 23)
                .cause_holds(&["does not know the authority", "\"CN=a stranger\"", "--cert"])
                .hint_holds(&["cafile"]);
        }
    }
}

#[test]
fn the_authorities_that_a_server_names_are_told() {
    // mosquitto names none.
    let (servers, clients) = (Root::new(), Root::new());
    let other = Root::of(
        Draft::new("the clients' root")
            .authority(None)
            .self_signed(),
    );
    let server = Draft::new("localhost").names(&["localhost"]);
    let server = server.signed_by(&servers.party).serve(&[]);
    let cafile = other.path.to_str().unwrap();
    for version in ["-tls1_2", "-tls1_3"] {
        let options = [
            "-Verify",
            "3",
            "-verify_return_error",
            "-CAfile",
            cafile,
            version,
        ];
        let server = TlsServer::start(&server, &options);
        let publish = |client: Option<&Party>| {
            let mut tool = mqpub()
                .args(["-h", "localhost", "-p", &server.port().to_string()])
                .args(["-t", "a", "-m", "x", "--cafile"])
                .arg(&servers.path);
            let files = client.map(|client| client.serve(&[]));
            if let Some(files) = &files {
                tool = tool.arg("--cert").arg(&files.cert_path);
                tool = tool.arg("--key").arg(&files.key_path);
            }
            tool.run()
        };
        let client = Draft::new("me").signed_by(&clients.party);
        for _ in 0..OFTEN {
            Told::by(&publish(None), 23)
                .cause_holds(&["none was given"])
                .note_holds(&["\"CN=the clients' root\""]);
            Told::by(&publish(Some(&client)), 23)
                .cause_holds(&["\"CN=the laboratory's root\""])
                .note_holds(&["\"CN=the clients' root\""]);
        }
    }
}

#[test]
fn one_that_is_out_of_date() {
    for version in TLS_VERSIONS {
        let fortress = Fortress::start(version);
        let client = |from, until| {
            Draft::new("me")
                .valid(from, until)
                .signed_by(&fortress.clients.party)
        };
        Told::by(&fortress.publish(Some(&client(2010, 2020))), 23)
            .cause_holds(&["--cert", "expired on 2020-01-01", "days ago"])
            .hint_holds(&["renewed", "clock"]);
        Told::by(&fortress.publish(Some(&client(2090, 2095))), 23)
            .cause_holds(&["--cert", "not valid before 2090-01-01", "days from now"])
            .hint_holds(&["clock"]);
        fortress.publish(Some(&client(2020, 2095))).assert_success();
    }
}

#[test]
fn one_made_for_servers() {
    for version in TLS_VERSIONS {
        let fortress = Fortress::start(version);
        let client = Draft::new("me").extended(&[rcgen::ExtendedKeyUsagePurpose::ServerAuth]);
        let client = client.signed_by(&fortress.clients.party);
        Told::by(&fortress.publish(Some(&client)), 23)
            .cause_holds(&["--cert", "\"CN=the clients' root\""])
            .hint_holds(&["for clients"]);
    }
}

#[test]
fn over_websocket_it_is_the_same() {
    let (servers, clients) = (Root::new(), Root::new());
    let server = Draft::new("localhost").names(&["localhost"]);
    let server = server.signed_by(&servers.party);
    for version in TLS_VERSIONS {
        let broker = builder(&server.serve(&[]), version)
            .websockets()
            .config(format!("cafile {}", clients.path.display()))
            .config("require_certificate true")
            .start();
        for _ in 0..10 {
            let output = with_cafile(&broker, &servers.path).arg("--ws").run();
            assert_eq!(output.status, 23, "{version:?} {output}");
        }
    }
}

/// What a server does about the client's certificate, in TLS 1.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Silence {
    /// Takes it, sends no ticket, and closes when it has read the CONNECT.
    Closes,
    /// The same with the CONNECT unread, which resets the connection.
    Resets,
    /// Takes it, sends a ticket, and closes when it has read the CONNECT.
    ClosesWithTicket,
}

/// A server in TLS 1.3 that asks for a certificate, takes none as well, and ends without an alert:
/// no real one can be told to.
fn silent(root: &Root, silence: Silence) -> u16 {
    let server = Draft::new("localhost").names(&["localhost"]);
    let server = server.signed_by(&root.party);
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from(root.party.der().to_vec());
    roots.add(authority).unwrap();
    let provider = Arc::new(default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()
            .unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from(server.der().to_vec())],
            PrivateKeyDer::from_pem_slice(server.key_pem().as_bytes()).unwrap(),
        )
        .unwrap();
    config.send_tls13_tickets = usize::from(silence == Silence::ClosesWithTicket);
    let config = Arc::new(config);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            while tls.is_handshaking() {
                // One record at a time, so that what follows stays unread.
                let mut record = vec![0; 5];
                stream.read_exact(&mut record).unwrap();
                let length = u16::from_be_bytes([record[3], record[4]]);
                record.resize(5 + usize::from(length), 0);
                stream.read_exact(&mut record[5..]).unwrap();
                tls.read_tls(&mut &record[..]).unwrap();
                tls.process_new_packets().unwrap();
                while tls.wants_write() {
                    tls.write_tls(&mut stream).unwrap();
                }
            }
            let mut first = [0];
            match silence {
                Silence::Resets => stream.peek(&mut first).map(drop).unwrap(),
                _ => {
                    let mut tls = rustls::Stream::new(&mut tls, &mut stream);
                    tls.read_exact(&mut first).unwrap();
                }
            }
        }
    });
    port
}

#[test]
fn a_silent_end_after_the_handshake_has_one_code() {
    let root = Root::new();
    let client = Draft::new("me").signed_by(&root.party).serve(&[]);
    let publish = |port: u16, cert: Option<(&Path, &Path)>| {
        let mut tool = mqpub()
            .args(["-h", "localhost", "-p", &port.to_string(), "-t", "a"])
            .args(["-m", "x", "--cafile"])
            .arg(&root.path);
        if let Some((cert, key)) = cert {
            tool = tool.arg("--cert").arg(cert).arg("--key").arg(key);
        }
        tool.run()
    };
    let pair = Some((&*client.cert_path, &*client.key_path));
    for (silence, code) in [
        (Silence::Closes, 23),
        (Silence::Resets, 23),
        (Silence::ClosesWithTicket, 5),
    ] {
        let port = silent(&root, silence);
        for _ in 0..OFTEN {
            let told = Told::by(&publish(port, None), code);
            if code == 23 {
                told.cause_holds(&["right after the handshake", "none was shown"])
                    .hint_holds(&["--cert"]);
            }
            let told = Told::by(&publish(port, pair), code);
            if code == 23 {
                told.cause_holds(&["right after the handshake"])
                    .hint_holds(&["--cert", "log"]);
            }
        }
    }
}
