//! CBOR and MessagePack as JSON, by the advice of RFC 8949, section 6.1: byte strings are base64url
//! without padding, what is no number in JSON is null, tags go, and keys become strings.

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::{Deserialize, Serialize};

use super::decode::NotDecoded;

/// Arrays and maps in each other; each level takes room on the stack.
const MAX_DEPTH: usize = 256;

/// The longest JSON that becomes a key, in bytes.
const MAX_KEY: usize = 4096;

/// The type of MessagePack's timestamps.
const TIMESTAMP: i8 = -1;

/// # Errors
/// Why it is not CBOR: one data item, and nothing behind it.
pub(super) fn cbor(payload: &[u8]) -> Result<String, NotDecoded> {
    let mut rest = payload;
    let document: Document =
        ciborium::de::from_reader_with_recursion_limit(&mut rest, MAX_DEPTH).map_err(not_cbor)?;
    if !rest.is_empty() {
        return Err(NotDecoded::new("CBOR", left_over(rest)));
    }
    Ok(document.0)
}

/// # Errors
/// Why it is not MessagePack: one object, and nothing behind it.
pub(super) fn message_pack(payload: &[u8]) -> Result<String, NotDecoded> {
    let failed = |why: &dyn fmt::Display| NotDecoded::new("MessagePack", why);
    let mut rest = payload;
    let mut deserializer = rmp_serde::Deserializer::new(&mut rest);
    deserializer.set_max_depth(MAX_DEPTH);
    let document = Document::deserialize(&mut deserializer).map_err(|why| failed(&why))?;
    if !rest.is_empty() {
        return Err(failed(&left_over(rest)));
    }
    Ok(document.0)
}

fn not_cbor(why: ciborium::de::Error<std::io::Error>) -> NotDecoded {
    use ciborium::de::Error::{Io, RecursionLimitExceeded, Semantic, Syntax};
    let why = match why {
        Io(_) => "it ends too early".to_owned(),
        Syntax(at) => format!("it is malformed at byte {at}"),
        Semantic(Some(at), why) => format!("{why} at byte {at}"),
        Semantic(None, why) => why,
        RecursionLimitExceeded => format!("it is nested more than {MAX_DEPTH} levels deep"),
    };
    NotDecoded::new("CBOR", why)
}

fn left_over(rest: &[u8]) -> String {
    format!("bytes behind its end: {}", rest.len())
}

/// The JSON of all of it.
struct Document(String);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut json = String::new();
        Item(&mut json).deserialize(deserializer)?;
        Ok(Self(json))
    }
}

/// Adds one item to the JSON.
struct Item<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Item<'_> {
    fn add<E: Error>(self, value: impl Serialize) -> Result<(), E> {
        *self.0 += &serde_json::to_string(&value).map_err(E::custom)?;
        Ok(())
    }
}

