//! TLS alerts: the broker refuses, often because of the client's certificate.

use rustls::AlertDescription as Alert;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Name;

use super::{Scene, no_common_protocol, no_common_suite, no_common_version};
use crate::report::Report;
use crate::tls::describe::{date, distance, name};
use crate::tls::seen::Request;

/// The most authorities of a broker that are listed.
const MAX_AUTHORITIES: usize = 5;

pub(super) fn explain(scene: &Scene<'_>, alert: Alert) -> Report {
    let detail = format!("TLS alert {alert:?}");
    match alert {
        Alert::ProtocolVersion => no_common_version(scene, detail),
        Alert::NoApplicationProtocol => no_common_protocol(scene, detail),
        Alert::UnrecognisedName => scene
            .failed()
            .cause(format!(
                "the broker has no certificate for the name {:?} ({detail})",
                scene.connector.server_name.to_str()
            ))
            .hint("give -h the name that the broker is known by"),
        _ => match &scene.sight.request {
            Some(request) if is_about_certificates(alert) => {
                certificate_refused(scene, request, alert, &detail)
            }
            // Nothing but the offers was said by then.
            None if matches!(alert, Alert::HandshakeFailure | Alert::InsufficientSecurity) => {
                no_common_suite(scene, detail)
            }
            _ => scene
                .failed()
                .cause(format!("the broker refused ({detail})"))
                .hint("the broker's log may say why"),
        },
    }
}

/// The connection ended where an alert about the client's certificate was due.
pub(super) fn end_instead(scene: &Scene<'_>) -> Report {
    let end = "the broker closed the connection right after the handshake, in which it asked for a client certificate";
    let (cause, hint) = match (&scene.sight.request, &scene.connector.identity) {
        (
            Some(Request {
                is_answered: true, ..
            }),
            Some((path, _)),
        ) => (
            end.to_owned(),
            format!(
                "it may not take the --cert {}; some brokers refuse a wrong user name or password in this way: the broker's log says more",
                path.display()
            ),
        ),
        _ => (
            format!("{end}, and none was shown"),
            "give one with --cert and --key".to_owned(),
        ),
    };
    scene.failed().cause(cause).hint(hint)
}

/// OpenSSL, Go and others name the same trouble in different ways.
fn is_about_certificates(alert: Alert) -> bool {
    matches!(
        alert,
        Alert::HandshakeFailure
            | Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError
            | Alert::CertificateRequired
    )
}

fn certificate_refused(scene: &Scene<'_>, request: &Request, alert: Alert, detail: &str) -> Report {
    let report = match taken(request) {
        Some(authorities) => scene.failed().note(format!(
            "the broker takes certificates that {authorities} signed"
        )),
        None => scene.failed(),
    };
    let Some((path, pair)) = &scene.connector.identity else {
        return report
            .cause(format!(
                "the broker requires a client certificate, and none was given ({detail})"
            ))
            .hint("give the certificate and its key with --cert and --key");
    };
    let path = path.display();
    if !request.is_answered {
        return report
            .cause(format!(
                "the broker takes no signature that the key of --cert {path} makes ({detail})"
            ))
            .hint("use a key of another kind: RSA with 2048 bits, or ECDSA on P-256");
    }
    let own = pair.end_entity_cert().ok();
    let own = own.and_then(|der| X509Certificate::from_der(der).ok());
    let Some((_, own)) = own else {
        return report
            .cause(format!("the broker refused the --cert {path} ({detail})"))
            .hint("the broker's log says why");
    };
    let now = ASN1Time::now();
    let (from, until) = (own.validity().not_before, own.validity().not_after);
    if until < now {
        return report
            .cause(format!(
                "the broker refused the --cert {path}: it expired on {}, {} ({detail})",
                date(until),
                distance(until, now)
            ))
            .hint("have it renewed; or check the clock of this machine and that of the broker's");
    }
    if now < from {
        return report
            .cause(format!(
                "the broker refused the --cert {path}: it is not valid before {}, {} ({detail})",
                date(from),
                distance(from, now)
            ))
            .hint("check the clock of this machine and that of the broker's");
    }
    let issuer = name(own.issuer());
    match alert {
        Alert::CertificateRevoked => report
            .cause(format!(
                "the broker refused the --cert {path}: its authority, {issuer}, has revoked it ({detail})"
            ))
            .hint("have a new one made"),
        Alert::CertificateExpired => report
            .cause(format!(
                "the broker refused the --cert {path} as expired, and it is valid until {} ({detail})",
                date(until)
            ))
            .hint("check the clock of this machine and that of the broker's, the dates of the authority, and the broker's revocation list (crlfile)"),
        Alert::UnknownCA => report
            .cause(format!(
                "the broker does not know the authority that signed the --cert {path}: {issuer} ({detail})"
            ))
            .hint("give a --cert that one of the broker's authorities (mosquitto: cafile) signed, with its intermediates in the same file"),
        _ => report
            .cause(format!(
                "the broker refused the --cert {path}, which {issuer} signed ({detail})"
            ))
            .hint("the broker's cafile must hold that authority, and the certificate must be made for clients; the broker's log says more"),
    }
}

/// Whose certificates the broker takes, if it says so.
fn taken(request: &Request) -> Option<String> {
    let names: Vec<_> = request
        .authorities
        .iter()
        .filter_map(|der| X509Name::from_der(der).ok())
        .take(MAX_AUTHORITIES)
        .map(|(_, authority)| name(&authority))
        .collect();
    let more = request.authorities.len().saturating_sub(names.len());
    match (names.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(names.join(" or ")),
        (false, more) => Some(format!("{} or one of {more} others", names.join(" or "))),
    }
}
