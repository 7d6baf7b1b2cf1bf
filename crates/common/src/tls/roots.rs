//! Reading trusted certificates from a PEM file or the operating system's store.

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
    /// Trusted as a server's own certificate, byte for byte.
    pub(super) pinned: Vec<CertificateDer<'static>>,
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

    let mut authorities = RootCertStore::empty();
    let mut out_of_date = 0;
    for certificate in &certificates {
        let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
            return Err(unusable().cause("one of its certificates cannot be read"));
        };
        if !may_sign(&parsed) {
            continue;
        }
        // webpki does not ask a trust anchor for its dates.
        if !parsed.validity().is_valid() {
            out_of_date += 1;
        } else {
            authorities.add(certificate.clone()).map_err(|why| {
                unusable().cause(format!("one of its certificates is unusable: {why}"))
            })?;
        }
    }
    if out_of_date == certificates.len() {
        return Err(unusable()
            .cause("every certificate authority in it has expired, or is not valid yet")
            .hint("get its new certificate, or check this machine's clock (date)"));
    }
    Ok(Trusted {
        authorities,
        pinned: certificates,
    })
}

/// Reads the operating system's store.
pub(super) fn from_system() -> Result<Trusted, Report> {
    let found = rustls_native_certs::load_native_certs();
    let mut authorities = RootCertStore::empty();
    authorities.add_parsable_certificates(found.certs);
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
        pinned: Vec::new(),
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
