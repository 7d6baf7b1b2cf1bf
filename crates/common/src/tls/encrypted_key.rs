//! Private keys that a pass phrase protects: PKCS#8 with PBES2 (RFC 5958, RFC 8018), and the form
//! of before, whose PEM headers name the cipher (RFC 1421), as `openssl genrsa -des3` wrote it.

use std::str::from_utf8;

use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt as _, KeyInit, KeyIvInit as _};
use md5::{Digest as _, Md5};
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::Decode as _;
use pkcs8::der::asn1::AnyRef;
use pkcs8::pkcs5::EncryptionScheme;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret::Secret;

/// Memory that deriving a key may take, in bytes; OpenSSL's own scrypt parameters take 16 MiB.
const MAX_MEMORY: u64 = 1 << 30;

/// An encrypted key, read and known to be of a kind that can be decrypted.
pub(super) struct EncryptedKey {
    /// DER of an EncryptedPrivateKeyInfo, or what the cipher made of the key's DER.
    contents: Vec<u8>,
    form: Form,
}

enum Form {
    Pkcs8,
    Headers {
        cipher: Cipher,
        /// Its beginning is the salt, too.
        iv: Vec<u8>,
        kind: Kind,
    },
}

#[derive(Clone, Copy)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
}

#[derive(Clone, Copy)]
enum Kind {
    Pkcs1,
    Sec1,
    Pkcs8,
}

impl EncryptedKey {
    /// Looks at the first private key of a PEM file; none when it is not encrypted, or there is
    /// no key.
    ///
    /// # Errors
    /// What it is that cannot be decrypted, as the end of a sentence.
    pub(super) fn find(pem: &[u8]) -> Option<Result<Self, String>> {
        let mut lines = pem
            .split(|&byte| byte == b'\n' || byte == b'\r')
            .map(|line| from_utf8(line).unwrap_or_default().trim_end())
            .filter(|line| !line.is_empty());
        let label = lines.find_map(|line| {
            line.strip_prefix("-----BEGIN ")?
                .strip_suffix("-----")
                .filter(|label| label.ends_with("PRIVATE KEY"))
        })?;
        let block: Vec<_> = lines
            .take_while(|line| !line.starts_with("-----END "))
            .collect();
        let header = |name: &str| {
            let header = block.iter().find_map(|line| line.strip_prefix(name));
            header.map(str::trim)
        };
        if label == "ENCRYPTED PRIVATE KEY" {
            return Some(Self::pkcs8(&block));
        }
        let is_encrypted = header("Proc-Type:")?.ends_with("ENCRYPTED");
        is_encrypted.then(|| Self::with_headers(label, header("DEK-Info:"), &block))
    }

    /// Looks at a key in DER; none when it is not encrypted, or no key.
    ///
    /// # Errors
    /// As for [`Self::find`].
    pub(super) fn find_der(der: &[u8]) -> Option<Result<Self, String>> {
        EncryptedPrivateKeyInfoRef::try_from(der).ok()?;
        Some(Self::pkcs8_der(der.to_vec()))
    }

    /// The key; none when the pass phrase is wrong.
    pub(super) fn decrypt(&self, pass_phrase: &Secret) -> Option<PrivateKeyDer<'static>> {
        match &self.form {
            Form::Pkcs8 => {
                let info = EncryptedPrivateKeyInfoRef::try_from(&*self.contents).ok()?;
                let key = info.decrypt(pass_phrase.reveal()).ok()?;
                Some(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
            }
            Form::Headers { cipher, iv, kind } => {
                let mut contents = Zeroizing::new(self.contents.clone());
                let length = cipher.decrypt(pass_phrase, iv, &mut contents)?;
                contents.get_mut(length..)?.zeroize();
                contents.truncate(length);
                // One wrong pass phrase in 256 passes for the right one until here.
                AnyRef::from_der(&contents).ok()?;
                let key = std::mem::take(&mut *contents);
                Some(match kind {
                    Kind::Pkcs1 => PrivatePkcs1KeyDer::from(key).into(),
                    Kind::Sec1 => PrivateSec1KeyDer::from(key).into(),
                    Kind::Pkcs8 => PrivatePkcs8KeyDer::from(key).into(),
                })
            }
        }
    }

    fn pkcs8(block: &[&str]) -> Result<Self, String> {
        Self::pkcs8_der(base64(block)?)
    }

    fn pkcs8_der(contents: Vec<u8>) -> Result<Self, String> {
        let info = EncryptedPrivateKeyInfoRef::try_from(&*contents)
            .map_err(|why| format!("its encryption is not known ({why})"))?;
        let EncryptionScheme::Pbes2(scheme) = &info.encryption_algorithm else {
            return Err("its encryption is the weak one of PKCS#5 version 1".to_owned());
        };
        if let Some(scrypt) = scheme.kdf.scrypt() {
            // The crate takes these for granted.
            let cost = scrypt.cost_parameter;
            let memory = u64::from(scrypt.block_size)
                .saturating_mul(128)
                .saturating_mul(cost.saturating_add(scrypt.parallelization.into()));
            if cost < 2 || !cost.is_power_of_two() || memory > MAX_MEMORY {
                return Err("its scrypt parameters are not usable".to_owned());
            }
        }
        Ok(Self {
            contents,
            form: Form::Pkcs8,
        })
    }

