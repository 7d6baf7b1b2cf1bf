//! Messages as most of them are, at QoS 0 and without properties, many at a time: to make a
//! [`Message`] of each costs more than to print it.

use bytes::{Bytes, BytesMut};

use crate::message::{Message, Qos, View};
use crate::reason::Version;
use crate::topic::{TopicName, is_plain};

/// Messages that came one behind the other, as they came.
#[derive(Debug)]
pub struct Run {
    /// Whole packets.
    packets: Bytes,
    /// Where the next one begins.
    next: usize,
    version: Version,
}

impl Run {
    /// Takes the plain messages at the front of `input` that are there as a whole, each of at most
    /// `maximum` bytes; none where another packet, or one that must be looked at with care, comes first.
    /// Gives the number of those that are not retained, too.
    pub(super) fn take(
        version: Version,
        input: &mut BytesMut,
        maximum: u32,
    ) -> Option<(Self, u64)> {
        let mut rest: &[u8] = input;
        // The last topic that was looked at: the next is mostly the same.
        let mut checked = None;
        let mut live = 0;
        while let Some((packet, behind)) = Packet::read(version, rest)
            && rest.len() - behind.len() <= maximum as usize
            && (checked == Some(packet.topic) || !packet.topic.is_empty() && is_plain(packet.topic))
        {
            checked = Some(packet.topic);
            live += u64::from(!packet.retain);
            rest = behind;
        }
        let length = input.len() - rest.len();
        (length > 0).then(|| {
            let run = Self {
                packets: input.split_to(length).freeze(),
                next: 0,
                version,
            };
            (run, live)
        })
    }

    /// The next message; none at the end.
    #[expect(
        clippy::should_implement_trait,
        reason = "what it gives borrows from it"
    )]
    pub fn next(&mut self) -> Option<View<'_>> {
        let packet = self.read()?;
        Some(View {
            topic: packet.topic,
            payload: packet.payload,
            qos: Qos::AtMostOnce,
            retain: packet.retain,
            properties: None,
            packet_id: None,
        })
    }

    /// The next message, to keep; none at the end.
    pub(super) fn next_message(&mut self) -> Option<Message> {
        let packets = self.packets.clone();
        let packet = self.read()?;
        Some(Message {
            // Its encoding was checked.
            topic: TopicName::from_packet(&packets, packet.topic).unwrap_or_default(),
            payload: packets.slice_ref(packet.payload),
            qos: Qos::AtMostOnce,
            retain: packet.retain,
            dup: false,
            properties: None,
            receipt: None,
        })
    }

    fn read(&mut self) -> Option<Packet<'_>> {
        let rest = self.packets.get(self.next..)?;
        let (packet, behind) = Packet::read(self.version, rest)?;
        self.next = self.packets.len() - behind.len();
        Some(packet)
    }
}

/// What a PUBLISH at QoS 0 without properties says.
struct Packet<'a> {
    retain: bool,
    topic: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// The packet at the front, and what is behind it; none where it is of another kind, not as it
    /// should be, or larger than 16 KiB.
    #[inline]
    fn read(version: Version, bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (first, length, rest) = match bytes {
            [first, length @ ..0x80, rest @ ..] => (first, usize::from(*length), rest),
            [first, low, high @ ..0x80, rest @ ..] => {
                let length = usize::from(low & 0x7F) | usize::from(*high) << 7;
                (first, length, rest)
            }
            _ => return None,
        };
        if first & !1 != 0x30 {
            return None;
        }
        let (body, behind) = rest.split_at_checked(length)?;
        let (length, body) = body.split_first_chunk()?;
        let (topic, body) = body.split_at_checked(u16::from_be_bytes(*length).into())?;
        let payload = match version {
            Version::V31 | Version::V311 => body,
            Version::V5 => body.strip_prefix(&[0])?,
        };
        let packet = Self {
            retain: first & 1 != 0,
            topic,
            payload,
        };
        Some((packet, behind))
    }
}
