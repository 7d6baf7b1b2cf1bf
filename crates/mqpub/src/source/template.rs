//! `--template`: texts with placeholders, filled in for each message.

use fastrand::Rng;
use jiff::Timestamp;
use mqtools_common::message::Publication;
use uuid::Uuid;

use super::records::{Flaw, topic_name};

/// What is made anew for each message.
#[derive(Debug)]
pub(crate) struct Template {
    /// None where it is the same for all, or comes with the message.
    pub(crate) topic: Option<Text>,
    pub(crate) payload: Text,
}

/// A text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Plain(String),
    /// The number of the message, from 1.
    Seq,
    /// UTC, to the microsecond.
    Time,
    Uuid,
    /// From the first to the second, both included.
    Random(i64, i64),
    Line,
    /// The line as a JSON string.
    LineJson,
}

const KNOWN: &str = "{seq}, {time}, {uuid}, {random:FROM-TO}, {line} and {line:json}";

impl Text {
    /// Reads a text. A brace is a brace, but for one in front of a word and its closing brace;
    /// `{{seq}}` stands for `{seq}`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            plain.push_str(before);
            let doubled = behind.strip_prefix('{').and_then(|inner| {
                let (word, rest) = placeholder(inner)?;
                Some((word, rest.strip_prefix('}')?))
            });
            if let Some((word, behind)) = doubled {
                plain.extend(["{", word, "}"]);
                rest = behind;
            } else if let Some((word, behind)) = placeholder(behind) {
                if !plain.is_empty() {
                    pieces.push(Piece::Plain(std::mem::take(&mut plain)));
                }
                pieces.push(piece(word)?);
                rest = behind;
            } else {
                plain.push('{');
                rest = behind;
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Plain(plain));
        }
        Ok(Self(pieces))
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it needs the lines of an input.
    pub(crate) fn has_line(&self) -> bool {
        let mut pieces = self.0.iter();
        pieces.any(|piece| matches!(piece, Piece::Line | Piece::LineJson))
    }

    fn fill(&self, seq: u64, line: &[u8], random: &mut Rng) -> Result<Vec<u8>, Flaw> {
        let mut filled = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Plain(text) => filled.extend_from_slice(text.as_bytes()),
                Piece::Seq => filled.extend_from_slice(seq.to_string().as_bytes()),
                Piece::Time => {
                    filled.extend_from_slice(format!("{:.6}", Timestamp::now()).as_bytes());
                }
                Piece::Uuid => filled.extend_from_slice(Uuid::new_v4().to_string().as_bytes()),
                Piece::Random(from, to) => {
                    filled.extend_from_slice(random.i64(*from..=*to).to_string().as_bytes());
                }
                Piece::Line => filled.extend_from_slice(line),
                Piece::LineJson => {
                    let text = std::str::from_utf8(line).map_err(|_| {
                        Flaw::new("it is not valid UTF-8, as JSON has to be", "use {line}")
                    })?;
                    // Writing a string into memory does not fail.
                    let _ = serde_json::to_writer(&mut filled, text);
                }
            }
        }
        Ok(filled)
    }
}

impl Template {
    /// Fills in what `message`, whose payload is the line, needs as the message with this number.
    pub(super) fn fill(
        &self,
        seq: u64,
        random: &mut Rng,
        message: &mut Publication,
    ) -> Result<(), Flaw> {
        let line = message.payload.bytes().cloned().unwrap_or_default();
        if let Some(topic) = &self.topic {
            let topic = topic.fill(seq, &line, random)?;
            let topic = std::str::from_utf8(&topic)
                .map_err(|_| Flaw::new("its topic is not valid UTF-8", "give it in UTF-8"))?;
            message.topic = topic_name(topic)?;
        }
        message.payload = self.payload.fill(seq, &line, random)?.into();
        Ok(())
    }
}