    fn with_headers(label: &str, info: Option<&str>, block: &[&str]) -> Result<Self, String> {
        let kind = match label {
            "RSA PRIVATE KEY" => Kind::Pkcs1,
            "EC PRIVATE KEY" => Kind::Sec1,
            "PRIVATE KEY" => Kind::Pkcs8,
            _ => return Err(format!("it is of the kind {label}")),
        };
        let (cipher, iv) = info
            .and_then(|info| info.split_once(','))
            .ok_or("the header DEK-Info is missing")?;
        let cipher = match cipher.trim() {
            "AES-128-CBC" => Cipher::Aes128,
            "AES-192-CBC" => Cipher::Aes192,
            "AES-256-CBC" => Cipher::Aes256,
            "DES-EDE3-CBC" => Cipher::TripleDes,
            other => return Err(format!("it is encrypted with {other}")),
        };
        let iv = hex(iv.trim())
            .filter(|iv| iv.len() == cipher.block_length())
            .ok_or("the header DEK-Info is damaged")?;
        let body: Vec<_> = block
            .iter()
            .filter(|line| !line.contains(':'))
            .copied()
            .collect();
        Ok(Self {
            contents: base64(&body)?,
            form: Form::Headers { cipher, iv, kind },
        })
    }
}

impl Cipher {
    fn key_length(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
        }
    }

    fn block_length(self) -> usize {
        match self {
            Self::TripleDes => 8,
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
        }
    }

    /// Decrypts in place and gives the length that is left without the padding; none when the
    /// padding shows that the pass phrase is wrong.
    fn decrypt(self, pass_phrase: &Secret, iv: &[u8], contents: &mut [u8]) -> Option<usize> {
        let key = derive(pass_phrase, iv.get(..8)?, self.key_length());
        match self {
            Self::Aes128 => cbc::<aes::Aes128Dec>(&key, iv, contents),
            Self::Aes192 => cbc::<aes::Aes192Dec>(&key, iv, contents),
            Self::Aes256 => cbc::<aes::Aes256Dec>(&key, iv, contents),
            Self::TripleDes => cbc::<des::TdesEde3>(&key, iv, contents),
        }
    }
}

fn cbc<C: BlockCipherDecrypt + KeyInit>(
    key: &[u8],
    iv: &[u8],
    contents: &mut [u8],
) -> Option<usize> {
    let cipher = Decryptor::<C>::new_from_slices(key, iv).ok()?;
    let plain = cipher.decrypt_padded::<Pkcs7>(contents).ok()?;
    Some(plain.len())
}

/// OpenSSL's EVP_BytesToKey with MD5 and one round, which this form of PEM uses.
fn derive(pass_phrase: &Secret, salt: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    // All the room it needs: a vector that grows would leave parts of the key behind.
    let mut key = Zeroizing::new(Vec::with_capacity(length + 16));
    let mut last = Zeroizing::new([0; 16]);
    while key.len() < length {
        let mut hash = Md5::new();
        if !key.is_empty() {
            hash.update(*last);
        }
        hash.update(pass_phrase.reveal());
        hash.update(salt);
        last.copy_from_slice(&hash.finalize());
        key.extend_from_slice(&*last);
    }
    key.truncate(length);
    key
}

/// Decodes the lines of a PEM block.
fn base64(lines: &[&str]) -> Result<Vec<u8>, String> {
    // A label that the parser knows; it does not look inside.
    let text = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    );
    PrivateKeyDer::from_pem_slice(text.as_bytes())
        .map(|key| key.secret_der().to_vec())
        .map_err(|why| format!("it is not a valid PEM file: {why}"))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16);
    pairs
        .iter()
        .map(|&[high, low]| u8::try_from(digit(high)? * 16 + digit(low)?).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEGACY: &str = include_str!("../../../../tests/fixtures/client_keys/encrypted_pkcs1.pem");
    const PKCS8: &str = include_str!("../../../../tests/fixtures/client_keys/encrypted_pkcs8.pem");

    #[test]
    fn keys_that_are_not_encrypted_are_none_of_its_business() {
        for text in [
            "",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            include_str!("../../../../tests/fixtures/client_keys/ec_sec1.pem"),
        ] {
            assert!(EncryptedKey::find(text.as_bytes()).is_none());
        }
    }

    proptest::proptest! {
        #[test]
        fn no_damage_panics(
            at in 0..700_usize, byte in proptest::num::u8::ANY, legacy in proptest::bool::ANY,
        ) {
            let mut text = if legacy { LEGACY } else { PKCS8 }.as_bytes().to_vec();
            if let Some(place) = text.get_mut(at) {
                *place = byte;
            }
            if let Some(Ok(key)) = EncryptedKey::find(&text) {
                // The damage may ask for millions of rounds.
                if matches!(key.form, Form::Headers { .. }) {
                    let _ = key.decrypt(&Secret::from("wrong".to_owned()));
                }
            }
        }
    }
}
