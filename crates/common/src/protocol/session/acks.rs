//! Acknowledgements, in both directions, many at a time.

use bytes::{Buf as _, BytesMut};

use super::{Session, State};
use crate::message::{Qos, Receipt, Receipts};
use crate::protocol::codec;
use crate::protocol::decode::{PLAIN_ACK, plain_ack};
use crate::protocol::in_flight::{Outgoing, Stage};
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
        if self.trace.is_none() && first.qos == Qos::AtLeastOnce {
            if first.connection == self.connection && self.is_online() {
                let packet_ids = ids.iter().copied();
                codec::plain_acks(AckKind::Puback, packet_ids, ids.len(), &mut self.output);
            }
            return;
        }
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
        let maximum = self.maximum_packet_size();
        let is_plain = self.state == State::Online && self.trace.is_none() && self.waiting == 0;
        if !is_plain || maximum < PLAIN_ACK as u32 {
            return false;
        }
        let mut rest: &[u8] = input;
        while let Some((kind, first)) = plain_ack(rest) {
            let acks = plain_acks(rest);
            let ids = acks.take_while(|ack| ack.0 == kind).map(|ack| ack.1);
            let count = match kind {
                AckKind::Puback => self.end_well(ids, first, (Qos::AtLeastOnce, Stage::Sent)),
                AckKind::Pubcomp if self.leftovers.is_some() => 0,
                AckKind::Pubcomp => self.end_well(ids, first, (Qos::ExactlyOnce, Stage::Released)),
                AckKind::Pubrec => {
                    let stands = (Qos::ExactlyOnce, Stage::Sent);
                    let release = |outgoing: &mut Outgoing| outgoing.stage = Stage::Released;
                    let count = self.requests.stretch(ids, first, stands, release);
                    self.answer_all(AckKind::Pubrel, rest, count);
                    count
                }
                AckKind::Pubrel => {
                    let count = ids.take_while(|id| self.received.released(*id)).count();
                    self.answer_all(AckKind::Pubcomp, rest, count);
                    count
                }
            };
            if count == 0 {
                break;
            }
            rest = rest.get(count * PLAIN_ACK..).unwrap_or_default();
        }
        let taken = input.len() - rest.len();
        input.advance(taken);
        taken > 0
    }

    /// Ends the exchanges of messages that stand here; gives how many.
    fn end_well(
        &mut self,
        ids: impl Iterator<Item = u16>,
        first: u16,
        stand: (Qos, Stage),
    ) -> usize {
        let bytes = &mut self.bytes;
        let count = self.requests.stretch(ids, first, stand, |outgoing| {
            *bytes -= outgoing.len();
        });
        if count > 0 {
            self.requests.remove_stretch(first, count);
            self.on_wire -= count;
            self.achieved += count as u64;
            self.events.push_successes(first, count);
        }
        count
    }

    /// Answers each of the first `count` of `acks`.
    fn answer_all(&mut self, kind: AckKind, acks: &[u8], count: usize) {
        let ids = plain_acks(acks).map(|(_, packet_id)| packet_id);
        codec::plain_acks(kind, ids, count, &mut self.output);
    }
}

/// Those at the front of `bytes`.
fn plain_acks(bytes: &[u8]) -> impl Iterator<Item = (AckKind, u16)> {
    let (acks, _) = bytes.as_chunks::<PLAIN_ACK>();
    acks.iter().map_while(|ack| plain_ack(ack))
}
