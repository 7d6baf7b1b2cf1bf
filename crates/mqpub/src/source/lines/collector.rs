//! What was read of an input, until a line ends.

use std::io;

use bytes::Bytes;
use mqtools_common::message::MAX_REMAINING_LENGTH;

use super::super::Cut;

/// How much is read at a time, in bytes.
pub(super) const CHUNK: usize = 64 * 1024;

/// Collects what is read and gives it in pieces that end with a line, as soon as each is there.
#[derive(Debug)]
pub(super) struct Collector {
    /// Without the end of a line.
    read: Vec<u8>,
    end: Cut,
}

/// What came of a read.
#[derive(Debug)]
pub(super) enum Piece {
    /// Whole lines.
    Lines(Bytes),
    /// No line has ended.
    None,
    /// And it cannot become a message any more.
    TooLong,
    /// The end of the input; what is behind the last newline is a line.
    End(Option<Bytes>),
}

impl Collector {
    pub(super) fn new(end: Cut) -> Self {
        Self {
            read: Vec::new(),
            end,
        }
    }

    /// Reads once: `read` puts something behind what is in the buffer, which has room for that, and
    /// says how much that is, or 0 at the end.
    pub(super) fn collect(
        &mut self,
        read: impl FnOnce(&mut Vec<u8>) -> io::Result<usize>,
    ) -> io::Result<Piece> {
        let before = self.read.len();
        self.make_room();
        if read(&mut self.read)? == 0 {
            let last = std::mem::take(&mut self.read);
            return Ok(Piece::End((!last.is_empty()).then(|| last.into())));
        }
        let fresh = self.read.get(before..).unwrap_or_default();
        Ok(match memchr::memrchr(self.end.0, fresh) {
            Some(at) => Piece::Lines(self.take(before + at + 1)),
            None if self.read.len() > MAX_REMAINING_LENGTH => Piece::TooLong,
            None => Piece::None,
        })
    }

    fn make_room(&mut self) {
        let length = self.read.len();
        if self.read.capacity() - length < CHUNK / 2 {
            // A line that goes on has it doubled, up to what is more than any message.
            let most = (MAX_REMAINING_LENGTH + CHUNK).saturating_sub(length);
            self.read.reserve_exact(length.min(most).max(CHUNK));
        }
    }

    /// Gives the first `length` bytes.
    fn take(&mut self, length: usize) -> Bytes {
        if length < CHUNK / 2 {
            // A line that comes alone must not hold so much memory as long as it is in flight.
            let lines = Bytes::copy_from_slice(self.read.get(..length).unwrap_or_default());
            self.read.drain(..length);
            return lines;
        }
        let rest = self.read.split_off(length);
        std::mem::replace(&mut self.read, rest).into()
    }
}
