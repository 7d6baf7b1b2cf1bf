//! Text that is safe on a terminal, and how wide it is there.

use mqtools_common::escape::{Style, is_command};
use unicode_width::UnicodeWidthChar as _;

/// Stands for what cannot be shown.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Ends a line that was cut.
const CUT: char = '…';

/// How many characters without a width (accents) are kept for each column.
const MARKS: usize = 8;

/// One line on which no character moves the cursor, changes a colour, or rearranges others.
/// A trailing newline is dropped.
pub(crate) fn harmless(bytes: &[u8]) -> String {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|c| match c {
            '\t' => ' ',
            // The Unicode block "Control Pictures" has one for each.
            '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(REPLACEMENT),
            '\x7f' => '␡',
            c if is_command(c, Style::Line) => REPLACEMENT,
            c => c,
        })
        .collect()
}

/// As much of a text as has room in so many columns, and how many it takes.
pub(crate) fn cut(text: &str, columns: usize) -> (String, usize) {
    let mut line = String::with_capacity(columns.min(text.len()));
    let mut width = 0;
    // Where the line is cut if it has to be: the sign for it takes a column.
    let mut cut = (0, 0);
    for c in text.chars().take(columns.saturating_mul(MARKS)) {
        let wide = match c {
            // Makes the sign before it an emoji, which takes two columns.
            '\u{fe0f}' => 1,
            c => c.width().unwrap_or(0),
        };
        if width + wide > columns {
            let (length, width) = cut;
            line.truncate(length);
            line.push(CUT);
            return (line, width + 1);
        }
        line.push(c);
        width += wide;
        if width < columns {
            cut = (line.len(), width);
        }
    }
    (line, width)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{cut, harmless};

    #[test]
    fn control_characters_are_shown() {
        let text = harmless("a\x1b[2Jb\r\nc\td\u{9b}e\u{202e}f\x7f\n".as_bytes());
        assert_eq!(text, "a␛[2Jb␍␊c d\u{fffd}e\u{fffd}f␡");
        assert_eq!(harmless(b"x\xffy\n\n"), "x\u{fffd}y␊");
    }

    #[test]
    fn a_text_that_fits_is_not_cut() {
        assert_eq!(cut("12345", 5), ("12345".into(), 5));
        assert_eq!(cut("日本", 4), ("日本".into(), 4));
        assert_eq!(cut("", 1), (String::new(), 0));
    }

    #[test]
    fn a_longer_one_ends_with_a_sign() {
        assert_eq!(cut("123456", 5), ("1234…".into(), 5));
        assert_eq!(cut("12", 1), ("…".into(), 1));
        // No half of a wide character.
        assert_eq!(cut("日本語", 5), ("日本…".into(), 5));
        assert_eq!(cut("日本語", 4), ("日…".into(), 3));
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), ("e\u{301}…".into(), 2));
    }

    proptest! {
        #[test]
        fn it_fits_whatever_it_is(bytes: Vec<u8>, text: String, columns in 1_usize..50) {
            for text in [harmless(&bytes), harmless(text.as_bytes())] {
                prop_assert!(!text.chars().any(char::is_control));
                let (line, width) = cut(&text, columns);
                prop_assert!(width <= columns);
                prop_assert_eq!(unicode_width::UnicodeWidthStr::width(&*line) <= columns, true);
            }
        }
    }
}
