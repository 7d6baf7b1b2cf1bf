//! The whole verifier, webpki and the second look, on chains made in memory: every fault in every
//! kind of old certificate.

mod garbage;
mod names;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use harness::lab::{Draft, Party, Version};
use rcgen::{ExtendedKeyUsagePurpose as Purpose, KeyPair, KeyUsagePurpose as Usage};
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error, RootCertStore};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::super::roots::Trusted;
use super::super::verifier::{Demand, Notice, Verifier};

const HOST: &str = "broker.example.test";

/// 2026-01-01.
const NOW: u64 = 1_767_225_600;

/// The ways to be old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Version1,
    Nameless,
    Authority,
    NamelessAuthority,
}

const KINDS: [Kind; 4] = [
    Kind::Version1,
    Kind::Nameless,
    Kind::Authority,
    Kind::NamelessAuthority,
];

/// The kinds that have extensions.
const KINDS_V3: [Kind; 3] = [Kind::Nameless, Kind::Authority, Kind::NamelessAuthority];

impl Kind {
    fn of(self, draft: Draft) -> Draft {
        match self {
            Self::Version1 => draft.version(Version::V1),
            Self::Nameless => draft,
            Self::Authority => draft.names(&[HOST]).authority(None),
            Self::NamelessAuthority => draft.authority(None),
        }
    }

    fn draft(self) -> Draft {
        self.of(Draft::new(HOST))
    }
}

fn root() -> Party {
    root_draft().self_signed()
}

fn root_draft() -> Draft {
    Draft::new("the root").authority(None)
}

fn intermediate_draft() -> Draft {
    Draft::new("an intermediate").authority(None)
}

fn der(party: &Party) -> CertificateDer<'static> {
    CertificateDer::from(party.der().to_vec())
}

fn verifier(roots: &[&Party], pinned: &[&Party], strict: bool) -> Verifier {
    let mut authorities = RootCertStore::empty();
    for root in roots {
        authorities.add(der(root)).unwrap();
    }
    let mut trusted = Trusted::none();
    trusted.authorities = authorities;
    trusted.authority_certificates = roots.iter().map(|root| der(root)).collect();
    trusted.pinned = pinned.iter().map(|party| der(party)).collect();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let demand = Demand::Trust { strict };
    Verifier::new(
        provider,
        trusted,
        demand,
        Vec::new(),
        Arc::<Notice>::default(),
    )
    .unwrap()
}

/// What the verifier says of a server at `name` that shows these certificates, its own first.
fn judge_at(name: &str, roots: &[&Party], chain: &[&Party]) -> Result<(), Error> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let intermediates: Vec<_> = chain[1..].iter().map(|party| der(party)).collect();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    verifier(roots, &[], false)
        .verify_server_cert(&der(chain[0]), &intermediates, &name, &[], now)
        .map(|_| ())
}

fn judge(roots: &[&Party], chain: &[&Party]) -> Result<(), Error> {
    judge_at(HOST, roots, chain)
}

#[track_caller]
fn accepted(what: impl std::fmt::Debug, roots: &[&Party], chain: &[&Party]) {
    let verdict = judge(roots, chain);
    assert!(verdict.is_ok(), "{what:?}: {verdict:?}");
}

/// Refused for a reason whose Debug form or text holds `why`.
#[track_caller]
fn refused(what: impl std::fmt::Debug, why: &str, roots: &[&Party], chain: &[&Party]) {
    is_refusal(what, why, judge(roots, chain));
}

#[track_caller]
fn is_refusal(what: impl std::fmt::Debug, why: &str, verdict: Result<(), Error>) {
    let Err(Error::InvalidCertificate(refusal)) = verdict else {
        panic!("{what:?}: {verdict:?}");
    };
    let text = match &refusal {
        CertificateError::Other(other) => other.to_string(),
        other => format!("{other:?}"),
    };
    assert!(text.contains(why), "{what:?}: {text}");
}

