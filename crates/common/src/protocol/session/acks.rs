//! Acknowledgements, in both directions, many at a time.

use bytes::{Buf as _, BytesMut};

use super::{Session, State};
use crate::message::{Qos, Receipt, Receipts};
use crate::protocol::codec;
use crate::protocol::decode::{PLAIN_ACK, plain_ack};
use crate::protocol::in_flight::{Request, Stage};
use crate::protocol::packet::AckKind;
use crate::reason::ReasonCode;

impl Session {
    /// The application has a received message safe: tells the broker.
    pub fn acknowledge(&mut self, receipt: Receipt) {
        let Receipt {
            packet_id,
            qos,
            connection,
        } = receipt;
        let (kind, is_due) = match qos {
            Qos::ExactlyOnce => {
                let is_due = self
                    .received
                    .accepted(packet_id, connection, self.connection);
                (AckKind::Pubrec, is_due)
            }
            _ => (AckKind::Puback, connection == self.connection),
        };
        if is_due && self.is_online() {
            self.send_ack(kind, packet_id, ReasonCode::SUCCESS);
        }
    }

    /// The same of many.
    pub fn acknowledge_all(&mut self, receipts: &Receipts) {
        let Receipts { first, ids } = receipts;
        for &packet_id in ids {
            self.acknowledge(Receipt {
                packet_id,
                ..*first
            });
        }
    }

    /// Takes in the acknowledgements at the front of `input` that say nothing but success, and bring
    /// an exchange on as they should; whether there was one. With a trace each has a line.
    pub(super) fn take_acks(&mut self, input: &mut BytesMut) -> bool {
        if self.state != State::Online || self.trace.is_some() || self.waiting > 0 {
            return false;
        }
        let maximum = self.maximum_packet_size();
        let mut taken = 0;
        while let Some(rest) = input.get(taken..)
            && let Some((kind, packet_id)) = plain_ack(rest, maximum)
            && self.take_ack(kind, packet_id)
        {
            taken += PLAIN_ACK;
        }
        input.advance(taken);
        taken > 0
    }

    #[inline]
    fn take_ack(&mut self, kind: AckKind, packet_id: u16) -> bool {
        match kind {
            AckKind::Puback => self.ends_well(packet_id, Qos::AtLeastOnce, Stage::Sent),
            AckKind::Pubcomp => {
                self.leftovers.is_none()
                    && self.ends_well(packet_id, Qos::ExactlyOnce, Stage::Released)
            }
            AckKind::Pubrec => match self.requests.get_mut(packet_id) {
                Some(Request::Publish(outgoing)) if outgoing.is_half_done() => {
                    outgoing.stage = Stage::Released;
                    self.half_done -= 1;
                    codec::plain_ack(AckKind::Pubrel, packet_id, &mut self.output);
                    true
                }
                _ => false,
            },
            AckKind::Pubrel => {
                let is_known = self.received.released(packet_id);
                if is_known {
                    codec::plain_ack(AckKind::Pubcomp, packet_id, &mut self.output);
                }
                is_known
            }
        }
    }

    /// Ends the exchange of a message that stands here; whether there is one.
    #[inline]
    fn ends_well(&mut self, packet_id: u16, qos: Qos, stage: Stage) -> bool {
        let Some(outgoing) = self.requests.remove_at(packet_id, qos, stage) else {
            return false;
        };
        self.bytes -= outgoing.len();
        self.on_wire -= 1;
        self.achieved += 1;
        self.events.push_success(packet_id);
        true
    }
}
