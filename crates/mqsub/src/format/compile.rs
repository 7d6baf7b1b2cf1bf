//! From the text of `-F` to the pieces of a template. What is wrong with it is found here,
//! before there is any message.

use std::fmt;

use super::layout::Layout;
use super::template::{Field, Piece};

/// Conversions as they may be typed, for messages.
pub(crate) const CONVERSIONS: &str =
    "%% %A %C %D %E %F %I %J %P %R %S %U %X %d %f %j %l %m %p %q %r %t %x";
/// The same for times.
pub(crate) const TIMES: &str = "@@ @N and @ with a letter of strftime, such as @Y @m @d @H @M @S";
/// The same for escapes.
pub(crate) const ESCAPES: &str = r"\\ \0 \a \e \n \r \t \v";

/// The letters of strftime that mean something.
pub(super) const STRFTIME: &[u8] = b"ABCDFGHIMPRSTUVWXYZabcdeghjklmnprstuwxyz";

/// What may stand between the digits of `%x`.
const SEPARATORS: &[u8] = b" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// Why a text is no format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FormatError {
    /// The part that is wrong, as it was typed.
    part: String,
    /// Where it begins: the first character is 1.
    position: usize,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `%Z`
    NoConversion,
    /// `@Q`
    NoTime,
    /// `\q`
    NoEscape,
    /// The text ends within it.
    Incomplete,
    /// `%99999p`
    TooLarge,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            Kind::NoConversion => "is no conversion",
            Kind::NoTime => "is no part of a time",
            Kind::NoEscape => "is no escape",
            Kind::Incomplete => "is incomplete",
            Kind::TooLarge => "has a number over 65535",
        };
        write!(f, "{} at character {} {what}", self.part, self.position)
    }
}

impl FormatError {
    /// What could stand there instead.
    pub(crate) fn hint(&self) -> String {
        match self.part.as_bytes().first() {
            Some(b'%') => {
                format!("%[-][0][WIDTH][.PRECISION][SEPARATOR]LETTER, one of {CONVERSIONS}")
            }
            Some(b'@') => format!("times are {TIMES}; an at sign itself is @@"),
            _ => format!("escapes are {ESCAPES}"),
        }
    }
}

/// Compiles a format: any bytes, those outside of conversions stand for themselves.
///
/// # Errors
/// The first part that means nothing.
pub(crate) fn compile(text: &[u8]) -> Result<Vec<Piece>, FormatError> {
    let mut reader = Reader { text, next: 0 };
    let mut pieces = Vec::new();
    let mut literal = Vec::new();
    loop {
        let start = reader.next;
        let Some(byte) = reader.take() else { break };
        let piece = match byte {
            b'%' => reader.conversion(start)?,
            b'@' => reader.time(start)?,
            b'\\' => Parsed::Literal(reader.escape(start)?),
            _ => Parsed::Literal(byte),
        };
        match piece {
            Parsed::Literal(byte) => literal.push(byte),
            Parsed::Piece(piece) => {
                if !literal.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut literal)));
                }
                pieces.push(piece);
            }
        }
    }
    if !literal.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    Ok(pieces)
}

enum Parsed {
    Literal(u8),
    Piece(Piece),
}

struct Reader<'a> {
    text: &'a [u8],
    /// Index of the next byte.
    next: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.next).copied()
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.next += 1;
        Some(byte)
    }

    fn take_if(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.next += usize::from(found);
        found
    }

    fn conversion(&mut self, start: usize) -> Result<Parsed, FormatError> {
        let mut layout = Layout {
            left: self.take_if(b'-'),
            zero: self.take_if(b'0'),
            width: self.number(start)?,
            ..Layout::default()
        };
        if self.take_if(b'.') {
            layout.precision = Some(self.number(start)?);
        }
        if let Some(&[separator, b'x' | b'X']) = self.text.get(self.next..self.next + 2)
            && SEPARATORS.contains(&separator)
        {
            layout.separator = separator;
            self.next += 1;
        }
        let Some(letter) = self.take() else {
            return Err(self.error(start, Kind::Incomplete));
        };
        if letter == b'%' {
            return Ok(Parsed::Literal(b'%'));
        }
        match Field::from_letter(letter) {
            Some(field) => Ok(Parsed::Piece(Piece::Field(field, layout))),
            None => Err(self.error(start, Kind::NoConversion)),
        }
    }

    /// The digits that come next; none are 0.
    fn number(&mut self, start: usize) -> Result<u16, FormatError> {
        let mut number = 0_u16;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            self.next += 1;
            number = number
                .checked_mul(10)
                .and_then(|n| n.checked_add(u16::from(digit - b'0')))
                .ok_or_else(|| self.error(start, Kind::TooLarge))?;
        }
        Ok(number)
    }

    fn time(&mut self, start: usize) -> Result<Parsed, FormatError> {
        match self.take() {
            Some(b'@') => Ok(Parsed::Literal(b'@')),
            Some(b'%') => Ok(Parsed::Literal(b'%')),
            Some(b'N') => Ok(Parsed::Piece(Piece::Nanoseconds)),
            Some(letter) if STRFTIME.contains(&letter) => Ok(Parsed::Piece(Piece::Time(
                ['%', char::from(letter)].iter().collect(),
            ))),
            Some(_) => Err(self.error(start, Kind::NoTime)),
            None => Err(self.error(start, Kind::Incomplete)),
        }
    }

    fn escape(&mut self, start: usize) -> Result<u8, FormatError> {
        match self.take() {
            Some(b'\\') => Ok(b'\\'),
            Some(b'0') => Ok(0),
            Some(b'a') => Ok(0x07),
            Some(b'e') => Ok(0x1B),
            Some(b'n') => Ok(b'\n'),
            Some(b'r') => Ok(b'\r'),
            Some(b't') => Ok(b'\t'),
            Some(b'v') => Ok(0x0B),
            Some(_) => Err(self.error(start, Kind::NoEscape)),
            None => Err(self.error(start, Kind::Incomplete)),
        }
    }

    /// The part from `start` to what was read last, that character as a whole.
    fn error(&self, start: usize, kind: Kind) -> FormatError {
        let before = self.text.get(..start).unwrap_or_default();
        let continues = |byte: &&u8| **byte & 0xC0 == 0x80;
        let rest = self.text.get(self.next..).unwrap_or_default();
        let end = self.next + rest.iter().take_while(continues).count();
        let part = self.text.get(start..end).unwrap_or_default();
        FormatError {
            part: String::from_utf8_lossy(part).escape_debug().to_string(),
            position: String::from_utf8_lossy(before).chars().count() + 1,
            kind,
        }
    }
}
