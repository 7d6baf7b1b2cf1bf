//! What the broker sends: CONNACK, messages, acknowledgements and answers.

use std::time::Instant;

use bytes::BytesMut;

use super::{Session, State};
use crate::message::{Message, Qos};
use crate::property::Properties;
use crate::protocol::ProtocolError;
use crate::protocol::decode::Frame;
use crate::protocol::event::{Event, Verdict};
use crate::protocol::in_flight::{Request, Stage};
use crate::protocol::keep_alive::KeepAlive;
use crate::protocol::packet::{Accepted, Ack, AckKind, Incoming};
use crate::protocol::received::Arrival;
use crate::protocol::run::Run;
use crate::reason::{Reason, ReasonCode, Version};

const TOO_EARLY: ProtocolError = ProtocolError::Unexpected("a packet before CONNACK");

impl Session {
    /// Takes in what arrived; complete packets leave `input`, the rest stays.
    ///
    /// # Errors
    /// The broker broke the protocol; the connection must be closed, and nothing more is
    /// taken in over it. Events up to the offending packet are still there, and in MQTT 5 a
    /// DISCONNECT that says why waits to be sent.
    pub fn feed(&mut self, input: &mut BytesMut, now: Instant) -> Result<(), ProtocolError> {
        self.keep_alive.received(now);
        while matches!(self.state, State::Connecting | State::Online) {
            if let Some((run, live)) = self.take_run(input) {
                self.achieved += live;
                self.events.push_run(run);
                continue;
            }
            if self.take_acks(input) {
                continue;
            }
            let taken = match self.frame(input) {
                Ok(None) => break,
                Ok(Some(frame)) if frame.is_publish() => frame
                    .publish(self.connect.version, input, self.connection)
                    .and_then(|message| self.message(message)),
                Ok(Some(frame)) => frame
                    .other(self.connect.version, input)
                    .and_then(|packet| self.take_in(packet, now)),
                Err(error) => Err(error),
            };
            if let Err(why) = taken {
                self.reproach(&why);
                self.state = State::Ended;
                return Err(why);
            }
        }
        Ok(())
    }

    fn frame(&self, input: &[u8]) -> Result<Option<Frame>, ProtocolError> {
        Frame::find(self.connect.version, input, self.maximum_packet_size())
    }

    /// Messages that need no look of their own; with a trace each has a line.
    #[inline]
    fn take_run(&mut self, input: &mut BytesMut) -> Option<(Run, u64)> {
        let may_be_one = matches!(input.first(), Some(0x30..0x36));
        if !may_be_one || self.state != State::Online || self.trace.is_some() {
            return None;
        }
        let (connection, maximum) = (self.connection, self.maximum_packet_size());
        let is_new = |id| self.received.is_new(id, connection);
        Run::take(self.connect.version, connection, input, maximum, is_new)
    }

    pub(super) fn maximum_packet_size(&self) -> u32 {
        self.connect.maximum_packet_size.unwrap_or(u32::MAX)
    }

    /// What the broker says after our DISCONNECT crossed its own: why it ended the session
    /// (MQTT 5). Of the rest only PINGRESP is of use, because it proves something.
    pub fn last_words(&mut self, input: &mut BytesMut) -> Option<Reason> {
        let version = self.connect.version;
        while let Ok(Some(frame)) = self.frame(input) {
            if frame.is_publish() {
                frame.publish(version, input, self.connection).ok()?;
                continue;
            }
            match frame.other(version, input).ok()? {
                Incoming::Pingresp => self.pong(),
                Incoming::Disconnect {
                    reason: code,
                    reason_string: words,
                } => {
                    self.trace(format_args!("received DISCONNECT ({})", code.0));
                    return Some(Reason { code, words });
                }
                _ => {}
            }
        }
        None
    }

    /// Tells the broker what it did wrong (MQTT 5, section 4.13.1).
    fn reproach(&mut self, why: &ProtocolError) {
        if self.state == State::Online && self.connect.version == Version::V5 {
            let reason = why.reason();
            self.trace(format_args!("sending DISCONNECT ({})", reason.0));
            let _ = self
                .codec
                .disconnect(reason, &Properties::default(), &mut self.output);
        }
    }

    fn take_in(&mut self, packet: Incoming, now: Instant) -> Result<(), ProtocolError> {
        let is_first = self.state == State::Connecting;
        if is_first && !matches!(packet, Incoming::Accepted(_) | Incoming::Refused(_)) {
            return Err(TOO_EARLY);
        }
        match packet {
            Incoming::Accepted(accepted) if is_first => self.accepted(accepted, now),
            Incoming::Refused(refusal) if is_first => {
                self.trace(format_args!("received CONNACK ({})", refusal.code));
                self.state = State::Ended;
                self.verdict = Some(Verdict::Refused(refusal.clone()));
                self.events.push_back(Event::Refused(refusal));
                Ok(())
            }
            Incoming::Accepted(_) | Incoming::Refused(_) => {
                Err(ProtocolError::Unexpected("a second CONNACK"))
            }
            Incoming::Ack(kind, ack) => self.acknowledged(kind, ack),
            Incoming::Suback {
                packet_id,
                codes,
                reason_string,
            } => self.subscribed(packet_id, codes, reason_string),
            Incoming::Unsuback {
                packet_id,
                codes,
                reason_string,
            } => self.unsubscribed(packet_id, codes, reason_string),
            Incoming::Pingresp => {
                self.pong();
                Ok(())
            }
            Incoming::Disconnect {
                reason,
                reason_string,
            } => {
                self.trace(format_args!("received DISCONNECT ({})", reason.0));
                self.state = State::Ended;
                self.verdict = Some(Verdict::Closed(Reason {
                    code: reason,
                    words: reason_string.clone(),
                }));
                self.events.push_back(Event::Closed {
                    reason,
                    reason_string,
                });
                Ok(())
            }
        }
    }

