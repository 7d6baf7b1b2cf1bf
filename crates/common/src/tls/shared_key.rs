//! The pre-shared key of `--psk` and the name it goes by: checked, and never shown.

use zeroize::Zeroizing;

use crate::secret::Secret;

/// OpenSSL's limits, in bytes.
const MAX_IDENTITY: usize = 256;
const MAX_KEY: usize = 512;

/// What client and broker know and nobody else does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedKey {
    /// The name the broker has for the key: 1 to 256 bytes, no NUL.
    pub identity: String,
    /// The key: 1 to 512 bytes.
    pub key: Secret,
    /// The cipher suites to offer, in OpenSSL's language; none for every one with a pre-shared key.
    pub ciphers: Option<String>,
}

impl SharedKey {
    /// Reads a key in hexadecimal digits.
    ///
    /// # Errors
    /// What is wrong with which option, as option and the rest of a sentence about it. It does not
    /// show the key.
    pub fn new(
        hex: &Secret,
        identity: &str,
        ciphers: Option<String>,
    ) -> Result<Self, (&'static str, String)> {
        let key = decode(hex.reveal()).map_err(|why| ("--psk", why))?;
        if identity.is_empty() || identity.len() > MAX_IDENTITY || identity.contains('\0') {
            let why = format!("an identity has 1 to {MAX_IDENTITY} bytes, and no NUL byte");
            return Err(("--psk-identity", why));
        }
        Ok(Self {
            identity: identity.to_owned(),
            key,
            ciphers,
        })
    }
}

fn decode(text: &[u8]) -> Result<Secret, String> {
    let (pairs, rest) = text.as_chunks::<2>();
    let digit = |digit: u8| char::from(digit).to_digit(16);
    if let Some(at) = text.iter().position(|&byte| digit(byte).is_none()) {
        let hint = if text.starts_with(b"0x") || text.starts_with(b"0X") {
            ", and they begin without 0x"
        } else {
            ""
        };
        return Err(format!(
            "a key is written in hexadecimal digits{hint}, and character {} is none",
            at + 1
        ));
    }
    if !rest.is_empty() {
        return Err("two hexadecimal digits make a byte, and one digit is left over".to_owned());
    }
    if pairs.is_empty() || pairs.len() > MAX_KEY {
        return Err(format!(
            "a key has 1 to {MAX_KEY} bytes, two hexadecimal digits each"
        ));
    }
    // All the room it needs: a vector that grows would leave parts of the key behind.
    let mut key = Zeroizing::new(Vec::with_capacity(pairs.len()));
    for &[high, low] in pairs {
        let value = digit(high).unwrap_or_default() * 16 + digit(low).unwrap_or_default();
        key.push(u8::try_from(value).unwrap_or_default());
    }
    Ok(Secret::new(std::mem::take(&mut *key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(hex: &str) -> Result<Vec<u8>, String> {
        SharedKey::new(&Secret::from(hex.to_owned()), "me", None)
            .map(|shared| shared.key.reveal().to_vec())
            .map_err(|(option, why)| format!("{option}: {why}"))
    }

    #[test]
    fn every_byte_counts() {
        assert_eq!(key("00ffA0a"), key("00ffa0A"));
        assert_eq!(key("0000fFa0").unwrap(), [0, 0, 0xff, 0xa0]);
        assert_eq!(key(&"ab".repeat(MAX_KEY)).unwrap().len(), MAX_KEY);
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        for wrong in [
            "",
            "abc",
            "0xabcdef",
            "hunter2secret",
            &"ab".repeat(MAX_KEY + 1),
        ] {
            let why = key(wrong).unwrap_err();
            assert!(why.starts_with("--psk: "), "{why}");
            assert!(wrong.is_empty() || !why.contains(wrong), "{why}");
        }
    }

    #[test]
    fn the_identity_has_its_limits() {
        let with = |identity: &str| SharedKey::new(&Secret::from("ab".to_owned()), identity, None);
        for identity in ["a", "with spaces: ä", &"a".repeat(MAX_IDENTITY)] {
            assert_eq!(with(identity).unwrap().identity, identity);
        }
        for identity in ["", "a\0b", &"a".repeat(MAX_IDENTITY + 1)] {
            assert_eq!(with(identity).unwrap_err().0, "--psk-identity");
        }
    }
}
