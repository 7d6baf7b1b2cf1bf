//! The session itself: handshake, window, acknowledgements, Keep Alive.

mod acks;
mod incoming;
mod lines;
mod resume;

use std::fmt;
use std::time::Instant;

use super::ProtocolError;
use super::aliases::Aliases;
use super::codec::Codec;
use super::event::{Event, Events, PublishError, Trace, Verdict};
use super::handover::Handover;
use super::in_flight::{InFlight, Outgoing, Request};
use super::keep_alive::{Due, KeepAlive};
use super::leftovers::Leftovers;
use super::limits::{check_publish, check_size, list_length};
use super::output::Output;
use super::packet::{Accepted, AckKind, Connect, Farewell, Subscription};
use super::received::Received;
use super::run::Run;
use crate::message::{Publication, Qos};
use crate::property::{Properties, Property};
use crate::reason::ReasonCode;
use crate::topic::TopicFilter;

pub use self::lines::Most;

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
    events: Events,
    requests: InFlight,
    /// Messages in `requests`, split by whether they are on this connection's wire.
    on_wire: usize,
    /// The payloads of all of them, in bytes.
    bytes: usize,
    waiting: usize,
    /// The QoS 0 messages, when they have to survive the connection.
    handover: Option<Handover>,
    /// The broker's session is older than this one, and messages go out at QoS 2.
    leftovers: Option<Leftovers>,
    received: Received,
    /// Of the topics we publish to.
    our_aliases: Aliases,
    /// Of the topics the broker publishes to.
    their_aliases: Aliases,
    keep_alive: KeepAlive,
    farewell: Farewell,
    /// The broker accepted the CONNECT of this connection.
    is_accepted: bool,
    /// A CONNECT since the last connection that came up had no answer.
    is_unheard: bool,
    verdict: Option<Verdict>,
    /// Exchanges that came to their end, and live messages that arrived.
    achieved: u64,
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
            events: Events::default(),
            requests: InFlight::new(),
            on_wire: 0,
            bytes: 0,
            waiting: 0,
            handover: None,
            leftovers: None,
            received: Received::default(),
            our_aliases: Aliases::default(),
            their_aliases: Aliases::default(),
            keep_alive: KeepAlive::default(),
            farewell: Farewell::default(),
            is_accepted: false,
            is_unheard: false,
            verdict: None,
            achieved: 0,
            trace,
        }
    }

    /// What DISCONNECT will say beside its Reason Code.
    #[must_use]
    pub fn with_farewell(mut self, farewell: Farewell) -> Self {
        self.farewell = farewell;
        self
    }

    /// QoS 0 messages that a lost connection has not taken go out over the next one, and
    /// [`Event::MayBeLost`] counts those that it took in vain.
    #[must_use]
    pub fn keeping_unsent(mut self) -> Self {
        self.handover = Some(Handover::default());
        self
    }

    /// The broker may have a session that an earlier run left, and messages will go out at QoS 2:
    /// exchanges of that run are brought to their end before their identifiers are used.
    #[must_use]
    pub fn after_another_run(mut self) -> Self {
        self.leftovers = Some(Leftovers::default());
        self
    }

    /// A fresh connection is up: sends CONNECT over it.
    ///
    /// # Errors
    /// [`ProtocolError::Encoding`] when a field does not fit its packet.
    pub fn open(&mut self, now: Instant) -> Result<(), ProtocolError> {
        self.lost();
        self.verdict = None;
        self.is_unheard = !self.is_accepted && self.connection > 0;
        self.is_accepted = false;
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
        let in_doubt = self.handover.as_mut().map_or(0, Handover::lost);
        if in_doubt > 0 {
            self.events.push_back(Event::MayBeLost(in_doubt));
        }
        self.output.clear();
        self.waiting += self.on_wire;
        self.on_wire = 0;
        self.our_aliases.clear();
        self.their_aliases.clear();
    }

    /// The next thing that happened.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Messages, when they are what happened next: what is taken here is no event any more.
    pub fn run(&mut self) -> Option<&mut Run> {
        self.events.run()
    }

    /// How many QoS 1 and 2 messages that reached the end of their exchanges well are what happened
    /// next: they are no events any more.
    pub fn successes(&mut self) -> u64 {
        self.events.successes()
    }

    /// What to send now.
    pub fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    /// Tells that bytes went out, after [`Output::advance`]: a connection that carries them
    /// needs no PINGREQ.
    pub fn sent(&mut self, now: Instant) {
        let gone = self.output.gone();
        self.keep_alive.sent(now, gone);
        if let Some(handover) = &mut self.handover {
            handover.sent(gone);
            if handover.wants_proof(gone, now) && self.state == State::Online {
                self.ping(now);
            }
        }
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
        match self.keep_alive.due(now) {
            Due::Ping => {}
            Due::GiveUp => return Err(ProtocolError::KeepAliveTimeout),
            Due::Nothing => return Ok(()),
        }
        self.ping(now);
        Ok(())
    }

    /// Nothing is read from now on, or everything again: meanwhile the broker counts as alive,
    /// and PINGREQ goes out whenever nothing else does, so that it keeps the connection. A new
    /// connection is read.
    pub fn pause(&mut self, is_paused: bool, now: Instant) {
        self.keep_alive.set_deaf(is_paused, now);
    }

    /// Whether [`Session::pause`] stopped the reading.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.keep_alive.is_deaf()
    }

    /// Whether requests can be made.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.state == State::Online
    }

    /// Whether the broker has accepted the CONNECT of this connection, or the last one.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.is_accepted
    }

    /// Whether the broker may have begun a new session although it says that there is one: its
    /// CONNACK for that got lost. Whoever subscribes should do so again.
    #[must_use]
    pub fn may_be_new(&self) -> bool {
        self.is_unheard
    }

    /// Whether a QoS 1 or 2 message or a request has no answer yet.
    #[must_use]
    pub fn awaits_answer(&self) -> bool {
        !self.requests.is_empty()
    }

    /// Grows with every exchange that comes to its end, every QoS 0 message that surely arrived, and
    /// every live message.
    #[must_use]
    pub fn achieved(&self) -> u64 {
        self.achieved
    }

    /// What the broker said when it ended this connection, or the last one.
    #[must_use]
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// What the broker's last CONNACK said; what is not limited before the first.
    #[must_use]
    pub fn limits(&self) -> &Accepted {
        &self.limits
    }

    /// Whether [`Session::publish`] takes a QoS 1 or 2 message now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.is_online()
            && self.waiting == 0
            && self.room() > 0
            && self.requests.next_id().is_some_and(|id| {
                let leftovers = self.leftovers.as_ref();
                leftovers.is_none_or(|leftovers| leftovers.is_free(id))
            })
    }

    /// How many QoS 1 and 2 messages the broker has not acknowledged to the end.
    #[must_use]
    pub fn unacknowledged(&self) -> usize {
        self.on_wire + self.waiting
    }

    /// Whether nothing is left to send and every answer is there.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let unsent = self.handover.as_ref().map_or(0, Handover::waiting);
        self.output.is_empty() && self.unacknowledged() == 0 && unsent == 0
    }

    /// How many QoS 0 messages have not gone out whole, or over this connection and without a proof
    /// that they arrived. Known with [`Session::keeping_unsent`] only.
    #[must_use]
    pub fn in_doubt(&self) -> Option<u64> {
        self.handover
            .as_ref()
            .map(|handover| handover.in_doubt() + handover.waiting() as u64)
    }

    /// Whether a PINGREQ is out whose answer will prove that QoS 0 messages arrived.
    #[must_use]
    pub fn awaits_proof(&self) -> bool {
        self.handover.as_ref().is_some_and(Handover::awaits_proof)
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
        self.publish_taking(&mut message.clone())
    }

    /// The same, and takes the payload out of `message`: to count who shares it would cost as much as
    /// everything else for a short one.
    ///
    /// # Errors
    /// As [`Session::publish`].
    pub fn publish_taking(
        &mut self,
        message: &mut Publication,
    ) -> Result<Option<u16>, PublishError> {
        if !self.is_online() {
            return Err(PublishError::NotConnected);
        }
        let naming = self
            .our_aliases
            .naming(message, self.limits.topic_alias_maximum);
        check_publish(message, self.connect.version, naming, &self.limits)?;
        if message.qos == Qos::AtMostOnce {
            self.send_publish(message, 0, false)?;
            if let Some(handover) = &mut self.handover {
                handover.written(message, self.output.end());
            }
            return Ok(None);
        }
        let packet_id = self.requests.next_id().filter(|_| self.has_room());
        let packet_id = packet_id.ok_or(PublishError::WindowFull)?;
        self.send_publish(message, packet_id, false)?;
        self.on_wire += 1;
        self.bytes += message.payload.len();
        let payload = std::mem::take(&mut message.payload);
        let outgoing = Outgoing::new(message.with_payload(payload));
        // It gets the identifier that was the next.
        self.requests.insert(Request::Publish(outgoing));
        self.release_leftovers();
        Ok(Some(packet_id))
    }

    /// Subscribes to all of `subscriptions` with one packet, which has `properties` in MQTT 5;
    /// gives its identifier.
    ///
    /// # Errors
    /// [`PublishError::NotConnected`], [`PublishError::WindowFull`] without a free identifier,
    /// and the two about the packet's size.
    pub fn subscribe(
        &mut self,
        subscriptions: &[Subscription],
        properties: &Properties,
    ) -> Result<u16, PublishError> {
        let size: usize = subscriptions
            .iter()
            .map(|s| 3 + s.filter.as_str().len())
            .sum();
        let packet_id = self.request(Request::Subscribe(subscriptions.len()), size, properties)?;
        for subscription in subscriptions {
            self.trace(format_args!(
                "sending SUBSCRIBE (m{packet_id}, {:?}, QoS {})",
                subscription.filter.as_str(),
                subscription.qos.level()
            ));
        }
        self.codec
            .subscribe(packet_id, subscriptions, properties, &mut self.output)?;
        Ok(packet_id)
    }

    /// Ends subscriptions with one packet; gives its identifier.
    ///
    /// # Errors
    /// As [`Session::subscribe`].
    pub fn unsubscribe(
        &mut self,
        filters: &[TopicFilter],
        properties: &Properties,
    ) -> Result<u16, PublishError> {
        let size: usize = filters.iter().map(|f| 2 + f.as_str().len()).sum();
        let packet_id = self.request(Request::Unsubscribe(filters.len()), size, properties)?;
        for filter in filters {
            self.trace(format_args!(
                "sending UNSUBSCRIBE (m{packet_id}, {:?})",
                filter.as_str()
            ));
        }
        self.codec
            .unsubscribe(packet_id, filters, properties, &mut self.output)?;
        Ok(packet_id)
    }

    /// Says good-bye with a reason: the broker throws the Will away, unless that is
    /// [`ReasonCode::WITH_WILL`] (before MQTT 5 there are no reasons). Nothing can be sent
    /// afterwards.
    pub fn disconnect(&mut self, reason: ReasonCode) {
        if self.state == State::Online {
            self.trace(format_args!("sending DISCONNECT ({})", reason.0));
            let properties = self.farewell_properties();
            // Cannot be too long: its size was checked.
            let _ = self.codec.disconnect(reason, &properties, &mut self.output);
        }
        self.state = State::Ended;
    }

    /// Whether anything changes when DISCONNECT does not arrive: the Will goes out, or what it says
    /// of the session is not heard.
    #[must_use]
    pub fn is_farewell_of_weight(&self) -> bool {
        self.connect.will.is_some() || self.farewell != Farewell::default()
    }

    fn farewell_properties(&self) -> Properties {
        let expiry: Properties = self
            .farewell
            .session_expiry
            .map(Property::SessionExpiryInterval)
            .into_iter()
            .collect();
        let all = expiry.followed_by(&self.farewell.words);
        match check_size(1 + list_length(all.as_bytes().len()), &self.limits) {
            Ok(()) => all,
            Err(_) => expiry,
        }
    }

    /// Files a SUBSCRIBE or UNSUBSCRIBE whose filters take `size` bytes.
    fn request(
        &mut self,
        request: Request,
        size: usize,
        properties: &Properties,
    ) -> Result<u16, PublishError> {
        if !self.is_online() {
            return Err(PublishError::NotConnected);
        }
        if size == 0 {
            return Err(ProtocolError::Encoding("a request without Topic Filters".into()).into());
        }
        // The Packet Identifier; before MQTT 5 the size has no limit that could be near.
        let size = 2 + list_length(properties.as_bytes().len()) + size;
        check_size(size, &self.limits)?;
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
        let naming = self
            .our_aliases
            .naming(message, self.limits.topic_alias_maximum);
        self.codec
            .publish(message, naming, packet_id, dup, &mut self.output)?;
        self.our_aliases.sent(message, naming);
        Ok(())
    }

    fn send_ack(&mut self, kind: AckKind, packet_id: u16, reason: ReasonCode) {
        self.trace(format_args!(
            "sending {} (m{packet_id}, reason {})",
            kind.name(),
            reason.0
        ));
        self.codec.ack(kind, packet_id, reason, &mut self.output);
    }

    fn ping(&mut self, now: Instant) {
        self.trace(format_args!("sending PINGREQ"));
        self.codec.pingreq(&mut self.output);
        let end = self.output.end();
        self.keep_alive.pinged(now, end);
        if let Some(handover) = &mut self.handover {
            handover.pinged(end, now);
        }
    }

    fn pong(&mut self) {
        self.trace(format_args!("received PINGRESP"));
        if let Some(handover) = &mut self.handover {
            self.achieved += handover.answered();
        }
    }

    /// How many messages more may be on the wire.
    fn room(&self) -> usize {
        let window = usize::from(self.max_in_flight.min(self.limits.receive_maximum));
        window.saturating_sub(self.on_wire)
    }

    fn trace(&self, step: fmt::Arguments<'_>) {
        if let Some(trace) = self.trace {
            trace(step);
        }
    }
}
