//! From a topic to the names of folders, of which no other topic has the same: no name has a
//! meaning of its own to the file system, and none is too long for it.
//!
//! - A `%`, and what a terminal would obey, becomes `%` and two hexadecimal digits for each byte.
//! - So does a `.` at the beginning (`..`, hidden files), and that of `.msg` at the end, which
//!   marks files.
//! - A level without characters is `%`.
//! - A level that is too long goes on in a folder below; the `%` at the end of its name, which no
//!   digits follow, says so.

use std::fmt::Write as _;

use mqtools_common::escape::{Style, is_command};

/// The end of the name of a file; no folder has it.
pub(super) const MESSAGE: &str = ".msg";

/// The longest name, in bytes, that file systems know.
const LONGEST: usize = 255;

/// Room for what may be added at the end.
const ROOM: usize = LONGEST - 2;

/// The names, from the top.
pub(super) fn folders(topic: &str) -> Vec<String> {
    let mut names = Vec::new();
    for level in topic.split('/') {
        let mut name = String::new();
        for character in level.chars() {
            let piece = piece(character, name.is_empty());
            if name.len() + piece.len() > ROOM {
                name.push('%');
                names.push(std::mem::take(&mut name));
                name = self::piece(character, true);
            } else {
                name += &piece;
            }
        }
        if let Some(before) = name.strip_suffix(MESSAGE) {
            name = format!("{before}%2E{}", MESSAGE.trim_start_matches('.'));
        }
        if name.is_empty() {
            name.push('%');
        }
        names.push(name);
    }
    names
}

/// A character in a name, which it may begin.
fn piece(character: char, is_first: bool) -> String {
    let has_meaning = character == '%' || (character == '.' && is_first);
    if !has_meaning && !is_command(character, Style::Line) {
        return character.to_string();
    }
    let mut piece = String::new();
    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
        // Writing into memory does not fail.
        let _ = write!(piece, "%{byte:02X}");
    }
    piece
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LONGEST, folders};

    /// The only topic that has these names.
    fn topic(names: &[String]) -> String {
        let mut levels = vec![String::new()];
        let mut goes_on = true;
        for name in names {
            if !std::mem::replace(&mut goes_on, name.len() > 1 && name.ends_with('%')) {
                levels.push(String::new());
            }
            *levels.last_mut().unwrap() += name.strip_suffix('%').unwrap_or(name);
        }
        let decode = |level: &String| {
            let mut bytes = Vec::new();
            let mut rest = level.as_bytes();
            while let [first, after @ ..] = rest {
                rest = after;
                bytes.push(match first {
                    b'%' => {
                        let digits = std::str::from_utf8(&rest[..2]).unwrap();
                        rest = &rest[2..];
                        u8::from_str_radix(digits, 16).unwrap()
                    }
                    byte => *byte,
                });
            }
            String::from_utf8(bytes).unwrap()
        };
        levels.iter().map(decode).collect::<Vec<_>>().join("/")
    }

    fn assert_safe(topic_name: &str) {
        let names = folders(topic_name);
        for name in &names {
            assert!((1..=LONGEST).contains(&name.len()), "{name}");
            assert!(!name.starts_with('.') && !name.ends_with(".msg"), "{name}");
            assert!(!name.contains('/') && !name.chars().any(char::is_control));
        }
        assert_eq!(topic(&names), topic_name);
    }

    #[test]
    fn usual_levels_stay_as_they_are() {
        assert_eq!(
            folders("home/1st floor/temp.max/ü"),
            ["home", "1st floor", "temp.max", "ü"]
        );
        for (topic, names) in [
            ("/a//b/", vec!["%", "a", "%", "b", "%"]),
            ("../.ssh/...", vec!["%2E.", "%2Essh", "%2E.."]),
            ("100%/%2E", vec!["100%25", "%252E"]),
            ("a.msg/.msg/msg", vec!["a%2Emsg", "%2Emsg", "msg"]),
            ("a\nb\u{9b}\u{202e}", vec!["a%0Ab%C2%9B%E2%80%AE"]),
        ] {
            assert_eq!(folders(topic), names);
            assert_safe(topic);
        }
    }

    #[test]
    fn long_levels_are_cut_between_characters() {
        for length in [
            250, 251, 252, 253, 254, 255, 256, 505, 506, 507, 5000, 65_535,
        ] {
            for text in ["a", ".", "..msg", "ü", "日", "%", "\u{9b}", "/", "a.msg"] {
                assert_safe(&text.repeat(length));
                let tail = format!("{}..", "a".repeat(length));
                assert_safe(&tail);
                assert_safe(&format!("{}.msg", "a".repeat(length)));
            }
        }
    }

    proptest! {
        #[test]
        fn every_topic_has_its_own(topic in "[a%./\\.\\n\u{9b}m-s]{1,40}", any: String, times in 1_usize..90) {
            assert_safe(&topic);
            assert_safe(&topic.repeat(times));
            assert_safe(&any);
        }
    }
}
