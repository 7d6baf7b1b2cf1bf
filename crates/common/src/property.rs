//! MQTT 5 properties (MQTT 5, section 2.2.2): those a client sends, encoded once, and those of a
//! received message.

mod parse;

use std::fmt;

use bytes::{BufMut as _, Bytes, BytesMut};

pub(crate) use parse::{NAMES, SWITCHES};
pub use parse::{Typed, parse};

use crate::topic::{MAX_STRING, TopicName, check_text};

/// A property that a client may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Property {
    /// 0 unspecified bytes, 1 UTF-8 text.
    PayloadFormatIndicator(u8),
    /// How long the message is good for, in seconds.
    MessageExpiryInterval(u32),
    /// What the payload is, often a MIME type.
    ContentType(String),
    /// Where an answer is expected.
    ResponseTopic(String),
    /// What an answer has to bring back; any bytes, at most 65,535.
    CorrelationData(Bytes),
    /// The number that messages of a subscription will carry: 1 to 268,435,455.
    SubscriptionIdentifier(u32),
    /// How long the broker keeps the session, in seconds; the largest number means for ever.
    SessionExpiryInterval(u32),
    /// Whether the broker may send reason strings: 0 or 1.
    RequestProblemInformation(u8),
    /// How long the Will waits after the connection is gone, in seconds.
    WillDelayInterval(u32),
    /// Whether the broker is asked for Response Information: 0 or 1.
    RequestResponseInformation(u8),
    /// Why, in words.
    ReasonString(String),
    /// How many unacknowledged QoS 1 and 2 messages the broker may send: 1 to 65,535.
    ReceiveMaximum(u16),
    /// The highest Topic Alias the broker may use; 0 for none.
    TopicAliasMaximum(u16),
    /// The number that stands for the topic from the second message on: 1 to 65,535.
    TopicAlias(u16),
    /// A key and its value; may be repeated.
    UserProperty(String, String),
    /// The largest packet the broker may send, in bytes; not 0.
    MaximumPacketSize(u32),
}

impl Property {
    /// Its identifier on the wire (MQTT 5, section 2.2.2.2, table 2-4).
    const fn id(&self) -> u8 {
        match self {
            Self::PayloadFormatIndicator(_) => 0x01,
            Self::MessageExpiryInterval(_) => 0x02,
            Self::ContentType(_) => 0x03,
            Self::ResponseTopic(_) => 0x08,
            Self::CorrelationData(_) => 0x09,
            Self::SubscriptionIdentifier(_) => 0x0B,
            Self::SessionExpiryInterval(_) => 0x11,
            Self::RequestProblemInformation(_) => 0x17,
            Self::WillDelayInterval(_) => 0x18,
            Self::RequestResponseInformation(_) => 0x19,
            Self::ReasonString(_) => 0x1F,
            Self::ReceiveMaximum(_) => 0x21,
            Self::TopicAliasMaximum(_) => 0x22,
            Self::TopicAlias(_) => 0x23,
            Self::UserProperty(..) => 0x26,
            Self::MaximumPacketSize(_) => 0x27,
        }
    }

