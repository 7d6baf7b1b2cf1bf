//! The broker's side of all but PUBLISH: what CONNECT says, and the answers that need no thought.

use std::io;

use crate::packet::{
    CONNACK, CONNECT, DISCONNECT, Header, PINGREQ, PINGRESP, SUBACK, SUBSCRIBE, UNSUBACK,
    UNSUBSCRIBE, Version, length, malformed, push_packet, push_string, read_u16,
};

/// What is known of a client.
#[derive(Debug, Default)]
pub struct Client {
    pub version: Version,
    /// How many QoS 1 and 2 messages it takes at a time; 0 until it has connected.
    pub receive_maximum: u16,
    /// The highest QoS it asked for, once it has subscribed.
    pub subscribed: Option<u8>,
    /// It said goodbye.
    pub gone: bool,
}

impl Client {
    /// Answers any packet but PUBLISH and the acknowledgements; `rest` is what follows the header.
    ///
    /// # Errors
    /// A packet that cannot be read, or that a client does not send.
    pub fn answer(&mut self, header: &Header, rest: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        match header.kind() {
            CONNECT => self.connect(rest, out),
            SUBSCRIBE => self.subscribe(rest, out),
            UNSUBSCRIBE => self.unsubscribe(rest, out),
            PINGREQ => {
                push_packet(out, PINGRESP << 4, &[]);
                Ok(())
            }
            DISCONNECT => {
                self.gone = true;
                Ok(())
            }
            kind => Err(malformed(&format!("a packet of type {kind}"))),
        }
    }

    fn connect(&mut self, rest: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let mut fields = Fields(rest);
        fields.string()?;
        self.version = match fields.byte()? {
            3 | 4 => Version::V311,
            5 => Version::V5,
            level => return Err(malformed(&format!("protocol level {level}"))),
        };
        fields.bytes(3)?;
        self.receive_maximum = u16::MAX;
        if self.version == Version::V311 {
            push_packet(out, CONNACK << 4, &[0, 0]);
            return Ok(());
        }
        let mut properties = Fields(fields.counted()?);
        while !properties.0.is_empty() {
            if let Some(maximum) = properties.receive_maximum()? {
                self.receive_maximum = maximum;
            }
        }
        let mut answer = vec![0, 0];
        if fields.string()?.is_empty() {
            // Whoever brings no Client Identifier is told which was assigned.
            let mut assigned = vec![0x12];
            push_string(&mut assigned, "bench-client");
            answer.push(assigned.len() as u8);
            answer.extend_from_slice(&assigned);
        } else {
            answer.push(0);
        }
        push_packet(out, CONNACK << 4, &answer);
        Ok(())
    }

    fn subscribe(&mut self, rest: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let (mut fields, mut answer) = self.begin_answer(rest)?;
        while !fields.0.is_empty() {
            fields.string()?;
            let qos = fields.byte()? & 3;
            answer.push(qos);
            self.subscribed = self.subscribed.max(Some(qos));
        }
        push_packet(out, SUBACK << 4, &answer);
        Ok(())
    }

    fn unsubscribe(&mut self, rest: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let (mut fields, mut answer) = self.begin_answer(rest)?;
        if self.version == Version::V5 {
            while !fields.0.is_empty() {
                fields.string()?;
                answer.push(0);
            }
        }
        push_packet(out, UNSUBACK << 4, &answer);
        Ok(())
    }

    /// The Topic Filters of a request, and its answer before the codes.
    fn begin_answer<'a>(&self, rest: &'a [u8]) -> io::Result<(Fields<'a>, Vec<u8>)> {
        let mut fields = Fields(rest);
        let mut answer = fields.bytes(2)?.to_vec();
        if self.version == Version::V5 {
            fields.counted()?;
            answer.push(0);
        }
        Ok((fields, answer))
    }
}

/// The fields of a packet, one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&mut self, count: usize) -> io::Result<&'a [u8]> {
        let (bytes, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| malformed("a packet that ends too early"))?;
        self.0 = rest;
        Ok(bytes)
    }

    fn byte(&mut self) -> io::Result<u8> {
        Ok(self.bytes(1)?.first().copied().unwrap_or_default())
    }

    fn u16(&mut self) -> io::Result<u16> {
        Ok(read_u16(self.bytes(2)?, 0).unwrap_or_default())
    }

    fn string(&mut self) -> io::Result<&'a [u8]> {
        let length = self.u16()?;
        self.bytes(usize::from(length))
    }

    /// What has a Variable Byte Integer as its length.
    fn counted(&mut self) -> io::Result<&'a [u8]> {
        let (value, size) =
            length(self.0)?.ok_or_else(|| malformed("a packet that ends too early"))?;
        self.bytes(size)?;
        self.bytes(value)
    }

    /// Takes one property of CONNECT; gives the Receive Maximum.
    fn receive_maximum(&mut self) -> io::Result<Option<u16>> {
        match self.byte()? {
            0x21 => return Ok(Some(self.u16()?)),
            0x11 | 0x27 => self.bytes(4)?,
            0x22 => self.bytes(2)?,
            0x17 | 0x19 => self.bytes(1)?,
            0x15 | 0x16 => self.string()?,
            0x26 => {
                self.string()?;
                self.string()?
            }
            property => return Err(malformed(&format!("property {property} in CONNECT"))),
        };
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(client: &mut Client, first: u8, rest: &[u8]) -> io::Result<Vec<u8>> {
        let mut packet = Vec::new();
        push_packet(&mut packet, first, rest);
        let header = Header::read(&packet)?.unwrap();
        let mut out = Vec::new();
        client.answer(&header, &packet[header.start..], &mut out)?;
        Ok(out)
    }

    #[test]
    fn the_receive_maximum_of_mqtt_5_is_understood_among_other_properties() {
        let mut client = Client::default();
        let connect = b"\x00\x04MQTT\x05\x02\x00\x3c\x0f\x11\x00\x00\x00\x07\x26\x00\x01a\x00\x01b\x21\x00\x14\x00\x00";
        let connack = answer(&mut client, 0x10, connect).unwrap();
        assert_eq!(client.version, Version::V5);
        assert_eq!(client.receive_maximum, 20);
        assert_eq!(connack, b"\x20\x12\x00\x00\x0f\x12\x00\x0cbench-client");
        let suback = answer(&mut client, 0x82, b"\x00\x01\x00\x00\x01a\x01\x00\x01b\x2a").unwrap();
        assert_eq!(suback, [0x90, 5, 0, 1, 0, 1, 2]);
        assert_eq!(client.subscribed, Some(2));
    }

    #[test]
    fn mqtt_3_1_1_is_answered_without_properties() {
        let mut client = Client::default();
        let connack = answer(&mut client, 0x10, b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x00").unwrap();
        assert_eq!(connack, [0x20, 2, 0, 0]);
        assert_eq!(client.receive_maximum, u16::MAX);
        assert_eq!(
            answer(&mut client, 0x82, b"\x00\x09\x00\x01#\x00").unwrap(),
            [0x90, 3, 0, 9, 0]
        );
        assert_eq!(
            answer(&mut client, 0xa2, b"\x00\x0a\x00\x01#").unwrap(),
            [0xb0, 2, 0, 10]
        );
        assert_eq!(answer(&mut client, 0xc0, b"").unwrap(), [0xd0, 0]);
        assert!(answer(&mut client, 0x82, b"\x00\x09\x00\x05#").is_err());
        answer(&mut client, 0xe0, b"").unwrap();
        assert!(client.gone);
    }
}
