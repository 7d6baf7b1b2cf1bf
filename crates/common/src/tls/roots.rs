//! Reading trusted certificates from files or the operating system's store.

use std::collections::HashSet;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Version};
use x509_parser::time::ASN1Time;

use super::describe::{date, distance, name};
use super::files::{self, Content};
use crate::exit::Exit;
use crate::report::Report;

/// Certificates that are trusted, sorted by what for.
#[derive(Debug)]
pub(super) struct Trusted {
    /// Authorities: trusted to have signed other certificates.
    pub(super) authorities: RootCertStore,
    /// The same, with all that webpki's anchors leave out.
    pub(super) authority_certificates: Vec<CertificateDer<'static>>,
    /// Trusted as a server's own certificate, byte for byte.
    pub(super) pinned: Vec<CertificateDer<'static>>,
    /// Authorities that have expired or are not valid yet: trusted for nothing.
    pub(super) out_of_date: Vec<CertificateDer<'static>>,
}

impl Trusted {
    /// Nothing is trusted.
    pub(super) fn none() -> Self {
        Self {
            authorities: RootCertStore::empty(),
            authority_certificates: Vec::new(),
            pinned: Vec::new(),
            out_of_date: Vec::new(),
        }
    }

    /// Sorts one certificate in; the error is the middle of a sentence about it.
    fn add(&mut self, certificate: CertificateDer<'static>) -> Result<(), String> {
        let (_, parsed) =
            X509Certificate::from_der(&certificate).map_err(|_| "cannot be read".to_owned())?;
        if may_sign(&parsed) {
            // webpki does not ask a trust anchor for its dates.
            if parsed.validity().is_valid() {
                self.authorities
                    .add(certificate.clone())
                    .map_err(|why| format!("is unusable: {why}"))?;
                self.authority_certificates.push(certificate.clone());
            } else {
                self.out_of_date.push(certificate.clone());
            }
        }
        self.pinned.push(certificate);
        Ok(())
    }

    /// Trusts what `other` trusts as well.
    pub(super) fn extend(&mut self, other: Self) {
        self.authorities.extend(other.authorities.roots);
        self.authority_certificates
            .extend(other.authority_certificates);
        self.pinned.extend(other.pinned);
        self.out_of_date.extend(other.out_of_date);
    }
}

/// Reads every certificate of a PEM file.
pub(super) fn from_file(path: &Path) -> Result<Trusted, Report> {
    let unusable = || {
        Report::new(
            Exit::TLS,
            format!("cannot use the --cafile {}", path.display()),
        )
    };
    let text = std::fs::read(path).map_err(|why| {
        unusable().cause(why).hint(
            "give the PEM file of the certificate authority that signed the broker's certificate",
        )
    })?;
    let certificates = files::certificates(&text).map_err(|why| {
        let content = Content::of(&text);
        let shown = path.display().to_string();
        unusable().cause(why).hint(match content {
            Some(Content::PrivateKey | Content::PublicKey | Content::Request) => {
                "give the certificate of the authority that signed the broker's (often ca.crt), or the broker's own".to_owned()
            }
            _ => content.and_then(|it| it.remedy(&shown, false)).map_or_else(
                || "a PEM certificate begins with -----BEGIN CERTIFICATE-----".to_owned(),
                |command| format!("{command}, then --cafile new.pem"),
            ),
        })
    })?;

    let mut trusted = Trusted::none();
    for certificate in certificates {
        trusted
            .add(certificate)
            .map_err(|why| unusable().cause(format!("one of its certificates {why}")))?;
    }
    if trusted.out_of_date.len() == trusted.pinned.len() {
        return Err(unusable()
            .cause(format!(
                "every certificate authority in it has expired, or is not valid yet{}",
                dates(&trusted.out_of_date)
            ))
            .hint("get its new certificate, or check this machine's clock (date)"));
    }
    Ok(trusted)
}

/// Reads every certificate of every file in a folder. Whatever else lies there is passed over:
/// such folders also hold keys, revocation lists and certificates that are long out of use.
pub(super) fn from_folder(path: &Path) -> Result<Trusted, Report> {
    let unusable = || {
        Report::new(
            Exit::TLS,
            format!("cannot use the --capath {}", path.display()),
        )
    };
    let entries = std::fs::read_dir(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|why| {
            unusable()
                .cause(why)
                .hint("give a folder with PEM files of certificate authorities")
        })?;
    let mut trusted = Trusted::none();
    // Folders with hashed names hold each certificate twice.
    let mut seen = HashSet::new();
    for file in entries.iter().map(std::fs::DirEntry::path) {
        // Follows links, and does not wait for a pipe.
        if !file.is_file() {
            continue;
        }
        let Ok(text) = std::fs::read(&file) else {
            continue;
        };
        let in_pem = CertificateDer::pem_slice_iter(&text).flatten();
        let mut certificates: Vec<_> = in_pem.collect();
        if certificates.is_empty() {
            // In DER, perhaps.
            certificates = files::certificates(&text).unwrap_or_default();
        }
        for certificate in certificates {
            if !seen.insert(certificate.clone()) {
                continue;
            }
            let _ = trusted.add(certificate);
        }
    }
    if trusted.pinned.is_empty() {
        return Err(unusable()
            .cause("none of its files is a readable PEM certificate")
            .hint("a PEM certificate begins with -----BEGIN CERTIFICATE-----"));
    }
    Ok(trusted)
}

/// Reads the operating system's store.
pub(super) fn from_system() -> Result<Trusted, Report> {
    let found = rustls_native_certs::load_native_certs();
    let mut authorities = RootCertStore::empty();
    authorities.add_parsable_certificates(
        found
            .certs
            .iter()
            .map(|certificate| CertificateDer::from(certificate.as_ref())),
    );
    if authorities.is_empty() {
        let mut report = Report::new(Exit::TLS, "the system has no trusted certificates");
        if let Some(why) = found.errors.first() {
            report = report.cause(why);
        }
        return Err(report.hint(
            "name the broker's certificate authority with --cafile, or install the package ca-certificates",
        ));
    }
    Ok(Trusted {
        authorities,
        authority_certificates: found.certs,
        ..Trusted::none()
    })
}

/// The first of them with its dates, as the end of a sentence.
fn dates(certificates: &[CertificateDer<'_>]) -> String {
    let first = certificates.first();
    let Some((_, first)) = first.and_then(|der| X509Certificate::from_der(der).ok()) else {
        return String::new();
    };
    let (now, validity) = (ASN1Time::now(), first.validity());
    let (word, time) = if validity.not_after < now {
        ("expired on", validity.not_after)
    } else {
        ("is not valid before", validity.not_before)
    };
    format!(
        ": {} {word} {}, {}",
        name(first.subject()),
        date(time),
        distance(time, now)
    )
}

/// Whether a certificate may stand above others. webpki does not ask this of a trust anchor,
/// so a server's own certificate must not become one: its key could sign for any name.
/// Version 1 has no extensions to say so; there only a root, which names itself as its issuer,
/// is an authority, as for OpenSSL.
fn may_sign(certificate: &X509Certificate<'_>) -> bool {
    if certificate.version() == X509Version::V1 {
        return certificate.subject() == certificate.issuer();
    }
    let allowed = match certificate.key_usage() {
        Ok(usage) => usage.is_none_or(|usage| usage.value.key_cert_sign()),
        Err(_) => false,
    };
    certificate.is_ca() && allowed
}
