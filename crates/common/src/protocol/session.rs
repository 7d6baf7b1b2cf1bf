//! The session itself: handshake, window, acknowledgements, Keep Alive.

mod resume;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::Instant;

use bytes::BytesMut;

use super::ProtocolError;
use super::codec::Codec;
use super::decode::decode;
use super::event::{Event, PublishError, Trace};
use super::in_flight::{InFlight, Outgoing, Request, Stage};
use super::keep_alive::KeepAlive;
use super::limits::{check_publish, check_size};
use super::output::Output;
use super::packet::{Accepted, Ack, AckKind, Connect, Incoming, Subscription};
use crate::message::{Message, Publication, Qos, Receipt};
use crate::reason::{Reason, ReasonCode, Version};
use crate::topic::TopicFilter;

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
    /// Given to the application over the connection `given`, and not acknowledged by it. The
    /// broker waits for PUBREC on the connection `sent`, the last it sent the message over.
    Delivered { given: u64, sent: u64 },
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
    /// The payloads of all of them, in bytes.
    bytes: usize,
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
            bytes: 0,
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
        self.codec
            .connect(&self.connect, &mut self.output)
            .inspect_err(|_| self.state = State::Offline)
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
    /// The broker broke the protocol; the connection must be closed, and nothing more is
    /// taken in over it. Events up to the offending packet are still there.
    pub fn feed(&mut self, input: &mut BytesMut, now: Instant) -> Result<(), ProtocolError> {
        self.keep_alive.received(now);
        while matches!(self.state, State::Connecting | State::Online) {
            let taken = match decode(self.connect.version, input, self.connection) {
                Ok(None) => break,
                Ok(Some(packet)) => self.take_in(packet, now),
                Err(error) => Err(error),
            };
            if taken.is_err() {
                self.state = State::Ended;
                return taken;
            }
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

    /// Tells that bytes went out, after [`Output::advance`]: a connection that carries them
    /// needs no PINGREQ.
    pub fn sent(&mut self, now: Instant) {
        self.keep_alive.sent(now, self.output.gone());
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
        self.keep_alive.pinged(now, self.output.end());
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

    /// How many bytes their payloads have, all of which are kept until then.
    #[must_use]
    pub fn unacknowledged_bytes(&self) -> usize {
        self.bytes
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
        check_publish(message, self.connect.version, &self.limits)?;
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
        if let Err(error) = self.send_publish(message, packet_id, false) {
            self.requests.remove(packet_id);
            return Err(error.into());
        }
        self.on_wire += 1;
        self.bytes += message.payload.len();
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
        let packet_id = self.request(Request::Unsubscribe(filters.len()), size)?;
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
        if receipt.qos == Qos::AtLeastOnce {
            if receipt.connection == self.connection && self.is_online() {
                self.send_ack(AckKind::Puback, receipt.packet_id, ReasonCode::SUCCESS);
            }
            return;
        }
        // The broker may have forgotten the session meanwhile, or repeated the message over
        // another connection than the receipt's.
        let Some(state) = self.received.get_mut(&receipt.packet_id) else {
            return;
        };
        let Received::Delivered { given, sent } = *state else {
            return;
        };
        if given != receipt.connection {
            return;
        }
        *state = Received::Accepted;
        if sent == self.connection && self.is_online() {
            self.send_ack(AckKind::Pubrec, receipt.packet_id, ReasonCode::SUCCESS);
        }
    }

    /// Says good-bye with a reason: the broker throws the Will away, unless that is
    /// [`ReasonCode::WITH_WILL`] (MQTT 5; 3.1.1 has no reasons). Nothing can be sent afterwards.
    pub fn disconnect(&mut self, reason: ReasonCode) {
        if self.state == State::Online {
            self.trace(format_args!("sending DISCONNECT ({})", reason.0));
            self.codec.disconnect(reason, &mut self.output);
        }
        self.state = State::Ended;
    }

    /// What the broker says after our DISCONNECT crossed its own: why it ended the session
    /// (MQTT 5). Everything else comes too late and is thrown away.
    pub fn last_words(&mut self, input: &mut BytesMut) -> Option<Reason> {
        while let Ok(Some(packet)) = decode(self.connect.version, input, self.connection) {
            if let Incoming::Disconnect {
                reason: code,
                reason_string: words,
            } = packet
            {
                self.trace(format_args!("received DISCONNECT ({})", code.0));
                return Some(Reason { code, words });
            }
        }
        None
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
            (_, Incoming::Unsuback { packet_id, codes }) => self.unsubscribed(packet_id, codes),
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

    fn accepted(&mut self, mut accepted: Accepted, now: Instant) -> Result<(), ProtocolError> {
        // A clean start left nothing that could be present (MQTT-3.2.2-2), whatever it says.
        accepted.session_present &= !self.connect.clean_start;
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

    fn message(&mut self, message: Message) {
        if let Some(trace) = self.trace {
            trace(format_args!(
                "received PUBLISH (d{}, q{}, r{}, m{}, {:?}, {} bytes)",
                u8::from(message.dup),
                message.qos.level(),
                u8::from(message.retain),
                message.receipt.map_or(0, |r| r.packet_id),
                message.topic.as_str(),
                message.payload.len()
            ));
        }
        if let Some(receipt) = message.receipt
            && receipt.qos == Qos::ExactlyOnce
        {
            match self.received.get_mut(&receipt.packet_id) {
                // The broker repeats what the application is still busy with.
                Some(Received::Delivered { sent, .. }) => {
                    *sent = receipt.connection;
                    return;
                }
                Some(Received::Accepted) => {
                    self.send_ack(AckKind::Pubrec, receipt.packet_id, ReasonCode::SUCCESS);
                    return;
                }
                None => {
                    let delivered = Received::Delivered {
                        given: receipt.connection,
                        sent: receipt.connection,
                    };
                    self.received.insert(receipt.packet_id, delivered);
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
                // A broker that had completed the exchange before the connection broke does
                // not know the identifier any more, and nothing is wrong (MQTT 5, 3.7.2.1).
                let completed = kind == AckKind::Pubcomp
                    && ack.reason == ReasonCode::PACKET_ID_NOT_FOUND
                    && outgoing.dup;
                let reason = if completed {
                    ReasonCode::SUCCESS
                } else {
                    ack.reason
                };
                self.end_exchange(ack.packet_id, reason, ack.reason_string);
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

    fn unsubscribed(
        &mut self,
        packet_id: u16,
        codes: Vec<ReasonCode>,
    ) -> Result<(), ProtocolError> {
        self.trace(format_args!("received UNSUBACK (m{packet_id})"));
        let Some(Request::Unsubscribe(filters)) = self.requests.get_mut(packet_id) else {
            return Ok(());
        };
        // MQTT 3.1.1 has no codes here.
        if self.connect.version == Version::V5 && *filters != codes.len() {
            return Err(ProtocolError::Malformed(format!(
                "UNSUBACK with {} codes for {filters} filters",
                codes.len()
            )));
        }
        self.requests.remove(packet_id);
        self.events
            .push_back(Event::Unsubscribed { packet_id, codes });
        Ok(())
    }

    /// Files a SUBSCRIBE or UNSUBSCRIBE whose filters take `size` bytes.
    fn request(&mut self, request: Request, size: usize) -> Result<u16, PublishError> {
        if !self.is_online() {
            return Err(PublishError::NotConnected);
        }
        if size == 0 {
            return Err(ProtocolError::Encoding("a request without Topic Filters".into()).into());
        }
        // Packet Identifier and, in MQTT 5, an empty property list.
        check_size(size + 3, &self.limits)?;
        self.requests
            .insert(request)
            .ok_or(PublishError::WindowFull)
    }

    fn send_publish(
        &mut self,
        message: &Publication,
        packet_id: u16,
        dup: bool,
    ) -> Result<(), ProtocolError> {
        if let Some(trace) = self.trace {
            trace(format_args!(
                "sending PUBLISH (d{}, q{}, r{}, m{packet_id}, {:?}, {} bytes)",
                u8::from(dup),
                message.qos.level(),
                u8::from(message.retain),
                message.topic.as_str(),
                message.payload.len()
            ));
        }
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
