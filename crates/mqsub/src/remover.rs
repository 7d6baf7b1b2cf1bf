//! `--remove-retained`: an empty retained message makes a broker forget the one it keeps. What
//! is to be removed waits here until it is printed and there is room, and the broker's verdicts
//! are counted.

use std::collections::{HashMap, HashSet, VecDeque};

use mqtools_common::exit::Exit;
use mqtools_common::message::{Message, Publication, Qos};
use mqtools_common::payload::Payload;
use mqtools_common::protocol::{PublishError, Session};
use mqtools_common::reason::{Reason, ReasonCode};
use mqtools_common::report::Report;
use mqtools_common::topic::TopicName;

/// How many bytes may wait to be sent at QoS 0 before more are added.
const HIGH_WATER: usize = 256 * 1024;

/// What `--remove-retained` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    Real,
    /// `--dry-run`: nothing is sent.
    Dry,
}

/// Removes retained messages, and knows what became of it.
#[derive(Debug)]
pub(crate) struct Remover {
    removal: Removal,
    /// Their messages are in these batches of the output, not all of which are written.
    unprinted: VecDeque<(u64, TopicName)>,
    /// Their messages are printed.
    waiting: VecDeque<TopicName>,
    /// The empty message is on its way, under this Packet Identifier.
    in_flight: HashMap<u16, TopicName>,
    /// The broker takes nothing above QoS 0, and so acknowledges nothing.
    unacknowledged: bool,
    removed: u64,
    /// Of those that were removed: overlapping subscriptions bring one twice.
    topics: HashSet<TopicName>,
    refused: u64,
    refusal: Option<(Exit, String)>,
}

/// A retained message that stays.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) topic: TopicName,
    pub(crate) why: String,
    /// How many came before it.
    pub(crate) before: u64,
}

impl Remover {
    pub(crate) fn new(removal: Removal) -> Self {
        Self {
            removal,
            unprinted: VecDeque::new(),
            waiting: VecDeque::new(),
            in_flight: HashMap::new(),
            unacknowledged: false,
            removed: 0,
            topics: HashSet::new(),
            refused: 0,
            refusal: None,
        }
    }

    /// Notes a message of a batch of the output. An empty one removes itself: answering our own, which
    /// comes back with its flag under Retain As Published, would go on for ever.
    pub(crate) fn note(&mut self, message: &Message, batch: u64) {
        if message.retain && !message.payload.is_empty() {
            self.unprinted.push_back((batch, message.topic.detached()));
        }
    }

    /// What was noted of the batches below this number is handled, and may go if that went well.
    pub(crate) fn printed(&mut self, handled: u64, went_well: impl Fn(u64) -> bool) {
        let count = self
            .unprinted
            .partition_point(|(batch, _)| *batch < handled);
        let printed = self.unprinted.drain(..count);
        let printed = printed.filter(|(batch, _)| went_well(*batch));
        self.waiting.extend(printed.map(|(_, topic)| topic));
    }

    /// What was noted will never be printed, and stays.
    pub(crate) fn not_printed(&mut self) {
        self.unprinted.clear();
    }

    /// Sends as much as there is room for; gives those that cannot be sent.
    pub(crate) fn send(&mut self, session: &mut Session) -> Vec<Refused> {
        let mut refused = Vec::new();
        if self.removal == Removal::Dry {
            self.topics.extend(self.waiting.drain(..));
            return refused;
        }
        while let Some(topic) = self.waiting.front() {
            let has_room = if self.unacknowledged {
                session.output().len() < HIGH_WATER
            } else {
                session.has_room()
            };
            if !session.is_online() || !has_room {
                break;
            }
            let empty = Publication {
                topic: topic.clone(),
                payload: Payload::default(),
                qos: if self.unacknowledged {
                    Qos::AtMostOnce
                } else {
                    Qos::AtLeastOnce
                },
                retain: true,
                properties: mqtools_common::property::Properties::default(),
                topic_alias: None,
            };
            match session.publish(&empty) {
                Ok(None) => self.has_removed(empty.topic),
                Ok(Some(packet_id)) => {
                    self.in_flight.insert(packet_id, empty.topic);
                }
                Err(PublishError::QosNotSupported { .. }) if !self.unacknowledged => {
                    self.unacknowledged = true;
                    continue;
                }
                Err(why) => {
                    refused.push(self.refuse(empty.topic, why.exit(), why.to_string()));
                }
            }
            self.waiting.pop_front();
        }
        refused
    }

    /// The broker's answer to one of them.
    pub(crate) fn answered(
        &mut self,
        packet_id: u16,
        code: ReasonCode,
        words: Option<String>,
    ) -> Option<Refused> {
        let topic = self.in_flight.remove(&packet_id)?;
        if code.is_failure() {
            let why = Reason { code, words }.to_string();
            return Some(self.refuse(topic, Exit::from_broker(code.0), why));
        }
        self.has_removed(topic);
        None
    }

    /// Whether nothing is left to do or to wait for.
    pub(crate) fn is_settled(&self, session: &mut Session) -> bool {
        self.unprinted.is_empty()
            && self.waiting.is_empty()
            && self.in_flight.is_empty()
            && !(self.unacknowledged && session.is_online() && !session.output().is_empty())
    }

    /// How many the broker has removed, or would have.
    pub(crate) fn count(&self) -> String {
        let retained = retained(u64::try_from(self.topics.len()).unwrap_or(u64::MAX));
        match self.removal {
            Removal::Real => format!("removed {retained}"),
            Removal::Dry => format!("would remove {retained}"),
        }
    }

    /// How many were answered, well or not.
    pub(crate) fn progress(&self) -> u64 {
        self.removed + self.refused
    }

    /// Every removal that was refused, as one failure.
    pub(crate) fn failure(&self) -> Option<Report> {
        let (exit, why) = self.refusal.as_ref()?;
        let (refused, all) = (self.refused, self.all());
        Some(
            Report::new(
                *exit,
                format!(
                    "{refused} of {} {} not removed",
                    retained(all),
                    if refused == 1 { "was" } else { "were" }
                ),
            )
            .cause(why)
            .hint("removing one takes the right to publish to its topic"),
        )
    }

    /// What became of all.
    pub(crate) fn balance(&self) -> String {
        format!(
            "of {} to remove, the broker acknowledged {}, refused {} and left {} unanswered",
            retained(self.all()),
            self.removed,
            self.refused,
            self.open()
        )
    }

    /// How many the broker has not answered, or was not asked about.
    pub(crate) fn open(&self) -> u64 {
        let open = self.waiting.len() + self.in_flight.len();
        u64::try_from(open).unwrap_or(u64::MAX)
    }

    fn all(&self) -> u64 {
        self.progress().saturating_add(self.open())
    }

    fn has_removed(&mut self, topic: TopicName) {
        self.removed += 1;
        self.topics.insert(topic);
    }

    fn refuse(&mut self, topic: TopicName, exit: Exit, why: String) -> Refused {
        let before = self.refused;
        self.refused += 1;
        self.refusal.get_or_insert_with(|| (exit, why.clone()));
        Refused { topic, why, before }
    }
}

fn retained(count: u64) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} retained message{plural}")
}
