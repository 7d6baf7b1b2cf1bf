//! `--key-passphrase-file`: the pass phrase of an encrypted `--key` without a question.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use harness::{Tool, mqpub, unused_port};

use crate::client_certificate::{Fortress, fixture, key_pair};
use crate::support::complaint;

const PASS_PHRASE: &str = "s3cret pässphrase";

struct Lab {
    fortress: Fortress,
    certificate: PathBuf,
    key: PathBuf,
}

impl Lab {
    /// A broker, a certificate, and its encrypted key.
    fn start() -> Self {
        let fortress = Fortress::start(&[]);
        let certificate = fortress.certificate("visitor", &key_pair("ec_pkcs8.pem"));
        let output = Tool::new("openssl")
            .args(["pkey", "-aes256", "-in"])
            .arg(fixture("ec_pkcs8.pem"))
            .args(["-passout", &format!("pass:{PASS_PHRASE}")])
            .run()
            .assert_success();
        let key = fortress.write("encrypted.key", output.stdout_str());
        Self {
            fortress,
            certificate,
            key,
        }
    }

    fn mqpub(&self, file: &Path) -> Tool {
        self.fortress
            .visitor(&self.certificate, &self.key)
            .arg("--key-passphrase-file")
            .arg(file)
            .arg("-d")
    }

    fn file(&self, text: &str, mode: u32) -> PathBuf {
        let path = self.fortress.write("phrase", text);
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }
}

#[test]
fn its_first_line_opens_the_key() {
    let lab = Lab::start();
    for text in [
        format!("{PASS_PHRASE}\n"),
        PASS_PHRASE.to_owned(),
        format!("{PASS_PHRASE}\r\nmore\n"),
    ] {
        let output = lab.mqpub(&lab.file(&text, 0o600)).run().assert_success();
        let told = output.stderr_str();
        assert!(
            !told.contains("s3cret") && !told.contains("warning"),
            "{output}"
        );
    }
    let output = lab
        .mqpub("/dev/stdin".as_ref())
        .stdin(PASS_PHRASE)
        .run()
        .assert_success();
    assert!(!output.stderr_str().contains("warning"), "{output}");
}

#[test]
fn a_file_that_others_can_read_gets_a_warning() {
    let lab = Lab::start();
    let file = lab.file(PASS_PHRASE, 0o644);
    let told = lab.mqpub(&file).run().assert_success();
    let warning = format!(
        "warning: others can read {0} (mode 644); mend it with: chmod 600 {0}\n",
        file.display()
    );
    assert!(told.stderr_str().starts_with(&warning), "{told}");
    let silent = lab.mqpub(&file).arg("--quiet").run().assert_success();
    assert!(!silent.stderr_str().contains("warning"), "{silent}");
}

#[test]
fn a_wrong_one_is_8_and_is_not_shown() {
    let lab = Lab::start();
    let output = lab
        .fortress
        .visitor(&lab.certificate, &lab.key)
        .arg("--key-passphrase-file")
        .arg(lab.file("s3cret but wrong\n", 0o600))
        .run();
    assert!(!output.stderr_str().contains("s3cret"), "{output}");
    let told = complaint(output, 8);
    assert_eq!(told.cause, "the pass phrase is wrong");
    assert!(told.hint.contains("--key-passphrase-file"), "{told:?}");
}

#[test]
fn a_file_without_one_is_an_error() {
    let lab = Lab::start();
    let run = |path: &Path| {
        lab.fortress
            .visitor(&lab.certificate, &lab.key)
            .arg("--key-passphrase-file")
            .arg(path)
            .run()
    };
    let told = complaint(run(&lab.file("\n", 0o600)), 1);
    assert_eq!(told.cause, "its first line is empty");
    assert!(told.hint.contains("pass phrase"), "{told:?}");
    complaint(run("missing".as_ref()), 14);
    let alone = mqpub()
        .args(unused_port().args())
        .args(["-t", "a", "-m", "x", "--key-passphrase-file", "phrase"])
        .run();
    assert!(complaint(alone, 1).error.contains("--key"));
}
