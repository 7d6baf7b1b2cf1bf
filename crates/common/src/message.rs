//! Messages: what is published, what is received, and what a Will leaves behind.

use bytes::Bytes;

use crate::payload::Payload;
use crate::property::{Properties, PublishProperties};
use crate::topic::TopicName;

/// The largest packet MQTT can frame, in bytes after the fixed header (MQTT 5, section 2.1.4).
pub const MAX_REMAINING_LENGTH: usize = 268_435_455;

/// Quality of Service: the promise about delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Qos {
    /// QoS 0: sent once, never acknowledged.
    #[default]
    AtMostOnce,
    /// QoS 1: acknowledged, may arrive twice.
    AtLeastOnce,
    /// QoS 2: acknowledged in two steps, arrives once.
    ExactlyOnce,
}

impl Qos {
    /// The number in a packet and on the command line: 0, 1 or 2.
    #[must_use]
    pub const fn level(self) -> u8 {
        match self {
            Self::AtMostOnce => 0,
            Self::AtLeastOnce => 1,
            Self::ExactlyOnce => 2,
        }
    }

    /// The QoS with that number; none above 2.
    #[must_use]
    pub const fn from_level(level: u8) -> Option<Self> {
        match level {
            0 => Some(Self::AtMostOnce),
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::ExactlyOnce),
            _ => None,
        }
    }
}

/// A message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Where it goes.
    pub topic: TopicName,
    /// What it says; any bytes.
    pub payload: Payload,
    /// How surely it must arrive.
    pub qos: Qos,
    /// Whether the broker keeps it for later subscribers.
    pub retain: bool,
    /// What it says about itself (MQTT 5), without a Topic Alias.
    pub properties: Properties,
    /// The number to name the topic by from the second message on, as far as the broker takes
    /// Topic Aliases (MQTT 5).
    pub topic_alias: Option<u16>,
}

impl Publication {
    /// The same with another payload.
    #[must_use]
    pub(crate) fn with_payload(&self, payload: Payload) -> Self {
        Self {
            topic: self.topic.clone(),
            payload,
            qos: self.qos,
            retain: self.retain,
            properties: self.properties.clone(),
            topic_alias: self.topic_alias,
        }
    }

    /// Whether the other one is surely the same, its payload aside. The bytes are not compared: two
    /// that lie in one place are the same, and the price of a mistake is a copy.
    pub(crate) fn is_same_but_for_payload(&self, other: &Self) -> bool {
        std::ptr::eq(self.topic.as_bytes(), other.topic.as_bytes())
            && std::ptr::eq(self.properties.as_bytes(), other.properties.as_bytes())
            && self.qos == other.qos
            && self.retain == other.retain
            && self.topic_alias == other.topic_alias
    }
}

/// A message that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it was published to.
    pub topic: TopicName,
    /// What it says; any bytes.
    pub payload: Bytes,
    /// The QoS of this delivery: the lower of the publisher's and the subscription's.
    pub qos: Qos,
    /// Whether the broker had kept it from before this subscription.
    pub retain: bool,
    /// Whether the broker may have delivered it before.
    pub dup: bool,
    /// What it says about itself (MQTT 5); none when it says nothing.
    pub properties: Option<Box<PublishProperties>>,
    /// What the session needs to acknowledge it; none at QoS 0.
    pub receipt: Option<Receipt>,
}

impl Message {
    /// What it says.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View {
            topic: self.topic.as_bytes(),
            payload: &self.payload,
            qos: self.qos,
            retain: self.retain,
            properties: self.properties.as_deref(),
            packet_id: self.receipt.map(|receipt| receipt.packet_id),
        }
    }
}

/// What a message that arrived says, wherever it lies.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Where it was published to; UTF-8.
    pub topic: &'a [u8],
    /// What it says; any bytes.
    pub payload: &'a [u8],
    /// The QoS of this delivery.
    pub qos: Qos,
    /// Whether the broker had kept it from before this subscription.
    pub retain: bool,
    /// What it says about itself (MQTT 5); none when it says nothing.
    pub properties: Option<&'a PublishProperties>,
    /// The delivery's Packet Identifier; none at QoS 0.
    pub packet_id: Option<u16>,
}

impl<'a> View<'a> {
    /// The topic as text.
    #[must_use]
    pub fn topic(&self) -> &'a str {
        std::str::from_utf8(self.topic).unwrap_or_default()
    }
}

/// Proof of a QoS 1 or 2 delivery, handed back to the session when the message is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The delivery's Packet Identifier.
    pub packet_id: u16,
    pub(crate) qos: Qos,
    /// Which connection of the session it came over: identifiers mean nothing on the next.
    pub(crate) connection: u64,
}

/// Receipts that differ in their Packet Identifiers only, one at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipts {
    pub(crate) first: Receipt,
    /// Those of all.
    pub(crate) ids: Vec<u16>,
}

impl Receipts {
    /// Adds one, unless it differs in more than its identifier.
    #[inline]
    #[must_use]
    pub fn add(&mut self, receipt: Receipt) -> bool {
        let Receipt {
            qos, connection, ..
        } = self.first;
        let is_alike = receipt.qos == qos && receipt.connection == connection;
        if is_alike {
            self.ids.push(receipt.packet_id);
        }
        is_alike
    }

    /// Without the last one; none when it was the only one.
    #[must_use]
    pub fn without_last(mut self) -> Option<Self> {
        self.ids.pop();
        (!self.ids.is_empty()).then_some(self)
    }

    /// How many there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is one at least")]
    pub fn len(&self) -> usize {
        self.ids.len()
    }
}

impl From<Receipt> for Receipts {
    fn from(first: Receipt) -> Self {
        Self {
            first,
            ids: vec![first.packet_id],
        }
    }
}

/// The message the broker publishes for a client that goes away without DISCONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will {
    /// Where it goes.
    pub topic: TopicName,
    /// What it says; at most 65,535 bytes.
    pub payload: Bytes,
    /// How surely it must arrive.
    pub qos: Qos,
    /// Whether the broker keeps it for later subscribers.
    pub retain: bool,
    /// What it says about itself and when it goes out (MQTT 5).
    pub properties: Properties,
}
