//! What becomes of unfinished exchanges after a reconnect.

use super::Session;
use crate::message::Qos;
use crate::protocol::ProtocolError;
use crate::protocol::event::{Event, PublishError};
use crate::protocol::handover::Handover;
use crate::protocol::in_flight::{Request, Stage};
use crate::protocol::limits::check_publish;
use crate::protocol::packet::AckKind;
use crate::reason::ReasonCode;

impl Session {
    /// Takes up what an earlier connection left unfinished (MQTT 5, section 4.4).
    pub(super) fn resume(&mut self, session_present: bool) -> Result<(), ProtocolError> {
        // What a broker that may be new does not know can be neither released nor repeated.
        let is_known = session_present && !self.is_unheard;
        self.received.resumed(session_present, is_known);
        let mut released = Vec::new();
        let mut answered = Vec::new();
        let mut may_duplicate = 0;
        for (id, request) in self.requests.iter_mut() {
            match request {
                Request::Publish(outgoing) => {
                    let was_sent = outgoing.stage != Stage::Waiting || outgoing.dup;
                    if !is_known && was_sent && outgoing.qos == Qos::ExactlyOnce {
                        may_duplicate += 1;
                    }
                    if is_known && outgoing.stage == Stage::Released {
                        released.push(id);
                    } else {
                        outgoing.stage = Stage::Waiting;
                    }
                    outgoing.dup = session_present && was_sent;
                }
                // Whoever subscribed is told Connected and subscribes anew.
                Request::Subscribe(_) | Request::Unsubscribe(_) => answered.push(id),
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
        if !session_present {
            self.leftovers = None;
        }
        if let Some(leftovers) = &mut self.leftovers {
            leftovers.lost();
        }
        self.release_leftovers();
        self.send_waiting()?;
        self.send_unsent()
    }

    /// Brings the exchanges of an earlier run to their end, ahead of the identifiers' use.
    pub(super) fn release_leftovers(&mut self) {
        let Some(next) = self.requests.next_id() else {
            return;
        };
        while let Some(id) = self.leftovers.as_mut().and_then(|l| l.ask(next)) {
            self.send_ack(AckKind::Pubrel, id, ReasonCode::SUCCESS);
        }
    }

    /// Sends the QoS 0 messages that the connection before did not take.
    fn send_unsent(&mut self) -> Result<(), ProtocolError> {
        let unsent = self.handover.as_mut().map(Handover::take);
        for mut message in unsent.into_iter().flatten() {
            match self.publish_taking(&mut message) {
                Ok(_) => {}
                Err(PublishError::Protocol(why)) => return Err(why),
                Err(limit) => self.events.push_back(Event::Published {
                    packet_id: 0,
                    reason: limit.reason(),
                    reason_string: None,
                }),
            }
        }
        Ok(())
    }

    /// Sends messages that wait since a reconnect, in their old order, as the window allows.
    pub(super) fn send_waiting(&mut self) -> Result<(), ProtocolError> {
        // Again when one did not go out after all and left its place free.
        while self.waiting > 0 && self.room() > 0 {
            let room = self.room();
            let mut next = Vec::new();
            for (id, request) in self.requests.iter_mut() {
                if next.len() == room {
                    break;
                }
                if let Request::Publish(outgoing) = request
                    && outgoing.stage == Stage::Waiting
                {
                    outgoing.stage = Stage::Sent;
                    next.push((id, outgoing.dup));
                }
            }
            if next.is_empty() {
                break;
            }
            self.waiting -= next.len();
            self.on_wire += next.len();
            for (id, dup) in next {
                let Some(message) = self.requests.message(id) else {
                    continue;
                };
                // The broker's limits may be lower than over the connection before.
                let naming = self
                    .our_aliases
                    .naming(&message, self.limits.topic_alias_maximum);
                match check_publish(&message, self.connect.version, naming, &self.limits) {
                    Ok(()) => self.send_publish(&message, id, dup)?,
                    Err(limit) => self.end_exchange(id, limit.reason(), None),
                }
            }
        }
        Ok(())
    }

    /// A QoS 1 or 2 message on the wire has come to its end.
    pub(super) fn end_exchange(
        &mut self,
        packet_id: u16,
        reason: ReasonCode,
        reason_string: Option<String>,
    ) {
        if let Some(Request::Publish(outgoing)) = self.requests.remove(packet_id) {
            self.bytes -= outgoing.len();
        }
        self.on_wire -= 1;
        self.achieved += 1;
        self.events.push_back(Event::Published {
            packet_id,
            reason,
            reason_string,
        });
    }
}
