//! MQTT packets by hand: only what counterparts need, written and read in place.

use std::io;

pub const CONNECT: u8 = 1;
pub const CONNACK: u8 = 2;
pub const PUBLISH: u8 = 3;
pub const PUBACK: u8 = 4;
pub const PUBREC: u8 = 5;
pub const PUBREL: u8 = 6;
pub const PUBCOMP: u8 = 7;
pub const SUBSCRIBE: u8 = 8;
pub const SUBACK: u8 = 9;
pub const UNSUBSCRIBE: u8 = 10;
pub const UNSUBACK: u8 = 11;
pub const PINGREQ: u8 = 12;
pub const PINGRESP: u8 = 13;
pub const DISCONNECT: u8 = 14;

/// A fixed header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The type, and the flags in the lower four bits.
    pub first: u8,
    /// Where the rest begins, in bytes: 2 to 5.
    pub start: usize,
    /// The Remaining Length.
    pub remaining: usize,
}

impl Header {
    /// Reads the header at the beginning of `bytes`; None while it is not complete.
    ///
    /// # Errors
    /// A Remaining Length of more than four bytes.
    #[inline]
    pub fn read(bytes: &[u8]) -> io::Result<Option<Self>> {
        let Some((&first, lengths)) = bytes.split_first() else {
            return Ok(None);
        };
        Ok(length(lengths)?.map(|(remaining, size)| Self {
            first,
            start: 1 + size,
            remaining,
        }))
    }

    #[inline]
    #[must_use]
    pub fn kind(&self) -> u8 {
        self.first >> 4
    }

    /// The length of the whole packet in bytes.
    #[inline]
    #[must_use]
    pub fn total(&self) -> usize {
        self.start + self.remaining
    }
}

/// What stands before the payload of a PUBLISH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish {
    /// 0 to 2.
    pub qos: u8,
    /// At QoS 1 and 2.
    pub id: u16,
    /// Where the payload begins, counted from the packet's first byte.
    pub payload: usize,
}

impl Publish {
    /// Reads what comes after `header`; None while it is not complete in `packet`, which begins with the
    /// header.
    ///
    /// # Errors
    /// Lengths that contradict each other, QoS 3.
    #[inline]
    pub fn read(packet: &[u8], header: &Header, version: Version) -> io::Result<Option<Self>> {
        let qos = (header.first >> 1) & 3;
        if qos == 3 {
            return Err(malformed("QoS 3"));
        }
        let Some(topic) = read_u16(packet, header.start) else {
            return Ok(None);
        };
        let mut at = header.start + 2 + usize::from(topic);
        let mut id = 0;
        if qos > 0 {
            match read_u16(packet, at) {
                Some(value) => id = value,
                None => return Ok(None),
            }
            at += 2;
        }
        if version == Version::V5 {
            let Some((properties, size)) = length(packet.get(at..).unwrap_or_default())? else {
                return Ok(None);
            };
            at += size + properties;
        }
        if at > header.total() {
            return Err(malformed("PUBLISH shorter than its topic"));
        }
        if at > packet.len() {
            return Ok(None);
        }
        Ok(Some(Self {
            qos,
            id,
            payload: at,
        }))
    }
}

/// The protocol's version, by its level in CONNECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    #[default]
    V311,
    V5,
}

impl Version {
    /// By the names that the tools use.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "mqttv311" | "311" => Some(Self::V311),
            "mqttv5" | "5" => Some(Self::V5),
            _ => None,
        }
    }

    #[must_use]
    pub fn level(self) -> u8 {
        match self {
            Self::V311 => 4,
            Self::V5 => 5,
        }
    }
}

/// A Variable Byte Integer and the number of its bytes; None while it is not complete.
///
/// # Errors
/// More than four bytes.
#[inline]
pub fn length(bytes: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((value, index + 1)));
        }
    }
    if bytes.len() < 4 {
        Ok(None)
    } else {
        Err(malformed("a length of more than four bytes"))
    }
}

/// Appends a Variable Byte Integer. Lengths over 268,435,455 do not occur here.
#[inline]
pub fn push_length(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return out.push(byte);
        }
        out.push(byte | 0x80);
    }
}

/// Appends a packet whose rest is only a Packet Identifier: in MQTT 5 it means success, too.
#[inline]
pub fn push_ack(out: &mut Vec<u8>, kind: u8, id: u16) {
    let [high, low] = id.to_be_bytes();
    // The reserved flags of PUBREL are 0010.
    let flags = if kind == PUBREL { 2 } else { 0 };
    out.extend_from_slice(&[kind << 4 | flags, 2, high, low]);
}

/// Appends a string with its length before it.
pub fn push_string(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// Appends a whole packet.
pub fn push_packet(out: &mut Vec<u8>, first: u8, rest: &[u8]) {
    out.push(first);
    push_length(out, rest.len());
    out.extend_from_slice(rest);
}

/// Appends what stands before the payload of a PUBLISH: `id` at QoS 1 and 2.
pub fn push_publish(
    out: &mut Vec<u8>,
    version: Version,
    qos: u8,
    topic: &str,
    id: u16,
    payload: usize,
) {
    let mut remaining = 2 + topic.len() + payload;
    if qos > 0 {
        remaining += 2;
    }
    if version == Version::V5 {
        remaining += 1;
    }
    out.push(PUBLISH << 4 | qos << 1);
    push_length(out, remaining);
    push_string(out, topic);
    if qos > 0 {
        out.extend_from_slice(&id.to_be_bytes());
    }
    if version == Version::V5 {
        out.push(0);
    }
}

/// Two bytes at `at`.
#[inline]
#[must_use]
pub fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*pair))
}

pub fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for version in [Version::V311, Version::V5] {
            for qos in 0..=2 {
                for payload in [0, 1, 100, 127, 128, 16_384, 3_000_000] {
                    let mut packet = Vec::new();
                    push_publish(&mut packet, version, qos, "a/b", 0x1234, payload);
                    let before = packet.len();
                    packet.resize(before + payload, b'x');
                    let header = Header::read(&packet).unwrap().unwrap();
                    assert_eq!(header.total(), packet.len());
                    assert_eq!(header.kind(), PUBLISH);
                    let publish = Publish::read(&packet, &header, version).unwrap().unwrap();
                    let id = if qos > 0 { 0x1234 } else { 0 };
                    assert_eq!(
                        (publish.qos, publish.id, publish.payload),
                        (qos, id, before)
                    );
                    for cut in 0..before {
                        let part = &packet[..cut];
                        if let Some(header) = Header::read(part).unwrap() {
                            assert_eq!(Publish::read(part, &header, version).unwrap(), None);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn five_bytes_are_no_length() {
        assert!(length(&[0x80; 5]).is_err());
        assert_eq!(length(&[0x80; 3]).unwrap(), None);
        assert_eq!(
            length(&[0xff, 0xff, 0xff, 0x7f]).unwrap(),
            Some((268_435_455, 4))
        );
    }
}
