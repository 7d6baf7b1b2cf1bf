//! Text from outside, shown on a terminal without being obeyed by it.
//!
//! A terminal takes control characters as commands: they move the cursor, rename the window,
//! change the colours for good, or make the terminal type something. The Unicode characters that
//! override the direction of text can make one text look like another.

use std::fmt;
use std::io::{self, Write};

/// How a character that a terminal would obey is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `\x1b`, `\u{9b}`; newlines and tabs stay.
    Text,
    /// The same for newlines and tabs too: what is one line stays one.
    Line,
    /// `\u001b`, which is the same character inside a string of JSON; newlines and tabs stay.
    Json,
}

/// Writes `bytes` so that they give the terminal no command. Bytes that are not UTF-8 become
/// `\xff`; everything that is harmless stays as it is.
///
/// # Errors
/// Those of `out`.
pub fn escape_for_terminal(bytes: &[u8], style: Style, out: &mut impl Write) -> io::Result<()> {
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some((at, command)) = first_command(rest, style) {
            let (before, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
            out.write_all(before.as_bytes())?;
            write!(out, "{}", Escaped(command, style))?;
            rest = after.get(command.len_utf8()..).unwrap_or_default();
        }
        out.write_all(rest.as_bytes())?;
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

/// The same for one line of text, as part of a message on stderr.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if is_command(character, Style::Line) {
            line += &Escaped(character, Style::Line).to_string();
        } else {
            line.push(character);
        }
    }
    line
}

fn first_command(text: &str, style: Style) -> Option<(usize, char)> {
    text.char_indices()
        .find(|&(_, character)| is_command(character, style))
}

/// Whether a terminal would obey a character, or show what follows in another way.
#[must_use]
pub fn is_command(character: char, style: Style) -> bool {
    match character {
        ' '..='~' => false,
        '\n' | '\t' => style == Style::Line,
        // Separators of lines and paragraphs, and the marks, embeddings, overrides and isolates of
        // bidirectional text (UAX #9), which also change how what follows looks.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            true
        }
        // C0, DEL and C1.
        _ => character.is_control(),
    }
}

struct Escaped(char, Style);

impl fmt::Display for Escaped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = u32::from(self.0);
        match self.1 {
            Style::Json => write!(f, "\\u{code:04x}"),
            Style::Text | Style::Line if code < 0x80 => write!(f, "\\x{code:02x}"),
            Style::Text | Style::Line => write!(f, "\\u{{{code:x}}}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(bytes: &[u8], style: Style) -> String {
        let mut out = Vec::new();
        escape_for_terminal(bytes, style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn commands_are_shown() {
        for (bytes, expected) in [
            (&b""[..], ""),
            (b"plain text", "plain text"),
            ("grüße €😀".as_bytes(), "grüße €😀"),
            (b"\x1b]0;title\x07", "\\x1b]0;title\\x07"),
            (b"a\rb\x08\0\x7f", "a\\x0db\\x08\\x00\\x7f"),
            ("\u{9b}31m\u{85}".as_bytes(), "\\u{9b}31m\\u{85}"),
            ("a\u{202e}b\u{2066}".as_bytes(), "a\\u{202e}b\\u{2066}"),
            (b"\xff\x9b31m\xe2\x82", "\\xff\\x9b31m\\xe2\\x82"),
        ] {
            assert_eq!(escaped(bytes, Style::Text), expected);
            assert_eq!(escaped(bytes, Style::Line), expected);
        }
    }

    #[test]
    fn newlines_and_tabs_stay_unless_it_is_one_line() {
        assert_eq!(escaped(b"a\n\tb", Style::Text), "a\n\tb");
        assert_eq!(escaped(b"a\n\tb", Style::Json), "a\n\tb");
        assert_eq!(escaped(b"a\n\tb", Style::Line), "a\\x0a\\x09b");
    }

    #[test]
    fn json_stays_json() {
        assert_eq!(
            escaped("\"\u{7f}\u{9b}\u{202e}\"".as_bytes(), Style::Json),
            "\"\\u007f\\u009b\\u202e\""
        );
    }

    fn is_safe(text: &str, style: Style) -> bool {
        text.chars().all(|c| match c {
            '\n' | '\t' => style != Style::Line,
            c => !c.is_control() && !matches!(u32::from(c), 0x202a..=0x202e | 0x2066..=0x2069),
        })
    }

    proptest! {
        #[test]
        fn nothing_is_left_that_a_terminal_obeys(bytes in any::<Vec<u8>>()) {
            for style in [Style::Text, Style::Line, Style::Json] {
                prop_assert!(is_safe(&escaped(&bytes, style), style));
            }
        }

        #[test]
        fn nor_in_text(text in any::<String>()) {
            prop_assert!(is_safe(&escaped(text.as_bytes(), Style::Text), Style::Text));
            prop_assert_eq!(one_line(&text), escaped(text.as_bytes(), Style::Line));
        }

        #[test]
        fn harmless_text_stays(text in "[ -~\u{e4}\u{20ac}\u{1f600}\n\t]*") {
            prop_assert_eq!(escaped(text.as_bytes(), Style::Text), text);
        }
    }
}
