//! `--payload-is`: what the payload is written in, and the bytes that it stands for.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use super::records::Flaw;

/// What a payload is given as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Digits; the payload is the bytes they stand for.
    Hex,
    Base64,
    /// JSON; the payload is the same in CBOR (RFC 8949).
    Cbor,
    /// JSON; the payload is the same in MessagePack.
    MessagePack,
}

/// With padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Encoding {
    pub(super) fn payload(self, given: &[u8]) -> Result<Bytes, Flaw> {
        match self {
            Self::Hex => hex(given),
            Self::Base64 => BASE64
                .decode(without_blanks(given))
                .map_err(|why| flaw("base64", &why)),
            Self::Cbor => cbor(given),
            Self::MessagePack => message_pack(given),
        }
        .map(Bytes::from)
    }
}

fn hex(given: &[u8]) -> Result<Vec<u8>, Flaw> {
    let digits = without_blanks(given);
    let value = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
            .ok_or_else(|| flaw("hex", &format!("{:?} is no digit", char::from(digit))))
    };
    let (pairs, odd) = digits.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(flaw("hex", &"its number of digits is odd"));
    }
    pairs
        .iter()
        .map(|[high, low]| Ok(value(*high)? << 4 | value(*low)?))
        .collect()
}

fn cbor(json: &[u8]) -> Result<Vec<u8>, Flaw> {
    let mut bytes = Vec::new();
    ciborium::into_writer(&value(json)?, &mut bytes).map_err(|why| flaw("JSON for CBOR", &why))?;
    Ok(bytes)
}

fn message_pack(json: &[u8]) -> Result<Vec<u8>, Flaw> {
    rmp_serde::to_vec(&value(json)?).map_err(|why| flaw("JSON for MessagePack", &why))
}

/// Members keep their order, and all lengths are known.
fn value(json: &[u8]) -> Result<ciborium::Value, Flaw> {
    serde_json::from_slice(json).map_err(|why| flaw("JSON", &why))
}

/// base64 and xxd put newlines into what they print.
fn without_blanks(text: &[u8]) -> Vec<u8> {
    let digits = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    digits.copied().collect()
}

fn flaw(what: &str, why: &dyn std::fmt::Display) -> Flaw {
    Flaw::new(
        format!("its payload is not {what}: {why}"),
        "--payload-is says what the payload is given as",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(encoding: Encoding, given: &str) -> Option<Vec<u8>> {
        encoding.payload(given.as_bytes()).ok().map(Vec::from)
    }

    #[test]
    fn digits_become_bytes() {
        assert_eq!(bytes(Encoding::Hex, "00 fF\n1a"), Some(vec![0, 255, 26]));
        assert_eq!(bytes(Encoding::Hex, ""), Some(vec![]));
        assert_eq!(bytes(Encoding::Base64, "AP8="), Some(vec![0, 255]));
        assert_eq!(bytes(Encoding::Base64, "AP\n8"), Some(vec![0, 255]));
        for (encoding, given) in [
            (Encoding::Hex, "abc"),
            (Encoding::Hex, "0x12"),
            (Encoding::Hex, "\u{e4}\u{e4}"),
            (Encoding::Base64, "A"),
            (Encoding::Base64, "-_-_"),
            (Encoding::Base64, "AP8=AP8="),
        ] {
            assert_eq!(bytes(encoding, given), None, "{given}");
        }
    }

    #[test]
    fn json_becomes_binary_with_its_members_in_order() {
        // The examples of RFC 8949, appendix A, and of the MessagePack specification.
        for (json, cbor, message_pack) in [
            ("0", &b"\x00"[..], &b"\x00"[..]),
            ("-1", b"\x20", b"\xff"),
            (
                "18446744073709551615",
                b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
                b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
            ),
            ("null", b"\xf6", b"\xc0"),
            ("[true,false]", b"\x82\xf5\xf4", b"\x92\xc3\xc2"),
            (
                r#"{"b":1,"a":[]}"#,
                b"\xa2\x61b\x01\x61a\x80",
                b"\x82\xa1b\x01\xa1a\x90",
            ),
            (
                "1.1",
                b"\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a",
                b"\xcb\x3f\xf1\x99\x99\x99\x99\x99\x9a",
            ),
        ] {
            assert_eq!(bytes(Encoding::Cbor, json).unwrap(), cbor, "{json}");
            let packed = bytes(Encoding::MessagePack, json).unwrap();
            assert_eq!(packed, message_pack, "{json}");
        }
        for json in ["", "{", "1 2", "nan", &"[".repeat(100_000)] {
            assert_eq!(bytes(Encoding::Cbor, json), None);
            assert_eq!(bytes(Encoding::MessagePack, json), None);
        }
    }
}
