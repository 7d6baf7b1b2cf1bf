//! Messages as most of them are, without properties and for the first time, many at a time: to make
//! a [`Message`] of each costs more than to print it.

use bytes::{Bytes, BytesMut};

use crate::message::{Message, Qos, Receipt, View};
use crate::reason::Version;
use crate::topic::{TopicName, is_plain};

/// The level of QoS 2.
const EXACTLY_ONCE: u8 = Qos::ExactlyOnce.level();

/// Messages that came one behind the other, as they came.
#[derive(Debug)]
pub struct Run {
    /// Whole packets.
    packets: Bytes,
    /// Where the next one begins.
    next: usize,
    version: Version,
    /// Over which they came.
    connection: u64,
}

impl Run {
    /// Takes the plain messages at the front of `input` that are there as a whole, each of at most
    /// `maximum` bytes; none where another packet, or one that must be looked at with care, comes first.
    /// `is_new` says it of the identifier of a QoS 2 message, and notes it. Gives the number of those that
    /// are not retained, too.
    pub(super) fn take(
        version: Version,
        connection: u64,
        input: &mut BytesMut,
        maximum: u32,
        mut is_new: impl FnMut(u16) -> bool,
    ) -> Option<(Self, u64)> {
        let mut rest: &[u8] = input;
        // The last topic that was looked at: the next is mostly the same.
        let mut checked = None;
        let mut live = 0;
        while let Some((packet, behind)) = Packet::read(version, rest)
            && rest.len() - behind.len() <= maximum as usize
            && (checked == Some(packet.topic) || !packet.topic.is_empty() && is_plain(packet.topic))
            && (packet.qos < EXACTLY_ONCE || is_new(packet.id))
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
                connection,
            };
            (run, live)
        })
    }

    /// The next message; none at the end.
    #[expect(
        clippy::should_implement_trait,
        reason = "what it gives borrows from it"
    )]
    #[inline]
    pub fn next(&mut self) -> Option<View<'_>> {
        let connection = self.connection;
        let packet = self.read()?;
        Some(View {
            topic: packet.topic,
            payload: packet.payload,
            qos: packet.qos(),
            retain: packet.retain,
            properties: None,
            receipt: packet.receipt(connection),
        })
    }

    /// The next message, to keep; none at the end.
    pub(super) fn next_message(&mut self) -> Option<Message> {
        let (packets, connection) = (self.packets.clone(), self.connection);
        let packet = self.read()?;
        Some(Message {
            // Its encoding was checked.
            topic: TopicName::from_packet(&packets, packet.topic).unwrap_or_default(),
            payload: packets.slice_ref(packet.payload),
            qos: packet.qos(),
            retain: packet.retain,
            dup: false,
            properties: None,
            receipt: packet.receipt(connection),
        })
    }

    #[inline]
    fn read(&mut self) -> Option<Packet<'_>> {
        let rest = self.packets.get(self.next..)?;
        let (packet, behind) = Packet::read(self.version, rest)?;
        self.next = self.packets.len() - behind.len();
        Some(packet)
    }
}

/// What a PUBLISH without properties says that is no repetition.
struct Packet<'a> {
    retain: bool,
    /// Its level.
    qos: u8,
    /// 0 at QoS 0.
    id: u16,
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
        let (0x30..0x36) = *first else {
            return None;
        };
        let (body, behind) = rest.split_at_checked(length)?;
        let (length, body) = body.split_first_chunk()?;
        let (topic, body) = body.split_at_checked(u16::from_be_bytes(*length).into())?;
        let (id, body) = match *first {
            0x30 | 0x31 => (0, body),
            _ => match body {
                [0, 0, ..] => return None,
                [high, low, body @ ..] => (u16::from_be_bytes([*high, *low]), body),
                _ => return None,
            },
        };
        let payload = match version {
            Version::V31 | Version::V311 => body,
            Version::V5 => body.strip_prefix(&[0])?,
        };
        let packet = Self {
            retain: first & 1 != 0,
            qos: first >> 1 & 3,
            id,
            topic,
            payload,
        };
        Some((packet, behind))
    }

    #[inline]
    fn qos(&self) -> Qos {
        Qos::from_level(self.qos).unwrap_or_default()
    }

    #[inline]
    fn receipt(&self, connection: u64) -> Option<Receipt> {
        (self.id != 0).then(|| Receipt {
            packet_id: self.id,
            qos: self.qos(),
            connection,
        })
    }
}
