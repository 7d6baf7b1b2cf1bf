//! Width, precision and padding of one conversion, as in C's printf.

use std::io::{self, Write};

/// How many hexadecimal digits are written at a time.
const BLOCK: usize = 512;

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
        let digits: &[u8; 16] = if upper {
            b"0123456789ABCDEF"
        } else {
            b"0123456789abcdef"
        };
        let group = self.precision.map_or(0, usize::from);
        let count = payload.len() * 2;
        let separators = count.saturating_sub(1).checked_div(group).unwrap_or(0);
        let padding = usize::from(self.width).saturating_sub(count + separators);
        if !self.left {
            repeat(self.pad(), padding, out)?;
        }
        // Collected into a block: a call of `out` for each digit would cost more than the digit.
        let mut block = Vec::with_capacity(BLOCK + 4);
        let mut until_separator = group;
        for nibble in payload.iter().flat_map(|byte| [byte >> 4, byte & 0xF]) {
            if group > 0 {
                if until_separator == 0 {
                    block.push(self.separator);
                    until_separator = group;
                }
                until_separator -= 1;
            }
            block.push(digits.get(usize::from(nibble)).copied().unwrap_or_default());
            if block.len() >= BLOCK {
                out.write_all(&block)?;
                block.clear();
            }
        }
        out.write_all(&block)?;
        if self.left {
            repeat(b' ', padding, out)?;
        }
        Ok(())
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
