//! The lines of a text, each published as a message: what they have in common is worked out once.

use bytes::{Bytes, BytesMut};

use super::Session;
use crate::message::{Publication, Qos};
use crate::payload::Payload;
use crate::protocol::aliases::Naming;
use crate::protocol::codec::SHARE_PAYLOAD_FROM;
use crate::protocol::decode::frame_length;
use crate::protocol::handover::Lines;
use crate::protocol::limits::check_publish;
use crate::protocol::output::Output;

/// The longest packet whose length field has two bytes, without its header, in bytes.
const SHORT: usize = 0x3FFF;

/// The header of such a packet, in bytes.
const HEADER: u32 = 3;

/// How much [`Session::publish_lines`] publishes: it begins no line beyond either.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Bytes of packets.
    pub output: usize,
    /// Bytes of payloads without an acknowledgement.
    pub unacknowledged: usize,
}

impl Session {
    /// Publishes lines at the front of `text`, which `cut` ends, as [`Session::publish`] would publish
    /// each as the payload of `message`, and takes them off; gives how many. Stops before one that has to
    /// be published alone.
    pub fn publish_lines(
        &mut self,
        message: &Publication,
        text: &mut Bytes,
        cut: u8,
        most: Most,
    ) -> u64 {
        let is_acknowledged = message.qos != Qos::AtMostOnce;
        let room = match is_acknowledged {
            true if !self.has_room() || self.leftovers.is_some() => 0,
            true => self.room(),
            false => usize::MAX,
        };
        let is_plain = message.topic_alias.is_none() && self.is_online() && self.trace.is_none();
        if text.is_empty() || room == 0 || !is_plain {
            return 0;
        }
        let common = message.with_payload(Payload::default());
        if check_publish(&common, self.connect.version, Naming::Topic, &self.limits).is_err() {
            return 0;
        }
        let Some(mut head) = self.head(&common) else {
            return 0;
        };
        let maximum = self.limits.maximum_packet_size.saturating_sub(HEADER);
        let Some(longest) = SHORT.min(maximum as usize).checked_sub(head.len()) else {
            return 0;
        };
        let longest = longest.min(SHARE_PAYLOAD_FROM - 1);
        let begin = self.output.end();
        let buffer = self.output.buffer();
        let before = buffer.len();
        let keeps_ends = self.handover.is_some() && !is_acknowledged;
        let (mut count, mut payloads, mut ends) = (0, 0, Vec::new());
        let mut rest: &[u8] = text;
        while !rest.is_empty()
            && buffer.len() - before < most.output
            && payloads < most.unacknowledged
            && count < room
        {
            let end = memchr::memchr(cut, rest);
            let (line, behind) = rest.split_at(end.unwrap_or(rest.len()));
            if line.len() > longest {
                break;
            }
            if is_acknowledged {
                let range = (text.len() - rest.len(), line.len());
                let Some(packet_id) = self.requests.insert_line(message.qos, range) else {
                    break;
                };
                head.set_packet_id(packet_id);
                payloads += line.len();
            }
            head.put(line, buffer);
            if keeps_ends {
                ends.push(buffer.len() - before);
            }
            count += 1;
            rest = behind.get(1..).unwrap_or_default();
        }
        if count == 0 {
            return 0;
        }
        let taken = text.split_to(text.len() - rest.len());
        if is_acknowledged {
            self.requests.end_text(taken, &common);
            self.on_wire += count;
            self.bytes += payloads;
        } else if let Some(handover) = &mut self.handover {
            handover.written_lines(&common, Lines::new(taken, cut, begin, ends));
        }
        count as u64
    }

    /// What packets with payloads of less than 16 KiB begin with.
    fn head(&self, message: &Publication) -> Option<Head> {
        let mut output = Output::default();
        self.codec
            .publish(message, Naming::Topic, 0, false, &mut output)
            .ok()?;
        let packet = output.buffer();
        let (header, _) = frame_length(packet).ok()??;
        // With a length field of one byte, which is filled in.
        let mut bytes = vec![*packet.first()?, 0];
        bytes.extend_from_slice(packet.get(header..)?);
        let packet_id = 2 + 2 + message.topic.as_bytes().len();
        Some(Head { bytes, packet_id })
    }
}

/// All of a PUBLISH but its payload.
struct Head {
    bytes: Vec<u8>,
    /// Where the Packet Identifier is, if there is one.
    packet_id: usize,
}

impl Head {
    /// Its length behind the fixed header, in bytes.
    fn len(&self) -> usize {
        self.bytes.len() - 2
    }

    #[inline]
    fn set_packet_id(&mut self, id: u16) {
        let place = self.bytes.get_mut(self.packet_id..self.packet_id + 2);
        if let Some(place) = place {
            place.copy_from_slice(&id.to_be_bytes());
        }
    }

    /// Writes the packet with this payload.
    #[inline]
    fn put(&mut self, payload: &[u8], buffer: &mut BytesMut) {
        let length = self.len() + payload.len();
        if let [first, place, fixed @ ..] = &mut self.bytes[..] {
            if length < 0x80 {
                *place = length as u8;
                buffer.extend_from_slice(&self.bytes);
            } else {
                let (low, high) = (length & 0x7F | 0x80, length >> 7);
                buffer.extend_from_slice(&[*first, low as u8, high as u8]);
                buffer.extend_from_slice(fixed);
            }
        }
        buffer.extend_from_slice(payload);
    }
}
