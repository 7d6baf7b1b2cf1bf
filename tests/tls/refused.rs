//! What is refused, with its sentence: each fault in a proper certificate, where webpki refuses it,
//! and in every kind of old one, where the second look must.

use harness::lab::{Draft, Party, Version, openssl};
use harness::{Broker, ServerCert};
use rcgen::{ExtendedKeyUsagePurpose as Purpose, KeyUsagePurpose as Usage};
use tempfile::TempDir;

use crate::support::{Root, TLS_VERSIONS, assert_refused, broker, original_takes, with_cafile};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Proper,
    Version1,
    Nameless,
    Authority,
}

const KINDS: [Kind; 4] = [
    Kind::Proper,
    Kind::Version1,
    Kind::Nameless,
    Kind::Authority,
];

/// Those that have extensions.
const KINDS_V3: [Kind; 3] = [Kind::Proper, Kind::Nameless, Kind::Authority];

impl Kind {
    fn draft(self, name: &str) -> Draft {
        let draft = Draft::new(name);
        match self {
            Self::Proper => draft.names(&[name]),
            Self::Version1 => draft.version(Version::V1),
            Self::Nameless => draft,
            Self::Authority => draft.names(&[name]).authority(None),
        }
    }
}

/// Refused by mqpub for that reason; `original`: whether mosquitto_pub takes it.
#[track_caller]
fn check(what: impl std::fmt::Debug, chain: &[&Party], cafile: &Root, why: &str, original: bool) {
    let broker = broker(&chain[0].serve(&chain[1..]), TLS_VERSIONS[1]);
    check_broker(what, &broker, &cafile.path, why, original);
}

#[track_caller]
fn check_broker(
    what: impl std::fmt::Debug,
    broker: &Broker,
    cafile: &std::path::Path,
    why: &str,
    original: bool,
) {
    let output = with_cafile(broker, cafile).run();
    assert_refused(&what, broker, output, why);
    assert_eq!(original_takes(broker, cafile), original, "{what:?}");
}

#[test]
fn another_authority() {
    for kind in KINDS {
        let stranger = Root::of(Draft::new("a stranger").authority(None).self_signed());
        let server = kind.draft("localhost").signed_by(&Root::new().party);
        check(kind, &[&server], &stranger, "issuer", false);
        // It bears the name of the right one.
        check(kind, &[&server], &Root::new(), "signature is wrong", false);
        check(
            kind,
            &[&kind.draft("localhost").self_signed()],
            &stranger,
            "issuer",
            false,
        );
    }
}

#[test]
fn another_name() {
    let root = Root::new();
    for kind in KINDS {
        let server = kind.draft("elsewhere.example.test").signed_by(&root.party);
        check(kind, &[&server], &root, "", false);
    }
    let server = Draft::new("localhost").names(&["elsewhere.example.test"]);
    let server = server.signed_by(&root.party);
    check(
        "the Common Name beside other names",
        &[&server],
        &root,
        "",
        false,
    );
}

#[test]
fn expired_or_not_yet_valid() {
    let root = Root::new();
    for kind in KINDS {
        for (from, until, why) in [(2010, 2020, "expired"), (2090, 2095, "not valid yet")] {
            let server = kind.draft("localhost").valid(from, until);
            check(kind, &[&server.signed_by(&root.party)], &root, why, false);
            let own = Root::of(kind.draft("localhost").valid(from, until).self_signed());
            let broker = broker(&own.party.serve(&[]), TLS_VERSIONS[1]);
            with_cafile(&broker, &own.path).run().assert_code(8);
            assert!(!original_takes(&broker, &own.path), "{kind:?}");
            let below = Draft::new("below").authority(None).valid(from, until);
            let below = below.signed_by(&root.party);
            let server = kind.draft("localhost").signed_by(&below);
            check(kind, &[&server, &below], &root, why, false);
        }
    }
}

#[test]
fn made_for_clients() {
    let root = Root::new();
    for kind in KINDS_V3 {
        for usage in [
            &[Purpose::ClientAuth][..],
            &[Purpose::EmailProtection],
            &[Purpose::Any],
        ] {
            let server = kind.draft("localhost").extended(usage);
            check(
                (kind, usage),
                &[&server.signed_by(&root.party)],
                &root,
                "",
                false,
            );
        }
        let below = Draft::new("below")
            .authority(None)
            .extended(&[Purpose::ClientAuth]);
        let below = below.signed_by(&root.party);
        let server = kind.draft("localhost").signed_by(&below);
        check(kind, &[&server, &below], &root, "", false);
        if kind != Kind::Proper {
            // webpki, as most, looks at no key usage of a server's certificate.
            let server = kind.draft("localhost").usage(&[Usage::CrlSign]);
            check(
                kind,
                &[&server.signed_by(&root.party)],
                &root,
                "not made for servers",
                false,
            );
        }
    }
}

