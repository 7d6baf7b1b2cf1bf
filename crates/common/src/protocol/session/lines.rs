//! The lines of a text, each published at QoS 0: what they have in common is worked out once.

use bytes::Bytes;

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

impl Session {
    /// Publishes lines at the front of `text`, which `cut` ends, as [`Session::publish`] would publish
    /// each as the payload of `message`, and takes them off; gives how many. Begins none after `most`
    /// bytes of packets, and stops before one that has to be published alone, as all have at QoS 1 and 2.
    pub fn publish_lines(
        &mut self,
        message: &Publication,
        text: &mut Bytes,
        cut: u8,
        most: usize,
    ) -> u64 {
        let is_plain = message.qos == Qos::AtMostOnce && message.topic_alias.is_none();
        if text.is_empty() || !is_plain || !self.is_online() || self.trace.is_some() {
            return 0;
        }
        let common = message.with_payload(Payload::default());
        if check_publish(&common, self.connect.version, Naming::Topic, &self.limits).is_err() {
            return 0;
        }
        let Some((first, fixed)) = self.head(&common) else {
            return 0;
        };
        let maximum = self.limits.maximum_packet_size.saturating_sub(HEADER);
        let Some(longest) = SHORT.min(maximum as usize).checked_sub(fixed.len()) else {
            return 0;
        };
        let longest = longest.min(SHARE_PAYLOAD_FROM - 1);
        // With a length field of one byte, which is filled in.
        let mut head = vec![first, 0];
        head.extend_from_slice(&fixed);
        let begin = self.output.end();
        let buffer = self.output.buffer();
        let before = buffer.len();
        let mut ends = Vec::new();
        let mut rest: &[u8] = text;
        while !rest.is_empty() && buffer.len() - before < most {
            let end = memchr::memchr(cut, rest);
            let (line, behind) = rest.split_at(end.unwrap_or(rest.len()));
            if line.len() > longest {
                break;
            }
            let length = fixed.len() + line.len();
            if length < 0x80 {
                if let Some(place) = head.get_mut(1) {
                    *place = length as u8;
                }
                buffer.extend_from_slice(&head);
            } else {
                let (low, high) = (length & 0x7F | 0x80, length >> 7);
                buffer.extend_from_slice(&[first, low as u8, high as u8]);
                buffer.extend_from_slice(&fixed);
            }
            buffer.extend_from_slice(line);
            ends.push(buffer.len() - before);
            rest = behind.get(1..).unwrap_or_default();
        }
        let count = ends.len();
        if count > 0 {
            let taken = text.split_to(text.len() - rest.len());
            if let Some(handover) = &mut self.handover {
                handover.written_lines(&common, Lines::new(taken, cut, begin, ends));
            }
        }
        count as u64
    }

    /// The first byte of a PUBLISH without a payload, and what stands behind its length.
    fn head(&self, message: &Publication) -> Option<(u8, Bytes)> {
        let mut output = Output::default();
        self.codec
            .publish(message, Naming::Topic, 0, false, &mut output)
            .ok()?;
        let packet = output.buffer().split().freeze();
        let (header, _) = frame_length(&packet).ok()??;
        Some((*packet.first()?, packet.slice(header..)))
    }
}
