//! The session itself: handshake, window, acknowledgements, Keep Alive, resending.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

use bytes::BytesMut;

use super::ProtocolError;
use super::codec::Codec;
use super::in_flight::{InFlight, Outgoing, Request, Stage};
use super::output::Output;
use super::packet::{Accepted, Ack, AckKind, Connect, Incoming, Subscription};
use crate::message::{MAX_REMAINING_LENGTH, Message, Publication, Qos, Receipt};
use crate::reason::{ReasonCode, Refusal, Version};
use crate::topic::TopicFilter;

/// Is told each protocol step, for `--debug`.
pub type Trace = fn(fmt::Arguments<'_>);

/// What happened, in the order it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The broker accepted the CONNECT.
    Connected(Accepted),
    /// The broker refused the CONNECT; the connection is of no more use.
    Refused(Refusal),
    /// A message arrived. Hand its receipt to [`Session::acknowledge`] once it is safe.
    Message(Message),
    /// A QoS 1 or 2 message reached the end of its exchange, well or with a failure code.
    Published {
        /// The identifier that [`Session::publish`] gave.
        packet_id: u16,
        /// The broker's verdict.
        reason: ReasonCode,
        /// The broker's own words.
        reason_string: Option<String>,
    },
    /// SUBACK: one code for each filter, 0 to 2 the QoS granted, 128 and up a refusal.
    Subscribed {
        /// The identifier that [`Session::subscribe`] gave.
        packet_id: u16,
        /// In the order of the filters.
        codes: Vec<ReasonCode>,
        /// The broker's own words.
        reason_string: Option<String>,
    },
    /// UNSUBACK; the codes are empty in MQTT 3.1.1.
    Unsubscribed {
        /// The identifier that [`Session::unsubscribe`] gave.
        packet_id: u16,
        /// In the order of the filters.
        codes: Vec<ReasonCode>,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No connection.
    Offline,
    /// CONNECT is out, CONNACK due.
    Connecting,
    Online,
    /// DISCONNECT is queued or sent, or the broker refused or closed: nothing more may follow.
    Ended,
}

/// A QoS 2 message that is ours but not yet released by PUBREL (MQTT 5, section 4.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Received {
    /// Given to the application, which has not acknowledged it.
    Delivered,
    /// The application is done with it: a repetition gets PUBREC again and goes no further.
    Accepted,
}

/// One MQTT session, over any number of connections one after the other.
#[derive(Debug)]
pub struct Session {
    connect: Connect,
    codec: Codec,
    state: State,
    /// Counts connections, to tell receipts of an earlier one.
    connection: u64,
    limits: Accepted,
    /// The most unacknowledged messages at a time, whatever the broker would take.
    max_in_flight: u16,
    output: Output,
    events: VecDeque<Event>,
    requests: InFlight,
    /// Messages in `requests`, split by whether they are on this connection's wire.
    on_wire: usize,
    waiting: usize,
    received: HashMap<u16, Received>,
    keep_alive: KeepAlive,
    trace: Option<Trace>,
}

impl Session {
    /// A session that is not connected yet. `max_in_flight` bounds the unacknowledged
    /// QoS 1 and 2 messages; 0 counts as 1.
    #[must_use]
    pub fn new(connect: Connect, max_in_flight: u16, trace: Option<Trace>) -> Self {
        Self {
            codec: Codec::new(connect.version),
            connect,
            state: State::Offline,
            connection: 0,
            limits: Accepted::default(),
            max_in_flight: max_in_flight.max(1),
            output: Output::default(),
            events: VecDeque::new(),
            requests: InFlight::new(),
            on_wire: 0,
            waiting: 0,
            received: HashMap::new(),
            keep_alive: KeepAlive::default(),
            trace,
        }
    }

