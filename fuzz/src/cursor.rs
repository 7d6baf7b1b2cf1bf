//! Reads a target's input from front to back, so that corpus files can be written by hand. Past
//! the end everything is 0.

use std::time::Duration;

use mqtools_common::message::Qos;
use mqtools_common::reason::Version;

pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or_default()
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from(self.u16()) << 16 | u32::from(self.u16())
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// At most `count` bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Bytes behind their length of one byte.
    pub(crate) fn short(&mut self) -> &'a [u8] {
        let count = self.byte();
        self.bytes(count.into())
    }

    /// The same as text; what is not UTF-8 is replaced.
    pub(crate) fn text(&mut self) -> String {
        String::from_utf8_lossy(self.short()).into_owned()
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn version(&mut self) -> Version {
        match self.byte() % 3 {
            0 => Version::V31,
            1 => Version::V311,
            _ => Version::V5,
        }
    }

    pub(crate) fn qos(&mut self) -> Qos {
        Qos::from_level(self.byte() % 3).unwrap_or_default()
    }

    pub(crate) fn seconds(&mut self) -> Duration {
        Duration::from_secs(self.byte().into())
    }
}
