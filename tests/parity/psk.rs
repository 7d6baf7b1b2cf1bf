//! `--psk` and `--psk-identity`.

use std::fs;

use harness::{Authority, Broker};

use crate::support::{BOTH, expect, refuses};

fn psk_broker() -> (Broker, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("psk");
    fs::write(&file, "device:0123456789abcdef\n").unwrap();
    let broker = Broker::builder()
        .config("psk_hint hint")
        .config(format!("psk_file {}", file.display()))
        .start();
    (broker, folder)
}

/// Ours: the usual build has no pre-shared keys and says so with 1, whatever the key. A build with
/// the feature `psk` is tested in tests/psk/.
#[test]
fn the_shared_key_lets_in() {
    let (broker, _folder) = psk_broker();
    for tool in BOTH {
        for (key, identity, right) in [
            ("0123456789abcdef", "device", true),
            ("0123456789ABCDEF", "device", true),
            ("0123456789abcdee", "device", false),
            ("0123456789abcdef", "nobody", false),
        ] {
            let output = tool()
                .args(broker.args())
                .args(["--psk", key, "--psk-identity", identity])
                .run();
            assert_eq!(
                output.status == 0,
                expect(false, right),
                "{key} {identity}\n{output}"
            );
        }
    }
}

#[test]
fn what_goes_with_it() {
    for tool in BOTH {
        refuses(
            tool,
            &[
                &["--psk", "abcd"],
                &["--psk", "abcd", "--psk-identity", "device", "--cafile", "x"],
                &["--psk", "abcd", "--psk-identity", "device", "--capath", "x"],
            ],
        );
    }
}

/// Ours: a usage error; the original ignores it.
#[test]
fn an_identity_without_a_key() {
    let broker = Broker::start();
    for tool in BOTH {
        let output = tool()
            .args(broker.args())
            .args(["--psk-identity", "device"])
            .run();
        assert_eq!(output.status, expect(1, 0), "{output}");
    }
}

/// Ours: PSK cipher suites only. The original takes any certificate for the sake of a key that
/// nobody asked for.
#[test]
fn a_certificate_is_no_shared_key() {
    let certificate = Authority::new().server("localhost");
    let broker = Broker::builder().tls(&certificate).start();
    for tool in BOTH {
        let output = tool()
            .args(broker.args())
            .args(["--psk", "abcd", "--psk-identity", "device"])
            .run();
        assert_eq!(output.status != 0, expect(true, false), "{output}");
    }
}
