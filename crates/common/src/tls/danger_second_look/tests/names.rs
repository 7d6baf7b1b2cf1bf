//! Which names a certificate holds for.

use harness::lab::{Draft, Version};

use super::{HOST, KINDS, Kind, is_refusal, judge_at, refused, root};

#[test]
fn the_name_must_fit() {
    for kind in KINDS {
        let root = root();
        let server = kind.draft().signed_by(&root);
        for name in [
            "other.example.test",
            "example.test",
            "a.broker.example.test",
            "127.0.0.1",
            "broker.example.tes",
        ] {
            let verdict = judge_at(name, &[&root], &[&server]);
            is_refusal((kind, name), "NotValidForName", verdict);
        }
    }
}

#[test]
fn the_common_name_counts_only_without_alternative_names() {
    let root = root();
    for draft in [
        Draft::new(HOST).names(&["other.example.test"]),
        Draft::new(HOST).names(&["127.0.0.1"]),
        // A subjectAltName with a URI only, and with an e-mail address only.
        Draft::new(HOST).extension(&[2, 5, 29, 17], b"\x30\x05\x86\x03a:b", false),
        Draft::new(HOST).extension(&[2, 5, 29, 17], b"\x30\x05\x81\x03a@b", false),
    ] {
        let plain = draft.signed_by(&root);
        refused("plain", "NotValidForName", &[&root], &[&plain]);
    }
    let draft = Draft::new(HOST).names(&["other.example.test"]);
    let server = draft.authority(None).signed_by(&root);
    refused("authority", "NotValidForName", &[&root], &[&server]);
}

#[test]
fn common_names_are_compared_as_names() {
    let root = root();
    for (common_name, asked, fits) in [
        ("Broker.Example.TEST", HOST, true),
        (HOST, "broker.example.test.", true),
        ("*.example.test", HOST, true),
        ("*.EXAMPLE.test", HOST, true),
        ("*.example.test", "example.test", false),
        ("*.example.test", "a.b.example.test", false),
        ("*.test", "example.test", false),
        ("*", "localhost", false),
        ("*.", "localhost.", false),
        ("b*.example.test", HOST, false),
        ("broker.*.test", HOST, false),
        ("*.*.test", HOST, false),
        ("localhost", "localhost", true),
        ("127.0.0.1", "127.0.0.1", true),
        ("::1", "::1", true),
        ("0:0::1", "::1", true),
        ("127.0.0.1", "127.0.0.2", false),
        ("127.0.0.1", "::1", false),
        ("*.0.0.1", "127.0.0.1", false),
        ("127.1", "127.0.0.1", false),
        ("", HOST, false),
        (" broker.example.test", HOST, false),
        ("broker.example.test\0", HOST, false),
        ("broker.example.test\0.evil.test", HOST, false),
        ("broker.example.test.", HOST, false),
        ("a broker.example.test", HOST, false),
        ("bröker.example.test", HOST, false),
    ] {
        let draft = || Draft::new(common_name);
        for server in [
            draft().signed_by(&root),
            draft().version(Version::V1).signed_by(&root),
            draft().authority(None).signed_by(&root),
        ] {
            let verdict = judge_at(asked, &[&root], &[&server]);
            assert_eq!(
                verdict.is_ok(),
                fits,
                "{common_name:?} {asked}: {verdict:?}"
            );
        }
    }
}

#[test]
fn two_common_names_are_no_name() {
    let root = root();
    for kind in [Kind::Version1, Kind::Nameless, Kind::NamelessAuthority] {
        let mut draft = kind.draft();
        let second = rcgen::DnType::CustomDnType(vec![2, 5, 4, 3]);
        draft
            .params
            .distinguished_name
            .push(second, "other.example.test");
        let server = draft.signed_by(&root);
        refused(kind, "NotValidForName", &[&root], &[&server]);
    }
}
