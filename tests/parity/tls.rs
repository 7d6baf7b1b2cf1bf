//! The TLS options, against a broker with certificates of the test's own authority.

use std::fs;

use harness::{Authority, Broker, Output, ServerCert, Tool};

use crate::not_yet::not_yet;
use crate::support::{BOTH, expect, refuses};

struct Tls {
    authority: Authority,
    broker: Broker,
}

impl Tls {
    fn start(lines: &[&str]) -> Self {
        let authority = Authority::new();
        let certificate = authority.server("localhost");
        Self::with(authority, &certificate, lines)
    }

    fn with(authority: Authority, certificate: &ServerCert, lines: &[&str]) -> Self {
        let mut builder = Broker::builder().tls(certificate);
        for line in lines {
            builder = builder.config(*line);
        }
        Self {
            authority,
            broker: builder.start(),
        }
    }

    fn ca(&self) -> &str {
        self.authority.pem_path().to_str().unwrap()
    }

    /// With the broker's address and `--cafile`.
    fn trusting(&self, tool: fn() -> Tool, args: &[&str]) -> Tool {
        tool()
            .args(self.broker.args())
            .args(["--cafile", self.ca()])
            .args(args)
    }
}

#[test]
fn cafile_trusts_its_certificates() {
    let tls = Tls::start(&[]);
    let other = Authority::new();
    for tool in BOTH {
        tls.trusting(tool, &[]).run().assert_success();
        let output = tool()
            .args(tls.broker.args())
            .arg("--cafile")
            .arg(other.pem_path())
            .run();
        assert_untrusted(&output);
    }
}

#[test]
fn cafile_must_be_readable() {
    let tls = Tls::start(&[]);
    for tool in BOTH {
        let output = tool()
            .args(tls.broker.args())
            .args(["--cafile", "/nonexistent"])
            .run();
        assert_eq!(output.status, expect(8, 1), "{output}");
    }
}

#[test]
fn capath_trusts_a_folder_with_hashed_names() {
    let tls = Tls::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    fs::copy(tls.ca(), folder.path().join("ca.pem")).unwrap();
    let rehash = Tool::new("openssl").arg("rehash").arg(folder.path()).run();
    rehash.assert_success();
    for tool in BOTH {
        tool()
            .args(tls.broker.args())
            .arg("--capath")
            .arg(folder.path())
            .run()
            .assert_success();
    }
}

#[test]
fn the_certificate_must_be_for_the_host() {
    let authority = Authority::new();
    let certificate = authority.certificate().names(&["other.example"]).make();
    let tls = Tls::with(authority, &certificate, &[]);
    for tool in BOTH {
        assert_untrusted(&tls.trusting(tool, &[]).run());
        tls.trusting(tool, &["--insecure"]).run().assert_success();
    }
}

/// Ours: --insecure verifies nothing, as in 2.1. 2.0 leaves out the host name only.
#[test]
fn insecure_with_an_unknown_authority() {
    let tls = Tls::start(&[]);
    let other = Authority::new();
    for tool in BOTH {
        let output = tool()
            .args(tls.broker.args())
            .arg("--cafile")
            .arg(other.pem_path())
            .arg("--insecure")
            .run();
        match expect(0, 1) {
            0 => assert_eq!(output.status, 0, "{output}"),
            _ => assert_untrusted(&output),
        }
    }
}

#[test]
fn an_expired_certificate_is_refused() {
    let authority = Authority::new();
    let certificate = authority.certificate().expired().make();
    let tls = Tls::with(authority, &certificate, &[]);
    for tool in BOTH {
        assert_untrusted(&tls.trusting(tool, &[]).run());
    }
}

/// Ours: 8. The original ends with 1 or 8, whichever of its steps notices.
#[track_caller]
fn assert_untrusted(output: &Output) {
    let codes = expect(&[8][..], &[1, 8]);
    assert!(codes.contains(&output.status), "{output}");
}

/// A broker that wants a certificate from its clients, and one of them.
fn wanting_a_certificate() -> (Tls, ServerCert) {
    let authority = Authority::new();
    let server = authority.server("localhost");
    let client = authority
        .certificate()
        .for_clients_only()
        .names(&["device"])
        .make();
    let ca = format!("cafile {}", authority.pem_path().display());
    let lines = [
        ca.as_str(),
        "require_certificate true",
        "use_identity_as_username true",
    ];
    (Tls::with(authority, &server, &lines), client)
}

#[test]
fn cert_and_key_identify_the_client() {
    let (tls, client) = wanting_a_certificate();
    let cert = client.cert_path.to_str().unwrap();
    let key = client.key_path.to_str().unwrap();
    for tool in BOTH {
        let args = ["--cert", cert, "--key", key];
        tls.trusting(tool, &args).run().assert_success();
        let output = tls.trusting(tool, &[]).run();
        assert_ne!(output.status, 0, "{output}");
        refuses(tool, &[&["--cafile", tls.ca(), "--cert", cert]]);
        refuses(tool, &[&["--cafile", tls.ca(), "--key", key]]);
    }
    tls.broker.wait_for_log("u'device'");
}

