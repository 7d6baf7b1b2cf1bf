//! A failed TLS handshake in words for a person. docs/tls-failures.md lists what is told apart, with
//! the exit codes.

mod alert;
mod certificate;
mod names;
mod stranger;

use std::io;

use rustls::{Error, PeerIncompatible, PeerMisbehaved};

use super::certified::Connector;
use super::seen::Sight;
use super::{LowestVersion, Trust};
use crate::exit::Exit;
use crate::report::Report;

pub use stranger::told_from_mqtt;

/// A connection that failed, and what is known about it.
struct Scene<'a> {
    /// For messages.
    peer: &'a str,
    connector: &'a Connector,
    sight: Sight,
}

/// Why the handshake with `peer` failed.
pub(super) fn handshake_failed(connector: &Connector, peer: &str, error: &io::Error) -> Report {
    let scene = Scene {
        peer,
        connector,
        sight: connector.seen.sight(),
    };
    let Some(error) = of_rustls(error) else {
        return if is_end_of_stream(error) {
            stranger::end_of_stream(&scene)
        } else {
            scene.failed().cause(error)
        };
    };
    explain(&scene, error).lasting()
}

/// Two sides that do not fit together, which time alone does not mend.
fn explain(scene: &Scene<'_>, error: &Error) -> Report {
    match error {
        Error::InvalidCertificate(why) => certificate::refused(scene, why),
        Error::InvalidMessage(_) | Error::InappropriateMessage { .. } => {
            stranger::not_tls(scene).unwrap_or_else(|| scene.failed().cause(error))
        }
        Error::AlertReceived(alert) => alert::explain(scene, *alert),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => no_common_version(scene, error),
        Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon) => {
            no_common_suite(scene, error)
        }
        Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol)
        | Error::NoApplicationProtocol => no_common_protocol(scene, error),
        other => scene.failed().cause(other),
    }
}

/// In TLS 1.3 the broker looks at the client's certificate when the client's handshake is already
/// done (RFC 8446, section 4.4.2.4): what it thinks of it comes instead of an answer. An alert may
/// be lost on the way, because a connection that is closed with unread bytes is reset: so the end
/// alone counts too, unless the broker has sent anything (a session ticket, for one) since the
/// handshake, which it does when it is content. None when the end has another reason.
pub(super) fn no_answer(
    connector: &Connector,
    peer: &str,
    error: Option<&io::Error>,
) -> Option<Report> {
    let scene = Scene {
        peer,
        connector,
        sight: connector.seen.sight(),
    };
    if let Some(Error::AlertReceived(alert)) = error.and_then(of_rustls) {
        return Some(alert::explain(&scene, *alert).lasting());
    }
    let is_end = error.is_none_or(is_end_of_stream);
    (is_end && scene.sight.is_silent_since_handshake && scene.sight.request.is_some())
        .then(|| alert::end_instead(&scene))
}

/// Whether rustls says that the broker sent an alert.
pub(super) fn is_alert(error: &io::Error) -> bool {
    matches!(of_rustls(error), Some(Error::AlertReceived(_)))
}

impl Scene<'_> {
    /// The handshake failed for a reason that is not the broker's certificate.
    fn failed(&self) -> Report {
        Report::new(
            Exit::TLS_HANDSHAKE,
            format!("the TLS handshake with {} failed", self.peer),
        )
    }

    /// Where trusted certificates were looked for.
    fn places(&self) -> String {
        let Trust::Named {
            file,
            folder,
            system,
        } = &self.connector.trust
        else {
            return "the system's certificates".to_owned();
        };
        let paths = file.iter().chain(folder);
        let mut places: Vec<_> = paths.map(|path| path.display().to_string()).collect();
        places.extend(system.then(|| "the system's certificates".to_owned()));
        places.join(" and ")
    }

    /// The option to leave out for plain MQTT.
    fn switch(&self) -> &'static str {
        match &self.connector.trust {
            Trust::Named { file: Some(_), .. } => "--cafile",
            Trust::Named { .. } => "--capath",
            Trust::Pins => "--pin-sha256",
            Trust::System if self.connector.identity.is_some() => "--cert",
            Trust::System => "--tls-use-os-certs or mqtts://",
            Trust::SharedKey(_) => "--psk",
        }
    }
}

fn no_common_version(scene: &Scene<'_>, detail: impl std::fmt::Display) -> Report {
    let (cause, hint) = match scene.connector.lowest {
        LowestVersion::Tls13 => (
            "the broker does not speak TLS 1.3, and --tls-version allows nothing older",
            "leave --tls-version tlsv1.3 out: TLS 1.2 is safe too",
        ),
        LowestVersion::Tls12 => (
            "the broker speaks neither TLS 1.2 nor TLS 1.3, and nothing older is safe",
            "allow TLS 1.2 or newer in the broker (mosquitto: tls_version), or renew its TLS library",
        ),
    };
    scene
        .failed()
        .cause(format!("{cause} ({detail})"))
        .hint(hint)
}

fn no_common_suite(scene: &Scene<'_>, detail: impl std::fmt::Display) -> Report {
    let hint = if scene.connector.has_own_suites {
        "leave --ciphers out, or name one that the broker allows too"
    } else {
        "the broker must allow a suite with ECDHE and AES-GCM or ChaCha20-Poly1305 (mosquitto: ciphers), and the curve X25519, P-256 or P-384"
    };
    scene
        .failed()
        .cause(format!(
            "the broker takes none of the cipher suites or curves that are offered ({detail})"
        ))
        .hint(hint)
}

fn no_common_protocol(scene: &Scene<'_>, detail: impl std::fmt::Display) -> Report {
    let report = scene.failed();
    match &scene.connector.alpn {
        Some(name) => report
            .cause(format!(
                "the broker does not speak the protocol {name:?} of --tls-alpn ({detail})"
            ))
            .hint("leave --tls-alpn out, or give the name that the broker expects (often mqtt)"),
        None => report
            .cause(format!(
                "the broker insists on a protocol name (ALPN), and none was offered ({detail})"
            ))
            .hint("offer the one that it expects, such as --tls-alpn mqtt"),
    }
}

fn of_rustls(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

fn is_end_of_stream(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}
