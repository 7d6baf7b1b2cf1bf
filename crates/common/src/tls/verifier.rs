//! Deciding whether a server's certificate is trusted.
//!
//! Invariants:
//! - webpki decides about every certificate that is not itself, byte for byte, in `--cafile`.
//! - One that is in `--cafile` still has to be within its dates, made for servers (key usage,
//!   extended key usage) and valid for the name asked for.
//! - Handshake signatures are always verified: a certificate without its key opens nothing.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::roots::Trusted;

#[derive(Debug)]
pub(super) struct Verifier {
    provider: Arc<CryptoProvider>,
    /// None when `--cafile` holds no authority.
    webpki: Option<Arc<WebPkiServerVerifier>>,
    pinned: Vec<CertificateDer<'static>>,
}

impl Verifier {
    pub(super) fn new(provider: Arc<CryptoProvider>, trusted: Trusted) -> Result<Self, Error> {
        let webpki = if trusted.authorities.is_empty() {
            None
        } else {
            let builder = WebPkiServerVerifier::builder_with_provider(
                Arc::new(trusted.authorities),
                Arc::clone(&provider),
            );
            Some(
                builder
                    .build()
                    .map_err(|why| Error::General(why.to_string()))?,
            )
        };
        Ok(Self {
            provider,
            webpki,
            pinned: trusted.pinned,
        })
    }
}

/// Trusts every certificate: `--insecure`. Handshake signatures are verified all the same, by
/// the [`Verifier`] inside.
#[derive(Debug)]
pub(super) struct DangerTrustsAnyone(pub(super) Verifier);

impl ServerCertVerifier for DangerTrustsAnyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.pinned.iter().any(|pinned| pinned == end_entity) {
            check_pinned(end_entity, server_name, now)?;
            return Ok(ServerCertVerified::assertion());
        }
        match &self.webpki {
            Some(webpki) => webpki.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            None => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// What remains to be checked of a certificate that the user put into `--cafile`.
fn check_pinned(
    certificate: &CertificateDer<'_>,
    server_name: &ServerName<'_>,
    now: UnixTime,
) -> Result<(), Error> {
    let (_, parsed) =
        X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    check_dates(&parsed, now)?;
    check_usage(&parsed)?;
    verify_server_name(&ParsedCertificate::try_from(certificate)?, server_name)
}

fn check_dates(certificate: &X509Certificate<'_>, now: UnixTime) -> Result<(), CertificateError> {
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let at = |time: i64| {
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            u64::try_from(time).unwrap_or(0),
        ))
    };
    let not_before = certificate.validity().not_before.timestamp();
    let not_after = certificate.validity().not_after.timestamp();
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

/// RFC 5280, sections 4.2.1.3 and 4.2.1.12: where the extensions are present they must allow
/// what a TLS server does with its key, which is to sign the handshake.
fn check_usage(certificate: &X509Certificate<'_>) -> Result<(), CertificateError> {
    let key_usage = certificate
        .key_usage()
        .map_err(|_| CertificateError::BadEncoding)?;
    if key_usage.is_some_and(|usage| !usage.value.digital_signature()) {
        return Err(CertificateError::InvalidPurpose);
    }
    let extended = certificate
        .extended_key_usage()
        .map_err(|_| CertificateError::BadEncoding)?;
    if extended.is_some_and(|usage| !usage.value.server_auth && !usage.value.any) {
        return Err(CertificateError::InvalidPurpose);
    }
    Ok(())
}
