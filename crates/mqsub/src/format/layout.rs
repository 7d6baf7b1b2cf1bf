//! Width, precision and padding of one conversion, as in C's printf.

use std::io::{self, Write};

/// How many hexadecimal digits are made at a time. To clear a larger block would cost a small payload
/// more than its digits.
const BLOCK: usize = 128;

/// What stands between `%` and the letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// `-`: the padding goes to the right.
    pub(crate) left: bool,
    /// `0`: numbers, missing numbers and payloads are padded with zeros.
    pub(crate) zero: bool,
    /// At least so many bytes; 0 is no width. A payload is also cut to it.
    pub(crate) width: u16,
    /// At most so many bytes of a text; decimals of a float; digits between separators.
    pub(crate) precision: Option<u16>,
    /// What separates groups of hexadecimal digits.
    pub(crate) separator: u8,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            left: false,
            zero: false,
            width: 0,
            precision: None,
            separator: b' ',
        }
    }
}

impl Layout {
    /// Text: cut to the precision, padded with spaces.
    pub(crate) fn text(&self, text: &[u8], out: &mut impl Write) -> io::Result<()> {
        let length = self.precision.map_or(text.len(), usize::from);
        let text = text.get(..length).unwrap_or(text);
        self.padded(text, b' ', out)
    }

    /// A number, or zeros or spaces in its place when there is none.
    pub(crate) fn number(
        &self,
        number: Option<impl itoa::Integer>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        match number {
            Some(number) => {
                let mut digits = itoa::Buffer::new();
                self.padded(digits.format(number).as_bytes(), self.pad(), out)
            }
            None => repeat(self.pad(), self.width.into(), out),
        }
    }

    /// A floating-point number with as many decimals as the precision says, else six.
    pub(crate) fn float(&self, number: Option<f64>, out: &mut impl Write) -> io::Result<()> {
        let Some(number) = number else {
            return repeat(b' ', self.width.into(), out);
        };
        if !number.is_finite() {
            let sign = if number.is_sign_negative() { "-" } else { "" };
            let word = if number.is_nan() { "nan" } else { "inf" };
            return self.padded(format!("{sign}{word}").as_bytes(), b' ', out);
        }
        let decimals = self.precision.map_or(6, usize::from);
        let mut text = format!("{number:.decimals$}");
        if self.zero && !self.left {
            // The zeros go behind the sign.
            if text.starts_with('-') {
                text.remove(0);
                out.write_all(b"-")?;
            }
            let taken = text.len() + usize::from(number.is_sign_negative());
            repeat(b'0', usize::from(self.width).saturating_sub(taken), out)?;
            return out.write_all(text.as_bytes());
        }
        self.padded(text.as_bytes(), b' ', out)
    }

    /// A payload: cut to the width where there is one.
    pub(crate) fn payload(&self, payload: &[u8], out: &mut impl Write) -> io::Result<()> {
        let payload = payload.get(..self.limit()).unwrap_or(payload);
        self.padded(payload, self.pad(), out)
    }

    /// A payload in hexadecimal digits: as many whole bytes as have room in the width, where
    /// there is one.
    pub(crate) fn hex(&self, payload: &[u8], upper: bool, out: &mut impl Write) -> io::Result<()> {
        let payload = payload.get(..self.limit() / 2).unwrap_or(payload);
        let group = self.precision.map_or(0, usize::from);
        let count = payload.len() * 2;
        let separators = count.saturating_sub(1).checked_div(group).unwrap_or(0);
        let padding = usize::from(self.width).saturating_sub(count + separators);
        if !self.left {
            repeat(self.pad(), padding, out)?;
        }
        if group == 0 {
            digits(payload, upper, |digits| out.write_all(digits))?;
        } else {
            self.groups(payload, upper, group, out)?;
        }
        if self.left {
            repeat(b' ', padding, out)?;
        }
        Ok(())
    }

