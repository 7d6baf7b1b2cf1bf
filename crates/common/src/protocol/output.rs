//! Bytes on their way to the broker: small packets share one buffer, large payloads go out
//! from where they lie.

use std::collections::VecDeque;
use std::fmt;
use std::io::IoSlice;

use bytes::{Buf as _, BytesMut};

use crate::payload::{Payload, Unreadable};

/// What a session has to send, in order.
#[derive(Default)]
pub struct Output {
    /// Closed pieces, oldest first; they go out before `tail`.
    pieces: VecDeque<Payload>,
    tail: BytesMut,
    pieces_len: usize,
    /// How many bytes have gone out.
    gone: u64,
}

impl Output {
    /// Where the next packet is written.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.tail
    }

    /// Sends `payload` after everything so far, without copying it.
    pub(crate) fn share(&mut self, payload: Payload) {
        if !self.tail.is_empty() {
            let tail = self.tail.split().freeze();
            self.push(tail.into());
        }
        self.push(payload);
    }

    fn push(&mut self, piece: Payload) {
        self.pieces_len += piece.len();
        self.pieces.push_back(piece);
    }

    /// How many bytes wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces_len + self.tail.len()
    }

    /// How many bytes of small packets wait behind everything else.
    pub(crate) fn small_len(&self) -> usize {
        self.tail.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads the next piece of a file, when that is what goes out next. Afterwards there are
    /// [`slices`](Self::slices), unless nothing waits.
    ///
    /// # Errors
    /// The packet that has begun to go out cannot be ended.
    pub(crate) fn read_ahead(&mut self) -> Result<(), Unreadable> {
        if let Some(Payload::File(part)) = self.pieces.front_mut() {
            let piece = part.read()?;
            if part.left() == 0 {
                self.pieces.pop_front();
            }
            self.pieces.push_front(piece.into());
        }
        Ok(())
    }

    /// Fills `slices` with the front of what waits, for a vectored write; gives their number.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let tail = (!self.tail.is_empty()).then_some(self.tail.as_ref());
        let parts = self
            .pieces
            .iter()
            .map(|piece| match piece {
                Payload::Bytes(bytes) => Some(bytes.as_ref()),
                // Read when it is at the front.
                Payload::File(_) => None,
            })
            .chain([tail])
            .map_while(|part| part);
        let mut count = 0;
        for (slot, part) in slices.iter_mut().zip(parts) {
            *slot = IoSlice::new(part);
            count += 1;
        }
        count
    }

    /// Forgets the first `written` bytes: they are on their way.
    pub fn advance(&mut self, mut written: usize) {
        self.gone += written.min(self.len()) as u64;
        while let Some(Payload::Bytes(piece)) = self.pieces.front_mut() {
            let part = written.min(piece.len());
            piece.advance(part);
            self.pieces_len -= part;
            written -= part;
            if !piece.is_empty() {
                return;
            }
            self.pieces.pop_front();
        }
        if self.pieces.is_empty() {
            self.tail.advance(written.min(self.tail.len()));
        }
    }

    /// How many bytes have gone out since the last [`Output::clear`].
    pub(super) fn gone(&self) -> u64 {
        self.gone
    }

    /// Where the bytes that are written next will begin, counted like [`Output::gone`].
    pub(super) fn end(&self) -> u64 {
        self.gone + self.len() as u64
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Not the bytes: a CONNECT among them holds the password.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use bytes::Bytes;

    use super::*;
    use crate::payload::FilePart;

    fn drain(output: &mut Output, step: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while !output.is_empty() {
            output.read_ahead().unwrap();
            let mut slices = [IoSlice::new(&[]); 2];
            let count = output.slices(&mut slices);
            let front: Vec<u8> = slices[..count].iter().flat_map(|s| s.to_vec()).collect();
            let part = step.min(front.len());
            all.extend_from_slice(&front[..part]);
            output.advance(part);
        }
        all
    }

    #[test]
    fn order_holds_whatever_the_socket_takes() {
        for step in 1..12 {
            let mut output = Output::default();
            output.buffer().extend_from_slice(b"abc");
            output.share(Bytes::from_static(b"DEFG").into());
            output.buffer().extend_from_slice(b"hi");
            output.share(Bytes::from_static(b"J").into());
            output.buffer().extend_from_slice(b"k");
            assert_eq!(output.len(), 11);
            assert_eq!(drain(&mut output, step), b"abcDEFGhiJk");
        }
    }

    #[test]
    fn a_file_is_read_where_it_stands() {
        let text: Vec<u8> = (0..700_000_u32).map(|n| (n % 251) as u8).collect();
        for step in [1000, 300_000, 10_000_000] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&text).unwrap();
            let part = FilePart::new(file, "name".into(), text.len());
            let mut output = Output::default();
            output.buffer().extend_from_slice(b"before");
            output.share(Payload::File(part.clone()));
            output.buffer().extend_from_slice(b"between");
            output.share(Payload::File(part));
            output.buffer().extend_from_slice(b"after");
            let expected = [b"before", &text[..], b"between", &text, b"after"].concat();
            assert_eq!(output.len(), expected.len());
            assert!(drain(&mut output, step) == expected, "{step}");
            assert_eq!(output.gone(), expected.len() as u64);
        }
    }

    #[test]
    fn a_file_that_is_too_short_is_told() {
        let part = FilePart::new(tempfile::tempfile().unwrap(), "name".into(), 1);
        let mut output = Output::default();
        output.share(Payload::File(part));
        let why = output.read_ahead().unwrap_err();
        assert_eq!(why.name.to_str(), Some("name"));
        assert_eq!(why.to_string(), "it became shorter while it was sent");
    }
}
