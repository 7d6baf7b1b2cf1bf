//! `--key` that is encrypted: every form that OpenSSL writes, with the pass phrase typed on a
//! terminal.

use std::fs;
use std::path::{Path, PathBuf};

use harness::{Pty, Tool};
use rcgen::KeyPair;

use crate::client_certificate::{Fortress, fixture, key_pair};
use crate::support::complaint;

const PASS_PHRASE: &str = "s3cret pässphrase";
const PROMPT: &str = "Enter PEM pass phrase:";

/// A broker, and a client's certificate for each kind of key.
struct Lab {
    fortress: Fortress,
}

impl Lab {
    fn start() -> Self {
        Self {
            fortress: Fortress::start(&["use_identity_as_username true"]),
        }
    }

    /// Runs the openssl command; `{}` is the pass phrase as an argument. Gives the path of what
    /// it wrote to stdout.
    #[track_caller]
    fn openssl(&self, command: &str) -> PathBuf {
        let words = command
            .split(' ')
            .map(|word| word.replace("{}", &format!("pass:{PASS_PHRASE}")));
        let output = Tool::new("openssl").args(words).run().assert_success();
        let path = self.fortress.folder.path().join("encrypted.key");
        fs::write(&path, output.stdout).unwrap();
        path
    }

    /// Types the pass phrase at the prompt for `key`, whose public part `plain` has.
    #[track_caller]
    fn opens(&self, plain: &Path, key: &Path, what: &str) {
        let pair = KeyPair::from_pem(&fs::read_to_string(plain).unwrap()).unwrap();
        let certificate = self.fortress.certificate("visitor", &pair);
        let mut terminal = self.fortress.visitor(&certificate, key).run_on_pty();
        answer(&mut terminal, PASS_PHRASE);
        assert_eq!(terminal.wait(), 0, "{what}\n{}", terminal.screen());
        assert_eq!(terminal.screen(), format!("{PROMPT}\r\n"), "{what}");
        assert!(terminal.echo_is_on(), "{what}");
    }
}

#[track_caller]
fn answer(terminal: &mut Pty, text: &str) {
    terminal.expect(PROMPT);
    assert!(!terminal.echo_is_on(), "a pass phrase must not be seen");
    terminal.send_line(text);
}

#[test]
fn every_kind_of_key_with_todays_encryption() {
    let lab = Lab::start();
    for kind in [
        "RSA -pkeyopt rsa_keygen_bits:2048",
        "EC -pkeyopt ec_paramgen_curve:P-256",
        "EC -pkeyopt ec_paramgen_curve:P-384",
        "ED25519",
    ] {
        let plain = lab.openssl(&format!("genpkey -algorithm {kind}"));
        let plain_copy = lab.fortress.folder.path().join("plain.key");
        fs::rename(plain, &plain_copy).unwrap();
        let key = lab.openssl(&format!(
            "pkey -in {} -aes256 -passout {{}}",
            plain_copy.display()
        ));
        let text = fs::read_to_string(&key).unwrap();
        assert!(text.contains("BEGIN ENCRYPTED PRIVATE KEY"), "{text}");
        lab.opens(&plain_copy, &key, kind);
    }
    lab.fortress.broker.wait_for_log_times("u'visitor'", 4);
}

#[test]
fn every_cipher_and_derivation_of_pkcs8() {
    let lab = Lab::start();
    let plain = fixture("ec_pkcs8.pem");
    for how in [
        "-v2 aes-128-cbc",
        "-v2 aes-192-cbc -v2prf hmacWithSHA512",
        // What OpenSSL 1.0 wrote.
        "-v2 des3 -v2prf hmacWithSHA1",
        "-v2 aes-256-cbc -iter 1",
        "-scrypt",
    ] {
        let key = lab.openssl(&format!(
            "pkcs8 -topk8 -in {} -passout {{}} {how}",
            plain.display()
        ));
        lab.opens(&plain, &key, how);
    }
}

#[test]
fn every_cipher_of_the_form_before_pkcs8() {
    let lab = Lab::start();
    for (kind, name) in [("rsa", "rsa_pkcs8.pem"), ("ec", "ec_pkcs8.pem")] {
        let plain = fixture(name);
        for cipher in ["des3", "aes128", "aes192", "aes256"] {
            let key = lab.openssl(&format!(
                "pkey -in {} -traditional -{cipher} -passout {{}}",
                plain.display()
            ));
            let text = fs::read_to_string(&key).unwrap();
            assert!(text.contains("Proc-Type: 4,ENCRYPTED"), "{text}");
            lab.opens(&plain, &key, &format!("{kind} {cipher}"));
            // As editors of another system leave it.
            fs::write(&key, text.replace('\n', "\r\n")).unwrap();
            lab.opens(&plain, &key, &format!("{kind} {cipher}, CRLF"));
        }
    }
}

