//! A broker that shows a certificate, and the two clients that look at it.

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use harness::lab::{Draft, Party};
use harness::{Broker, BrokerBuilder, Output, ServerCert, Tool, mqpub};
use tempfile::TempDir;

/// The versions of TLS that a broker may be limited to.
pub(crate) const TLS_VERSIONS: [TlsVersion; 2] = [TlsVersion::Only12, TlsVersion::Only13];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsVersion {
    Only12,
    Only13,
}

impl TlsVersion {
    fn name(self) -> &'static str {
        match self {
            Self::Only12 => "TLSv1.2",
            Self::Only13 => "TLSv1.3",
        }
    }
}

/// A broker with this certificate that speaks one version of TLS, and whose OpenSSL takes
/// certificates however weak.
pub(crate) fn builder(certificate: &ServerCert, version: TlsVersion) -> BrokerBuilder {
    Broker::builder()
        .tls(certificate)
        .openssl(format!("MinProtocol = {}", version.name()))
        .openssl(format!("MaxProtocol = {}", version.name()))
        .openssl("CipherString = DEFAULT@SECLEVEL=0")
}

pub(crate) fn broker(certificate: &ServerCert, version: TlsVersion) -> Broker {
    builder(certificate, version).start()
}

/// `mqpub` with a message for this broker.
pub(crate) fn publish(broker: &Broker) -> Tool {
    mqpub().args(broker.args()).args(["-t", "a", "-m", "x"])
}

/// `mqpub` with a message for this broker and a `--cafile`.
pub(crate) fn with_cafile(broker: &Broker, cafile: &Path) -> Tool {
    publish(broker).arg("--cafile").arg(cafile)
}

/// Whether mosquitto_pub takes the broker's certificate.
pub(crate) fn original_takes(broker: &Broker, cafile: &Path) -> bool {
    Tool::new("mosquitto_pub")
        .args(broker.args())
        .args(["-t", "a", "-m", "x", "--cafile"])
        .arg(cafile)
        .run()
        .status
        == 0
}

/// The message arrived, with one line of warning that holds all of `words`, and with `--quiet`
/// without it.
#[track_caller]
pub(crate) fn accepted_with_warning(broker: &Broker, cafile: &Path, words: &[&str]) {
    let output = with_cafile(broker, cafile).run().assert_success();
    let text = output.stderr_str();
    assert_eq!(text.lines().count(), 1, "{output}");
    assert!(
        text.starts_with("warning: the broker's certificate "),
        "{output}"
    );
    for word in words {
        assert!(text.contains(word), "{word}: {output}");
    }
    let output = with_cafile(broker, cafile).arg("--quiet").run();
    assert!(output.assert_success().stderr.is_empty());
}

/// Code 8, before any MQTT was spoken, with a cause that holds `why`.
#[track_caller]
pub(crate) fn assert_refused(what: impl Debug, broker: &Broker, output: Output, why: &str) {
    assert_eq!(output.status, 8, "{what:?}: {output}");
    let text = output.stderr_str();
    assert!(
        text.starts_with("error: the certificate of "),
        "{what:?}: {output}"
    );
    let cause = text.lines().find_map(|line| line.strip_prefix("cause: "));
    let is_told = cause.is_some_and(|cause| cause.contains(why));
    assert!(is_told, "{what:?}, {why}: {output}");
    assert!(!broker.log().contains("New client"), "{}", broker.log());
}

/// A root in a file.
pub(crate) struct Root {
    pub(crate) party: Party,
    pub(crate) path: PathBuf,
    _folder: TempDir,
}

impl Root {
    pub(crate) fn new() -> Self {
        Self::of(
            Draft::new("the laboratory's root")
                .authority(None)
                .self_signed(),
        )
    }

    pub(crate) fn of(party: Party) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ca.crt");
        party.save(&path);
        Self {
            party,
            path,
            _folder: folder,
        }
    }
}

/// A client by its name.
pub(crate) fn tool(name: &'static str) -> Tool {
    match name {
        "mqpub" => mqpub(),
        name => Tool::new(name),
    }
}