    /// A fresh connection is up: sends CONNECT over it.
    ///
    /// # Errors
    /// [`ProtocolError::Encoding`] when a field does not fit its packet.
    pub fn open(&mut self, now: Instant) -> Result<(), ProtocolError> {
        self.lost();
        self.connection += 1;
        self.state = State::Connecting;
        self.keep_alive = KeepAlive::new(self.connect.keep_alive, now);
        self.trace(format_args!(
            "sending CONNECT ({}, id {:?}, clean {}, keep alive {} s)",
            self.connect.version,
            self.connect.client_id,
            u8::from(self.connect.clean_start),
            self.connect.keep_alive
        ));
        self.codec.connect(&self.connect, &mut self.output)
    }

    /// The connection is gone. What was not acknowledged stays, to be sent over the next one.
    pub fn lost(&mut self) {
        self.state = State::Offline;
        self.output.clear();
        self.waiting += self.on_wire;
        self.on_wire = 0;
    }

    /// Takes in what arrived; complete packets leave `input`, the rest stays.
    ///
    /// # Errors
    /// The broker broke the protocol; the connection must be closed. Events up to the
    /// offending packet are still there.
    pub fn feed(&mut self, input: &mut BytesMut, now: Instant) -> Result<(), ProtocolError> {
        self.keep_alive.received(now);
        while self.state != State::Ended {
            let Some(packet) = self.codec.decode(input, self.connection)? else {
                break;
            };
            self.take_in(packet, now)?;
        }
        Ok(())
    }

    /// The next thing that happened.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What to send now.
    pub fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    /// Tells that bytes went out: a connection that carries them needs no PINGREQ.
    pub fn sent(&mut self, now: Instant) {
        self.keep_alive.sent(now);
    }

