//! A message as one JSON object: what `mqsub -F %j` prints, read again.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use mqtools_common::message::{Publication, Qos};
use mqtools_common::property::{Properties, Property};
use serde::Deserialize;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::encoding::Encoding;
use super::records::{Flaw, topic_name};

/// What an object does not say.
#[derive(Debug, Clone)]
pub(crate) struct Defaults {
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    pub(crate) properties: Properties,
    /// The connection speaks MQTT 5.
    pub(crate) has_properties: bool,
}

/// Puts the message that `text` describes into `message`; gives when it was recorded.
pub(super) fn read(
    text: &[u8],
    defaults: &Defaults,
    message: &mut Publication,
) -> Result<Option<Timestamp>, Flaw> {
    const HINT: &str = "mqsub -F %j prints such objects";
    let object: Object<'_> = serde_json::from_slice(text)
        .map_err(|why| Flaw::new(format!("it is no such object: {why}"), HINT))?;
    let qos = match object.qos {
        Some(level) => Qos::from_level(level)
            .ok_or_else(|| Flaw::new(format!("its QoS is {level}"), "QoS is 0, 1 or 2"))?,
        None => defaults.qos,
    };
    let properties = match object.properties {
        Some(listed) => {
            let list = listed.list()?;
            if !(list.is_empty() || defaults.has_properties) {
                return Err(Flaw::new(
                    "it has properties, which the connection's MQTT version has not",
                    "add -V mqttv5",
                ));
            }
            list.into_iter().collect()
        }
        None => defaults.properties.clone(),
    };
    let payload = payload(object.payload.get(), object.payload_encoding.as_deref())?;
    let time = object.tst.as_deref().map(time).transpose()?;
    message.topic = topic_name(&object.topic)?;
    message.payload = payload.into();
    message.qos = qos;
    message.retain = object.retain.map_or(defaults.retain, |Flag(set)| set);
    message.properties = properties;
    Ok(time)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Object<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(borrow)]
    payload: &'a RawValue,
    payload_encoding: Option<String>,
    qos: Option<u8>,
    retain: Option<Flag>,
    properties: Option<Listed>,
    tst: Option<String>,
    /// Says nothing that the rest does not say, or that another connection could use.
    #[serde(rename = "payloadlen")]
    _payload_length: Option<IgnoredAny>,
    #[serde(rename = "mid")]
    _packet_id: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Listed {
    payload_format_indicator: Option<u8>,
    message_expiry_interval: Option<u32>,
    content_type: Option<String>,
    response_topic: Option<String>,
    correlation_data: Option<String>,
    correlation_data_encoding: Option<String>,
    #[serde(default)]
    user_properties: Vec<Pairs>,
    /// Of the connection that it was received over.
    #[serde(rename = "subscription-identifier")]
    _subscription_identifier: Option<IgnoredAny>,
    #[serde(rename = "topic-alias")]
    _topic_alias: Option<IgnoredAny>,
}

impl Listed {
    fn list(self) -> Result<Vec<Property>, Flaw> {
        let mut list = Vec::new();
        list.extend(
            self.payload_format_indicator
                .map(Property::PayloadFormatIndicator),
        );
        list.extend(
            self.message_expiry_interval
                .map(Property::MessageExpiryInterval),
        );
        list.extend(self.content_type.map(Property::ContentType));
        list.extend(self.response_topic.map(Property::ResponseTopic));
        if let Some(data) = self.correlation_data {
            let encoding = self.correlation_data_encoding.as_deref();
            let data = decoded(data.into(), encoding, "correlation-data-encoding")?;
            list.push(Property::CorrelationData(data));
        }
        for Pairs(pairs) in self.user_properties {
            let pairs = pairs.into_iter();
            list.extend(pairs.map(|(key, value)| Property::UserProperty(key, value)));
        }
        for property in &list {
            property.check().map_err(|why| {
                Flaw::new(
                    format!("one of its properties cannot be sent: {why}"),
                    "give another value",
                )
            })?;
        }
        Ok(list)
    }
}

/// `true` and `false`, or 1 and 0 as mosquitto_sub 2.0 prints them.
struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;

        impl Visitor<'_> for FlagVisitor {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or false")
            }

            fn visit_bool<E>(self, set: bool) -> Result<Flag, E> {
                Ok(Flag(set))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Flag, E> {
                match number {
                    0 => Ok(Flag(false)),
                    1 => Ok(Flag(true)),
                    _ => Err(E::invalid_value(
                        serde::de::Unexpected::Unsigned(number),
                        &self,
                    )),
                }
            }
        }

        deserializer.deserialize_any(FlagVisitor)
    }
}

/// The members of an object, in their order; a name may come twice.
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                if pairs.is_empty() {
                    return Err(A::Error::custom("a user property without a name"));
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}

/// A string says what the payload is, null that it is empty; of anything else the payload is its
/// JSON, as `%J` prints it.
fn payload(json: &str, encoding: Option<&str>) -> Result<Bytes, Flaw> {
    if json.starts_with('"') {
        let text: Cow<'_, str> = serde_json::from_str(json)
            .map_err(|why| Flaw::new(format!("its payload is no text: {why}"), ONE_OF))?;
        return decoded(text, encoding, "payload_encoding");
    }
    if encoding.is_some() {
        return Err(Flaw::new(
            "it has payload_encoding, and a payload that is no string",
            ONE_OF,
        ));
    }
    match json {
        "null" => Ok(Bytes::new()),
        _ => Ok(Bytes::copy_from_slice(json.as_bytes())),
    }
}

const ONE_OF: &str = "a string holds text, or with an encoding of \"base64\" or \"hex\" that";

fn decoded(text: Cow<'_, str>, encoding: Option<&str>, member: &str) -> Result<Bytes, Flaw> {
    match encoding {
        None => Ok(text.into_owned().into_bytes().into()),
        Some("base64") => STANDARD
            .decode(text.as_bytes())
            .map(Bytes::from)
            .map_err(|why| Flaw::new(format!("its {member} is base64, and {why}"), ONE_OF)),
        // What --payload-as hex of mqsub makes.
        Some("hex") => Encoding::Hex.payload(text.as_bytes()),
        Some(other) => Err(Flaw::new(format!("its {member} is {other:?}"), ONE_OF)),
    }
}

/// Reads `2024-05-06T21:48:00.123456+0200`; mosquitto_sub 2.0 puts a `Z` in front of the offset.
fn time(text: &str) -> Result<Timestamp, Flaw> {
    const FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.f%z";
    let strict = || Timestamp::strptime(FORMAT, text);
    let without_z = || match text.split_once('Z') {
        Some((time, offset)) if !offset.is_empty() => {
            Timestamp::strptime(FORMAT, format!("{time}{offset}"))
        }
        _ => text.parse(),
    };
    strict().or_else(|_| without_z()).map_err(|_| {
        Flaw::new(
            format!("its tst is no time: {text:?}"),
            "a time is written like 2024-05-06T21:48:00.123456+0200",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_printed() {
        let expected: Timestamp = "2024-05-06T19:48:00.123456Z".parse().unwrap();
        for text in [
            "2024-05-06T21:48:00.123456+0200",
            "2024-05-06T21:48:00.123456Z+0200",
            "2024-05-06T21:48:00.123456+02:00",
            "2024-05-06T19:48:00.123456Z",
            "2024-05-06T19:48:00.123456+0000",
        ] {
            assert_eq!(time(text).ok(), Some(expected), "{text}");
        }
        for text in ["", "now", "2024-05-06", "Z", "2024-05-06T19:48:00.1"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
