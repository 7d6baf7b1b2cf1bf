//! Deciding whether a server's certificate is trusted.
//!
//! Invariants:
//! - webpki decides about every certificate that is not itself, byte for byte, in `--cafile`;
//!   after its refusal `danger_second_look` may decide again, within its own invariants.
//! - One that is in `--cafile` still has to be within its dates, made for servers (key usage,
//!   extended key usage) and valid for the name asked for.
//! - With pins the key must be one of them, whatever else is checked. Pins alone replace every
//!   other check, as the user asked for exactly that key.
//! - Handshake signatures are always verified: a certificate without its key opens nothing. They
//!   are verified with the key that a pin was compared with.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme};
use webpki::RawPublicKeyEntity;

use super::danger_second_look::{
    Certificate, Oldness, Refusal, check_trusted, danger_look_again, public_key,
};
use super::pins::{self, Pin};
use super::roots::Trusted;

/// Something about the broker's certificate that the user should be told once, when the
/// handshake is done.
#[derive(Debug, Default)]
pub(super) struct Notice {
    text: OnceLock<String>,
    is_told: AtomicBool,
}

impl Notice {
    /// The text, the first time it is there.
    pub(super) fn take(&self) -> Option<&str> {
        let text = self.text.get()?;
        (!self.is_told.swap(true, Ordering::Relaxed)).then_some(text)
    }
}

/// What is asked of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Demand {
    /// A certificate that is trusted, and one of the pinned keys where there are any.
    Trust {
        /// Refuse one that is old, even where it is safe.
        strict: bool,
    },
    /// One of the pinned keys; without any pin nobody will do.
    Pin,
    /// Nothing: `--insecure`.
    DangerNothing,
}

#[derive(Debug)]
pub(super) struct Verifier {
    provider: Arc<CryptoProvider>,
    demand: Demand,
    pins: Vec<Pin>,
    /// None when `--cafile` holds no authority.
    webpki: Option<Arc<WebPkiServerVerifier>>,
    authorities: Vec<CertificateDer<'static>>,
    pinned: Vec<CertificateDer<'static>>,
    notice: Arc<Notice>,
}

impl Verifier {
    pub(super) fn new(
        provider: Arc<CryptoProvider>,
        trusted: Trusted,
        demand: Demand,
        pins: Vec<Pin>,
        notice: Arc<Notice>,
    ) -> Result<Self, Error> {
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
            demand,
            pins,
            webpki,
            authorities: trusted.authority_certificates,
            pinned: trusted.pinned,
            notice,
        })
    }

    /// Whether the certificate is trusted, and in which ways it is old.
    fn decide(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<Option<Oldness>, Error> {
        if self.pinned.iter().any(|pinned| pinned == end_entity) {
            return check_trusted(end_entity, name, now);
        }
        let Some(webpki) = &self.webpki else {
            return Err(CertificateError::UnknownIssuer.into());
        };
        let refusal =
            match webpki.verify_server_cert(end_entity, intermediates, name, ocsp_response, now) {
                Ok(_) => return Ok(None),
                Err(refusal) => refusal,
            };
        danger_look_again(
            refusal,
            end_entity,
            intermediates,
            &self.authorities,
            name,
            now,
            &self.provider.signature_verification_algorithms,
        )
        .map(Some)
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
        let strict = match self.demand {
            Demand::DangerNothing => return Ok(ServerCertVerified::assertion()),
            Demand::Pin => {
                pins::check(&self.pins, end_entity)?;
                return Ok(ServerCertVerified::assertion());
            }
            Demand::Trust { strict } => strict,
        };
        if !self.pins.is_empty() {
            pins::check(&self.pins, end_entity)?;
        }
        let oldness = self.decide(end_entity, intermediates, server_name, ocsp_response, now)?;
        if let Some(oldness) = oldness {
            let remedy = oldness.remedy(server_name);
            if strict {
                return Err(CertificateError::from(Refusal {
                    why: format!("it {oldness}, and --tls-strict takes no such certificate"),
                    hint: Some(format!(
                        "leave --tls-strict out, or make a new one: {remedy}"
                    )),
                })
                .into());
            }
            let _ = self.notice.text.set(format!(
                "the broker's certificate {oldness}; newer programs refuse it; make a new one: {remedy}"
            ));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        if ParsedCertificate::try_from(cert).is_ok() {
            return verify_tls12_signature(message, cert, dss, algorithms)
                .map_err(|why| name_weak_key(cert, why));
        }
        // rustls has a function for a bare key in TLS 1.3 only.
        let spki = public_key(cert)?;
        let key = RawPublicKeyEntity::try_from(&spki).map_err(|_| CertificateError::BadEncoding)?;
        let (_, candidates) = algorithms
            .mapping
            .iter()
            .find(|(scheme, _)| *scheme == dss.scheme)
            .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        // In TLS 1.2 the scheme does not tell the curve.
        let is_valid = candidates.iter().any(|candidate| {
            key.verify_signature(*candidate, message, dss.signature())
                .is_ok()
        });
        if is_valid {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(name_weak_key(cert, CertificateError::BadSignature.into()))
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        if ParsedCertificate::try_from(cert).is_ok() {
            return verify_tls13_signature(message, cert, dss, algorithms)
                .map_err(|why| name_weak_key(cert, why));
        }
        verify_tls13_signature_with_raw_key(message, &public_key(cert)?, dss, algorithms)
            .map_err(|why| name_weak_key(cert, why))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// A key that is too small verifies no signature; that is what should be said then.
fn name_weak_key(certificate: &CertificateDer<'_>, why: Error) -> Error {
    match Certificate::read(certificate).and_then(|read| read.check_key_size()) {
        Err(weak @ CertificateError::Other(_)) => weak.into(),
        _ => why,
    }
}