#[test]
fn every_kind_is_accepted_when_nothing_else_is_wrong() {
    for kind in KINDS {
        let root = root();
        accepted(kind, &[&root], &[&kind.draft().signed_by(&root)]);
        let below = intermediate_draft().signed_by(&root);
        let server = kind.draft().signed_by(&below);
        accepted(kind, &[&root], &[&server, &below]);
        // Another root in between, and with the server sending its root along.
        let other = root_draft().self_signed();
        accepted(kind, &[&other, &root], &[&server, &root, &below]);
    }
}

#[test]
fn intermediates_may_come_in_any_order() {
    for kind in KINDS {
        let root = root();
        let names = ["one", "two", "three", "four", "five"];
        let mut chain: Vec<Party> = Vec::new();
        for name in names {
            let issuer = chain.last().unwrap_or(&root);
            chain.push(Draft::new(name).authority(None).signed_by(issuer));
        }
        let server = kind.draft().signed_by(chain.last().unwrap());
        let mut sent: Vec<&Party> = vec![&server];
        sent.extend(chain.iter());
        accepted(kind, &[&root], &sent);
        sent[1..].reverse();
        accepted(kind, &[&root], &sent);
        sent.swap(2, 4);
        accepted(kind, &[&root], &sent);
        // One is missing: the truncated chain.
        sent.remove(3);
        refused(kind, "UnknownIssuer", &[&root], &sent);
        refused(kind, "UnknownIssuer", &[&root], &sent[..1]);
    }
}

#[test]
fn another_authority_is_refused() {
    for kind in KINDS {
        let its_root = root();
        let server = kind.draft().signed_by(&its_root);
        // It bears the same name, but its key is another one.
        refused(kind, "BadSignature", &[&root()], &[&server]);
        let stranger = Draft::new("a stranger").authority(None).self_signed();
        refused(kind, "UnknownIssuer", &[&stranger], &[&server]);
        refused(kind, "UnknownIssuer", &[&stranger], &[&server, &its_root]);
        // Without any authority.
        refused(kind, "UnknownIssuer", &[], &[&server]);
        refused(
            kind,
            "UnknownIssuer",
            &[&root()],
            &[&kind.draft().self_signed()],
        );
    }
}

#[test]
fn dates_must_hold_in_the_whole_chain() {
    for kind in KINDS {
        let root = root();
        let late = kind.draft().valid(2020, 2021).signed_by(&root);
        refused(kind, "Expired", &[&root], &[&late]);
        let early = kind.draft().valid(2090, 2091).signed_by(&root);
        refused(kind, "NotValidYet", &[&root], &[&early]);
        let below = intermediate_draft().valid(2020, 2021).signed_by(&root);
        let server = kind.draft().signed_by(&below);
        refused(kind, "Expired", &[&root], &[&server, &below]);
        let below = intermediate_draft().valid(2090, 2091).signed_by(&root);
        let server = kind.draft().signed_by(&below);
        refused(kind, "NotValidYet", &[&root], &[&server, &below]);
        let old_root = root_draft().valid(2020, 2021).self_signed();
        let server = kind.draft().signed_by(&old_root);
        // A certificate without a name is first refused by webpki, after its chain: that one
        // does not look at the dates of a root.
        refused(kind, "Expired", &[&old_root], &[&server]);
    }
}

#[test]
fn a_certificate_must_be_for_servers() {
    let root = root();
    for kind in KINDS_V3 {
        for (usage, fits) in [
            (&[Purpose::ServerAuth][..], true),
            (&[Purpose::ClientAuth, Purpose::ServerAuth], true),
            (&[Purpose::ClientAuth], false),
            (&[Purpose::CodeSigning, Purpose::ClientAuth], false),
            (&[Purpose::Any], false),
        ] {
            let server = kind.draft().extended(usage).signed_by(&root);
            if fits {
                accepted((kind, usage), &[&root], &[&server]);
            } else {
                refused((kind, usage), "InvalidPurpose", &[&root], &[&server]);
            }
            // An authority that may only sign for others.
            let below = intermediate_draft().extended(usage).signed_by(&root);
            let server = kind.draft().signed_by(&below);
            if fits {
                accepted((kind, usage), &[&root], &[&server, &below]);
            } else {
                refused((kind, usage), "", &[&root], &[&server, &below]);
            }
        }
        // An empty one is for nothing.
        let empty = kind.draft().extension(&[2, 5, 29, 37], &[0x30, 0], false);
        refused(kind, "", &[&root], &[&empty.signed_by(&root)]);
    }
    let client_authority = intermediate_draft()
        .extended(&[Purpose::ClientAuth])
        .signed_by(&root);
    let server = Kind::Version1.draft().signed_by(&client_authority);
    let chain = [&server, &client_authority];
    refused(
        "version 1",
        "may not sign certificates for servers",
        &[&root],
        &chain,
    );
}

