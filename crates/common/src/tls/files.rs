//! What is in a file that shall hold certificates or a private key: PEM, with either kind of line
//! end and whatever text around, or DER; and what it holds instead.

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// What editors of Windows put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Every certificate of a file.
///
/// # Errors
/// Why there is none: what is said of the file as "it".
pub(super) fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    if text.is_empty() {
        return Err("the file is empty".to_owned());
    }
    let text = without_mark(text);
    let found = CertificateDer::pem_slice_iter(text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(not_valid)?;
    if !found.is_empty() {
        return Ok(found);
    }
    if let Ok(([], _)) = X509Certificate::from_der(text) {
        return Ok(vec![CertificateDer::from(text.to_vec())]);
    }
    Err(match Content::of(text) {
        Some(content) => format!("it holds {}, and no certificate", content.words()),
        None => "it holds no PEM certificate".to_owned(),
    })
}

/// The first private key of a file, unless it is encrypted.
///
/// # Errors
/// Why there is none: what is said of the file as "it".
pub(super) fn key(text: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    if text.is_empty() {
        return Err("the file is empty".to_owned());
    }
    let text = without_mark(text);
    match PrivateKeyDer::from_pem_slice(text) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) => {
            let content = Content::of(text);
            if content == Some(Content::PrivateKey)
                && let Ok(key) = PrivateKeyDer::try_from(text)
            {
                return Ok(key.clone_key());
            }
            Err(match content {
                Some(content) => format!("it holds {}, and no private key", content.words()),
                None => "it holds no PEM private key".to_owned(),
            })
        }
        Err(why) => Err(not_valid(why)),
    }
}

pub(super) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

fn not_valid(why: pem::Error) -> String {
    format!("it is not a valid PEM file: {why}")
}

/// What a file holds instead of what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Certificate,
    PrivateKey,
    PublicKey,
    Request,
    RevocationList,
    OpenSslCertificate,
    Pkcs7,
    Pkcs12,
    Utf16,
}

impl Content {
    /// None when it is nothing that is known.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        let text = without_mark(text);
        if text.starts_with(b"\xFF\xFE") || text.starts_with(b"\xFE\xFF") {
            return Some(Self::Utf16);
        }
        if text.first() == Some(&0x30) {
            return Self::of_der(text);
        }
        String::from_utf8_lossy(text).lines().find_map(|line| {
            let label = line.trim().strip_prefix("-----BEGIN ")?;
            match label.strip_suffix("-----")? {
                "CERTIFICATE" => Some(Self::Certificate),
                "TRUSTED CERTIFICATE" | "X509 CERTIFICATE" => Some(Self::OpenSslCertificate),
                "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Some(Self::Request),
                "X509 CRL" => Some(Self::RevocationList),
                "PKCS7" | "CMS" => Some(Self::Pkcs7),
                label if label.ends_with("PRIVATE KEY") => Some(Self::PrivateKey),
                label if label.ends_with("PUBLIC KEY") => Some(Self::PublicKey),
                _ => None,
            }
        })
    }

    fn of_der(der: &[u8]) -> Option<Self> {
        if let Ok(([], _)) = X509Certificate::from_der(der) {
            return Some(Self::Certificate);
        }
        // Its version is 3 (RFC 7292, section 4); that of a key is 0 or 1.
        let length = match der.get(1)? {
            0..=0x7F => 2,
            long => 2 + usize::from(long & 0x7F),
        };
        if der.get(length..)?.starts_with(&[2, 1, 3]) {
            return Some(Self::Pkcs12);
        }
        PrivateKeyDer::try_from(der).ok().map(|_| Self::PrivateKey)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Certificate => "a certificate",
            Self::PrivateKey => "a private key",
            Self::PublicKey => "a public key",
            Self::Request => "a signing request (CSR)",
            Self::RevocationList => "a revocation list (CRL)",
            Self::OpenSslCertificate => "a certificate in a form of OpenSSL's own",
            Self::Pkcs7 => "PKCS #7",
            Self::Pkcs12 => "PKCS #12 (.p12, .pfx)",
            Self::Utf16 => "text in UTF-16",
        }
    }

    /// The command that makes certificates (or the key) of it, where there is one. `file` as in a
    /// message.
    pub(super) fn remedy(self, file: &str, is_key: bool) -> Option<String> {
        let what = if is_key { "-nocerts" } else { "-nokeys" };
        match self {
            Self::Pkcs12 => Some(format!("openssl pkcs12 -in {file} {what} -out new.pem")),
            Self::Pkcs7 => Some(format!(
                "openssl pkcs7 -in {file} -print_certs -out new.pem"
            )),
            Self::OpenSslCertificate => Some(format!("openssl x509 -in {file} -out new.pem")),
            Self::Utf16 => Some(format!("iconv -f UTF-16 -t UTF-8 {file} > new.pem")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_file_panics(text in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let der = [&[0x30], &*text].concat();
            for text in [&text, &der] {
                let _ = certificates(text);
                let _ = key(text);
                let _ = Content::of(text);
            }
        }
    }
}
