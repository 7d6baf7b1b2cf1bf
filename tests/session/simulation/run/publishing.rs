//! What the application publishes: messages one by one, or as the lines of a text.

use mqtools_common::message::{Publication, Qos};
use mqtools_common::property::Properties;
use mqtools_common::protocol::{Most, PublishError};
use mqtools_common::topic::TopicName;

use super::World;
use crate::simulation::monitor::{payload, topic};

impl World<'_> {
    pub(super) fn publish(&mut self) {
        let Some(qos) = self.plan.ours.get(self.next).copied() else {
            return;
        };
        let number = self.next;
        let message = Publication {
            topic: self.topic(number),
            payload: payload(number).into(),
            qos,
            retain: false,
            properties: Properties::default(),
            topic_alias: self
                .plan
                .topic_aliases
                .then(|| 1 + self.random.below(4) as u16),
        };
        let room = self.session.has_room();
        let before = self.session.unacknowledged();
        let published = if self.random.one_in(2) {
            self.publish_line(&message)
        } else {
            None
        };
        match published.unwrap_or_else(|| self.session.publish(&message)) {
            Ok(id) => {
                assert_eq!(id.is_some(), qos != Qos::AtMostOnce);
                assert!(room || id.is_none(), "taken without room");
                if let Some(id) = id {
                    self.last_id = id;
                    assert_eq!(self.by_id.insert(id, number), None);
                    self.bytes += message.payload.len();
                }
            }
            Err(PublishError::NotConnected) => {
                assert!(!self.session.is_online());
                return;
            }
            Err(PublishError::WindowFull) => {
                assert!(!room && qos != Qos::AtMostOnce);
                return;
            }
            Err(PublishError::OverBrokerMaximum { size, maximum }) => {
                assert_eq!(maximum as usize, self.monitor.maximum_packet_size);
                assert!(size > self.monitor.maximum_packet_size);
                self.ends.insert(number, 0x95);
            }
            Err(other) => panic!("{other:?}"),
        }
        self.next += 1;
        let more = self.session.unacknowledged() - before;
        assert!(more <= usize::from(qos != Qos::AtMostOnce));
        self.watch();
    }

    /// Publishes the message as the line of a text, if it can be published so.
    fn publish_line(&mut self, message: &Publication) -> Option<Result<Option<u16>, PublishError>> {
        let mut text = message.payload.bytes()?.clone();
        let most = Most {
            output: usize::MAX,
            unacknowledged: usize::MAX,
        };
        match self.session.publish_lines(message, &mut text, b'\n', most) {
            0 => None,
            _ => {
                let id = self.last_id.checked_add(1).unwrap_or(1);
                Some(Ok((message.qos != Qos::AtMostOnce).then_some(id)))
            }
        }
    }

    /// The same one each time, as a source of messages has it.
    fn topic(&mut self, number: usize) -> TopicName {
        let name = topic(number);
        let known = self.topics.entry(name);
        known
            .or_insert_with(|| TopicName::new(name).unwrap())
            .clone()
    }
}