    fn accepted(&mut self, mut accepted: Accepted, now: Instant) -> Result<(), ProtocolError> {
        if accepted.session_present && self.connect.clean_start {
            // A clean start left nothing that could be present (MQTT-3.2.2-2 and -4).
            if self.connect.version != Version::V31 {
                return Err(ProtocolError::Unexpected(
                    "a CONNACK with Session Present after a clean start",
                ));
            }
            // In MQTT 3.1 the byte is reserved, and means nothing.
            accepted.session_present = false;
        }
        self.trace(format_args!(
            "received CONNACK (0, session present {})",
            u8::from(accepted.session_present)
        ));
        self.state = State::Online;
        self.is_accepted = true;
        if let Some(words) = &accepted.reason_string {
            self.trace(format_args!("the broker says {words:?}"));
        }
        if let Some(text) = &accepted.response_information {
            self.trace(format_args!("the Response Information is {text:?}"));
        }
        if let Some(seconds) = accepted.server_keep_alive {
            self.trace(format_args!("the broker's Keep Alive is {seconds} s"));
            self.keep_alive = KeepAlive::new(seconds, now);
        }
        if let Some(id) = &accepted.assigned_client_id {
            self.trace(format_args!("the broker assigned the id {id:?}"));
            // The session's name from now on: a reconnect must ask for the same one.
            self.connect.client_id.clone_from(id);
        }
        if self
            .connect
            .session_expiry
            .is_some_and(|seconds| seconds > 0)
        {
            // What the session has from now on is to be there over the next connection.
            self.connect.clean_start = false;
        }
        let session_present = accepted.session_present;
        self.limits = accepted.clone();
        self.events.push_back(Event::Connected(accepted));
        self.resume(session_present)
    }

    fn message(&mut self, mut message: Message) -> Result<(), ProtocolError> {
        if self.state == State::Connecting {
            return Err(TOO_EARLY);
        }
        let maximum = self.connect.topic_alias_maximum.unwrap_or(0);
        self.their_aliases.resolve(&mut message, maximum)?;
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
            let (id, connection) = (receipt.packet_id, receipt.connection);
            match self.received.arrived(id, message.dup, connection) {
                Arrival::New => {}
                Arrival::Busy => return Ok(()),
                Arrival::Accepted => {
                    self.send_ack(AckKind::Pubrec, id, ReasonCode::SUCCESS);
                    return Ok(());
                }
            }
        }
        self.achieved += u64::from(!message.retain);
        self.events.push_back(Event::Message(message));
        Ok(())
    }

    fn acknowledged(&mut self, kind: AckKind, ack: Ack) -> Result<(), ProtocolError> {
        self.trace(format_args!(
            "received {} (m{}, reason {})",
            kind.name(),
            ack.packet_id,
            ack.reason.0
        ));
        if kind == AckKind::Pubrel {
            let known = self.received.released(ack.packet_id);
            let reason = if known || self.connect.version != Version::V5 {
                ReasonCode::SUCCESS
            } else {
                ReasonCode::PACKET_ID_NOT_FOUND
            };
            self.send_ack(AckKind::Pubcomp, ack.packet_id, reason);
            return Ok(());
        }
        if kind == AckKind::Pubcomp
            && let Some(leftovers) = &mut self.leftovers
            && !leftovers.is_free(ack.packet_id)
        {
            leftovers.answered(ack.packet_id);
            if leftovers.is_done() {
                self.leftovers = None;
            }
            return Ok(());
        }
        let Some(Request::Publish(outgoing)) = self.requests.get_mut(ack.packet_id) else {
            // A second answer, or one to a request of an earlier connection.
            return Ok(());
        };
        match (kind, outgoing.qos, outgoing.stage) {
            // Not sent over this connection yet: the answer cannot be meant for it.
            (_, _, Stage::Waiting) => Ok(()),
            // Some brokers refuse to take again what they have (MQTT 5, section 4.3.3 says they
            // answer with success).
            (AckKind::Pubrec, Qos::ExactlyOnce, _)
                if !ack.reason.is_failure()
                    || ack.reason == ReasonCode::PACKET_ID_IN_USE && outgoing.dup =>
            {
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
        reason_string: Option<String>,
    ) -> Result<(), ProtocolError> {
        self.trace(format_args!("received UNSUBACK (m{packet_id})"));
        let Some(Request::Unsubscribe(filters)) = self.requests.get_mut(packet_id) else {
            return Ok(());
        };
        // Before MQTT 5 there are no codes here.
        if self.connect.version == Version::V5 && *filters != codes.len() {
            return Err(ProtocolError::Malformed(format!(
                "UNSUBACK with {} codes for {filters} filters",
                codes.len()
            )));
        }
        self.requests.remove(packet_id);
        self.events.push_back(Event::Unsubscribed {
            packet_id,
            codes,
            reason_string,
        });
        Ok(())
    }
}