#[test]
fn a_key_must_be_for_signatures() {
    let root = root();
    for kind in [Kind::Authority, Kind::NamelessAuthority, Kind::Nameless] {
        for (usage, fits) in [
            (&[Usage::DigitalSignature][..], true),
            (&[Usage::DigitalSignature, Usage::KeyEncipherment], true),
            (&[Usage::KeyEncipherment], false),
            (&[Usage::CrlSign], false),
            (&[Usage::KeyAgreement, Usage::DataEncipherment], false),
        ] {
            let server = kind.draft().usage(usage).signed_by(&root);
            if fits {
                accepted((kind, usage), &[&root], &[&server]);
            } else {
                refused((kind, usage), "InvalidPurpose", &[&root], &[&server]);
            }
        }
        let rsa = kind.draft().key(rsa_key()).usage(&[Usage::KeyEncipherment]);
        accepted(kind, &[&root], &[&rsa.signed_by(&root)]);
        let rsa = kind
            .draft()
            .key(rsa_key())
            .usage(&[Usage::DataEncipherment]);
        refused(kind, "InvalidPurpose", &[&root], &[&rsa.signed_by(&root)]);
    }
}

#[test]
fn the_type_of_netscape_is_heeded() {
    let root = root();
    let oid = [2, 16, 840, 1, 113_730, 1, 1];
    for kind in KINDS_V3 {
        let with = |bits: &[u8]| kind.draft().extension(&oid, bits, false).signed_by(&root);
        accepted(kind, &[&root], &[&with(&[3, 2, 6, 0x40])]);
        refused(kind, "InvalidPurpose", &[&root], &[&with(&[3, 2, 7, 0x80])]);
        refused(kind, "InvalidPurpose", &[&root], &[&with(&[3, 1, 0])]);
        let below = intermediate_draft().extension(&oid, &[3, 2, 7, 0x80], false);
        let below = below.signed_by(&root);
        let server = kind.draft().signed_by(&below);
        if kind != Kind::Nameless {
            refused(kind, "for servers", &[&root], &[&server, &below]);
        }
    }
}

#[test]
fn signatures_must_be_right_in_the_whole_chain() {
    for kind in KINDS {
        let root = root();
        let forged = kind.draft().signed_by(&root).with_bad_signature();
        refused(kind, "BadSignature", &[&root], &[&forged]);
        let below = intermediate_draft().signed_by(&root);
        let server = kind.draft().signed_by(&below);
        let forged = intermediate_draft().signed_by(&root);
        refused(kind, "BadSignature", &[&root], &[&server, &forged]);
        let forged = below.with_bad_signature();
        refused(kind, "BadSignature", &[&root], &[&server, &forged]);
        // The name of the root as the issuer does not help.
        let thief = Draft::new("the root").authority(None).self_signed();
        let server = kind.draft().signed_by(&thief);
        refused(kind, "BadSignature", &[&root], &[&server, &thief]);
        // The two places for the signature algorithm disagree.
        let odd = kind
            .draft()
            .signed_by(&root)
            .with_other_inner_algorithm(&root);
        refused(kind, "", &[&root], &[&odd]);
    }
}