    /// The digits with a separator behind each `group` of them, but for the last.
    fn groups(
        &self,
        payload: &[u8],
        upper: bool,
        group: usize,
        out: &mut impl Write,
    ) -> io::Result<()> {
        // Collected: a call of `out` for each group would cost more than the group.
        let mut block = Vec::with_capacity(2 * BLOCK);
        let mut left = group;
        digits(payload, upper, |mut digits| {
            while !digits.is_empty() {
                if left == 0 {
                    block.push(self.separator);
                    left = group;
                }
                let (now, rest) = digits.split_at(left.min(digits.len()));
                block.extend_from_slice(now);
                left -= now.len();
                digits = rest;
            }
            out.write_all(&block)?;
            block.clear();
            Ok(())
        })
    }

    /// How many bytes of a payload the width lets through.
    fn limit(&self) -> usize {
        match self.width {
            0 => usize::MAX,
            width => width.into(),
        }
    }

    fn pad(&self) -> u8 {
        if self.zero { b'0' } else { b' ' }
    }

    fn padded(&self, text: &[u8], pad: u8, out: &mut impl Write) -> io::Result<()> {
        let padding = usize::from(self.width).saturating_sub(text.len());
        if self.left {
            out.write_all(text)?;
            return repeat(b' ', padding, out);
        }
        repeat(pad, padding, out)?;
        out.write_all(text)
    }
}

/// Gives the two digits of each byte, a block at a time.
fn digits(
    bytes: &[u8],
    upper: bool,
    mut give: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    // From the digit behind 9 to the first letter.
    let gap = u16::from(if upper { b'A' } else { b'a' } - b'9' - 1);
    let mut block = [0; BLOCK];
    for bytes in bytes.chunks(BLOCK / 2) {
        // Both digits of a byte at once, and those of many bytes in one instruction.
        for (pair, byte) in block.as_chunks_mut().0.iter_mut().zip(bytes) {
            let nibbles = u16::from(byte >> 4) | u16::from(byte & 0xF) << 8;
            let letters = ((nibbles + 0x0606) >> 4) & 0x0101;
            let text = nibbles + u16::from_le_bytes([b'0'; 2]) + letters * gap;
            *pair = text.to_le_bytes();
        }
        give(block.get(..2 * bytes.len()).unwrap_or_default())?;
    }
    Ok(())
}

fn repeat(byte: u8, count: usize, out: &mut impl Write) -> io::Result<()> {
    let block = [byte; 64];
    let mut left = count;
    while left > 0 {
        let now = left.min(block.len());
        out.write_all(block.get(..now).unwrap_or_default())?;
        left -= now;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn hexadecimal_digits_are_those_of_each_byte(
            payload in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                prop::collection::vec(any::<u8>(), BLOCK / 2 - 3..2 * BLOCK),
            ],
            upper: bool,
            left: bool,
            zero: bool,
            width in prop_oneof![Just(0), 0..100_u16, any::<u16>()],
            precision in prop::option::of(0..20_u16),
        ) {
            let layout = Layout { left, zero, width, precision, separator: b':' };
            let mut found = Vec::new();
            layout.hex(&payload, upper, &mut found).unwrap();

            let room = if width == 0 { usize::MAX } else { usize::from(width) / 2 };
            let digits: String = payload.iter().take(room).map(|byte| format!("{byte:02x}")).collect();
            let digits: Vec<_> = if upper { digits.to_uppercase() } else { digits }.chars().collect();
            let groups: Vec<String> = match precision {
                None | Some(0) => vec![digits.iter().collect()],
                Some(group) => digits.chunks(group.into()).map(|group| group.iter().collect()).collect(),
            };
            let text = groups.join(":");
            let width = usize::from(width);
            let expected = match (left, zero) {
                (true, _) => format!("{text:<width$}"),
                (false, true) => format!("{text:0>width$}"),
                (false, false) => format!("{text:>width$}"),
            };
            prop_assert_eq!(String::from_utf8(found).unwrap(), expected);
        }
    }
}
