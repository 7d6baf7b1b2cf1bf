//! The packets of a session in our own types; [`super::codec`] turns them into bytes and back.

use crate::message::{Qos, Will};
use crate::property::Properties;
use crate::reason::{ReasonCode, Version};
use crate::secret::Secret;
use crate::topic::TopicFilter;

/// Everything a CONNECT says.
#[derive(Debug, Clone)]
pub struct Connect {
    /// The protocol version of the whole session.
    pub version: Version,
    /// Empty: the broker assigns one.
    pub client_id: String,
    /// Clean Start (5) or Clean Session (3.1.1): forget an earlier session first.
    pub clean_start: bool,
    /// Keep Alive in seconds; 0 turns it off.
    pub keep_alive: u16,
    /// Session Expiry Interval in seconds (5 only); none sends nothing, which means 0.
    pub session_expiry: Option<u32>,
    /// How many unacknowledged QoS 1 and 2 messages the broker may send us (5 only).
    pub receive_maximum: Option<u16>,
    /// The largest packet that the broker may send us, in bytes, fixed header included; not 0
    /// (5 only).
    pub maximum_packet_size: Option<u32>,
    /// The highest Topic Alias that the broker may use; none allows none (5 only).
    pub topic_alias_maximum: Option<u16>,
    /// All other properties (5 only).
    pub properties: Properties,
    /// User name.
    pub username: Option<String>,
    /// Password: any bytes, at most 65,535.
    pub password: Option<Secret>,
    /// What the broker publishes should this client vanish.
    pub will: Option<Will>,
}

impl Default for Connect {
    fn default() -> Self {
        Self {
            version: Version::default(),
            client_id: String::new(),
            clean_start: true,
            keep_alive: 60,
            session_expiry: None,
            receive_maximum: None,
            maximum_packet_size: None,
            topic_alias_maximum: None,
            properties: Properties::default(),
            username: None,
            password: None,
            will: None,
        }
    }
}

/// One line of a SUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// What to receive.
    pub filter: TopicFilter,
    /// The highest QoS to receive it with.
    pub qos: Qos,
    /// Whether messages keep the publisher's retain flag (5 only).
    pub retain_as_published: bool,
    /// Which retained messages to send now (5 only).
    pub retain_handling: RetainHandling,
}

impl Subscription {
    /// A subscription as MQTT 3.1.1 knows it.
    #[must_use]
    pub fn new(filter: TopicFilter, qos: Qos) -> Self {
        Self {
            filter,
            qos,
            retain_as_published: false,
            retain_handling: RetainHandling::Always,
        }
    }
}

/// When a subscription brings the retained messages (MQTT 5, section 3.8.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RetainHandling {
    /// With every SUBSCRIBE.
    #[default]
    Always,
    /// If the session did not have this subscription before.
    New,
    /// Never.
    Never,
}

impl RetainHandling {
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Always => 0,
            Self::New => 1,
            Self::Never => 2,
        }
    }
}

/// What a DISCONNECT says beside its Reason Code (5 only).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Farewell {
    /// Session Expiry Interval in seconds that replaces that of CONNECT, which was not 0.
    pub session_expiry: Option<u32>,
    /// User Properties and a Reason String: left out where the broker does not take a packet
    /// of that size (MQTT-3.14.2-3).
    pub words: Properties,
}

/// A broker's CONNACK that accepts the session, with the limits it sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The broker remembers this client's earlier session.
    pub session_present: bool,
    /// The client identifier the broker chose, when ours was empty (5 only).
    pub assigned_client_id: Option<String>,
    /// Keep Alive in seconds that replaces ours (5 only).
    pub server_keep_alive: Option<u16>,
    /// How many unacknowledged QoS 1 and 2 messages the broker takes; never 0.
    pub receive_maximum: u16,
    /// The largest packet the broker takes, in bytes, fixed header included.
    pub maximum_packet_size: u32,
    /// The highest QoS the broker takes.
    pub maximum_qos: Qos,
    /// Whether the broker keeps retained messages.
    pub retain_available: bool,
    /// The highest Topic Alias the broker takes; 0 for none.
    pub topic_alias_maximum: u16,
    /// What to make Response Topics of, when we asked (5 only).
    pub response_information: Option<String>,
    /// The broker's own words (5 only).
    pub reason_string: Option<String>,
}

impl Default for Accepted {
    fn default() -> Self {
        Self {
            session_present: false,
            assigned_client_id: None,
            server_keep_alive: None,
            receive_maximum: u16::MAX,
            maximum_packet_size: u32::MAX,
            maximum_qos: Qos::ExactlyOnce,
            retain_available: true,
            topic_alias_maximum: 0,
            response_information: None,
            reason_string: None,
        }
    }
}

/// PUBACK, PUBREC, PUBREL or PUBCOMP: all four have one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ack {
    pub(crate) packet_id: u16,
    pub(crate) reason: ReasonCode,
    pub(crate) reason_string: Option<String>,
}

/// Which of the four [`Ack`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AckKind {
    Puback,
    Pubrec,
    Pubrel,
    Pubcomp,
}

impl AckKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Puback => "PUBACK",
            Self::Pubrec => "PUBREC",
            Self::Pubrel => "PUBREL",
            Self::Pubcomp => "PUBCOMP",
        }
    }
}

/// A packet from the broker that is no PUBLISH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incoming {
    Accepted(Accepted),
    Refused(crate::reason::Refusal),
    Ack(AckKind, Ack),
    Suback {
        packet_id: u16,
        codes: Vec<ReasonCode>,
        reason_string: Option<String>,
    },
    Unsuback {
        packet_id: u16,
        codes: Vec<ReasonCode>,
        reason_string: Option<String>,
    },
    Pingresp,
    Disconnect {
        reason: ReasonCode,
        reason_string: Option<String>,
    },
}
