//! Pins: public keys that are trusted by their hash (`--pin-sha256`).

use std::fmt;
use std::str::FromStr;

use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, Error};
use sha2::{Digest as _, Sha256};

use super::danger_second_look::{Refusal, public_key};

/// The SHA-256 hash of a public key in DER (SubjectPublicKeyInfo).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin([u8; 32]);

impl Pin {
    /// The pin of the key in a certificate.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Result<Self, Error> {
        let key = public_key(certificate)?;
        Ok(Self(Sha256::digest(key.as_ref()).into()))
    }
}

/// Whether the certificate's key is one of those pinned.
pub(super) fn check(pins: &[Pin], certificate: &CertificateDer<'_>) -> Result<(), Error> {
    let presented = Pin::of(certificate)?;
    if pins.contains(&presented) {
        return Ok(());
    }
    Err(CertificateError::from(Refusal {
        why: format!("its public key is another one, with the pin {presented}"),
        hint: Some(
            "if the broker's key was renewed, check that pin on the broker and give it with --pin-sha256; if not, somebody else may be answering in its place"
                .to_owned(),
        ),
    })
    .into())
}

impl FromStr for Pin {
    type Err = String;

    /// 64 hexadecimal digits, with colons between the bytes or without.
    fn from_str(text: &str) -> Result<Self, String> {
        let unusable = || {
            "a pin is the SHA-256 hash of the broker's public key in 64 hexadecimal digits, as made by: \
             openssl x509 -in server.crt -pubkey -noout | openssl pkey -pubin -outform DER | openssl dgst -sha256"
                .to_owned()
        };
        let mut digits = Vec::new();
        for pair in text.split(':') {
            // Colons stand between bytes, or nowhere.
            if text.contains(':') && pair.len() != 2 {
                return Err(unusable());
            }
            for digit in pair.chars() {
                let value = digit
                    .to_digit(16)
                    .and_then(|value| u8::try_from(value).ok());
                digits.push(value.ok_or_else(unusable)?);
            }
        }
        let (pairs, rest) = digits.as_chunks();
        if !rest.is_empty() {
            return Err(unusable());
        }
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        bytes.try_into().map(Self).map_err(|_| unusable())
    }
}

impl fmt::Display for Pin {
    /// 64 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_read_with_and_without_colons() {
        let plain = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
        let pin: Pin = plain.parse().unwrap();
        assert_eq!(pin.to_string(), plain);
        assert_eq!(plain.to_uppercase().parse(), Ok(pin));
        let pairs: Vec<_> = (0..32).map(|i| &plain[2 * i..2 * i + 2]).collect();
        assert_eq!(pairs.join(":").parse(), Ok(pin));
        for wrong in [
            "",
            ":",
            &plain[1..],
            &plain[2..],
            &format!("{plain}0"),
            &format!("{plain}00"),
            &format!(":{plain}"),
            &format!("{}:", pairs.join(":")),
            &format!(" {plain}"),
            &plain.replace('a', "g"),
            &plain.replace('a', "é"),
            &format!("+{}", &plain[1..]),
            "4eAxfzUKrUQyq9qjJ6a8bjhHvVf3tO2k2gYXBf1Nc1s=",
        ] {
            assert!(wrong.parse::<Pin>().is_err(), "{wrong}");
        }
    }
}
