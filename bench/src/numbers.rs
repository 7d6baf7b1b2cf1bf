//! Numbered payloads: ten digits, then filler. What is lost, doubled or out of order shows, for a few
//! nanoseconds a message.

use std::io::{self, Write};

/// How many digits a number has.
pub const DIGITS: usize = 10;

const FILLER: u8 = b'x';

/// A number that counts up in decimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number([u8; DIGITS]);

impl Number {
    /// The first message has this number.
    #[must_use]
    pub fn first() -> Self {
        let mut first = Self([b'0'; DIGITS]);
        first.advance();
        first
    }

    #[inline]
    pub fn advance(&mut self) {
        for digit in self.0.iter_mut().rev() {
            if *digit != b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
    }

    /// The last digits, as many as fit into a payload of `size` bytes.
    #[inline]
    #[must_use]
    pub fn digits(&self, size: usize) -> &[u8] {
        self.0
            .get(DIGITS.saturating_sub(size)..)
            .unwrap_or_default()
    }

    /// Whether a payload of `size` bytes, of which the beginning is there, has this number.
    #[inline]
    #[must_use]
    pub fn is_at_start_of(&self, payload: &[u8], size: usize) -> bool {
        payload.starts_with(self.digits(size))
    }
}

/// A payload of `size` bytes with this number.
#[must_use]
pub fn payload(number: &Number, size: usize) -> Vec<u8> {
    let mut payload = number.digits(size).to_vec();
    payload.resize(size, FILLER);
    payload
}

/// Writes `count` numbered payloads of `size` bytes as lines.
///
/// # Errors
/// Those of `out`.
pub fn write_lines(out: &mut impl Write, count: u64, size: usize) -> io::Result<()> {
    let mut number = Number::first();
    let mut line = payload(&number, size);
    line.push(b'\n');
    for _ in 0..count {
        let digits = number.digits(size);
        if let Some(place) = line.get_mut(..digits.len()) {
            place.copy_from_slice(digits);
        }
        out.write_all(&line)?;
        number.advance();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_up_and_are_cut_from_the_left() {
        let mut number = Number::first();
        for _ in 0..99 {
            number.advance();
        }
        assert_eq!(number.digits(64), b"0000000100");
        assert_eq!(number.digits(3), b"100");
        assert_eq!(number.digits(0), b"");
        assert!(number.is_at_start_of(b"0000000100xx", 12));
        assert!(!number.is_at_start_of(b"0000000101xx", 12));
        assert!(!number.is_at_start_of(b"00000001", 12));
    }

    #[test]
    fn lines_are_as_long_as_asked_for() {
        let mut lines = Vec::new();
        write_lines(&mut lines, 2, 12).unwrap();
        assert_eq!(lines, b"0000000001xx\n0000000002xx\n");
        lines.clear();
        write_lines(&mut lines, 2, 3).unwrap();
        assert_eq!(lines, b"001\n002\n");
    }
}
