//! A failed TLS handshake in words for a person.

use std::io;

use rustls::{AlertDescription, CertificateError, Error};

use super::Trust;
use super::danger_second_look::Refusal;
use crate::exit::Exit;
use crate::report::Report;

/// Why the handshake with `peer` (host and port, for the message) failed.
#[must_use]
pub fn handshake_failed(peer: &str, trust: &Trust, error: &io::Error) -> Report {
    let failed = || {
        Report::new(
            Exit::TLS_HANDSHAKE,
            format!("the TLS handshake with {peer} failed"),
        )
    };
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
    {
        Some(Error::InvalidCertificate(why)) => certificate_refused(peer, trust, why),
        Some(Error::InvalidMessage(_)) => failed()
            .cause("what the broker sent is not TLS")
            .hint("the port may speak plain MQTT: leave out --cafile, or try -p 8883"),
        Some(Error::AlertReceived(alert)) => {
            let report = failed().cause(format!("the broker refused with the TLS alert {alert:?}"));
            match alert {
                AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure => report
                    .hint("the broker may ask for a client certificate (require_certificate): give one with --cert and --key"),
                AlertDescription::UnknownCA
                | AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateUnknown
                | AlertDescription::DecryptError => report.hint(
                    "it is about the client's certificate (--cert): the broker's cafile must hold its authority, and its dates must hold",
                ),
                AlertDescription::ProtocolVersion => {
                    report.hint("the broker must allow TLS 1.2 or TLS 1.3")
                }
                _ => report,
            }
        }
        Some(other) => failed().cause(other),
        None if is_end_of_stream(error) => failed()
            .cause("the broker closed the connection in the middle of it")
            .hint("the port may speak plain MQTT: leave out --cafile, or try -p 8883"),
        None => failed().cause(error),
    }
}

/// In TLS 1.3 the broker looks at the client's certificate when the client's handshake is already
/// done (RFC 8446, section 4.4.2.4): what it thinks of it comes instead of a CONNACK. None when
/// `error` is something else.
#[must_use]
pub fn alert_instead_of_connack(peer: &str, trust: &Trust, error: &io::Error) -> Option<Report> {
    let inner = error.get_ref()?.downcast_ref::<Error>()?;
    matches!(inner, Error::AlertReceived(_)).then(|| handshake_failed(peer, trust, error))
}

fn is_end_of_stream(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}

fn certificate_refused(peer: &str, trust: &Trust, why: &CertificateError) -> Report {
    let cause = match why {
        CertificateError::UnknownIssuer => {
            "its issuer is not among the trusted certificates".to_owned()
        }
        CertificateError::InvalidPurpose => "it is not made for servers".to_owned(),
        CertificateError::BadSignature => "its signature is wrong".to_owned(),
        CertificateError::BadEncoding => "it cannot be read".to_owned(),
        CertificateError::NotValidForName => "it is made for another name".to_owned(),
        CertificateError::Other(why) => why.to_string(),
        why => why.to_string(),
    };
    let report = Report::new(
        Exit::TLS,
        format!("the certificate of {peer} is not trusted"),
    )
    .cause(cause);
    match why {
        // A new authority often bears the name of the one before: then it is the signature
        // that does not fit.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => report.hint(match trust {
            Trust::Named { file, folder, system } => {
                let mut paths: Vec<_> = file.iter().chain(folder).map(|path| path.display().to_string()).collect();
                paths.extend(system.then(|| "the system's certificates".to_owned()));
                let (paths, hold) = (paths.join(" and "), if paths.len() == 1 && !system { "holds" } else { "hold" });
                format!(
                    "{paths} {hold} neither its authority nor the certificate itself; give that file with --cafile (made by mkcert: \"$(mkcert -CAROOT)/rootCA.pem\")"
                )
            }
            // With a pre-shared key there is no certificate to refuse.
            Trust::System | Trust::Pins | Trust::SharedKey(_) => {
                "name the broker's certificate authority with --cafile".to_owned()
            }
        }),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            report.hint("give -h a name that is in the certificate, or have one made for this name")
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            report.hint("renew the broker's certificate, or check this machine's clock (date)")
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            report.hint("the certificate is not made for servers; have one made with the extended key usage serverAuth")
        }
        CertificateError::Other(why) => match why.0.downcast_ref::<Refusal>() {
            Some(Refusal { hint: Some(hint), .. }) => report.hint(hint),
            _ => report,
        },
        _ => report,
    }
}
