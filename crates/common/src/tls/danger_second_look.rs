//! The second look at a server certificate that webpki refused for being old-fashioned. It is the
//! most dangerous code of the project: whatever it accepts by mistake may pose as the broker.
//!
//! Invariants:
//! - webpki decides first. The second look is taken only after one of three refusals
//!   (`CaUsedAsEndEntity`, `UnsupportedCertVersion`, `NotValidForName`), and only of a certificate
//!   that is old in one of three ways: X.509 version 1, marked as an authority, or without any
//!   name in a subjectAltName. Every other refusal of webpki is final.
//! - webpki tells only the first fault that it meets, so nothing counts as checked: dates, key
//!   usage, extended key usage, critical extensions, every signature up to a trusted authority
//!   and the name are looked at again, with no code shared but the signature algorithms.
//! - Only the server's own certificate may be old. An intermediate is of version 3, has CA:TRUE,
//!   may sign certificates and keeps its path length; of version 1 there may only be a trusted
//!   root that names itself as its issuer.
//! - The Common Name counts only when there is no subjectAltName with a name in it. The two
//!   never mix.
//! - Name Constraints are not evaluated: webpki holds them against names in the subjectAltName
//!   only. A path with that extension is refused.
//! - What cannot be read, occurs twice, or is critical and unknown is refused.
//! - It decides about a certificate, never about a key: that the server holds the key shows in
//!   the handshake's signature, which `verifier.rs` verifies in every case.

mod certificate;
mod path;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, OtherError};

pub(super) use certificate::{Certificate, public_key};

/// In which ways a certificate is old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Oldness {
    /// X.509 version 1: it has no extensions.
    version_1: bool,
    /// CA:TRUE, which the default of `openssl req -x509` is.
    authority: bool,
    /// No name in a subjectAltName: only the Common Name is left.
    nameless: bool,
    /// It names itself as its issuer.
    self_issued: bool,
}

/// Looks again at what webpki refused with `refusal`: in which ways the certificate is old when
/// that is all there is against it, or else what is.
///
/// `authorities` are the certificates of the trusted authorities, `intermediates` what the server
/// sent beside its own.
pub(super) fn danger_look_again(
    refusal: Error,
    server: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    authorities: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    now: UnixTime,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<Oldness, Error> {
    if !is_about_age(&refusal) {
        return Err(refusal);
    }
    let certificate = Certificate::read(server)?;
    // The refusal may have been about an intermediate, or about a name that is not there.
    let Some(oldness) = Oldness::of(&certificate) else {
        return Err(refusal);
    };
    if matches!(refusal, Error::InvalidCertificate(ref why) if is_about_name(why))
        && !oldness.nameless
    {
        return Err(refusal);
    }
    certificate.check_for_server(now)?;
    path::find(&certificate, intermediates, authorities, now, algorithms)?;
    check_name(server, &certificate, name)?;
    Ok(oldness)
}

/// Checks a certificate that the user trusts by itself, because it lies in `--cafile`: all but
/// who signed it. The result is none when it is as it should be.
pub(super) fn check_trusted(
    server: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<Option<Oldness>, Error> {
    let certificate = Certificate::read(server)?;
    certificate.check_for_server(now)?;
    check_name(server, &certificate, name)?;
    Ok(Oldness::of(&certificate))
}

fn check_name(
    der: &CertificateDer<'_>,
    certificate: &Certificate<'_>,
    name: &ServerName<'_>,
) -> Result<(), Error> {
    if certificate.has_alternative_names() {
        return verify_server_name(&ParsedCertificate::try_from(der)?, name);
    }
    if certificate.is_called(name) {
        return Ok(());
    }
    Err(CertificateError::NotValidForName.into())
}

fn is_about_age(refusal: &Error) -> bool {
    let Error::InvalidCertificate(why) = refusal else {
        return false;
    };
    if let CertificateError::Other(OtherError(inner)) = why {
        return matches!(
            inner.downcast_ref::<webpki::Error>(),
            Some(webpki::Error::CaUsedAsEndEntity | webpki::Error::UnsupportedCertVersion)
        );
    }
    is_about_name(why)
}

fn is_about_name(why: &CertificateError) -> bool {
    matches!(
        why,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
    )
}

impl Oldness {
    /// None when a certificate is not old.
    fn of(certificate: &Certificate<'_>) -> Option<Self> {
        let oldness = Self {
            version_1: certificate.is_version_1(),
            authority: certificate.is_authority(),
            nameless: !certificate.has_alternative_names(),
            self_issued: certificate.is_self_issued(),
        };
        (oldness.version_1 || oldness.authority || oldness.nameless).then_some(oldness)
    }

    /// How to make a better one, for the name that was asked for.
    pub(super) fn remedy(self, name: &ServerName<'_>) -> String {
        let kind = match name {
            ServerName::IpAddress(_) => "IP",
            _ => "DNS",
        };
        let host = name.to_str();
        if self.self_issued {
            return format!(
                "openssl req -x509 -newkey rsa:2048 -nodes -days 825 -subj /CN={host} -addext basicConstraints=critical,CA:FALSE -addext subjectAltName={kind}:{host} -keyout server.key -out server.crt"
            );
        }
        format!(
            "echo subjectAltName={kind}:{host} | openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 825 -sha256 -extfile /dev/stdin -out server.crt"
        )
    }
}

impl fmt::Display for Oldness {
    /// What follows "the certificate".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.version_1 {
            parts.push("is of X.509 version 1");
        } else if self.authority {
            parts.push("is marked as a certificate authority (CA:TRUE)");
        }
        if self.nameless {
            parts.push("has its name only in the Common Name, not in a subjectAltName");
        }
        f.write_str(&parts.join(" and "))
    }
}

/// A refusal that rustls has no word for.
pub(super) fn refused(why: impl Into<String>) -> CertificateError {
    Refusal {
        why: why.into(),
        hint: None,
    }
    .into()
}

/// A refusal in words for a person.
#[derive(Debug)]
pub(super) struct Refusal {
    /// What is wrong with the certificate, of which it speaks as "it".
    pub(super) why: String,
    /// What to do about it, where there is something.
    pub(super) hint: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for CertificateError {
    fn from(refusal: Refusal) -> Self {
        Self::Other(OtherError(Arc::new(refusal)))
    }
}