#[test]
fn an_issuer_must_be_an_authority() {
    for kind in KINDS {
        let root = root();
        for (what, draft) in [
            ("a server", Draft::new("x").names(&["x.example.test"])),
            (
                "may not sign",
                intermediate_draft().usage(&[Usage::CrlSign]),
            ),
            ("version 1", intermediate_draft().version(Version::V1)),
            ("version 2", intermediate_draft().version(Version::V2)),
            (
                "version 1 with extensions",
                intermediate_draft().version(Version::V1WithExtensions),
            ),
        ] {
            let below = draft.signed_by(&root);
            let server = kind.draft().signed_by(&below);
            refused((kind, what), "", &[&root], &[&server, &below]);
        }
        let not_a_root = Draft::new("a server")
            .names(&["x.example.test"])
            .self_signed();
        let server = kind.draft().signed_by(&not_a_root);
        if kind != Kind::Nameless {
            refused(kind, "CA:TRUE is missing", &[&not_a_root], &[&server]);
        }
        // Below the root, of version 1, under the root's own name.
        let heir = root_draft().version(Version::V1).signed_by(&root);
        let server = kind.draft().signed_by(&heir);
        refused(kind, "", &[&root], &[&server, &heir]);
        let old_root = root_draft().version(Version::V1).self_signed();
        let server = kind.draft().signed_by(&old_root);
        accepted((kind, "version 1 root"), &[&old_root], &[&server]);
        let not_a_root = root_draft()
            .version(Version::V1)
            .signed_by(&Draft::new("x").self_signed());
        let server = kind.draft().signed_by(&not_a_root);
        if kind != Kind::Nameless {
            refused(kind, "version 1", &[&not_a_root], &[&server]);
        }
    }
}

#[test]
fn path_lengths_are_kept() {
    for kind in KINDS {
        // The server's own certificate does not count, even as an authority.
        let root = root_draft().authority(Some(0)).self_signed();
        accepted(kind, &[&root], &[&kind.draft().signed_by(&root)]);
        let below = intermediate_draft().signed_by(&root);
        let server = kind.draft().signed_by(&below);
        let verdict = judge(&[&root], &[&server, &below]);
        is_refusal(kind, "path length", verdict);

        let root = super::tests::root();
        let first = Draft::new("first").authority(Some(1)).signed_by(&root);
        let second = Draft::new("second").authority(Some(0)).signed_by(&first);
        let server = kind.draft().signed_by(&second);
        accepted(kind, &[&root], &[&server, &second, &first]);
        let third = Draft::new("third").authority(None).signed_by(&second);
        let server = kind.draft().signed_by(&third);
        refused(kind, "", &[&root], &[&server, &third, &second, &first]);
    }
}

#[test]
fn a_long_or_tangled_chain_ends() {
    for kind in KINDS {
        let root = root();
        let mut chain: Vec<Party> = Vec::new();
        for number in 0..7 {
            let issuer = chain.last().unwrap_or(&root);
            let draft = Draft::new(&format!("number {number}")).authority(None);
            chain.push(draft.signed_by(issuer));
        }
        let server = kind.draft().signed_by(chain.last().unwrap());
        let mut sent: Vec<&Party> = vec![&server];
        sent.extend(chain.iter().rev());
        refused(kind, "", &[&root], &sent);
        if kind != Kind::Nameless {
            refused(kind, "too long", &[&root], &sent);
        }
        // Many authorities of one name that sign each other: two keys, six certificates each.
        let stranger = Draft::new("x").authority(None).self_signed();
        let many: Vec<Party> = (0..12)
            .map(|_| {
                let key = KeyPair::from_pem(&stranger.key_pem()).unwrap();
                Draft::new("x")
                    .authority(None)
                    .key(key)
                    .signed_by(&stranger)
            })
            .collect();
        let server = kind.draft().signed_by(&stranger);
        let mut sent: Vec<&Party> = vec![&server];
        sent.extend(many.iter());
        refused(kind, "", &[&root], &sent);
    }
}