impl<'de> Visitor<'de> for Item<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.add(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.add(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.add(value)
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<(), E> {
        self.add(value)
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<(), E> {
        self.add(value)
    }

    // Shorter than as a double.
    fn visit_f32<E: Error>(self, value: f32) -> Result<(), E> {
        self.add(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.add(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.add(value)
    }

    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<(), E> {
        self.add(URL_SAFE_NO_PAD.encode(value))
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.add(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.add(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.0.push('[');
        let mut comma = "";
        loop {
            self.0.push_str(comma);
            let before = self.0.len();
            if items.next_element_seed(Item(self.0))?.is_none() {
                self.0.truncate(before - comma.len());
                self.0.push(']');
                return Ok(());
            }
            comma = ",";
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        self.0.push('{');
        let mut key = String::new();
        let mut comma = "";
        while members.next_key_seed(Item(&mut key))?.is_some() {
            self.0.push_str(comma);
            comma = ",";
            if key.starts_with('"') {
                self.0.push_str(&key);
            } else {
                // As text its quotes are escaped, in a key of a key once more, and so on.
                if key.len() > MAX_KEY {
                    let why =
                        format!("a key that is no text has more than {MAX_KEY} bytes as JSON");
                    return Err(A::Error::custom(why));
                }
                Item(self.0).add(&key)?;
            }
            key.clear();
            self.0.push(':');
            members.next_value_seed(Item(self.0))?;
        }
        self.0.push('}');
        Ok(())
    }

    /// A tag of CBOR.
    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<(), A::Error> {
        let (_, content): (IgnoredAny, _) = tagged.variant()?;
        content.tuple_variant(2, Tagged(self))
    }

    /// An extension type of MessagePack.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, extension: D) -> Result<(), D::Error> {
        extension.deserialize_any(Extension(self))
    }
}

/// The tag's number and what it stands before.
struct Tagged<'a>(Item<'a>);

impl<'de> Visitor<'de> for Tagged<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tag and its content")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<(), A::Error> {
        let _: Option<u64> = parts.next_element()?;
        let content = parts.next_element_seed(self.0)?;
        content.ok_or_else(|| A::Error::custom("a tag before nothing"))
    }
}

/// The type's number and its bytes.
struct Extension<'a>(Item<'a>);

impl<'de> Visitor<'de> for Extension<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an extension type")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<(), A::Error> {
        let missing = || A::Error::custom("an extension type without its parts");
        let number: i8 = parts.next_element()?.ok_or_else(missing)?;
        let Bytes(bytes) = parts.next_element()?.ok_or_else(missing)?;
        if number == TIMESTAMP
            && let Some(time) = timestamp(&bytes)
        {
            return self.0.add(time.to_string());
        }
        let data = URL_SAFE_NO_PAD.encode(&bytes);
        write!(self.0.0, "{{\"type\":{number},\"data\":\"{data}\"}}").map_err(A::Error::custom)
    }
}

/// In each of its three lengths.
fn timestamp(bytes: &[u8]) -> Option<Timestamp> {
    let (seconds, nanoseconds) = if let Ok(seconds) = <[u8; 4]>::try_from(bytes) {
        (u32::from_be_bytes(seconds).into(), 0)
    } else if let Ok(both) = <[u8; 8]>::try_from(bytes) {
        let both = u64::from_be_bytes(both);
        (i64::try_from(both & 0x3_FFFF_FFFF).ok()?, both >> 34)
    } else {
        let (nanoseconds, seconds) = bytes.split_first_chunk()?;
        let nanoseconds = u32::from_be_bytes(*nanoseconds).into();
        (i64::from_be_bytes(seconds.try_into().ok()?), nanoseconds)
    };
    Timestamp::new(seconds, i32::try_from(nanoseconds).ok()?).ok()
}

struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BytesVisitor).map(Self)
    }
}

struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{cbor, message_pack};

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(digits).collect()
    }

    /// 68 bytes would become 17 GB: the backslashes double with each level.
    #[test]
    fn keys_of_keys_do_not_grow_without_bounds() {
        let nested =
            |map: &str, text: &str| bytes(&format!("{}{text}{}", map.repeat(33), "00".repeat(33)));
        let why = "a key that is no text has more than 4096 bytes as JSON";
        let cbor_says = cbor(&nested("a1", "6161")).unwrap_err().to_string();
        assert!(cbor_says.contains(why), "{cbor_says}");
        let message_pack_says = message_pack(&nested("81", "a161")).unwrap_err().to_string();
        assert!(message_pack_says.contains(why), "{message_pack_says}");
        assert!(cbor(&bytes("a1a1616101f6")).is_ok());
    }

    /// Of appendix A of RFC 8949, and what JSON has nothing like.
    #[test]
    fn cbor_becomes_json() {
        for (hex, expected) in [
            ("00", "0"),
            ("1903e8", "1000"),
            ("1bffffffffffffffff", "18446744073709551615"),
            ("3bffffffffffffffff", "-18446744073709551616"),
            ("c249010000000000000000", "18446744073709551616"),
            ("f93c00", "1.0"),
            ("fb3ff199999999999a", "1.1"),
            ("f97e00", "null"),
            ("f97c00", "null"),
            ("f4", "false"),
            ("f6", "null"),
            ("f7", "null"),
            ("4401020304", "\"AQIDBA\""),
            ("43fbff00", "\"-_8A\""),
            ("62c3bc", "\"ü\""),
            ("63220a1b", "\"\\\"\\n\\u001b\""),
            ("80", "[]"),
            ("8301820203820405", "[1,[2,3],[4,5]]"),
            ("9f018202039f0405ffff", "[1,[2,3],[4,5]]"),
            ("a0", "{}"),
            ("a201020304", "{\"1\":2,\"3\":4}"),
            ("a2f501820102f6", "{\"true\":1,\"[1,2]\":null}"),
            ("bf61610161629f0203ffff", "{\"a\":1,\"b\":[2,3]}"),
            ("c11a514b67b0", "1363896240"),
            ("d818456449455446", "\"ZElFVEY\""),
            ("7f657374726561646d696e67ff", "\"streaming\""),
        ] {
            assert_eq!(cbor(&bytes(hex)).unwrap(), expected, "{hex}");
        }
    }

    #[test]
    fn what_is_no_cbor_says_why() {
        for (hex, why) in [
            ("18", "not CBOR: it ends too early"),
            ("9bffffffffffffffff00", "not CBOR: it ends too early"),
            ("0000", "not CBOR: bytes behind its end: 1"),
            ("1c", "not CBOR: it is malformed at byte 0"),
            (
                &"81".repeat(300),
                "not CBOR: it is nested more than 256 levels deep",
            ),
        ] {
            assert_eq!(cbor(&bytes(hex)).unwrap_err().to_string(), why, "{hex}");
        }
    }

    #[test]
    fn message_pack_becomes_json() {
        for (hex, expected) in [
            ("00", "0"),
            ("e0", "-32"),
            ("cfffffffffffffffff", "18446744073709551615"),
            ("ca3dcccccd", "0.1"),
            ("cb3ff199999999999a", "1.1"),
            ("cb7ff0000000000000", "null"),
            ("c0", "null"),
            ("c3", "true"),
            ("c403fbff00", "\"-_8A\""),
            ("a2c3bc", "\"ü\""),
            ("93010203", "[1,2,3]"),
            (
                "82a7636f6d70616374c3a6736368656d6100",
                "{\"compact\":true,\"schema\":0}",
            ),
            ("8101c0", "{\"1\":null}"),
            ("d6ff00000000", "\"1970-01-01T00:00:00Z\""),
            ("d7ff7735940000000001", "\"1970-01-01T00:00:01.5Z\""),
            (
                "c70cff0000000affffffffffffffff",
                "\"1969-12-31T23:59:59.00000001Z\"",
            ),
            ("d40507", "{\"type\":5,\"data\":\"Bw\"}"),
            ("92d4050701", "[{\"type\":5,\"data\":\"Bw\"},1]"),
        ] {
            assert_eq!(message_pack(&bytes(hex)).unwrap(), expected, "{hex}");
        }
    }

    #[test]
    fn what_is_no_message_pack_says_why() {
        for hex in [
            "c1",
            "a5",
            "0000",
            "dfffffffff00",
            "c7ff",
            &"91".repeat(300),
        ] {
            let why = message_pack(&bytes(hex)).unwrap_err().to_string();
            assert!(why.starts_with("not MessagePack: "), "{hex}: {why}");
        }
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            // serde_json reads long ones in its own way.
            any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..6).prop_map(|members| json!(
                    members.into_iter().collect::<serde_json::Map<_, _>>()
                )),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_comes_back(value in tree()) {
            let mut bytes = Vec::new();
            ciborium::into_writer(&value, &mut bytes).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Value>(&cbor(&bytes).unwrap()).unwrap(), &value);
            let bytes = rmp_serde::to_vec(&value).unwrap();
            let json = message_pack(&bytes).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Value>(&json).unwrap(), &value);
        }

        #[test]
        fn any_bytes_are_json_or_an_error(bytes: Vec<u8>) {
            for json in [cbor(&bytes), message_pack(&bytes)].into_iter().flatten() {
                prop_assert!(serde_json::from_str::<Value>(&json).is_ok(), "{}", json);
            }
        }
    }
}
