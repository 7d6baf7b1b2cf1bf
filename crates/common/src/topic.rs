//! Topic Names and Topic Filters as types: parsed once, valid ever after (MQTT 5, section 4.7).

use std::fmt;
use std::hash::{Hash, Hasher};

use bytes::Bytes;

/// The longest UTF-8 string an MQTT packet can hold, in bytes.
pub const MAX_STRING: usize = 65_535;

/// Why a text is not a Topic Name or Topic Filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// At least one character is required (MQTT-4.7.3-1).
    #[error("it is empty")]
    Empty,
    /// U+0000 is not allowed (MQTT-4.7.3-2).
    #[error("it contains a NUL character")]
    Nul,
    /// Control characters and noncharacters are legal, but a broker may close the connection
    /// for them (MQTT-1.5.4-2 and the note there), and mosquitto does.
    #[error("it contains the control character or noncharacter U+{:04X}", u32::from(*.0))]
    Forbidden(char),
    /// A topic is at most 65,535 bytes of UTF-8 (MQTT-4.7.3-3).
    #[error("it is {0} bytes long, and MQTT allows 65535")]
    TooLong(usize),
    /// MQTT strings are UTF-8 (MQTT-1.5.4-1).
    #[error("it is not valid UTF-8")]
    NotUtf8,
    /// `+` and `#` are for subscriptions (MQTT-4.7.1-1).
    #[error("it contains the wildcard `{0}`, which only a Topic Filter may have")]
    Wildcard(char),
    /// `#` stands for all remaining levels (MQTT-4.7.1-1).
    #[error("`#` must be the last character and a whole level of its own")]
    MisplacedMultiLevel,
    /// `+` stands for exactly one level (MQTT-4.7.1-2).
    #[error("`+` must be a whole level of its own")]
    MisplacedSingleLevel,
    /// `$share/NAME/FILTER`: a name without wildcards, then a filter (MQTT-4.8.2-1, -2).
    #[error("`$share/` is followed by a share name without wildcards, a slash and a Topic Filter")]
    Share,
}

impl TopicError {
    /// What to type instead.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::Empty => "give at least one character",
            Self::Nul | Self::Forbidden(_) => "leave the character out",
            Self::TooLong(_) => "give a shorter one",
            Self::NotUtf8 => "give it in UTF-8",
            Self::Wildcard(_) => "publish to one topic; wildcards are for subscribing",
            Self::MisplacedMultiLevel => "for all levels below a, give a/#",
            Self::MisplacedSingleLevel => "for any one level below a, give a/+",
            Self::Share => "for a share named g of the filter a/#, give $share/g/a/#",
        }
    }
}

/// Whether this is ASCII without a NUL, and so valid beyond doubt.
pub(crate) fn is_plain(topic: &[u8]) -> bool {
    let is_plain = |plain, byte: &u8| plain & (1..0x80).contains(byte);
    topic.iter().fold(true, is_plain)
}

/// Received topics up to this length, in bytes, are copied out of their packet.
const SHORT: usize = 38;

/// A Topic Name: what a message is published to. UTF-8 without wildcards; clones are cheap.
#[derive(Clone)]
pub struct TopicName(Text);

#[derive(Clone)]
enum Text {
    /// Cheaper to copy than to count who shares it: an atomic operation costs more.
    Short(u8, [u8; SHORT]),
    Shared(Bytes),
}

impl TopicName {
    /// Checks a text that a user wants to publish to.
    ///
    /// # Errors
    /// Any [`TopicError`] but the two about misplaced wildcards.
    pub fn new(text: &str) -> Result<Self, TopicError> {
        check_string(text)?;
        if let Some(wildcard) = text.chars().find(|c| matches!(c, '+' | '#')) {
            return Err(TopicError::Wildcard(wildcard));
        }
        Ok(Self::copied(text.as_bytes()))
    }

    /// Takes the topic of a received PUBLISH, a part of `packet`. Only its encoding is checked:
    /// an empty one is legal there when a Topic Alias stands for it.
    ///
    /// # Errors
    /// [`TopicError::NotUtf8`] and [`TopicError::Nul`].
    pub fn from_packet(packet: &Bytes, topic: &[u8]) -> Result<Self, TopicError> {
        // Nearly all are ASCII, and short: one look at each byte, without a branch.
        if !is_plain(topic) {
            std::str::from_utf8(topic).map_err(|_| TopicError::NotUtf8)?;
            if topic.contains(&0) {
                return Err(TopicError::Nul);
            }
        }
        let mut short = [0; SHORT];
        Ok(Self(match short.get_mut(..topic.len()) {
            Some(place) => {
                place.copy_from_slice(topic);
                Text::Short(u8::try_from(topic.len()).unwrap_or_default(), short)
            }
            None => Text::Shared(packet.slice_ref(topic)),
        }))
    }

