//! A failed TLS handshake in words for a person.

use std::io;

use rustls::{AlertDescription, CertificateError, Error};

use super::Trust;
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
                AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure => {
                    report.hint("the broker may ask for a client certificate (require_certificate)")
                }
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
        CertificateError::Other(why) if why.to_string() == "UnsupportedCertVersion" => {
            "it is of X.509 version 1, which has no place for the server's names".to_owned()
        }
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
            Trust::CaFile(path) => format!(
                "{} holds neither its authority nor the certificate itself; give that file with --cafile (made by mkcert: \"$(mkcert -CAROOT)/rootCA.pem\")",
                path.display()
            ),
            Trust::System => "name the broker's certificate authority with --cafile".to_owned(),
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
        _ => report,
    }
}
