//! Reading trusted certificates from a PEM file or the operating system's store.

use std::collections::HashSet;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Version};

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
    /// How many of them are authorities that have expired or are not valid yet.
    out_of_date: usize,
}

impl Trusted {
    /// Nothing is trusted.
    pub(super) fn none() -> Self {
        Self {
            authorities: RootCertStore::empty(),
            authority_certificates: Vec::new(),
            pinned: Vec::new(),
            out_of_date: 0,
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
                self.out_of_date += 1;
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
    let certificates = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|why| {
            unusable()
                .cause(format!("it is not a valid PEM file: {why}"))
                .hint("a PEM certificate begins with -----BEGIN CERTIFICATE-----")
        })?;
    if certificates.is_empty() {
        let cause = if text.is_empty() {
            "the file is empty"
        } else {
            "it holds no PEM certificate"
        };
        return Err(unusable()
            .cause(cause)
            .hint("a PEM certificate begins with -----BEGIN CERTIFICATE-----"));
    }

    let mut trusted = Trusted::none();
    for certificate in certificates {
        trusted
            .add(certificate)
            .map_err(|why| unusable().cause(format!("one of its certificates {why}")))?;
    }
    if trusted.out_of_date == trusted.pinned.len() {
        return Err(unusable()
            .cause("every certificate authority in it has expired, or is not valid yet")
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
        for certificate in CertificateDer::pem_slice_iter(&text).flatten() {
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
