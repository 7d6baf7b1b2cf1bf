//! Each reason not to trust a broker's certificate has its own sentence, with code 8.

use std::path::Path;

use harness::lab::{Draft, Party, Version};
use harness::{Broker, mkcert, mqpub};
use rcgen::ExtendedKeyUsagePurpose as Purpose;
use tempfile::TempDir;

use crate::support::{Root, TLS_VERSIONS, Told, broker, with_cafile};

/// What mqpub says of a broker that shows this chain, in both versions of TLS.
#[track_caller]
fn told(chain: &[&Party], cafile: &Path) -> Told {
    let mut last = Told::default();
    for version in TLS_VERSIONS {
        let broker = broker(&chain[0].serve(&chain[1..]), version);
        last = Told::by(&with_cafile(&broker, cafile).run(), 8);
        let error = format!("the certificate of localhost:{} is not", broker.port());
        assert!(last.error.starts_with(&error), "{last:?}");
    }
    last
}

fn server() -> Draft {
    Draft::new("localhost").names(&["localhost"])
}

#[test]
fn an_unknown_issuer_is_named_with_the_files_that_were_looked_at() {
    let theirs = Draft::new("their root").authority(None).self_signed();
    let ours = Root::of(Draft::new("our root").authority(None).self_signed());
    let server = server().signed_by(&theirs);
    let file = ours.path.to_str().unwrap();
    told(&[&server, &theirs], &ours.path)
        .cause_holds(&["issuer", "\"CN=their root\"", file])
        .note_holds(&["\"CN=our root\"", file])
        .hint_holds(&["--cafile"]);
    // With a folder, and with what is trusted in the system.
    let broker = broker(&server.serve(&[]), TLS_VERSIONS[1]);
    let folder = ours.path.parent().unwrap().to_str().unwrap();
    let tool = || mqpub().args(broker.args()).args(["-t", "a", "-m", "x"]);
    Told::by(&tool().args(["--capath", folder]).run(), 8)
        .cause_holds(&["\"CN=their root\"", folder]);
    let system = tool()
        .env("SSL_CERT_FILE", &ours.path)
        .arg("--tls-use-os-certs")
        .run();
    Told::by(&system, 8)
        .cause_holds(&["\"CN=their root\"", "the system's certificates"])
        .hint_holds(&["--cafile"]);
}

#[test]
fn a_missing_intermediate_is_missed() {
    let root = Root::new();
    let upper = Draft::new("upper").authority(None).signed_by(&root.party);
    let lower = Draft::new("lower").authority(None).signed_by(&upper);
    let server = server().signed_by(&lower);
    told(&[&server], &root.path)
        .cause_holds(&["\"CN=lower\"", "neither sent by the broker nor in"])
        .hint_holds(&["intermediate", "certfile"]);
    told(&[&server, &lower], &root.path)
        .cause_holds(&["ends at \"CN=lower\"", "\"CN=upper\""])
        .hint_holds(&["intermediate", "certfile"]);
    // Where it is given with --cafile, nothing is missing.
    let own = Root::of(lower);
    let broker = broker(&server.serve(&[]), TLS_VERSIONS[1]);
    with_cafile(&broker, &own.path).run().assert_success();
}

#[test]
fn a_file_with_another_servers_certificate_is_no_authority() {
    let root = Root::new();
    let other = Root::of(Draft::new("other").names(&["other"]).signed_by(&root.party));
    told(&[&server().signed_by(&root.party)], &other.path)
        .cause_holds(&["\"CN=the laboratory's root\""])
        .note_holds(&["no authority", "\"CN=other\"", "ca.crt"]);
    // It has signed, and says that it may not.
    told(&[&server().signed_by(&other.party)], &other.path)
        .cause_holds(&["\"CN=other\"", "no certificate authority"])
        .hint_holds(&["CA:TRUE"]);
}

#[test]
fn a_self_signed_certificate_is_called_that() {
    let root = Root::new();
    let server = server().self_signed();
    told(&[&server], &root.path)
        .cause_holds(&["self-signed", "\"CN=localhost\""])
        .hint_holds(&["--cafile"]);
}

#[test]
fn an_authority_of_the_same_name_and_another_key() {
    let (root, namesake) = (Root::new(), Root::new());
    told(&[&server().signed_by(&root.party)], &namesake.path)
        .cause_holds(&["signature is wrong", "the laboratory's root"])
        .hint_holds(&["made anew", "--cafile"]);
}

#[test]
fn an_authority_that_has_expired() {
    let expired = Draft::new("old").authority(None).valid(2010, 2020);
    let expired = expired.self_signed();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("two.crt");
    let present = Root::new().party;
    std::fs::write(&file, expired.pem() + &present.pem()).unwrap();
    told(&[&server().signed_by(&expired)], &file)
        .cause_holds(&["\"CN=old\"", "2020-01-01 00:00:00 UTC", "days ago"])
        .hint_holds(&["clock"]);
    // Alone it is refused before there is a connection.
    expired.save(&file);
    let nobody = harness::unused_port();
    let tool = mqpub().args(nobody.args()).args(["-t", "a", "-m", "x"]);
    Told::by(&tool.arg("--cafile").arg(&file).run(), 8)
        .cause_holds(&[
            "expired",
            "\"CN=old\"",
            "2020-01-01 00:00:00 UTC",
            "days ago",
        ])
        .hint_holds(&["clock"]);
}