    /// When [`Session::tick`] must be called at the latest; never when nothing is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        (self.state == State::Online)
            .then(|| self.keep_alive.deadline())
            .flatten()
    }

    /// Time has passed: sends PINGREQ when one is due.
    ///
    /// # Errors
    /// [`ProtocolError::KeepAliveTimeout`] when the broker left one unanswered.
    pub fn tick(&mut self, now: Instant) -> Result<(), ProtocolError> {
        if self.state != State::Online || self.deadline().is_none_or(|due| now < due) {
            return Ok(());
        }
        if self.keep_alive.ping_is_out() {
            return Err(ProtocolError::KeepAliveTimeout);
        }
        self.trace(format_args!("sending PINGREQ"));
        self.codec.pingreq(&mut self.output);
        self.keep_alive.pinged(now);
        Ok(())
    }

    /// Whether requests can be made.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.state == State::Online
    }

    /// Whether [`Session::publish`] takes a QoS 1 or 2 message now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.is_online() && self.waiting == 0 && self.on_wire < self.window()
    }

    /// How many QoS 1 and 2 messages the broker has not acknowledged to the end.
    #[must_use]
    pub fn unacknowledged(&self) -> usize {
        self.on_wire + self.waiting
    }

    /// Publishes a message. QoS 0 is done with that; QoS 1 and 2 give the identifier that
    /// [`Event::Published`] will carry.
    ///
    /// # Errors
    /// Every variant of [`PublishError`]; the message was not taken then.
    pub fn publish(&mut self, message: &Publication) -> Result<Option<u16>, PublishError> {
        if !self.is_online() {
            return Err(PublishError::NotConnected);
        }
        self.check_limits(message)?;
        if message.qos == Qos::AtMostOnce {
            self.send_publish(message, 0, false)?;
            return Ok(None);
        }
        if !self.has_room() {
            return Err(PublishError::WindowFull);
        }
        let request = Request::Publish(Outgoing {
            message: message.clone(),
            stage: Stage::Sent,
            dup: false,
        });
        let packet_id = self
            .requests
            .insert(request)
            .ok_or(PublishError::WindowFull)?;
        self.send_publish(message, packet_id, false)?;
        self.on_wire += 1;
        Ok(Some(packet_id))
    }

    /// Subscribes to all of `subscriptions` with one packet; gives its identifier.
    ///
    /// # Errors
    /// [`PublishError::NotConnected`], [`PublishError::WindowFull`] without a free identifier,
    /// and the two about the packet's size.
    pub fn subscribe(&mut self, subscriptions: &[Subscription]) -> Result<u16, PublishError> {
        let size: usize = subscriptions
            .iter()
            .map(|s| 3 + s.filter.as_str().len())
            .sum();
        let packet_id = self.request(Request::Subscribe(subscriptions.len()), size)?;
        for subscription in subscriptions {
            self.trace(format_args!(
                "sending SUBSCRIBE (m{packet_id}, {:?}, QoS {})",
                subscription.filter.as_str(),
                subscription.qos.level()
            ));
        }
        self.codec
            .subscribe(packet_id, subscriptions, &mut self.output)?;
        Ok(packet_id)
    }

    /// Ends subscriptions with one packet; gives its identifier.
    ///
    /// # Errors
    /// As [`Session::subscribe`].
    pub fn unsubscribe(&mut self, filters: &[TopicFilter]) -> Result<u16, PublishError> {
        let size: usize = filters.iter().map(|f| 2 + f.as_str().len()).sum();
        let packet_id = self.request(Request::Unsubscribe, size)?;
        for filter in filters {
            self.trace(format_args!(
                "sending UNSUBSCRIBE (m{packet_id}, {:?})",
                filter.as_str()
            ));
        }
        self.codec
            .unsubscribe(packet_id, filters, &mut self.output)?;
        Ok(packet_id)
    }

    /// The application has a received message safe: tells the broker.
    pub fn acknowledge(&mut self, receipt: Receipt) {
        let current = receipt.connection == self.connection && self.state == State::Online;
        if receipt.qos == Qos::ExactlyOnce {
            // Gone when the broker forgot the session meanwhile.
            let Some(state) = self.received.get_mut(&receipt.packet_id) else {
                return;
            };
            *state = Received::Accepted;
            if current {
                self.send_ack(AckKind::Pubrec, receipt.packet_id, ReasonCode::SUCCESS);
            }
        } else if current {
            self.send_ack(AckKind::Puback, receipt.packet_id, ReasonCode::SUCCESS);
        }
    }

    /// Says good-bye: the broker throws the Will away. Nothing can be sent afterwards.
    pub fn disconnect(&mut self) {
        if self.state == State::Online {
            self.trace(format_args!("sending DISCONNECT"));
            self.codec.disconnect(&mut self.output);
        }
        self.state = State::Ended;
    }

    fn take_in(&mut self, packet: Incoming, now: Instant) -> Result<(), ProtocolError> {
        match (self.state, packet) {
            (State::Connecting, Incoming::Accepted(accepted)) => self.accepted(accepted, now),
            (State::Connecting, Incoming::Refused(refusal)) => {
                self.trace(format_args!("received CONNACK ({})", refusal.code));
                self.state = State::Ended;
                self.events.push_back(Event::Refused(refusal));
                Ok(())
            }
            (State::Connecting, _) => Err(ProtocolError::Unexpected("a packet before CONNACK")),
            (_, Incoming::Accepted(_) | Incoming::Refused(_)) => {
                Err(ProtocolError::Unexpected("a second CONNACK"))
            }
            (_, Incoming::Publish(message)) => {
                self.message(message);
                Ok(())
            }
            (_, Incoming::Ack(kind, ack)) => self.acknowledged(kind, ack),
            (
                _,
                Incoming::Suback {
                    packet_id,
                    codes,
                    reason_string,
                },
            ) => self.subscribed(packet_id, codes, reason_string),
            (_, Incoming::Unsuback { packet_id, codes }) => {
                self.trace(format_args!("received UNSUBACK (m{packet_id})"));
                if self.requests.get_mut(packet_id) == Some(&mut Request::Unsubscribe) {
                    self.requests.remove(packet_id);
                    self.events
                        .push_back(Event::Unsubscribed { packet_id, codes });
                }
                Ok(())
            }
            (_, Incoming::Pingresp) => {
                self.trace(format_args!("received PINGRESP"));
                Ok(())
            }
            (
                _,
                Incoming::Disconnect {
                    reason,
                    reason_string,
                },
            ) => {
                self.trace(format_args!("received DISCONNECT ({})", reason.0));
                self.state = State::Ended;
                self.events.push_back(Event::Closed {
                    reason,
                    reason_string,
                });
                Ok(())
            }
        }
    }

    fn accepted(&mut self, accepted: Accepted, now: Instant) -> Result<(), ProtocolError> {
        self.trace(format_args!(
            "received CONNACK (0, session present {})",
            u8::from(accepted.session_present)
        ));
        self.state = State::Online;
        if let Some(seconds) = accepted.server_keep_alive {
            self.keep_alive = KeepAlive::new(seconds, now);
        }
        if let Some(id) = &accepted.assigned_client_id {
            // The session's name from now on: a reconnect must ask for the same one.
            self.connect.client_id.clone_from(id);
        }
        let session_present = accepted.session_present;
        self.limits = accepted.clone();
        self.events.push_back(Event::Connected(accepted));
        self.resume(session_present)
    }

    /// Takes up what an earlier connection left unfinished (MQTT 5, section 4.4).
    fn resume(&mut self, session_present: bool) -> Result<(), ProtocolError> {
        if !session_present {
            self.received.clear();
        }
        let mut released = Vec::new();
        let mut answered = Vec::new();
        let mut may_duplicate = 0;
        for (id, request) in self.requests.iter_mut() {
            match request {
                Request::Publish(outgoing) => match (outgoing.stage, session_present) {
                    (Stage::Waiting, true) => {}
                    (Stage::Sent, true) => {
                        outgoing.dup = true;
                        outgoing.stage = Stage::Waiting;
                    }
                    (Stage::Released, true) => released.push(id),
                    (stage, false) => {
                        let in_doubt = outgoing.message.qos == Qos::ExactlyOnce
                            && (stage != Stage::Waiting || outgoing.dup);
                        may_duplicate += usize::from(in_doubt);
                        outgoing.dup = false;
                        outgoing.stage = Stage::Waiting;
                    }
                },
                // Whoever subscribed is told Connected and subscribes anew.
                Request::Subscribe(_) | Request::Unsubscribe => answered.push(id),
            }
        }
        for id in answered {
            self.requests.remove(id);
        }
        for id in released {
            self.waiting -= 1;
            self.on_wire += 1;
            self.send_ack(AckKind::Pubrel, id, ReasonCode::SUCCESS);
        }
        if may_duplicate > 0 {
            self.events.push_back(Event::MayDuplicate(may_duplicate));
        }
        self.send_waiting()
    }

    /// Sends messages that wait since a reconnect, in their old order, as the window allows.
    fn send_waiting(&mut self) -> Result<(), ProtocolError> {
        if self.waiting == 0 {
            return Ok(());
        }
        let room = self.window().saturating_sub(self.on_wire);
        let mut next = Vec::new();
        for (id, request) in self.requests.iter_mut() {
            if next.len() == room {
                break;
            }
            if let Request::Publish(outgoing) = request
                && outgoing.stage == Stage::Waiting
            {
                outgoing.stage = Stage::Sent;
                next.push((id, outgoing.message.clone(), outgoing.dup));
            }
        }
        self.waiting -= next.len();
        self.on_wire += next.len();
        for (id, message, dup) in next {
            self.send_publish(&message, id, dup)?;
        }
        Ok(())
    }

    fn message(&mut self, message: Message) {
        self.trace(format_args!(
            "received PUBLISH (d{}, q{}, r{}, m{}, {:?}, {} bytes)",
            u8::from(message.dup),
            message.qos.level(),
            u8::from(message.retain),
            message.receipt.map_or(0, |r| r.packet_id),
            message.topic.as_str(),
            message.payload.len()
        ));
        if let Some(receipt) = message.receipt
            && receipt.qos == Qos::ExactlyOnce
        {
            match self.received.get(&receipt.packet_id) {
                // The broker repeats what the application is still busy with.
                Some(Received::Delivered) => return,
                Some(Received::Accepted) => {
                    self.send_ack(AckKind::Pubrec, receipt.packet_id, ReasonCode::SUCCESS);
                    return;
                }
                None => {
                    self.received.insert(receipt.packet_id, Received::Delivered);
                }
            }
        }
        self.events.push_back(Event::Message(message));
    }

    fn acknowledged(&mut self, kind: AckKind, ack: Ack) -> Result<(), ProtocolError> {
        self.trace(format_args!(
            "received {} (m{}, reason {})",
            kind.name(),
            ack.packet_id,
            ack.reason.0
        ));
        if kind == AckKind::Pubrel {
            let known = self.received.remove(&ack.packet_id).is_some();
            let reason = if known || self.connect.version == Version::V311 {
                ReasonCode::SUCCESS
            } else {
                ReasonCode::PACKET_ID_NOT_FOUND
            };
            self.send_ack(AckKind::Pubcomp, ack.packet_id, reason);
            return Ok(());
        }
        let Some(Request::Publish(outgoing)) = self.requests.get_mut(ack.packet_id) else {
            // A second answer, or one to a request of an earlier connection.
            return Ok(());
        };
        match (kind, outgoing.message.qos, outgoing.stage) {
            // Not sent over this connection yet: the answer cannot be meant for it.
            (_, _, Stage::Waiting) => Ok(()),
            (AckKind::Pubrec, Qos::ExactlyOnce, _) if !ack.reason.is_failure() => {
                outgoing.stage = Stage::Released;
                self.send_ack(AckKind::Pubrel, ack.packet_id, ReasonCode::SUCCESS);
                Ok(())
            }
            (AckKind::Puback, Qos::AtLeastOnce, _)
            | (AckKind::Pubrec, Qos::ExactlyOnce, Stage::Sent)
            | (AckKind::Pubcomp, Qos::ExactlyOnce, Stage::Released) => {
                self.requests.remove(ack.packet_id);
                self.on_wire -= 1;
                self.events.push_back(Event::Published {
                    packet_id: ack.packet_id,
                    reason: ack.reason,
                    reason_string: ack.reason_string,
                });
                self.send_waiting()
            }
            _ => Err(ProtocolError::Unexpected(kind.name())),
        }
    }

    fn subscribed(
        &mut self,
        packet_id: u16,
        codes: Vec<ReasonCode>,
        reason_string: Option<String>,
    ) -> Result<(), ProtocolError> {
        self.trace(format_args!(
            "received SUBACK (m{packet_id}, codes {:?})",
            codes.iter().map(|code| code.0).collect::<Vec<_>>()
        ));
        let Some(Request::Subscribe(filters)) = self.requests.get_mut(packet_id) else {
            return Ok(());
        };
        if *filters != codes.len() {
            return Err(ProtocolError::Malformed(format!(
                "SUBACK with {} codes for {filters} filters",
                codes.len()
            )));
        }
        self.requests.remove(packet_id);
        self.events.push_back(Event::Subscribed {
            packet_id,
            codes,
            reason_string,
        });
        Ok(())
    }

    /// Files a SUBSCRIBE or UNSUBSCRIBE whose filters take `size` bytes.
    fn request(&mut self, request: Request, size: usize) -> Result<u16, PublishError> {
        if !self.is_online() {
            return Err(PublishError::NotConnected);
        }
        // Packet Identifier and, in MQTT 5, an empty property list.
        self.check_size(size + 3)?;
        self.requests
            .insert(request)
            .ok_or(PublishError::WindowFull)
    }

    fn check_limits(&self, message: &Publication) -> Result<(), PublishError> {
        if message.qos > self.limits.maximum_qos {
            return Err(PublishError::QosNotSupported {
                maximum: self.limits.maximum_qos,
            });
        }
        if message.retain && !self.limits.retain_available {
            return Err(PublishError::RetainNotSupported);
        }
        let properties = usize::from(self.connect.version == Version::V5);
        let packet_id = if message.qos == Qos::AtMostOnce { 0 } else { 2 };
        self.check_size(
            2 + message.topic.as_bytes().len() + packet_id + properties + message.payload.len(),
        )
    }

    fn check_size(&self, remaining: usize) -> Result<(), PublishError> {
        if remaining > MAX_REMAINING_LENGTH {
            return Err(PublishError::TooLarge { size: remaining });
        }
        let length_bytes = match remaining {
            0..0x80 => 1,
            0x80..0x4000 => 2,
            0x4000..0x20_0000 => 3,
            _ => 4,
        };
        let size = 1 + length_bytes + remaining;
        let maximum = self.limits.maximum_packet_size;
        if u32::try_from(size).is_ok_and(|size| size <= maximum) {
            Ok(())
        } else {
            Err(PublishError::OverBrokerMaximum { size, maximum })
        }
    }

    fn send_publish(
        &mut self,
        message: &Publication,
        packet_id: u16,
        dup: bool,
    ) -> Result<(), ProtocolError> {
        self.trace(format_args!(
            "sending PUBLISH (d{}, q{}, r{}, m{packet_id}, {:?}, {} bytes)",
            u8::from(dup),
            message.qos.level(),
            u8::from(message.retain),
            message.topic.as_str(),
            message.payload.len()
        ));
        self.codec
            .publish(message, packet_id, dup, &mut self.output)
    }

    fn send_ack(&mut self, kind: AckKind, packet_id: u16, reason: ReasonCode) {
        self.trace(format_args!(
            "sending {} (m{packet_id}, reason {})",
            kind.name(),
            reason.0
        ));
        self.codec.ack(kind, packet_id, reason, &mut self.output);
    }

    fn window(&self) -> usize {
        usize::from(self.max_in_flight.min(self.limits.receive_maximum))
    }

    fn trace(&self, step: fmt::Arguments<'_>) {
        if let Some(trace) = self.trace {
            trace(step);
        }
    }
}

