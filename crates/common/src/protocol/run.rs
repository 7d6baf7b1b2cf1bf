//! Messages as most of them are, without properties and for the first time, many at a time: to make
//! a [`Message`] of each costs more than to print it.

use bytes::{Bytes, BytesMut};

use crate::message::{Message, Qos, Receipt, Receipts, View};
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
    qos: Qos,
    /// Over which they came.
    connection: u64,
    /// What was given as views, and their identifiers.
    given: u64,
    ids: Vec<u16>,
}

impl Run {
    /// Takes the plain messages at the front of `input` that are there as a whole, each of at most
    /// `maximum` bytes and all at one QoS; none where another packet, or one that must be looked at with
    /// care, comes first. `is_new` says it of the identifier of a QoS 2 message, and notes it. Gives the number of those that
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
        let qos = rest.first()? >> 1 & 3;
        while let Some((packet, behind)) = Packet::read(version, rest)
            && packet.qos == qos
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
                qos: Qos::from_level(qos).unwrap_or_default(),
                connection,
                given: 0,
                ids: Vec::new(),
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
        let rest = self.packets.get(self.next..)?;
        let (packet, behind) = Packet::read(self.version, rest)?;
        self.next = self.packets.len() - behind.len();
        self.given += 1;
        if packet.id != 0 {
            self.ids.push(packet.id);
        }
        Some(View {
            topic: packet.topic,
            payload: packet.payload,
            qos: self.qos,
            retain: packet.retain,
            properties: None,
            packet_id: (packet.id != 0).then_some(packet.id),
        })
    }

    /// How many [`next`](Self::next) has given since this was asked last, and their receipts at QoS 1
    /// and 2.
    pub fn taken(&mut self) -> (u64, Option<Receipts>) {
        let ids = std::mem::take(&mut self.ids);
        let first = ids.first().map(|id| self.receipt(*id));
        let receipts = first.map(|first| Receipts { first, ids });
        (std::mem::take(&mut self.given), receipts)
    }

    /// The next message, to keep; none at the end.
    pub(super) fn next_message(&mut self) -> Option<Message> {
        let packets = self.packets.clone();
        let (packet, behind) = Packet::read(self.version, packets.get(self.next..)?)?;
        self.next = packets.len() - behind.len();
        Some(Message {
            // Its encoding was checked.
            topic: TopicName::from_packet(&packets, packet.topic).unwrap_or_default(),
            payload: packets.slice_ref(packet.payload),
            qos: self.qos,
            retain: packet.retain,
            dup: false,
            properties: None,
            receipt: (packet.id != 0).then(|| self.receipt(packet.id)),
        })
    }

    fn receipt(&self, packet_id: u16) -> Receipt {
        Receipt {
            packet_id,
            qos: self.qos,
            connection: self.connection,
        }
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
}