#[test]
fn a_wrong_pass_phrase_is_8() {
    let lab = Lab::start();
    let certificate = lab.fortress.certificate("mine", &key_pair("ec_pkcs8.pem"));
    for key in ["encrypted_pkcs8.pem", "encrypted_pkcs1.pem"] {
        for wrong in ["wrong", ""] {
            let tool = lab.fortress.visitor(&certificate, &fixture(key));
            let mut terminal = tool.run_on_pty();
            answer(&mut terminal, wrong);
            terminal.expect("cause: the pass phrase is wrong");
            assert_eq!(terminal.wait(), 8, "{}", terminal.screen());
            assert!(terminal.echo_is_on());
        }
    }
}

#[test]
fn the_pass_phrase_is_not_taken_from_stdin() {
    let lab = Lab::start();
    let plain = fixture("ec_pkcs8.pem");
    let key = lab.openssl(&format!(
        "pkey -in {} -aes256 -passout {{}}",
        plain.display()
    ));
    let certificate = lab.fortress.certificate("piped", &key_pair("ec_pkcs8.pem"));
    let visitor = lab.fortress.visitor(&certificate, &key);
    let mut terminal = Tool::new("sh")
        .args(["-c", "printf 'the\\nlines\\n' | \"$0\" \"$@\" 2>/dev/null"])
        .arg(visitor.path())
        .args(lab.fortress.address())
        .args(["-t", "lines", "-l", "--cert"])
        .arg(&certificate)
        .arg("--key")
        .arg(&key)
        .run_on_pty();
    answer(&mut terminal, PASS_PHRASE);
    assert_eq!(terminal.wait(), 0, "{}", terminal.screen());
    lab.fortress.broker.wait_for_log("'lines', ... (5 bytes)");
}

#[test]
fn control_c_ends_it_and_leaves_the_terminal_as_it_was() {
    let lab = Lab::start();
    let certificate = lab.fortress.certificate("mine", &key_pair("ec_pkcs8.pem"));
    let key = fixture("encrypted_pkcs8.pem");
    let mut terminal = lab.fortress.visitor(&certificate, &key).run_on_pty();
    terminal.expect(PROMPT);
    terminal.send_control_c();
    assert_eq!(terminal.wait(), 130, "{}", terminal.screen());
    assert!(terminal.echo_is_on(), "echo is back");
    // The end of the input is no pass phrase.
    let mut terminal = lab.fortress.visitor(&certificate, &key).run_on_pty();
    terminal.expect(PROMPT);
    terminal.send_control_d();
    assert_eq!(terminal.wait(), 8, "{}", terminal.screen());
    assert!(terminal.echo_is_on(), "echo is back");
}

#[test]
fn without_a_terminal_it_is_8_and_says_how_to_give_it() {
    let lab = Lab::start();
    let certificate = lab.fortress.certificate("mine", &key_pair("ec_pkcs8.pem"));
    for key in ["encrypted_pkcs8.pem", "encrypted_pkcs1.pem"] {
        let visitor = lab.fortress.visitor(&certificate, &fixture(key));
        // Tests may be run from a terminal.
        let output = Tool::new("setsid")
            .arg("--wait")
            .arg(visitor.path())
            .args(lab.fortress.address())
            .args(["-t", "a", "-m", "x", "--cert"])
            .arg(&certificate)
            .arg("--key")
            .arg(fixture(key))
            .run();
        let report = complaint(output, 8);
        assert!(report.cause.contains("encrypted"), "{report:?}");
        assert!(report.cause.contains("terminal"), "{report:?}");
        assert!(report.hint.contains("--key-passphrase-file"), "{report:?}");
    }
}

#[test]
fn a_key_that_cannot_be_decrypted_is_8_before_any_question() {
    let lab = Lab::start();
    let plain = fixture("rsa_pkcs8.pem");
    let certificate = lab.fortress.certificate("mine", &key_pair("rsa_pkcs8.pem"));
    for how in [
        "pkcs8 -topk8 -v1 PBE-SHA1-3DES",
        "pkey -traditional -camellia128",
        "pkey -camellia256",
    ] {
        let key = lab.openssl(&format!("{how} -in {} -passout {{}}", plain.display()));
        let report = complaint(lab.fortress.with(&certificate, &key), 8);
        assert!(report.cause.contains("encrypted"), "{how}: {report:?}");
        assert!(report.hint.contains("openssl pkcs8 -topk8"), "{report:?}");
    }
    let text = fs::read_to_string(fixture("encrypted_pkcs1.pem")).unwrap();
    for (from, to) in [
        ("DEK-Info: AES-256-CBC,", "DEK-Info: AES-256-CBC,0"),
        ("DEK-Info: AES-256-CBC,", "DEK-Info: DES-EDE3-CBC,"),
        ("DEK-Info: ", "Other: "),
    ] {
        let key = lab.fortress.write("damaged.key", &text.replace(from, to));
        let report = complaint(lab.fortress.with(&certificate, &key), 8);
        assert!(report.cause.contains("DEK-Info"), "{to}: {report:?}");
    }
}