/// Keep Alive (MQTT 5, section 3.1.2.10): PINGREQ after an interval without traffic in one
/// of the two directions, and half an interval for the answer, so that a dead broker is
/// found within 1.5 intervals.
#[derive(Debug, Default)]
struct KeepAlive {
    interval: Option<Duration>,
    last_sent: Option<Instant>,
    last_received: Option<Instant>,
    pinged: Option<Instant>,
}

impl KeepAlive {
    fn new(seconds: u16, now: Instant) -> Self {
        Self {
            interval: (seconds > 0).then(|| Duration::from_secs(seconds.into())),
            last_sent: Some(now),
            last_received: Some(now),
            pinged: None,
        }
    }

    fn sent(&mut self, now: Instant) {
        self.last_sent = Some(now);
    }

    /// Anything from the broker proves that it lives, not only PINGRESP.
    fn received(&mut self, now: Instant) {
        self.last_received = Some(now);
        self.pinged = None;
    }

    fn pinged(&mut self, now: Instant) {
        self.pinged = Some(now);
    }

    fn ping_is_out(&self) -> bool {
        self.pinged.is_some()
    }

    fn deadline(&self) -> Option<Instant> {
        let interval = self.interval?;
        match self.pinged {
            Some(pinged) => Some(pinged + interval / 2),
            None => Some(self.last_sent.min(self.last_received)? + interval),
        }
    }
}
