//! One certificate, read strictly, and what it may be used for.

use std::net::IpAddr;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error};
use x509_parser::asn1_rs::{Any, BitString, Class, FromDer, Oid, Tag};
use x509_parser::certificate::{X509Certificate, X509CertificateParser};
use x509_parser::error::X509Error;
use x509_parser::extensions::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
};
use x509_parser::nom::Parser as _;
use x509_parser::oid_registry;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::X509Version;

use super::refused;

/// What rustls's providers and OpenSSL (security level 2) ask of an RSA key.
const SMALLEST_RSA_BITS: usize = 2048;

/// A certificate whose every part that matters was understood.
pub(in crate::tls) struct Certificate<'a> {
    parsed: X509Certificate<'a>,
    /// The content of the outer AlgorithmIdentifier; the inner one is the same.
    signature_algorithm: &'a [u8],
    basic_constraints: Option<BasicConstraints>,
    key_usage: Option<KeyUsage>,
    extended_key_usage: Option<ExtendedKeyUsage<'a>>,
    /// Its first eight bits, bit 0 the highest.
    netscape_type: Option<u8>,
    has_alternative_names: bool,
    has_name_constraints: bool,
}

/// The public key in a certificate, for handshake signatures and pins: as webpki reads it, or
/// where webpki takes no such certificates, as x509-parser does. One function for both uses, so
/// that they can never mean different keys.
pub(in crate::tls) fn public_key(
    der: &CertificateDer<'_>,
) -> Result<SubjectPublicKeyInfoDer<'static>, Error> {
    if let Ok(parsed) = ParsedCertificate::try_from(der) {
        return Ok(parsed.subject_public_key_info());
    }
    let (parsed, _) = read_structure(der)?;
    Ok(SubjectPublicKeyInfoDer::from(
        parsed.public_key().raw.to_vec(),
    ))
}

impl<'a> Certificate<'a> {
    /// Reads a certificate of version 1 or 3 that holds nothing critical but what is judged here.
    pub(in crate::tls) fn read(der: &'a CertificateDer<'_>) -> Result<Self, CertificateError> {
        let (parsed, signature_algorithm) = read_structure(der)?;
        let has_ids = parsed.issuer_uid.is_some() || parsed.subject_uid.is_some();
        match parsed.version() {
            X509Version::V3 if !has_ids => {}
            X509Version::V1 if !has_ids && parsed.extensions().is_empty() => {}
            X509Version::V1 | X509Version::V3 => return Err(CertificateError::BadEncoding),
            _ => return Err(refused("it is of neither X.509 version 1 nor version 3")),
        }
        let mut certificate = Self {
            parsed,
            signature_algorithm,
            basic_constraints: None,
            key_usage: None,
            extended_key_usage: None,
            netscape_type: None,
            has_alternative_names: false,
            has_name_constraints: false,
        };
        certificate.read_extensions()?;
        Ok(certificate)
    }

