//! `--psk` and `--psk-identity`: what does not fit together, and the answer of a build without the
//! feature `psk`. What a build with it does is tested in tests/psk/.

use harness::{Broker, Output, mqpub};

use crate::support::complaint;

const KEY: &str = "00c0ffee15bada55";
const SHARED: [&str; 4] = ["--psk", KEY, "--psk-identity", "sensor"];

fn run(options: &[&str]) -> Output {
    mqpub().args(["-t", "a", "-m", "x"]).args(options).run()
}

#[cfg(not(feature = "psk"))]
mod without_the_feature {
    use std::process::Command;

    use harness::{Tool, mqpub, mqsub};

    use super::{SHARED, run};
    use crate::support::complaint;

    #[test]
    fn the_build_without_openssl_names_the_feature() {
        let subscribe = mqsub().args(["-t", "a"]).args(SHARED).run();
        let url = ["-L", "mqtts://localhost/a", "-m", "x"];
        let by_url = mqpub().args(url).args(SHARED).run();
        for output in [run(&SHARED), subscribe, by_url] {
            let report = complaint(output, 1);
            assert!(report.error.contains("--psk"), "{report:?}");
            assert!(report.cause.contains("OpenSSL"), "{report:?}");
            assert!(
                report
                    .hint
                    .contains("cargo install --path crates/mqpub --features psk"),
                "{report:?}"
            );
        }
    }

    #[test]
    fn the_build_without_the_feature_does_not_link_openssl() {
        for tool in [mqpub(), mqsub()] {
            let output = Command::new("ldd").arg(tool.path()).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(text.contains("libc.so"), "not ldd's output:\n{text}");
            assert!(!text.contains("ssl") && !text.contains("crypto"), "{text}");
        }
        // ldd does see it where it is.
        let original = Tool::new("ldd").arg("/usr/bin/mosquitto_pub").run();
        assert!(original.stdout_str().contains("libssl"), "{original}");
    }
}

#[test]
fn key_and_identity_go_together_and_exclude_certificates() {
    for (options, named) in [
        (&["--psk", KEY][..], "--psk-identity"),
        (&["--psk-identity", "sensor"], "--psk HEX"),
        (&[&SHARED[..], &["--cafile", "x"]].concat(), "--cafile"),
        (&[&SHARED[..], &["--capath", "x"]].concat(), "--capath"),
        (
            &[&SHARED[..], &["--tls-use-os-certs"]].concat(),
            "--tls-use-os-certs",
        ),
    ] {
        let output = run(options);
        assert!(!output.stderr_str().contains(KEY), "{output}");
        let report = complaint(output, 1);
        let text = format!("{}{}", report.error, report.hint);
        assert!(text.contains("--psk") && text.contains(named), "{report:?}");
    }
}

#[test]
fn a_key_that_is_none_is_refused_and_not_shown() {
    let long = "ab".repeat(513);
    for key in ["xyzzy-secret", "0xc0ffee", "abc", "", &long] {
        let output = run(&["--psk", key, "--psk-identity", "sensor"]);
        assert!(
            key.is_empty() || !output.stderr_str().contains(key),
            "{output}"
        );
        let report = complaint(output, 1);
        assert_eq!(report.error, "cannot use the value of --psk");
    }
    let long = "x".repeat(257);
    for identity in ["", &long] {
        let report = complaint(run(&["--psk", KEY, "--psk-identity", identity]), 1);
        assert_eq!(report.error, "cannot use the value of --psk-identity");
    }
}

#[test]
fn no_tls_ignores_them() {
    let broker = Broker::start();
    for options in [&SHARED[..], &["--psk", "nonsense"]] {
        mqpub()
            .args(broker.args())
            .args(["-t", "a", "-m", "x", "--no-tls"])
            .args(options)
            .run()
            .assert_success();
    }
}
