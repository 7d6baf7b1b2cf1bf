//! What the fuzz targets reach of TLS: readers of certificates and keys.

use std::time::Duration;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error};

use super::danger_second_look::{check_trusted, danger_look_again};
use super::encrypted_key::EncryptedKey;
use super::{describe, files};

/// Shows a certificate as `--debug` does, and takes the second look at it as the server's own,
/// with another above it which the user trusts or which the server sent too.
///
/// # Errors
/// Why it is refused.
pub fn second_look(server: &[u8], above: &[u8], is_trusted: bool) -> Result<(), String> {
    let (server, above) = (CertificateDer::from(server), [CertificateDer::from(above)]);
    describe::chain(std::slice::from_ref(&server), |_| {});
    let name = ServerName::try_from("broker.example.test").map_err(|why| why.to_string())?;
    // 2026-01-01.
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_767_225_600));
    let (intermediates, authorities): (&[_], &[_]) = match is_trusted {
        true => (&[], &above),
        false => (&above, &[]),
    };
    let again = danger_look_again(
        Error::InvalidCertificate(CertificateError::NotValidForName),
        &server,
        intermediates,
        authorities,
        &name,
        now,
        &default_provider().signature_verification_algorithms,
    );
    let trusted = check_trusted(&server, &name, now);
    again
        .map(drop)
        .and(trusted.map(drop))
        .map_err(|why| why.to_string())
}

/// Looks for certificates in a file, and gives their number.
///
/// # Errors
/// Why there are none.
pub fn certificates(file: &[u8]) -> Result<usize, String> {
    files::certificates(file).map(|found| found.len())
}

/// Looks for a private key in a file, encrypted or not; says whether it is.
///
/// # Errors
/// Why there is none that could be used.
pub fn key(file: &[u8]) -> Result<bool, String> {
    let text = files::without_mark(file);
    match EncryptedKey::find(text).or_else(|| EncryptedKey::find_der(text)) {
        Some(encrypted) => encrypted.map(|_| true),
        None => files::key(file).map(|_| false),
    }
}