    /// The topic as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Both constructors checked the encoding.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// A copy to keep: a received topic may share, and hold, the memory of its whole packet.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self::copied(self.as_bytes())
    }

    /// The topic's UTF-8 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Text::Short(length, bytes) => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Text::Shared(bytes) => bytes,
        }
    }

    fn copied(text: &[u8]) -> Self {
        Self(Text::Shared(Bytes::copy_from_slice(text)))
    }
}

impl Default for TopicName {
    /// An empty one, to be replaced before anything is published.
    fn default() -> Self {
        Self(Text::Short(0, [0; SHORT]))
    }
}

impl PartialEq for TopicName {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for TopicName {}

impl Hash for TopicName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TopicName({:?})", self.as_str())
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A Topic Filter: what a subscription asks for, wildcards included.
///
/// ```
/// use mqtools_common::topic::{TopicError, TopicFilter, TopicName};
///
/// let filter = TopicFilter::new("home/+/temperature")?;
/// assert!(filter.matches(&TopicName::new("home/attic/temperature")?));
/// assert!(!filter.matches(&TopicName::new("home/temperature")?));
/// assert_eq!(TopicFilter::new("home/#/temperature"), Err(TopicError::MisplacedMultiLevel));
/// # Ok::<(), TopicError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicFilter(String);

impl TopicFilter {
    /// Checks a text that a user wants to subscribe to.
    ///
    /// # Errors
    /// Any [`TopicError`] but [`TopicError::Wildcard`].
    pub fn new(text: &str) -> Result<Self, TopicError> {
        check_string(text)?;
        // In MQTT 3.1.1 these are ordinary filters, but brokers that share subscriptions do so
        // in every version, and on the others no topic begins in this way.
        if let Some(shared) = text.strip_prefix("$share/") {
            let (name, filter) = shared.split_once('/').ok_or(TopicError::Share)?;
            if name.is_empty() || filter.is_empty() || name.contains(['+', '#']) {
                return Err(TopicError::Share);
            }
        }
        let mut levels = text.split('/').peekable();
        while let Some(level) = levels.next() {
            if level.contains('#') && (level != "#" || levels.peek().is_some()) {
                return Err(TopicError::MisplacedMultiLevel);
            }
            if level.contains('+') && level != "+" {
                return Err(TopicError::MisplacedSingleLevel);
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The filter as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a message published to `topic` reaches this filter (MQTT 5, section 4.7.1 and
    /// 4.7.2: a leading wildcard does not match topics that begin with `$`).
    #[must_use]
    pub fn matches(&self, topic: &TopicName) -> bool {
        self.matches_bytes(topic.as_str().as_bytes())
    }

    /// The same of the bytes of a Topic Name.
    #[must_use]
    pub fn matches_bytes(&self, topic: &[u8]) -> bool {
        let (mut filter, mut topic) = (self.0.as_bytes(), topic);
        if topic.first() == Some(&b'$') && matches!(filter.first(), Some(b'+' | b'#')) {
            return false;
        }
        // A wildcard has a level for itself.
        loop {
            match (filter, topic) {
                ([b'#', ..], _) | ([], []) => return true,
                ([b'+', wanted @ ..], _) => {
                    let end = topic.iter().position(|byte| *byte == b'/');
                    let level = end.unwrap_or(topic.len());
                    (filter, topic) = (wanted, topic.get(level..).unwrap_or_default());
                }
                ([one, wanted @ ..], [other, rest @ ..]) if one == other => {
                    (filter, topic) = (wanted, rest);
                }
                // It is also for what the levels below belong to.
                (wanted, []) => return wanted == b"/#",
                _ => return false,
            }
        }
    }
}

fn check_string(text: &str) -> Result<(), TopicError> {
    if text.is_empty() {
        return Err(TopicError::Empty);
    }
    check_text(text)
}

/// Whether a text, which may be empty, can go into a packet and not cost the connection.
pub(crate) fn check_text(text: &str) -> Result<(), TopicError> {
    if text.len() > MAX_STRING {
        return Err(TopicError::TooLong(text.len()));
    }
    if text.contains('\0') {
        return Err(TopicError::Nul);
    }
    match text.chars().find(|c| c.is_control() || is_noncharacter(*c)) {
        Some(c) => Err(TopicError::Forbidden(c)),
        None => Ok(()),
    }
}

fn is_noncharacter(c: char) -> bool {
    let code = u32::from(c);
    (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn matches(filter: &str, topic: &str) -> bool {
        TopicFilter::new(filter)
            .unwrap()
            .matches(&TopicName::new(topic).unwrap())
    }

    #[test]
    fn filters_match_as_section_4_7_says() {
        for (filter, topic) in [
            ("home/+/temperature", "home/kitchen/temperature"),
            ("home/#", "home/kitchen/temperature"),
            ("home/#", "home"),
            ("#", "a/b"),
            ("+/+", "/finance"),
            ("/+", "/finance"),
            ("$SYS/#", "$SYS/broker/uptime"),
            ("a//b", "a//b"),
            ("+", "a"),
        ] {
            assert!(matches(filter, topic), "{filter} should match {topic}");
        }
        for (filter, topic) in [
            ("home/+/temperature", "home/kitchen/oven/temperature"),
            ("+", "/finance"),
            ("#", "$SYS/broker/uptime"),
            ("+/broker/uptime", "$SYS/broker/uptime"),
            ("a/b", "a"),
            ("a", "a/b"),
            ("home/+", "home"),
        ] {
            assert!(!matches(filter, topic), "{filter} should not match {topic}");
        }
    }

    /// The definition of section 4.7, level by level.
    fn matches_by_level(filter: &str, topic: &str) -> bool {
        if topic.starts_with('$') && filter.starts_with(['+', '#']) {
            return false;
        }
        let mut levels = topic.split('/');
        for wanted in filter.split('/') {
            if wanted == "#" {
                return true;
            }
            match levels.next() {
                Some(level) if wanted == "+" || wanted == level => {}
                _ => return false,
            }
        }
        levels.next().is_none()
    }

    proptest! {
        #[test]
        fn it_matches_level_by_level(
            filter in "((a|b|\\$a|ab|\\+|)/){0,3}(a|b|ab|\\+|#|)",
            topic in "\\$?((a|b|ab|)/){0,4}(a|b|ab|)",
        ) {
            let valid = (TopicFilter::new(&filter), TopicName::new(&topic));
            if let (Ok(valid), Ok(name)) = valid {
                prop_assert_eq!(valid.matches(&name), matches_by_level(&filter, &topic));
            }
        }
    }

    #[test]
    fn invalid_filters_are_refused() {
        for (filter, why) in [
            ("", TopicError::Empty),
            ("a/#/b", TopicError::MisplacedMultiLevel),
            ("a#", TopicError::MisplacedMultiLevel),
            ("##", TopicError::MisplacedMultiLevel),
            ("a+/b", TopicError::MisplacedSingleLevel),
            ("$share/", TopicError::Share),
            ("$share/g", TopicError::Share),
            ("$share/g/", TopicError::Share),
            ("$share//a", TopicError::Share),
            ("$share/+/a", TopicError::Share),
            ("$share/a#/b", TopicError::Share),
            ("$share/g/a#", TopicError::MisplacedMultiLevel),
            ("a\0", TopicError::Nul),
            ("a\u{1}", TopicError::Forbidden('\u{1}')),
            ("a\u{9f}", TopicError::Forbidden('\u{9f}')),
            ("a\u{fdd0}", TopicError::Forbidden('\u{fdd0}')),
            ("a\u{1ffff}", TopicError::Forbidden('\u{1ffff}')),
        ] {
            assert_eq!(TopicFilter::new(filter), Err(why), "{filter:?}");
        }
        for filter in [
            "$share",
            "$shared/g",
            "$share/g/#",
            "$share/g//",
            "a/$share/g",
        ] {
            assert!(TopicFilter::new(filter).is_ok(), "{filter}");
        }
        let long = "x".repeat(MAX_STRING + 1);
        assert_eq!(
            TopicFilter::new(&long),
            Err(TopicError::TooLong(MAX_STRING + 1))
        );
        assert!(TopicFilter::new(&long[1..]).is_ok());
    }

    #[test]
    fn a_topic_name_has_no_wildcards() {
        assert_eq!(TopicName::new("a/+/b"), Err(TopicError::Wildcard('+')));
        assert_eq!(TopicName::new("a/#"), Err(TopicError::Wildcard('#')));
        assert_eq!(TopicName::new("a/b").unwrap().as_str(), "a/b");
        assert_eq!(from_packet(b"\xff".as_slice()), Err(TopicError::NotUtf8));
    }

    fn from_packet(topic: &'static [u8]) -> Result<TopicName, TopicError> {
        TopicName::from_packet(&Bytes::from_static(topic), topic)
    }

    #[test]
    fn a_received_topic_name_is_utf_8_of_any_length() {
        for length in [0, 1, SHORT - 1, SHORT, SHORT + 1, 300] {
            for tail in ["", "\u{e4}", "\u{10FFFF}", "+", "\u{1}"] {
                let topic = "x".repeat(length) + tail;
                let topic: &'static str = topic.leak();
                let name = from_packet(topic.as_bytes()).unwrap();
                assert_eq!(name.as_str(), topic);
                assert_eq!(name, name.detached());
                assert_eq!(HashSet::from([name.clone(), name.detached()]).len(), 1);
                let nul: &'static str = (topic.to_owned() + "\0").leak();
                assert_eq!(from_packet(nul.as_bytes()), Err(TopicError::Nul));
                let broken: &'static [u8] = [topic.as_bytes(), b"\xc3"].concat().leak();
                assert_eq!(from_packet(broken), Err(TopicError::NotUtf8));
            }
        }
    }
}
