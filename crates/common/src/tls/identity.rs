//! The client's own certificate and private key, read from PEM files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::InconsistentKeys;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use zeroize::Zeroizing;

use super::danger_second_look::public_key;
use super::encrypted_key::EncryptedKey;
use crate::exit::Exit;
use crate::report::Report;
use crate::secret::Secret;
use crate::terminal;

/// OpenSSL's words, which scripts that answer prompts wait for.
const PROMPT: &str = "Enter PEM pass phrase:";

/// Where the client's certificate and its private key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityFiles {
    /// PEM: the certificate, then those that lead to its authority.
    pub certificate: PathBuf,
    /// PEM: PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
    /// For an encrypted key; without it, it is asked on the terminal.
    pub pass_phrase: Option<Secret>,
}

/// Reads the two and makes sure that they belong together. What the certificate says is the
/// broker's to judge: it may be of version 1, or without any name.
pub(super) fn read(
    files: &IdentityFiles,
    provider: &CryptoProvider,
) -> Result<Arc<dyn ResolvesClientCert>, Report> {
    let chain = chain(&files.certificate)?;
    let key = key(files)?;
    let identity = certified(chain, key, provider).map_err(|why| unusable(files, &why))?;
    Ok(Arc::new(SingleCertAndKey::from(identity)))
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, rustls::Error> {
    let key = provider.key_provider.load_private_key(key)?;
    let identity = CertifiedKey::new(chain, key);
    let in_certificate = public_key(identity.end_entity_cert()?)?;
    match identity.key.public_key() {
        Some(of_key) if of_key == in_certificate => Ok(identity),
        Some(_) => Err(InconsistentKeys::KeyMismatch.into()),
        None => Err(InconsistentKeys::Unknown.into()),
    }
}

/// A pair that cannot be used: `why` says whether the two do not belong together.
fn unusable(files: &IdentityFiles, why: &rustls::Error) -> Report {
    let (certificate, key) = (files.certificate.display(), files.key.display());
    if let rustls::Error::InconsistentKeys(_) = why {
        return Report::new(
            Exit::TLS,
            format!("the --key {key} does not belong to the --cert {certificate}"),
        )
        .cause("the public key in the certificate is another one")
        .hint("give the key that the certificate was made with; the client's own certificate must be the first in its file");
    }
    Report::new(
        Exit::TLS,
        format!("cannot use the --cert {certificate} with the --key {key}"),
    )
    .cause(why)
    .hint("keys may be RSA (2048 bits or more), ECDSA (P-256, P-384) or Ed25519")
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Report> {
    let unusable = || {
        Report::new(
            Exit::TLS,
            format!("cannot use the --cert {}", path.display()),
        )
    };
    let text = std::fs::read(path).map_err(|why| {
        unusable()
            .cause(why)
            .hint("give the PEM file of the client's certificate")
    })?;
    let hint = "a PEM certificate begins with -----BEGIN CERTIFICATE-----";
    let chain = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|why| {
            unusable()
                .cause(format!("it is not a valid PEM file: {why}"))
                .hint(hint)
        })?;
    if chain.is_empty() {
        return Err(unusable().cause("it holds no PEM certificate").hint(hint));
    }
    Ok(chain)
}

fn key(files: &IdentityFiles) -> Result<PrivateKeyDer<'static>, Report> {
    let path = &files.key;
    let shown = path.display();
    let unusable = || Report::new(Exit::TLS, format!("cannot use the --key {shown}"));
    let text = std::fs::read(path).map(Zeroizing::new).map_err(|why| {
        unusable()
            .cause(why)
            .hint("give the PEM file of the certificate's private key")
    })?;
    if let Some(key) = EncryptedKey::find(&text) {
        return decrypted(key, files);
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|why| {
        let cause = match why {
            rustls::pki_types::pem::Error::NoItemsFound => {
                "it holds no PEM private key".to_owned()
            }
            why => format!("it is not a valid PEM file: {why}"),
        };
        unusable().cause(cause).hint(
            "a private key begins with -----BEGIN PRIVATE KEY-----, ENCRYPTED PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY",
        )
    })
}

fn decrypted(
    key: Result<EncryptedKey, String>,
    files: &IdentityFiles,
) -> Result<PrivateKeyDer<'static>, Report> {
    let shown = files.key.display();
    let unusable = || Report::new(Exit::TLS, format!("cannot use the --key {shown}"));
    let key = key.map_err(|why| {
        unusable()
            .cause(format!("it is encrypted, and {why}"))
            .hint(format!(
                "encrypt it in today's form: openssl pkcs8 -topk8 -in {shown} -out new.key, then --key new.key"
            ))
    })?;
    let given = files.pass_phrase.clone();
    let is_given = given.is_some();
    let pass_phrase = given
        .map_or_else(|| terminal::ask(PROMPT), Ok)
        .map_err(|why| {
            unusable()
                .cause(format!(
                    "it is encrypted, and its pass phrase cannot be asked on a terminal: {why}"
                ))
                .hint("give it with --key-passphrase-file FILE")
        })?;
    key.decrypt(&pass_phrase).ok_or_else(|| {
        unusable()
            .cause("the pass phrase is wrong")
            .hint(if is_given {
                "put the one that the key was encrypted with into the first line of the --key-passphrase-file"
            } else {
                "type the one that the key was encrypted with"
            })
    })
}
