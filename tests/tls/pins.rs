//! `--pin-sha256`: one public key is trusted, and no other. `--insecure` beside it.

use harness::lab::{Draft, KeyKind, Party, Version, key, openssl};
use harness::{Broker, Output, mqpub, unused_port};
use tempfile::TempDir;

use crate::support::{
    Root, TLS_VERSIONS, TlsVersion, assert_refused, broker, publish, with_cafile,
};

/// As the openssl command makes it.
pub(crate) fn pin(party: &Party) -> String {
    let folder = TempDir::new().unwrap();
    party.save(&folder.path().join("server.crt"));
    let run = |arguments: &str| openssl(folder.path(), arguments);
    run("x509 -in server.crt -pubkey -noout -out key.pem");
    run("pkey -pubin -in key.pem -outform DER -out key.der");
    run("dgst -sha256 -hex -out digest key.der");
    let text = std::fs::read_to_string(folder.path().join("digest")).unwrap();
    text.trim().rsplit(' ').next().unwrap().to_owned()
}

fn with_pin(broker: &Broker, pin: &str) -> Output {
    publish(broker).args(["--pin-sha256", pin]).run()
}

#[test]
fn the_key_alone_is_enough_whatever_the_certificate_says() {
    for kind in KeyKind::ALL {
        let other = "elsewhere.example.test";
        for draft in [
            Draft::new("localhost").names(&["localhost"]),
            Draft::new(other).valid(2010, 2011),
            Draft::new(other).version(Version::V1),
            Draft::new(other).version(Version::V1).valid(2090, 2091),
            Draft::new(other).authority(None),
            Draft::new(other).extension(&[1, 2, 3, 4], &[5, 0], true),
        ] {
            let server = draft.key(key(kind)).self_signed();
            let wrong = "ab".repeat(32);
            for version in TLS_VERSIONS {
                let broker = broker(&server.serve(&[]), version);
                let output = with_pin(&broker, &wrong);
                let pin = pin(&server);
                assert_refused(version, &broker, output, &pin);
                let output = with_pin(&broker, &pin).assert_success();
                assert!(output.stderr.is_empty(), "{kind:?} {output}");
                let output = publish(&broker)
                    .args(["--pin-sha256", &wrong, "--pin-sha256", &pin.to_uppercase()])
                    .run();
                output.assert_success();
            }
        }
    }
}

#[test]
fn a_wrong_key_warns_in_its_hint() {
    let server = Draft::new("localhost").names(&["localhost"]).self_signed();
    let broker = broker(&server.serve(&[]), TLS_VERSIONS[1]);
    let output = with_pin(&broker, &"00".repeat(32)).assert_code(8);
    let hint = output.stderr_str();
    assert!(
        hint.contains("hint: ") && hint.contains("somebody else"),
        "{output}"
    );
    assert!(output.stderr_str().contains(&pin(&server)), "{output}");
}

#[test]
fn with_a_cafile_both_must_hold() {
    let root = Root::new();
    let (right, wrong) = (
        Draft::new("localhost")
            .names(&["localhost"])
            .signed_by(&root.party),
        Draft::new("localhost")
            .names(&["localhost"])
            .signed_by(&root.party),
    );
    let broker = broker(&right.serve(&[]), TLS_VERSIONS[1]);
    let run = |cafile: &Root, pin: &str| {
        let tool = with_cafile(&broker, &cafile.path);
        tool.args(["--pin-sha256", pin]).run()
    };
    assert_refused("pin", &broker, run(&root, &pin(&wrong)), "public key");
    let stranger = Root::of(Draft::new("a stranger").authority(None).self_signed());
    assert_refused("pin", &broker, run(&stranger, &pin(&right)), "issuer");
    let late = Draft::new("localhost")
        .names(&["localhost"])
        .valid(2010, 2011);
    let late = late.signed_by(&root.party);
    let late_broker = crate::support::broker(&late.serve(&[]), TLS_VERSIONS[1]);
    let output = with_cafile(&late_broker, &root.path)
        .args(["--pin-sha256", &pin(&late)])
        .run();
    assert_refused("late", &late_broker, output, "expired");
    run(&root, &pin(&right)).assert_success();
}

#[test]
fn a_pin_turns_tls_on_also_where_the_url_does() {
    let server = Draft::new("x").self_signed();
    let broker = broker(&server.serve(&[]), TLS_VERSIONS[1]);
    let url = format!("mqtts://localhost:{}/a", broker.port());
    let run = |pin: &str| {
        mqpub()
            .args(["-L", &url, "-m", "x", "--pin-sha256", pin])
            .run()
    };
    assert_refused("pin", &broker, run(&"00".repeat(32)), "public key");
    run(&pin(&server)).assert_success();
}

#[test]
fn a_pin_that_cannot_be_one_is_a_usage_error() {
    let nobody = unused_port();
    for (pin, more) in [
        ("abc", None),
        ("4eAxfzUKrUQyq9qjJ6a8bjhHvVf3tO2k2gYXBf1Nc1s=", None),
        (&*"00".repeat(32), Some("--insecure")),
        (&*"00".repeat(32), Some("--psk=00")),
    ] {
        let tool = mqpub().args(nobody.args()).args(["-t", "a", "-m", "x"]);
        let output = tool.args(["--pin-sha256", pin]).args(more).run();
        let output = output.assert_code(1);
        assert!(output.stderr_str().contains("--pin-sha256"), "{output}");
    }
}

#[test]
fn insecure_takes_old_and_faulty_certificates_and_warns_each_time() {
    for kind in KeyKind::ALL {
        for draft in [
            Draft::new("x").version(Version::V1).valid(2010, 2011),
            Draft::new("x").version(Version::V2),
            Draft::new("x")
                .authority(None)
                .names(&["elsewhere.example.test"]),
        ] {
            let server = draft.key(key(kind)).self_signed();
            for version in [TlsVersion::Only12, TlsVersion::Only13] {
                let broker = broker(&server.serve(&[]), version);
                for _ in 0..2 {
                    let tool = publish(&broker).args(["--insecure", "--tls-use-os-certs"]);
                    let output = tool.run().assert_success();
                    let text = output.stderr_str();
                    assert!(text.starts_with("warning: --insecure"), "{output}");
                    assert_eq!(text.lines().count(), 1, "{output}");
                }
            }
        }
    }
}