#[test]
fn mkcert_is_recognised() {
    let (theirs, ours) = (TempDir::new().unwrap(), Root::new());
    let (certificate, key, root) = mkcert(theirs.path(), &["localhost"]);
    let read = |path| std::fs::read_to_string(path).unwrap();
    let server = harness::ServerCert::write(&read(certificate), &read(key));
    let broker = Broker::builder().tls(&server).start();
    Told::by(&with_cafile(&broker, &ours.path).run(), 8)
        .cause_holds(&["mkcert development CA"])
        .hint_holds(&["\"$(mkcert -CAROOT)/rootCA.pem\""]);
    with_cafile(&broker, &root).run().assert_success();
}

#[test]
fn another_name_is_told_with_those_in_the_certificate() {
    let root = Root::new();
    let signed = |draft: Draft| draft.signed_by(&root.party);
    told(
        &[&signed(
            Draft::new("x").names(&["a.example.test", "10.0.0.7"]),
        )],
        &root.path,
    )
    .cause_holds(&[
        "DNS \"a.example.test\"",
        "IP 10.0.0.7",
        "not for the name \"localhost\"",
    ])
    .hint_holds(&["-h a.example.test", "subjectAltName=DNS:localhost"]);
    told(&[&signed(Draft::new("x").names(&["10.0.0.7"]))], &root.path).hint_holds(&["-h 10.0.0.7"]);
    told(&[&signed(Draft::new("elsewhere"))], &root.path)
        .cause_holds(&["Common Name \"elsewhere\""])
        .hint_holds(&["-h elsewhere"]);
    let many: Vec<_> = (0..30).map(|n| format!("host{n}.example.test")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    told(&[&signed(Draft::new("x").names(&many))], &root.path).cause_holds(&["and 20 more"]);
}

#[test]
fn an_address_is_no_dns_name() {
    let root = Root::new();
    let told = |draft: Draft| {
        let server = draft.signed_by(&root.party);
        let broker = broker(&server.serve(&[]), TLS_VERSIONS[1]);
        let port = broker.port().to_string();
        let output = mqpub()
            .args(["-h", "127.0.0.1", "-p", &port, "-t", "a", "-m", "x"])
            .arg("--cafile")
            .arg(&root.path)
            .run();
        Told::by(&output, 8)
    };
    told(server())
        .cause_holds(&["DNS \"localhost\"", "not for the IP address 127.0.0.1"])
        .hint_holds(&["-h localhost", "subjectAltName=IP:127.0.0.1"]);
    let mut draft = Draft::new("x");
    draft.params.subject_alt_names = vec![rcgen::SanType::DnsName("127.0.0.1".try_into().unwrap())];
    told(draft).hint_holds(&["as a DNS name", "subjectAltName=IP:127.0.0.1"]);
}

#[test]
fn dates_are_told_with_their_distance() {
    let root = Root::new();
    let now = time_of_year();
    let old = server().valid(2010, now - 1).signed_by(&root.party);
    let text = format!("expired on {}-01-01 00:00:00 UTC", now - 1);
    told(&[&old], &root.path)
        .cause_holds(&[&text, "days ago"])
        .hint_holds(&["renew", "clock"]);
    let new = server().valid(now + 2, 2090).signed_by(&root.party);
    let text = format!("not before {}-01-01 00:00:00 UTC", now + 2);
    told(&[&new], &root.path)
        .cause_holds(&["not valid yet", &text, "days from now"])
        .hint_holds(&["clock"]);
    let below = Draft::new("below").authority(None).valid(2010, 2020);
    let below = below.signed_by(&root.party);
    told(&[&server().signed_by(&below), &below], &root.path)
        .cause_holds(&["issuer, \"CN=below\"", "2020-01-01"]);
    // The second look says the same.
    let old = Draft::new("localhost").version(Version::V1);
    told(&[&old.valid(2010, 2020).signed_by(&root.party)], &root.path)
        .cause_holds(&["expired on 2020-01-01 00:00:00 UTC", "days ago"]);
}

fn time_of_year() -> i32 {
    let year = harness::Tool::new("date").arg("+%Y").run().assert_success();
    year.stdout_str().trim().parse().unwrap()
}

#[test]
fn a_certificate_for_clients() {
    let root = Root::new();
    let server = server().extended(&[Purpose::ClientAuth]);
    told(&[&server.signed_by(&root.party)], &root.path)
        .cause_holds(&["not made for servers"])
        .hint_holds(&["serverAuth"]);
}

#[test]
fn names_from_outside_give_the_terminal_no_command() {
    let root = Root::new();
    let evil = Draft::new("evil\u{1b}[2J\nerror: forged\u{202e}").authority(None);
    let evil = evil.self_signed();
    let told = told(&[&server().signed_by(&evil), &evil], &root.path);
    assert!(
        told.cause.contains("evil\\x1b[2J\\x0aerror: forged"),
        "{told:?}"
    );
    assert!(!told.cause.contains('\u{202e}'), "{told:?}");
}
