//! Bytes on their way to the broker: small packets share one buffer, large payloads go out
//! from where they lie.

use std::collections::VecDeque;
use std::fmt;
use std::io::IoSlice;

use bytes::{Buf as _, Bytes, BytesMut};

/// What a session has to send, in order.
#[derive(Default)]
pub struct Output {
    /// Closed pieces, oldest first; they go out before `tail`.
    pieces: VecDeque<Bytes>,
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
    pub(crate) fn share(&mut self, payload: Bytes) {
        if !self.tail.is_empty() {
            let tail = self.tail.split().freeze();
            self.push(tail);
        }
        self.push(payload);
    }

    fn push(&mut self, piece: Bytes) {
        self.pieces_len += piece.len();
        self.pieces.push_back(piece);
    }

    /// How many bytes wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces_len + self.tail.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `slices` with the front of what waits, for a vectored write; gives their number.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let parts = self
            .pieces
            .iter()
            .map(Bytes::as_ref)
            .chain((!self.tail.is_empty()).then_some(self.tail.as_ref()));
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
        while let Some(piece) = self.pieces.front_mut() {
            let part = written.min(piece.len());
            piece.advance(part);
            self.pieces_len -= part;
            written -= part;
            if !piece.is_empty() {
                return;
            }
            self.pieces.pop_front();
        }
        self.tail.advance(written.min(self.tail.len()));
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
    use super::*;

    fn drain(output: &mut Output, step: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while !output.is_empty() {
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
            output.share(Bytes::from_static(b"DEFG"));
            output.buffer().extend_from_slice(b"hi");
            output.share(Bytes::from_static(b"J"));
            output.buffer().extend_from_slice(b"k");
            assert_eq!(output.len(), 11);
            assert_eq!(drain(&mut output, step), b"abcDEFGhiJk");
        }
    }
}
