//! Reads the bodies of the broker's packets: integers, strings, and MQTT 5 property lists.

use super::ProtocolError;

/// The Reason String's property identifier (MQTT 5, section 2.2.2.2).
pub(super) const REASON_STRING: u8 = 0x1F;

/// What is left of a packet's body. Every read checks what is there, and an error names the
/// packet.
#[derive(Debug)]
pub(super) struct Body<'a> {
    packet: &'static str,
    rest: &'a [u8],
}

/// A property's value (MQTT 5, section 2.2.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Number(u32),
    Text(&'a str),
    Binary(&'a [u8]),
    Pair(&'a str, &'a str),
}

impl<'a> Body<'a> {
    pub(super) fn new(packet: &'static str, rest: &'a [u8]) -> Self {
        Self { packet, rest }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn malformed(&self, what: &str) -> ProtocolError {
        ProtocolError::Malformed(format!("{}: {what}", self.packet))
    }

    pub(super) fn not_utf8(&self, what: &str) -> ProtocolError {
        ProtocolError::NotUtf8(format!("{}: {what} is not valid UTF-8", self.packet))
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], ProtocolError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| self.malformed("it is too short"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// A big-endian integer of `size` bytes, at most 4.
    fn integer(&mut self, size: usize) -> Result<u32, ProtocolError> {
        let bytes = self.take(size)?;
        Ok(bytes.iter().fold(0, |sum, b| sum << 8 | u32::from(*b)))
    }

    pub(super) fn byte(&mut self) -> Result<u8, ProtocolError> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    pub(super) fn u16(&mut self) -> Result<u16, ProtocolError> {
        Ok(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    pub(super) fn packet_id(&mut self) -> Result<u16, ProtocolError> {
        match self.u16()? {
            0 => Err(self.malformed("its Packet Identifier is 0")),
            id => Ok(id),
        }
    }

    /// Bytes behind a length of two bytes.
    pub(super) fn binary(&mut self) -> Result<&'a [u8], ProtocolError> {
        let length = self.u16()?;
        self.take(length.into())
    }

    fn text(&mut self) -> Result<&'a str, ProtocolError> {
        let bytes = self.binary()?;
        std::str::from_utf8(bytes).map_err(|_| self.not_utf8("a text in it"))
    }

    fn variable_integer(&mut self) -> Result<u32, ProtocolError> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.malformed("a length in it does not end"))
    }

    /// Shows every property of the list that begins here to `each`. The list ends exactly
    /// where its length says.
    pub(super) fn properties(
        &mut self,
        mut each: impl FnMut(u8, Value<'a>),
    ) -> Result<(), ProtocolError> {
        let length = self.variable_integer()?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let mut list = Body::new(self.packet, self.take(length)?);
        while !list.is_empty() {
            let id = list.byte()?;
            each(id, list.value(id)?);
        }
        Ok(())
    }

    fn value(&mut self, id: u8) -> Result<Value<'a>, ProtocolError> {
        Ok(match id {
            0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28..=0x2A => Value::Number(self.integer(1)?),
            0x13 | 0x21..=0x23 => Value::Number(self.integer(2)?),
            0x02 | 0x11 | 0x18 | 0x27 => Value::Number(self.integer(4)?),
            0x0B => Value::Number(self.variable_integer()?),
            0x03 | 0x08 | 0x12 | 0x15 | 0x1A | 0x1C | 0x1F => Value::Text(self.text()?),
            0x09 | 0x16 => Value::Binary(self.binary()?),
            0x26 => Value::Pair(self.text()?, self.text()?),
            _ => return Err(self.malformed(&format!("it has an unknown property 0x{id:02X}"))),
        })
    }

    /// A property list of which only the Reason String matters.
    pub(super) fn reason_string(&mut self) -> Result<Option<String>, ProtocolError> {
        let mut found = None;
        self.properties(|id, value| {
            if let (REASON_STRING, Value::Text(text)) = (id, value) {
                found = Some(text.to_owned());
            }
        })?;
        Ok(found)
    }

    /// Makes sure that nothing is left.
    pub(super) fn end(&self) -> Result<(), ProtocolError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.malformed("it is too long"))
        }
    }
}