    /// Whether it can be sent, and a broker will not close the connection for it.
    ///
    /// # Errors
    /// What is wrong with the value, in words.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::PayloadFormatIndicator(byte)
            | Self::RequestProblemInformation(byte)
            | Self::RequestResponseInformation(byte)
                if *byte > 1 =>
            {
                Err("it is 0 or 1".to_owned())
            }
            Self::ContentType(text) | Self::ReasonString(text) => {
                check_text(text).map_err(|why| why.to_string())
            }
            Self::ResponseTopic(topic) => TopicName::new(topic)
                .map(drop)
                .map_err(|why| format!("the response topic is no Topic Name: {why}")),
            Self::CorrelationData(bytes) if bytes.len() > MAX_STRING => Err(format!(
                "it is {} bytes long, and MQTT allows {MAX_STRING}",
                bytes.len()
            )),
            Self::UserProperty(key, value) => check_text(key)
                .and_then(|()| check_text(value))
                .map_err(|why| why.to_string()),
            _ => Ok(()),
        }
    }

    fn encode(&self, buffer: &mut BytesMut) {
        buffer.put_u8(self.id());
        match self {
            Self::PayloadFormatIndicator(byte)
            | Self::RequestProblemInformation(byte)
            | Self::RequestResponseInformation(byte) => buffer.put_u8(*byte),
            Self::ReceiveMaximum(number)
            | Self::TopicAliasMaximum(number)
            | Self::TopicAlias(number) => buffer.put_u16(*number),
            Self::MessageExpiryInterval(number)
            | Self::SessionExpiryInterval(number)
            | Self::WillDelayInterval(number)
            | Self::MaximumPacketSize(number) => buffer.put_u32(*number),
            Self::SubscriptionIdentifier(number) => put_variable_integer(buffer, *number as usize),
            Self::ContentType(text) | Self::ResponseTopic(text) | Self::ReasonString(text) => {
                put_binary(buffer, text.as_bytes());
            }
            Self::CorrelationData(bytes) => put_binary(buffer, bytes),
            Self::UserProperty(key, value) => {
                put_binary(buffer, key.as_bytes());
                put_binary(buffer, value.as_bytes());
            }
        }
    }
}

/// A list of properties as it goes over the wire, without its length; clones are cheap.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Properties(Bytes);

impl Properties {
    /// The encoded list.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These, then `others`.
    #[must_use]
    pub fn followed_by(&self, others: &Self) -> Self {
        if self.is_empty() {
            return others.clone();
        }
        Self([self.as_bytes(), others.as_bytes()].concat().into())
    }
}

impl FromIterator<Property> for Properties {
    /// Texts and bytes must not be longer than 65,535 bytes each.
    fn from_iter<T: IntoIterator<Item = Property>>(list: T) -> Self {
        let mut buffer = BytesMut::new();
        for property in list {
            property.encode(&mut buffer);
        }
        Self(buffer.freeze())
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Properties({} bytes)", self.0.len())
    }
}

/// What a received PUBLISH says beside its topic and payload (MQTT 5, section 3.3.2.3). Each
/// is none, or empty, when it was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PublishProperties {
    /// Payload Format Indicator: 0 unspecified bytes, 1 UTF-8 text.
    pub payload_format_indicator: Option<u8>,
    /// Message Expiry Interval: how long the message is still good for, in seconds.
    pub message_expiry_interval: Option<u32>,
    /// Topic Alias: the number by which the broker named the topic, or will from now on.
    pub topic_alias: Option<u16>,
    /// Content Type: what the payload is, often a MIME type.
    pub content_type: Option<String>,
    /// Response Topic: where an answer is expected.
    pub response_topic: Option<String>,
    /// Correlation Data: what an answer has to bring back; any bytes.
    pub correlation_data: Option<Bytes>,
    /// Subscription Identifiers of the subscriptions that match, 1 to 268,435,455 each.
    pub subscription_identifiers: Vec<u32>,
    /// User Properties: keys with their values, in the order they were sent; keys may repeat.
    pub user_properties: Vec<(String, String)>,
}

/// Writes a Variable Byte Integer of at most 268,435,455 (MQTT 5, section 1.5.5).
pub(crate) fn put_variable_integer(buffer: &mut BytesMut, mut number: usize) {
    loop {
        let low = (number & 0x7F) as u8;
        number >>= 7;
        if number == 0 {
            buffer.put_u8(low);
            return;
        }
        buffer.put_u8(low | 0x80);
    }
}

/// How many bytes [`put_variable_integer`] writes.
pub(crate) const fn variable_integer_length(number: usize) -> usize {
    match number {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

/// Writes text or bytes behind their length of two bytes. Whoever made them has seen to it that
/// they are not longer than that can say.
pub(crate) fn put_binary(buffer: &mut BytesMut, bytes: &[u8]) {
    buffer.put_u16(u16::try_from(bytes.len()).unwrap_or(u16::MAX));
    buffer.extend_from_slice(bytes);
}