/// What stands in front of the closing brace, if that is a word or a word with a colon and more,
/// and what follows.
fn placeholder(text: &str) -> Option<(&str, &str)> {
    let (inside, rest) = text.split_once('}')?;
    let name = inside.split(':').next().unwrap_or_default();
    let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
    (is_word && !inside.contains(['{', '"'])).then_some((inside, rest))
}

fn piece(word: &str) -> Result<Piece, String> {
    Ok(match word {
        "seq" => Piece::Seq,
        "time" => Piece::Time,
        "uuid" => Piece::Uuid,
        "line" => Piece::Line,
        "line:json" => Piece::LineJson,
        _ => {
            let Some(range) = word.strip_prefix("random:") else {
                return Err(format!(
                    "there is no {{{word}}}; there are {KNOWN}, and {{{{{word}}}}} for the text itself"
                ));
            };
            let (from, to) = numbers(range)
                .filter(|(from, to)| from <= to)
                .ok_or_else(|| format!("{{{word}}} is no range like {{random:1-6}}"))?;
            Piece::Random(from, to)
        }
    })
}

/// Reads `1-6` or `-6--1`.
fn numbers(range: &str) -> Option<(i64, i64)> {
    // Not the sign of the first number.
    let at = range.get(1..)?.find('-')? + 1;
    let (from, to) = range.split_at_checked(at)?;
    Some((from.parse().ok()?, to.get(1..)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        let filled = Text::parse(text)
            .unwrap()
            .fill(7, b"a \"line\"", &mut Rng::with_seed(1))
            .unwrap();
        String::from_utf8(filled).unwrap()
    }

    #[test]
    fn placeholders_are_filled_in_and_other_braces_stay() {
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("{seq}", "7"),
            ("a{seq}{seq}b", "a77b"),
            ("{line}", "a \"line\""),
            (
                r#"{"n":{seq},"v":{line:json}}"#,
                r#"{"n":7,"v":"a \"line\""}"#,
            ),
            (r#"{"a":{"b":[{},{ }]}}"#, r#"{"a":{"b":[{},{ }]}}"#),
            ("{{seq}} {{nonsense:x}}", "{seq} {nonsense:x}"),
            ("{{seq}", "{7"),
            ("{seq", "{seq"),
            ("seq}", "seq}"),
            ("{Seq}", "{Seq}"),
            ("{random:3-3} {random:-3--3}", "3 -3"),
            ("{\u{e4}}", "{\u{e4}}"),
        ] {
            assert_eq!(filled(text), expected, "{text}");
        }
    }

    #[test]
    fn times_and_identifiers_have_their_shapes() {
        let time = filled("{time}");
        assert_eq!(time.len(), "2024-05-06T21:48:00.123456Z".len(), "{time}");
        assert!(time.parse::<Timestamp>().is_ok(), "{time}");
        let uuids = filled("{uuid} {uuid}");
        let (one, other) = uuids.split_once(' ').unwrap();
        assert_ne!(one, other);
        assert_eq!(Uuid::parse_str(one).unwrap().get_version_num(), 4);
    }

    #[test]
    fn random_numbers_are_in_their_range() {
        let text = Text::parse("{random:-2-3}").unwrap();
        let mut random = Rng::with_seed(5);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..1_000 {
            let number = text.fill(1, b"", &mut random).unwrap();
            seen.insert(String::from_utf8(number).unwrap().parse::<i64>().unwrap());
        }
        assert!(seen.into_iter().eq(-2..=3));
        assert!(Text::parse(&format!("{{random:{}-{}}}", i64::MIN, i64::MAX)).is_ok());
    }

    #[test]
    fn what_is_no_placeholder_is_an_error() {
        for text in [
            "{sequence}",
            "{seq:3}",
            "{random}",
            "{random:}",
            "{random:5}",
            "{random:5-}",
            "{random:6-1}",
            "{random:a-b}",
            "{random:1-99999999999999999999}",
            "{line:yaml}",
        ] {
            let why = Text::parse(text).unwrap_err();
            assert!(why.contains(text), "{why}");
        }
    }
}