#[test]
fn an_encrypted_key_asks_for_its_pass_phrase() {
    if not_yet("encrypted --key") {
        return;
    }
    let (tls, client) = wanting_a_certificate();
    let folder = tempfile::tempdir().unwrap();
    let encrypted = folder.path().join("encrypted.pem");
    Tool::new("openssl")
        .args(["pkcs8", "-topk8", "-passout", "pass:phrase", "-in"])
        .arg(&client.key_path)
        .arg("-out")
        .arg(&encrypted)
        .run()
        .assert_success();
    for tool in BOTH {
        for (phrase, right) in [("phrase", true), ("wrong", false)] {
            let mut terminal = tls
                .trusting(
                    tool,
                    &["--cert", client.cert_path.to_str().unwrap(), "--key"],
                )
                .arg(&encrypted)
                .run_on_pty();
            terminal.expect(":");
            while terminal.echo_is_on() {
                std::thread::yield_now();
            }
            terminal.send_line(phrase);
            assert_eq!(terminal.wait() == 0, right, "{}", terminal.screen());
        }
    }
}

/// Both sides name their lowest version.
#[test]
fn the_lowest_version() {
    for (broker_speaks, asked) in [
        ("tlsv1.2", "tlsv1.2"),
        ("tlsv1.2", "tlsv1.3"),
        ("tlsv1.3", "tlsv1.3"),
        ("tlsv1.3", "tlsv1.2"),
    ] {
        let line = format!("tls_version {broker_speaks}");
        let tls = Tls::start(&[&line]);
        for tool in BOTH {
            tls.trusting(tool, &["--tls-version", asked])
                .run()
                .assert_success();
        }
    }
    for tool in BOTH {
        let tls = Tls::start(&[]);
        tls.trusting(tool, &["--tls-version", "tlsv1"])
            .run()
            .assert_code(1);
    }
}

#[test]
fn alpn_does_not_disturb() {
    let tls = Tls::start(&[]);
    for tool in BOTH {
        tls.trusting(tool, &["--tls-alpn", "mqtt"])
            .run()
            .assert_success();
    }
}

#[test]
fn the_operating_systems_authorities_do_not_know_ours() {
    let tls = Tls::start(&[]);
    for tool in BOTH {
        let output = tool()
            .args(tls.broker.args())
            .arg("--tls-use-os-certs")
            .run();
        assert_ne!(output.status, 0, "{output}");
    }
}

#[test]
fn ciphers_limit_what_is_offered() {
    if not_yet("--ciphers") {
        return;
    }
    let tls = Tls::start(&["tls_version tlsv1.2"]);
    for tool in BOTH {
        for name in [
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            "ECDHE-ECDSA-CHACHA20-POLY1305",
        ] {
            tls.trusting(tool, &["--ciphers", name])
                .run()
                .assert_success();
        }
        for list in ["DEFAULT", "HIGH:!aNULL:!MD5", "ALL:!3DES"] {
            tls.trusting(tool, &["--ciphers", list])
                .run()
                .assert_success();
        }
        let output = tls.trusting(tool, &["--ciphers", "nonsense"]).run();
        assert_ne!(output.status, 0, "{output}");
    }
}

#[test]
fn keyform_is_pem() {
    if not_yet("--keyform") {
        return;
    }
    let (tls, client) = wanting_a_certificate();
    let cert = client.cert_path.to_str().unwrap();
    let key = client.key_path.to_str().unwrap();
    for tool in BOTH {
        let args = ["--cert", cert, "--key", key, "--keyform", "pem"];
        tls.trusting(tool, &args).run().assert_success();
        let args = ["--cert", cert, "--key", key, "--keyform", "bogus"];
        tls.trusting(tool, &args).run().assert_code(1);
    }
}

/// Ours: a clear error, whatever the engine is called.
#[test]
fn engines() {
    if not_yet("--tls-engine") {
        return;
    }
    let tls = Tls::start(&[]);
    for tool in BOTH {
        tls.trusting(tool, &["--tls-engine", "nonsense"])
            .run()
            .assert_code(1);
    }
}

#[test]
fn a_secure_url() {
    let tls = Tls::start(&[]);
    for (tool, more) in [
        (harness::mqpub as fn() -> Tool, "-n"),
        (harness::mqsub, "-E"),
    ] {
        let url = format!("mqtts://localhost:{}/t", tls.broker.port());
        tool()
            .args(["-L", &url, "--cafile", tls.ca(), more])
            .run()
            .assert_success();
    }
}
