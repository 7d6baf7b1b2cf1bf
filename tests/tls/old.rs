//! The old certificates that are accepted with a warning: every kind, key and version of TLS.

use harness::lab::{Draft, KeyKind, Party, Version, key};
use harness::mqsub;

use crate::support::{
    Root, TLS_VERSIONS, accepted_with_warning, assert_refused, broker, original_takes, with_cafile,
};

const V1: &str = "X.509 version 1";
const COMMON_NAME: &str = "Common Name";
const AUTHORITY: &str = "CA:TRUE";

/// Ways to be old, and what the warning says about them.
fn kinds() -> Vec<(Draft, &'static [&'static str])> {
    let draft = || Draft::new("localhost");
    vec![
        (draft().version(Version::V1), &[V1, COMMON_NAME]),
        (draft(), &[COMMON_NAME]),
        (draft().names(&["localhost"]).authority(None), &[AUTHORITY]),
        (draft().authority(None), &[AUTHORITY, COMMON_NAME]),
    ]
}

/// mosquitto_pub takes it, and so does mqpub, with a warning; `--tls-strict` refuses it.
#[track_caller]
fn check(server: &Party, cafile: &Root, words: &[&str]) {
    for version in TLS_VERSIONS {
        let broker = broker(&server.serve(&[]), version);
        let strict = with_cafile(&broker, &cafile.path).arg("--tls-strict").run();
        assert_refused(words, &broker, strict, "--tls-strict");
        assert!(original_takes(&broker, &cafile.path), "{version:?}");
        accepted_with_warning(&broker, &cafile.path, words);
    }
}

fn check_signed(kind: KeyKind) {
    for (draft, words) in kinds() {
        let root = Root::new();
        check(&draft.key(key(kind)).signed_by(&root.party), &root, words);
    }
}

fn check_self_signed(kind: KeyKind) {
    for (draft, words) in kinds() {
        let copy = Root::of(draft.key(key(kind)).self_signed());
        check(&copy.party, &copy, words);
    }
}

#[test]
fn signed_with_rsa() {
    check_signed(KeyKind::Rsa);
}

#[test]
fn signed_with_ec() {
    check_signed(KeyKind::Ec);
}

#[test]
fn signed_with_ed25519() {
    check_signed(KeyKind::Ed25519);
}

#[test]
fn self_signed_with_rsa() {
    check_self_signed(KeyKind::Rsa);
}

#[test]
fn self_signed_with_ec() {
    check_self_signed(KeyKind::Ec);
}

#[test]
fn self_signed_with_ed25519() {
    check_self_signed(KeyKind::Ed25519);
}

#[test]
fn below_an_intermediate_that_the_broker_sends() {
    let root = Root::new();
    for (draft, words) in kinds() {
        let upper = Draft::new("upper")
            .authority(Some(1))
            .signed_by(&root.party);
        let lower = Draft::new("lower").authority(Some(0)).signed_by(&upper);
        let server = draft.signed_by(&lower);
        for version in TLS_VERSIONS {
            let broker = broker(&server.serve(&[&lower, &upper]), version);
            assert!(original_takes(&broker, &root.path), "{version:?}");
            accepted_with_warning(&broker, &root.path, words);
        }
    }
}

#[test]
fn below_a_root_of_version_1() {
    for (draft, words) in kinds() {
        let root = Draft::new("an old root").version(Version::V1).self_signed();
        let root = Root::of(root);
        check(&draft.signed_by(&root.party), &root, words);
    }
}

#[test]
fn a_proper_certificate_below_a_root_of_version_1_needs_no_warning() {
    let root = Root::of(Draft::new("an old root").version(Version::V1).self_signed());
    let server = Draft::new("localhost").names(&["localhost"]);
    let server = server.signed_by(&root.party);
    for version in TLS_VERSIONS {
        let broker = broker(&server.serve(&[]), version);
        let output = with_cafile(&broker, &root.path).arg("--tls-strict").run();
        assert!(output.assert_success().stderr.is_empty());
    }
}

#[test]
fn an_address_or_a_wildcard_in_the_common_name() {
    let root = Root::new();
    for version in [Version::V1, Version::V3] {
        let server = Draft::new("127.0.0.1")
            .version(version)
            .signed_by(&root.party);
        let broker = broker(&server.serve(&[]), TLS_VERSIONS[1]);
        let port = broker.port().to_string();
        for (tool, expected) in [("mosquitto_pub", 0), ("mqpub", 0)] {
            let output = crate::support::tool(tool)
                .args([
                    "-h",
                    "127.0.0.1",
                    "-p",
                    &port,
                    "-t",
                    "a",
                    "-m",
                    "x",
                    "--cafile",
                ])
                .arg(&root.path)
                .run()
                .assert_code(expected);
            if tool == "mqpub" {
                assert!(
                    output.stderr_str().contains("subjectAltName=IP:127.0.0.1"),
                    "{output}"
                );
            }
        }
        let output = with_cafile(&broker, &root.path).run();
        assert_eq!(output.status, 8, "{output}");
    }
}

#[test]
fn the_capath_and_a_file_with_many_roots_do_as_well() {
    let root = Root::new();
    let others: String = (0..5).map(|_| Root::new().party.pem()).collect();
    let folder = root.path.parent().unwrap();
    let many = folder.join("many.pem");
    std::fs::write(&many, others + &root.party.pem()).unwrap();
    let server = Draft::new("localhost")
        .version(Version::V1)
        .signed_by(&root.party);
    let broker = broker(&server.serve(&[]), TLS_VERSIONS[1]);
    accepted_with_warning(&broker, &many, &["X.509 version 1"]);
    crate::support::publish(&broker)
        .arg("--capath")
        .arg(folder)
        .run()
        .assert_success();
}

#[test]
fn mqsub_warns_on_stderr_only_and_strict_says_what_to_do() {
    let root = Root::new();
    let server = Draft::new("localhost")
        .version(Version::V1)
        .signed_by(&root.party);
    let broker = broker(&server.serve(&[]), TLS_VERSIONS[1]);
    let subscriber = mqsub()
        .args(broker.args())
        .args(["-t", "a", "-C", "1", "--cafile"])
        .arg(&root.path)
        .spawn();
    broker.wait_for_log("Sending SUBACK");
    with_cafile(&broker, &root.path).run().assert_success();
    let output = subscriber.wait().assert_success();
    assert_eq!(output.stdout_str(), "x\n");
    let text = output.stderr_str();
    assert!(
        text.starts_with("warning: the broker's certificate is of X.509 version 1"),
        "{output}"
    );
    assert_eq!(text.lines().count(), 1, "{output}");

    let output = with_cafile(&broker, &root.path).arg("--tls-strict").run();
    let output = output.assert_code(8);
    let hint = output
        .stderr_str()
        .lines()
        .find(|line| line.starts_with("hint: "));
    let hint = hint.unwrap_or_default();
    assert!(hint.contains("leave --tls-strict out"), "{output}");
    assert!(
        hint.contains("echo subjectAltName=DNS:localhost | openssl x509 -req"),
        "{output}"
    );
}