#[test]
fn a_wrong_signature() {
    let root = Root::new();
    for kind in KINDS {
        let server = kind.draft("localhost").signed_by(&root.party);
        check(
            kind,
            &[&server.with_bad_signature()],
            &root,
            "signature is wrong",
            false,
        );
        let below = Draft::new("below").authority(None).signed_by(&root.party);
        let server = kind.draft("localhost").signed_by(&below);
        let below = below.with_bad_signature();
        check(kind, &[&server, &below], &root, "signature is wrong", false);
    }
}

#[test]
fn name_constraints() {
    let root = Root::new();
    for kind in KINDS {
        let below = Draft::new("below").authority(None).only_for("example.test");
        let below = below.signed_by(&root.party);
        let server = kind.draft("localhost").signed_by(&below);
        // Ours: OpenSSL holds the constraints against a Common Name only when it has a dot.
        let original = matches!(kind, Kind::Version1 | Kind::Nameless);
        check(kind, &[&server, &below], &root, "", original);
        if kind != Kind::Proper {
            // Ours: OpenSSL evaluates them, the second look refuses their presence.
            let below = Draft::new("below").authority(None).only_for("localhost");
            let below = below.signed_by(&root.party);
            let server = kind.draft("localhost").signed_by(&below);
            check(kind, &[&server, &below], &root, "Name Constraints", true);
        }
    }
}

#[test]
fn an_issuer_that_is_no_authority() {
    let root = Root::new();
    for kind in KINDS {
        for (what, draft) in [
            ("a server", Draft::new("below").names(&["localhost"])),
            ("version 1", Draft::new("below").version(Version::V1)),
            (
                "may not sign",
                Draft::new("below")
                    .authority(None)
                    .usage(&[Usage::DigitalSignature]),
            ),
        ] {
            let below = draft.signed_by(&root.party);
            let server = kind.draft("localhost").signed_by(&below);
            if (kind, what) == (Kind::Proper, "may not sign") {
                // webpki 0.103 does not look at the key usage of an intermediate.
                continue;
            }
            check((kind, what), &[&server, &below], &root, "", false);
        }
    }
}

#[test]
fn a_path_that_is_too_long() {
    let root = Root::new();
    for kind in KINDS {
        let upper = Draft::new("upper")
            .authority(Some(0))
            .signed_by(&root.party);
        let lower = Draft::new("lower").authority(None).signed_by(&upper);
        let server = kind.draft("localhost").signed_by(&lower);
        check(kind, &[&server, &lower, &upper], &root, "", false);
    }
}

#[test]
fn a_truncated_chain() {
    let root = Root::new();
    for kind in KINDS {
        let upper = Draft::new("upper").authority(None).signed_by(&root.party);
        let lower = Draft::new("lower").authority(None).signed_by(&upper);
        let server = kind.draft("localhost").signed_by(&lower);
        check(kind, &[&server, &lower], &root, "issuer", false);
        check(kind, &[&server], &root, "issuer", false);
    }
}

#[test]
fn an_unknown_critical_extension() {
    let root = Root::new();
    for kind in KINDS_V3 {
        let odd = |draft: Draft| draft.extension(&[1, 2, 3, 4], &[5, 0], true);
        let server = odd(kind.draft("localhost")).signed_by(&root.party);
        check(kind, &[&server], &root, "", false);
        let below = odd(Draft::new("below").authority(None)).signed_by(&root.party);
        let server = kind.draft("localhost").signed_by(&below);
        check(kind, &[&server, &below], &root, "", false);
    }
}

/// Signs `localhost` with this digest and a key of so many bits, in the old form or the proper one.
fn with_openssl(folder: &TempDir, digest: &str, bits: u32, is_proper: bool) -> ServerCert {
    let folder = folder.path();
    let run = |arguments: &str| openssl(folder, arguments);
    run("req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=ca -keyout ca.key -out ca.crt");
    run(&format!(
        "req -new -newkey rsa:{bits} -nodes -subj /CN=localhost -keyout server.key -out server.csr"
    ));
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost").unwrap();
    let names = if is_proper { "-extfile names" } else { "" };
    run(&format!(
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -{digest} {names} -out server.crt"
    ));
    let read = |name| std::fs::read_to_string(folder.join(name)).unwrap();
    ServerCert::write(&read("server.crt"), &read("server.key"))
}

#[test]
fn weak_signatures_and_keys() {
    for is_proper in [false, true] {
        for (digest, bits, why) in [
            ("md5", 2048, "MD5"),
            ("sha1", 2048, "SHA-1"),
            ("sha256", 1024, "1024"),
        ] {
            let folder = TempDir::new().unwrap();
            let server = with_openssl(&folder, digest, bits, is_proper);
            let cafile = folder.path().join("ca.crt");
            for version in TLS_VERSIONS {
                let broker = broker(&server, version);
                // How webpki's own refusal of a digest is worded is another matter.
                let why = if is_proper && bits == 2048 { "" } else { why };
                let what = (digest, bits, is_proper, version);
                check_broker(what, &broker, &cafile, why, false);
            }
        }
    }
}