#[test]
fn name_constraints_are_never_passed_over() {
    for kind in KINDS {
        let plain = root();
        for permitted in ["other.test", "example.test"] {
            // webpki knows the constraints of its anchors, the second look reads them itself.
            let root = root_draft().only_for(permitted).self_signed();
            let server = kind.draft().signed_by(&root);
            refused((kind, permitted), "", &[&root], &[&server]);
            let below = intermediate_draft().only_for(permitted).signed_by(&plain);
            let server = kind.draft().signed_by(&below);
            refused((kind, permitted), "", &[&plain], &[&server, &below]);
        }
    }
    for kind in KINDS_V3 {
        let server = kind
            .draft()
            .only_for("example.test")
            .signed_by(&plain_root());
        refused(kind, "", &[&plain_root()], &[&server]);
    }
}

fn plain_root() -> Party {
    let key = KeyPair::from_pem(&rsa_key().serialize_pem()).unwrap();
    root_draft().key(key).self_signed()
}

#[test]
fn unknown_critical_extensions_are_refused() {
    let root = root();
    for kind in KINDS_V3 {
        for oid in [
            &[1, 2, 3, 4][..],
            &[2, 5, 29, 99],
            &[2, 5, 29, 32],
            &[2, 5, 29, 36],
        ] {
            let with = |critical| kind.draft().extension(oid, &[5, 0], critical);
            refused((kind, oid), "", &[&root], &[&with(true).signed_by(&root)]);
            accepted((kind, oid), &[&root], &[&with(false).signed_by(&root)]);
            let below = intermediate_draft().extension(oid, &[5, 0], true);
            let below = below.signed_by(&root);
            let server = kind.draft().signed_by(&below);
            refused((kind, oid), "", &[&root], &[&server, &below]);
        }
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    let root = root();
    for kind in KINDS_V3 {
        for (what, oid, content) in [
            ("basicConstraints", 19, &[0x30, 3, 1, 1][..]),
            ("more behind it", 15, &[3, 2, 7, 0x80, 0]),
            ("key usage", 15, &[5, 0]),
            ("extended key usage", 37, &[0x31, 0]),
            ("alternative names", 17, &[0x30, 4, 0x82]),
        ] {
            let server = kind.draft().extension(&[2, 5, 29, oid], content, false);
            refused((kind, what), "", &[&root], &[&server.signed_by(&root)]);
        }
        // Twice the same extension.
        let usage = &[0x30, 10, 6, 8, 0x2B, 6, 1, 5, 5, 7, 3, 1];
        let once = kind.draft().extension(&[2, 5, 29, 37], usage, false);
        accepted(kind, &[&root], &[&once.signed_by(&root)]);
        let twice = kind.draft().extension(&[2, 5, 29, 37], usage, false);
        let twice = twice.extension(&[2, 5, 29, 37], usage, false);
        refused(kind, "", &[&root], &[&twice.signed_by(&root)]);
    }
    let odd = Draft::new(HOST).version(Version::V2).signed_by(&root);
    refused("version 2", "version 1 nor version 3", &[&root], &[&odd]);
    let odd = Draft::new(HOST)
        .extended(&[Purpose::ClientAuth])
        .version(Version::V1WithExtensions)
        .signed_by(&root);
    refused(
        "version 1 with extensions",
        "BadEncoding",
        &[&root],
        &[&odd],
    );
}

fn rsa_key() -> KeyPair {
    KeyPair::from_pem(include_str!(
        "../../../../../tests/fixtures/client_keys/rsa_pkcs8.pem"
    ))
    .unwrap()
}

#[test]
fn the_laboratory_makes_what_it_says() {
    let root = root();
    for (version, number, extensions) in [
        (Version::V1, 0, 0),
        (Version::V1WithExtensions, 0, 1),
        (Version::V2, 1, 0),
        (Version::V3, 2, 1),
    ] {
        let party = Draft::new("x")
            .usage(&[Usage::DigitalSignature])
            .version(version)
            .signed_by(&root);
        let (rest, parsed) = X509Certificate::from_der(party.der()).unwrap();
        assert!(rest.is_empty());
        assert_eq!(parsed.version().0, number, "{version:?}");
        assert_eq!(parsed.extensions().len(), extensions, "{version:?}");
    }
}
