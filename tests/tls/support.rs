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

/// What a tool says of a failure, line by line; empty where it says nothing.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) error: String,
    pub(crate) cause: String,
    pub(crate) note: String,
    pub(crate) hint: String,
}

impl Told {
    /// Takes the report out of what ended with this code.
    #[track_caller]
    pub(crate) fn by(output: &Output, code: i32) -> Self {
        assert_eq!(output.status, code, "{output}");
        let mut told = Self::default();
        for line in output.stderr_str().lines() {
            let (what, text) = line.split_once(": ").unwrap();
            let place = match what {
                "error" => &mut told.error,
                "cause" => &mut told.cause,
                "note" => &mut told.note,
                "hint" => &mut told.hint,
                "warning" | "debug" => continue,
                other => panic!("{other}: {output}"),
            };
            assert!(place.is_empty(), "{output}");
            text.clone_into(place);
        }
        assert!(!told.error.is_empty(), "{output}");
        told
    }

    #[track_caller]
    pub(crate) fn cause_holds(self, words: &[&str]) -> Self {
        self.holds(|it| &it.cause, words)
    }

    #[track_caller]
    pub(crate) fn hint_holds(self, words: &[&str]) -> Self {
        self.holds(|it| &it.hint, words)
    }

    #[track_caller]
    pub(crate) fn note_holds(self, words: &[&str]) -> Self {
        self.holds(|it| &it.note, words)
    }

    #[track_caller]
    fn holds(self, place: impl Fn(&Self) -> &String, words: &[&str]) -> Self {
        for word in words {
            assert!(place(&self).contains(word), "{word:?} is not in {self:?}");
        }
        self
    }
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
