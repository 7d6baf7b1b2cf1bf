//! Topic Aliases (MQTT 5, section 3.3.2.3.4): numbers that stand for topics, in one direction of
//! one connection.

use std::collections::BTreeMap;

use bytes::{BufMut as _, BytesMut};

use super::ProtocolError;
use crate::message::{Message, Publication};
use crate::topic::TopicName;

/// The property's identifier.
const TOPIC_ALIAS: u8 = 0x23;

/// How a PUBLISH names its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// In full.
    Topic,
    /// In full, and this alias stands for it from now on.
    Both(u16),
    /// By an alias that the broker knows.
    Alias(u16),
}

impl Naming {
    /// What stands in the topic's place.
    pub(super) fn topic(self, message: &Publication) -> &[u8] {
        match self {
            Self::Topic | Self::Both(_) => message.topic.as_bytes(),
            Self::Alias(_) => b"",
        }
    }

    /// The length of the alias among the properties, in bytes.
    pub(super) const fn property_length(self) -> usize {
        match self {
            Self::Topic => 0,
            Self::Both(_) | Self::Alias(_) => 3,
        }
    }

    pub(super) fn put_property(self, buffer: &mut BytesMut) {
        if let Self::Both(alias) | Self::Alias(alias) = self {
            buffer.put_u8(TOPIC_ALIAS);
            buffer.put_u16(alias);
        }
    }
}

/// The aliases that stand for topics over the present connection.
#[derive(Debug, Default)]
pub(super) struct Aliases(BTreeMap<u16, TopicName>);

impl Aliases {
    /// A new connection knows none.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// How to name the topic of a message that may go out with an alias up to `maximum`.
    pub(super) fn naming(&self, message: &Publication, maximum: u16) -> Naming {
        match message.topic_alias {
            Some(alias) if alias != 0 && alias <= maximum => {
                if self.0.get(&alias) == Some(&message.topic) {
                    Naming::Alias(alias)
                } else {
                    Naming::Both(alias)
                }
            }
            _ => Naming::Topic,
        }
    }

    /// A message is on its way.
    pub(super) fn sent(&mut self, message: &Publication, naming: Naming) {
        if let Naming::Both(alias) = naming {
            self.0.insert(alias, message.topic.clone());
        }
    }

    /// Gives a received message its topic; `maximum` is the highest alias the broker may use.
    pub(super) fn resolve(
        &mut self,
        message: &mut Message,
        maximum: u16,
    ) -> Result<(), ProtocolError> {
        let wrong = |what: String| Err(ProtocolError::TopicAlias(what));
        let has_topic = !message.topic.as_bytes().is_empty();
        let Some(alias) = message.properties.as_ref().and_then(|p| p.topic_alias) else {
            return if has_topic {
                Ok(())
            } else {
                Err(ProtocolError::Malformed(
                    "PUBLISH: its topic is empty".into(),
                ))
            };
        };
        if maximum == 0 {
            return wrong("none was allowed".into());
        }
        if alias == 0 || alias > maximum {
            return wrong(format!("it is {alias}, and 1 to {maximum} were allowed"));
        }
        if has_topic {
            self.0.insert(alias, message.topic.detached());
            return Ok(());
        }
        match self.0.get(&alias) {
            Some(topic) => {
                message.topic = topic.clone();
                Ok(())
            }
            None => wrong(format!("nothing is known of {alias}")),
        }
    }
}