    fn read_extensions(&mut self) -> Result<(), CertificateError> {
        let mut seen: Vec<Oid<'a>> = Vec::new();
        for extension in self.parsed.extensions() {
            if seen.contains(&extension.oid) {
                return Err(CertificateError::BadEncoding);
            }
            seen.push(extension.oid.clone());
            let (oid, value) = (&extension.oid, extension.value);
            if *oid == oid_registry::OID_X509_EXT_BASIC_CONSTRAINTS {
                self.basic_constraints = Some(whole(value)?);
            } else if *oid == oid_registry::OID_X509_EXT_KEY_USAGE {
                self.key_usage = Some(whole(value)?);
            } else if *oid == oid_registry::OID_X509_EXT_EXTENDED_KEY_USAGE {
                self.extended_key_usage = Some(whole(value)?);
            } else if *oid == oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME {
                let names: SubjectAlternativeName<'_> = whole(value)?;
                self.has_alternative_names = !names.general_names.is_empty();
            } else if *oid == oid_registry::OID_X509_EXT_NAME_CONSTRAINTS {
                self.has_name_constraints = true;
            } else if *oid == oid_registry::OID_X509_EXT_CERT_TYPE {
                let (rest, bits) =
                    BitString::from_der(value).map_err(|_| CertificateError::BadEncoding)?;
                if !rest.is_empty() {
                    return Err(CertificateError::BadEncoding);
                }
                self.netscape_type = Some(bits.data.first().copied().unwrap_or(0));
            } else if extension.critical {
                return Err(refused(format!(
                    "it has the critical extension {oid}, which is not known"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn is_version_1(&self) -> bool {
        self.parsed.version() == X509Version::V1
    }

    pub(super) fn is_authority(&self) -> bool {
        self.basic_constraints.as_ref().is_some_and(|it| it.ca)
    }

    pub(super) fn is_self_issued(&self) -> bool {
        self.parsed.subject().as_raw() == self.parsed.issuer().as_raw()
    }

    /// Whether it has a subjectAltName with any name in it, of whatever kind.
    pub(super) fn has_alternative_names(&self) -> bool {
        self.has_alternative_names
    }

    pub(super) fn has_name_constraints(&self) -> bool {
        self.has_name_constraints
    }

    pub(super) fn is_issued_by(&self, issuer: &Certificate<'_>) -> bool {
        self.parsed.issuer().as_raw() == issuer.parsed.subject().as_raw()
    }

    /// Everything about a server's own certificate that does not depend on who signed it, except
    /// the name.
    pub(super) fn check_for_server(&self, now: UnixTime) -> Result<(), CertificateError> {
        self.check_dates(now)?;
        self.check_key_size()?;
        // What OpenSSL asks of a server (X509_PURPOSE_SSL_SERVER). A key for RSA encryption only
        // stems from the time before TLS 1.3; recipes still make them, and webpki does not look.
        let is_rsa = matches!(self.parsed.public_key().parsed(), Ok(PublicKey::RSA(_)));
        let may_sign = self
            .key_usage
            .as_ref()
            .is_none_or(|usage| usage.digital_signature() || (is_rsa && usage.key_encipherment()));
        if !(may_sign && self.is_for_servers() && self.netscape_allows(0x40)) {
            return Err(CertificateError::InvalidPurpose);
        }
        Ok(())
    }

    /// Whether it may stand above another certificate with `below` authorities in between, and
    /// lead to a server. `is_trusted`: it is one of the user's authorities.
    pub(super) fn check_for_issuer(
        &self,
        is_trusted: bool,
        below: u32,
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        self.check_dates(now)?;
        if self.is_version_1() {
            // Without extensions nothing says that it is an authority, but that the user has it
            // among them.
            return if is_trusted && self.is_self_issued() {
                Ok(())
            } else {
                Err(refused(
                    "an intermediate certificate is of X.509 version 1, which cannot say that it is an authority",
                ))
            };
        }
        if !self.is_authority() {
            return Err(refused(
                "an issuer in its chain is not a certificate authority (CA:TRUE is missing)",
            ));
        }
        if self
            .key_usage
            .as_ref()
            .is_some_and(|it| !it.key_cert_sign())
        {
            return Err(refused(
                "an issuer in its chain may not sign certificates (key usage)",
            ));
        }
        let longest = self
            .basic_constraints
            .as_ref()
            .and_then(|it| it.path_len_constraint);
        if longest.is_some_and(|longest| below > longest) {
            return Err(refused(
                "its chain is longer than one of its authorities allows (path length)",
            ));
        }
        if !(self.is_for_servers() && self.netscape_allows(0x04)) {
            return Err(refused(
                "an issuer in its chain may not sign certificates for servers (extended key usage)",
            ));
        }
        Ok(())
    }

    /// Whether its only Common Name is the name that is asked for. A wildcard is a whole first
    /// label, stands for one label, and needs two behind it (RFC 6125, section 6.4.3).
    pub(super) fn is_called(&self, name: &ServerName<'_>) -> bool {
        let mut names = self.parsed.subject().iter_common_name();
        let (Some(common_name), None) = (names.next(), names.next()) else {
            return false;
        };
        let Ok(common_name) = common_name.as_str() else {
            return false;
        };
        match name {
            ServerName::DnsName(asked) => fits(common_name, asked.as_ref()),
            // OpenSSL itself does not look for addresses there; mosquitto's clients do.
            ServerName::IpAddress(asked) => {
                common_name.parse::<IpAddr>() == Ok(IpAddr::from(*asked))
            }
            _ => false,
        }
    }

    /// The to-be-signed part, exactly as it was sent.
    pub(super) fn signed_bytes(&self) -> &[u8] {
        self.parsed.tbs_certificate.as_ref()
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.parsed.signature_value.data
    }

    pub(super) fn signature_algorithm(&self) -> &[u8] {
        self.signature_algorithm
    }

    /// The signature algorithm's object identifier, for people.
    pub(super) fn signature_oid(&self) -> &Oid<'a> {
        &self.parsed.signature_algorithm.algorithm
    }

    pub(super) fn key(&self) -> SubjectPublicKeyInfoDer<'_> {
        SubjectPublicKeyInfoDer::from(self.parsed.public_key().raw)
    }

    fn check_dates(&self, now: UnixTime) -> Result<(), CertificateError> {
        let at = |time: i64| {
            UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(time).unwrap_or(0)))
        };
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let not_before = self.parsed.validity().not_before.timestamp();
        let not_after = self.parsed.validity().not_after.timestamp();
        if seconds < not_before {
            return Err(CertificateError::NotValidYetContext {
                time: now,
                not_before: at(not_before),
            });
        }
        if seconds > not_after {
            return Err(CertificateError::ExpiredContext {
                time: now,
                not_after: at(not_after),
            });
        }
        Ok(())
    }

    pub(in crate::tls) fn check_key_size(&self) -> Result<(), CertificateError> {
        match self.parsed.public_key().parsed() {
            Ok(PublicKey::RSA(key)) if key.key_size() < SMALLEST_RSA_BITS => Err(refused(format!(
                "an RSA key in its chain has {} bits, and fewer than {SMALLEST_RSA_BITS} are not safe",
                key.key_size()
            ))),
            Ok(_) => Ok(()),
            Err(_) => Err(CertificateError::BadEncoding),
        }
    }

    /// Without an extended key usage it is for everything. anyExtendedKeyUsage alone is not
    /// enough for webpki nor for OpenSSL.
    fn is_for_servers(&self) -> bool {
        self.extended_key_usage
            .as_ref()
            .is_none_or(|usage| usage.server_auth)
    }

    /// OpenSSL still heeds this extension of Netscape's.
    fn netscape_allows(&self, bit: u8) -> bool {
        self.netscape_type.is_none_or(|bits| bits & bit != 0)
    }
}

/// Reads a certificate without its extensions' contents, and gives the content of its signature's
/// AlgorithmIdentifier too. Each byte has its place: nothing follows, nothing is left over.
fn read_structure<'a>(
    der: &'a CertificateDer<'_>,
) -> Result<(X509Certificate<'a>, &'a [u8]), CertificateError> {
    let bad = |_| CertificateError::BadEncoding;
    let (rest, parsed) = X509CertificateParser::new()
        .with_deep_parse_extensions(false)
        .parse(der.as_ref())
        .map_err(|_| CertificateError::BadEncoding)?;
    let (rest_again, outer) = Any::from_der(der.as_ref()).map_err(bad)?;
    let (content, signed) = Any::from_der(outer.data).map_err(bad)?;
    let (content, algorithm) = Any::from_der(content).map_err(bad)?;
    let (content, signature) = Any::from_der(content).map_err(bad)?;
    let signed_length = parsed.tbs_certificate.as_ref().len();
    let is_sound = rest.is_empty()
        && rest_again.is_empty()
        && content.is_empty()
        && [&outer, &signed, &algorithm]
            .iter()
            .all(|it| is_universal(it, Tag::Sequence) && it.header.is_constructed())
        && is_universal(&signature, Tag::BitString)
        && signature.header.is_primitive()
        && outer.data.get(..signed_length) == Some(parsed.tbs_certificate.as_ref())
        && parsed.tbs_certificate.as_ref().ends_with(signed.data)
        && parsed.signature_value.unused_bits == 0
        && parsed.signature_algorithm == parsed.tbs_certificate.signature;
    if !is_sound {
        return Err(CertificateError::BadEncoding);
    }
    Ok((parsed, algorithm.data))
}

fn is_universal(element: &Any<'_>, tag: Tag) -> bool {
    element.class() == Class::Universal && element.tag() == tag
}

/// The value of an extension, with nothing behind it.
fn whole<'a, T: FromDer<'a, X509Error>>(value: &'a [u8]) -> Result<T, CertificateError> {
    match T::from_der(value) {
        Ok(([], read)) => Ok(read),
        _ => Err(CertificateError::BadEncoding),
    }
}

/// Whether a certificate's name, which may begin with a wildcard, covers the DNS name asked for.
fn fits(presented: &str, asked: &str) -> bool {
    let asked = asked.strip_suffix('.').unwrap_or(asked);
    let (presented, asked) = match presented.strip_prefix("*.") {
        None => (presented, asked),
        Some(domain) => {
            let Some((_, parent)) = asked.split_once('.') else {
                return false;
            };
            if !domain.contains('.') {
                return false;
            }
            (domain, parent)
        }
    };
    presented.eq_ignore_ascii_case(asked)
}
