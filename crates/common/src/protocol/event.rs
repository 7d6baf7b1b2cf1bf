//! What a session tells its driver: events, in their order, and why a request was not taken.

use std::collections::VecDeque;
use std::fmt;

use super::ProtocolError;
use super::in_flight::id_behind;
use super::packet::Accepted;
use super::run::Run;
use crate::exit::Exit;
use crate::message::{MAX_REMAINING_LENGTH, Message, Qos};
use crate::reason::{Reason, ReasonCode, Refusal};

/// Is told each protocol step, for `--debug`.
pub type Trace = fn(fmt::Arguments<'_>);

/// What happened, in the order it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The broker accepted the CONNECT.
    Connected(Accepted),
    /// The broker refused the CONNECT; the connection is of no more use.
    Refused(Refusal),
    /// A message arrived. Hand its receipt to [`Session::acknowledge`](super::Session::acknowledge) once it is safe.
    Message(Message),
    /// A QoS 1 or 2 message reached the end of its exchange, well or with a failure code. The
    /// code is ours when, after a reconnect, the broker's new limits forbid to send it again,
    /// which is also told of a QoS 0 message.
    Published {
        /// The identifier that [`Session::publish`](super::Session::publish) gave; 0 at QoS 0.
        packet_id: u16,
        /// The broker's verdict.
        reason: ReasonCode,
        /// The broker's own words.
        reason_string: Option<String>,
    },
    /// SUBACK: one code for each filter, 0 to 2 the QoS granted, 128 and up a refusal.
    Subscribed {
        /// The identifier that [`Session::subscribe`](super::Session::subscribe) gave.
        packet_id: u16,
        /// In the order of the filters.
        codes: Vec<ReasonCode>,
        /// The broker's own words.
        reason_string: Option<String>,
    },
    /// UNSUBACK; the codes are empty before MQTT 5.
    Unsubscribed {
        /// The identifier that [`Session::unsubscribe`](super::Session::unsubscribe) gave.
        packet_id: u16,
        /// In the order of the filters.
        codes: Vec<ReasonCode>,
        /// The broker's own words.
        reason_string: Option<String>,
    },
    /// The broker ended the session (MQTT 5 DISCONNECT).
    Closed {
        /// Why.
        reason: ReasonCode,
        /// The broker's own words.
        reason_string: Option<String>,
    },
    /// After a reconnect the broker had forgotten the session, and this many QoS 2 messages
    /// that it may have delivered already go out again.
    MayDuplicate(usize),
    /// The connection was lost with this many QoS 0 messages that it had taken and that the broker
    /// may not have got.
    MayBeLost(u64),
}

/// What was not told yet, oldest first.
#[derive(Debug, Default)]
pub(super) struct Events(VecDeque<Entry>);

#[derive(Debug)]
enum Entry {
    Event(Event),
    /// As many messages.
    Run(Run),
    /// As many exchanges that ended well, with consecutive identifiers.
    Successes {
        next: u16,
        count: usize,
    },
}

impl Events {
    pub(super) fn push_back(&mut self, event: Event) {
        self.0.push_back(Entry::Event(event));
    }

    pub(super) fn push_run(&mut self, run: Run) {
        self.0.push_back(Entry::Run(run));
    }

    /// So many exchanges ended well, with consecutive identifiers.
    pub(super) fn push_successes(&mut self, next: u16, count: usize) {
        self.0.push_back(Entry::Successes { next, count });
    }

    pub(super) fn pop_front(&mut self) -> Option<Event> {
        loop {
            let next = match self.0.front_mut()? {
                Entry::Event(_) => break,
                Entry::Run(run) => run.next_message().map(Event::Message),
                Entry::Successes { count: 0, .. } => None,
                Entry::Successes { next, count } => {
                    let packet_id = *next;
                    (*next, *count) = (id_behind(packet_id), *count - 1);
                    Some(Event::Published {
                        packet_id,
                        reason: ReasonCode::SUCCESS,
                        reason_string: None,
                    })
                }
            };
            if next.is_some() {
                return next;
            }
            self.0.pop_front();
        }
        match self.0.pop_front()? {
            Entry::Event(event) => Some(event),
            Entry::Run(_) | Entry::Successes { .. } => None,
        }
    }

    /// How many exchanges ended well next: they are no events any more.
    pub(super) fn successes(&mut self) -> u64 {
        let mut all = 0;
        while let Some(Entry::Successes { count, .. }) = self.0.front() {
            all += *count as u64;
            self.0.pop_front();
        }
        all
    }

    /// The run that comes next, if it is one.
    pub(super) fn run(&mut self) -> Option<&mut Run> {
        match self.0.front_mut()? {
            Entry::Run(run) => Some(run),
            Entry::Event(_) | Entry::Successes { .. } => None,
        }
    }
}

/// What the broker said when it ended the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// CONNACK with a failure code.
    Refused(Refusal),
    /// DISCONNECT (MQTT 5).
    Closed(Reason),
}

/// Why a message was not taken. Nothing of it was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// No connection, or it is being closed.
    #[error("there is no connection")]
    NotConnected,
    /// As many messages are unacknowledged as the window allows; ask again after an event.
    #[error("the window is full")]
    WindowFull,
    /// The packet would be larger than MQTT can frame.
    #[error("the message needs a packet of {size} bytes, and MQTT allows {MAX_REMAINING_LENGTH}")]
    TooLarge {
        /// The packet's remaining length in bytes.
        size: usize,
    },
    /// The packet would be larger than the broker takes.
    #[error("the message needs a packet of {size} bytes, and the broker takes {maximum}")]
    OverBrokerMaximum {
        /// The packet's size in bytes.
        size: usize,
        /// The broker's Maximum Packet Size in bytes.
        maximum: u32,
    },
    /// The broker's Maximum QoS is lower.
    #[error("the broker supports QoS {} at most", maximum.level())]
    QosNotSupported {
        /// The broker's Maximum QoS.
        maximum: Qos,
    },
    /// The broker keeps no retained messages.
    #[error("the broker does not support retained messages")]
    RetainNotSupported,
    /// The packet could not be encoded.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

impl PublishError {
    /// The exit code of a tool that this ends.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::TooLarge { .. } => Exit::PAYLOAD_TOO_LARGE,
            Self::OverBrokerMaximum { .. } => Exit::OVERSIZE_PACKET,
            Self::QosNotSupported { .. } => Exit::QOS_NOT_SUPPORTED,
            Self::RetainNotSupported => Exit::RETAIN_NOT_SUPPORTED,
            Self::NotConnected => Exit::NOT_CONNECTED,
            Self::WindowFull | Self::Protocol(_) => Exit::UNKNOWN,
        }
    }

    /// The Reason Code a broker would give for the same.
    pub(super) fn reason(&self) -> ReasonCode {
        ReasonCode(match self {
            Self::TooLarge { .. } | Self::OverBrokerMaximum { .. } => 0x95,
            Self::QosNotSupported { .. } => 0x9B,
            Self::RetainNotSupported => 0x9A,
            Self::NotConnected | Self::WindowFull | Self::Protocol(_) => 0x80,
        })
    }
}
