//! `-D`: from typed words to properties that the packet in question may have, in range.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::os::unix::ffi::OsStrExt as _;
use std::str::FromStr;

use bytes::Bytes;

use super::Property;
use crate::report::Report;
use crate::topic::{MAX_STRING, TopicName, check_text};
use crate::usage::{WORD_SEPARATOR, misuse};

/// The properties that were typed, by the packet they belong to. Only User Properties occur more
/// than once in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// Of CONNECT.
    pub connect: Vec<Property>,
    /// Of every PUBLISH.
    pub publish: Vec<Property>,
    /// Of SUBSCRIBE.
    pub subscribe: Vec<Property>,
    /// Of UNSUBSCRIBE.
    pub unsubscribe: Vec<Property>,
    /// Of DISCONNECT.
    pub disconnect: Vec<Property>,
    /// Of the Will.
    pub will: Vec<Property>,
}

/// Reads the options as [`crate::usage::parse`] leaves them: the words of each in one text.
///
/// # Errors
/// Words that are no property, properties that the packet does not have or that are given
/// twice, values out of range.
pub fn parse(options: &[OsString]) -> Result<Typed, Report> {
    let mut typed = Typed::default();
    for option in options {
        let words: Vec<&OsStr> = option
            .as_bytes()
            .split(|&byte| byte == WORD_SEPARATOR)
            .map(OsStr::from_bytes)
            .collect();
        let (list, property) = one(&words, &mut typed)?;
        let is_repeated = list.iter().any(|other| {
            other.id() == property.id() && !matches!(other, Property::UserProperty(..))
        });
        if is_repeated {
            return Err(
                wrong(&words, "only user-property may be given more than once")
                    .hint("leave one of them out"),
            );
        }
        list.push(property);
    }
    Ok(typed)
}

const SHAPE: &str = "-D takes three words, CMD NAME VALUE, and with user-property four: CMD user-property KEY VALUE";

const COMMANDS: &str = "CMD is connect, publish, subscribe, unsubscribe, disconnect or will";

const WILL: [&str; 7] = [
    "content-type",
    "correlation-data",
    "message-expiry-interval",
    "payload-format-indicator",
    "response-topic",
    "user-property",
    "will-delay-interval",
];

/// What each command's packet may have (MQTT 5, section 2.2.2.2, table 2-4).
pub(crate) const NAMES: [(&str, &[&str]); 6] = [
    (
        "connect",
        &[
            "maximum-packet-size",
            "receive-maximum",
            "request-problem-information",
            "request-response-information",
            "session-expiry-interval",
            "topic-alias-maximum",
            "user-property",
        ],
    ),
    (
        "publish",
        &[
            "content-type",
            "correlation-data",
            "message-expiry-interval",
            "payload-format-indicator",
            "response-topic",
            "topic-alias",
            "user-property",
        ],
    ),
    ("subscribe", &["subscription-identifier", "user-property"]),
    ("unsubscribe", &["user-property"]),
    (
        "disconnect",
        &["reason-string", "session-expiry-interval", "user-property"],
    ),
    ("will", &WILL),
];

/// The properties whose value is 0 or 1.
pub(crate) const SWITCHES: [&str; 3] = [
    "payload-format-indicator",
    "request-problem-information",
    "request-response-information",
];

/// The packets that have properties, but are not for the user to write.
const OTHER_COMMANDS: [&str; 8] = [
    "auth", "connack", "puback", "pubrec", "pubrel", "pubcomp", "suback", "unsuback",
];

fn one<'a>(
    words: &[&OsStr],
    typed: &'a mut Typed,
) -> Result<(&'a mut Vec<Property>, Property), Report> {
    let word = |index: usize| {
        words
            .get(index)
            .copied()
            .ok_or_else(|| wrong(words, "a word is missing").hint(SHAPE))
    };
    let command = word(0)?.to_string_lossy();
    let name = word(1)?.to_string_lossy();
    let list = match command.as_ref() {
        "connect" => &mut typed.connect,
        "publish" => &mut typed.publish,
        "subscribe" => &mut typed.subscribe,
        "unsubscribe" => &mut typed.unsubscribe,
        "disconnect" => &mut typed.disconnect,
        "will" => &mut typed.will,
        other if OTHER_COMMANDS.contains(&other) => {
            return Err(
                wrong(words, format!("properties of {other} are not supported")).hint(COMMANDS),
            );
        }
        _ => return Err(wrong(words, "there is no such command").hint(COMMANDS)),
    };
    let names = NAMES
        .iter()
        .find_map(|(candidate, names)| (*candidate == command).then_some(*names))
        .unwrap_or_default();
    if !names.contains(&name.as_ref()) {
        let cause = if command == "connect" && name.starts_with("authentication-") {
            "enhanced authentication (AUTH packets) is not supported".to_owned()
        } else {
            format!("{command} has no such property that a client may set")
        };
        return Err(wrong(words, cause).hint(format!("{command} has {}", names.join(", "))));
    }
    let value = word(2)?;
    let expected = if name == "user-property" { 4 } else { 3 };
    if words.len() < expected {
        return Err(wrong(words, "a word is missing").hint(SHAPE));
    }
    if words.len() > expected {
        return Err(wrong(words, "a word is too many").hint(SHAPE));
    }
    let property = property(&name, value, words.get(3).copied().unwrap_or_default());
    Ok((
        list,
        property.map_err(|why| {
            let hint = format!("give another value for {name}, or leave it out");
            wrong(words, why).hint(hint)
        })?,
    ))
}

/// `name` is one of [`NAMES`].
fn property(name: &str, value: &OsStr, second: &OsStr) -> Result<Property, String> {
    Ok(match name {
        "content-type" => Property::ContentType(text(value)?),
        "correlation-data" => Property::CorrelationData(bytes(value)?),
        "maximum-packet-size" => Property::MaximumPacketSize(number(value, 1, u32::MAX)?),
        "message-expiry-interval" => Property::MessageExpiryInterval(number(value, 0, u32::MAX)?),
        "payload-format-indicator" => Property::PayloadFormatIndicator(number(value, 0, 1)?),
        "reason-string" => Property::ReasonString(text(value)?),
        "receive-maximum" => Property::ReceiveMaximum(number(value, 1, u16::MAX)?),
        "request-problem-information" => Property::RequestProblemInformation(number(value, 0, 1)?),
        "request-response-information" => {
            Property::RequestResponseInformation(number(value, 0, 1)?)
        }
        "response-topic" => {
            let topic = text(value)?;
            TopicName::new(&topic).map_err(|why| format!("it is no Topic Name: {why}"))?;
            Property::ResponseTopic(topic)
        }
        "session-expiry-interval" => Property::SessionExpiryInterval(number(value, 0, u32::MAX)?),
        "subscription-identifier" => {
            Property::SubscriptionIdentifier(number(value, 1, 268_435_455)?)
        }
        "topic-alias" => Property::TopicAlias(number(value, 1, u16::MAX)?),
        "topic-alias-maximum" => Property::TopicAliasMaximum(number(value, 0, u16::MAX)?),
        "will-delay-interval" => Property::WillDelayInterval(number(value, 0, u32::MAX)?),
        // user-property
        _ => Property::UserProperty(text(value)?, text(second)?),
    })
}

fn number<T: FromStr + PartialOrd + Display>(
    value: &OsStr,
    lowest: T,
    highest: T,
) -> Result<T, String> {
    value
        .to_str()
        .and_then(|text| text.trim().parse().ok())
        .filter(|number| *number >= lowest && *number <= highest)
        .ok_or_else(|| format!("the value is a number from {lowest} to {highest}"))
}

fn text(value: &OsStr) -> Result<String, String> {
    let text = value.to_str().ok_or("it is not valid UTF-8")?;
    check_text(text).map_err(|why| why.to_string())?;
    Ok(text.to_owned())
}

fn bytes(value: &OsStr) -> Result<Bytes, String> {
    let bytes = value.as_bytes();
    if bytes.len() > MAX_STRING {
        return Err(format!(
            "it is {} bytes long, and MQTT allows {MAX_STRING}",
            bytes.len()
        ));
    }
    Ok(Bytes::copy_from_slice(bytes))
}

fn wrong(words: &[&OsStr], cause: impl Display) -> Report {
    /// Nobody wants to read more of a value.
    const SHOWN: usize = 60;
    let words: Vec<_> = words
        .iter()
        .map(|word| {
            let word = word.to_string_lossy();
            let shown: String = word.chars().take(SHOWN).collect();
            let dots = if shown.len() < word.len() { "..." } else { "" };
            if shown.is_empty() || shown.contains(|c: char| c.is_whitespace() || c.is_control()) {
                format!("{shown:?}{dots}")
            } else {
                shown + dots
            }
        })
        .collect();
    misuse(format!("-D {} is not a property to send", words.join(" "))).cause(cause)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn typed(options: &[&str]) -> Result<Typed, Report> {
        let options: Vec<_> = options
            .iter()
            .map(|words| OsString::from(words.replace('|', "\0")))
            .collect();
        parse(&options)
    }

    #[test]
    fn each_property_goes_to_its_packet() {
        let typed = typed(&[
            "connect|session-expiry-interval|4294967295",
            "publish|topic-alias|65535",
            "publish|user-property|a|b",
            "publish|user-property|a|b",
            "publish|user-property||-x",
            "subscribe|subscription-identifier|268435455",
            "unsubscribe|user-property|k|v",
            "disconnect|reason-string|good night",
            "will|will-delay-interval|0",
            "will|correlation-data|-D",
        ])
        .unwrap();
        assert_eq!(typed.connect, [Property::SessionExpiryInterval(u32::MAX)]);
        let pair = |key: &str, value: &str| Property::UserProperty(key.into(), value.into());
        assert_eq!(
            typed.publish,
            [
                Property::TopicAlias(65535),
                pair("a", "b"),
                pair("a", "b"),
                pair("", "-x")
            ]
        );
        assert_eq!(
            typed.subscribe,
            [Property::SubscriptionIdentifier(268_435_455)]
        );
        assert_eq!(typed.unsubscribe, [pair("k", "v")]);
        assert_eq!(
            typed.disconnect,
            [Property::ReasonString("good night".into())]
        );
        assert_eq!(
            typed.will,
            [
                Property::WillDelayInterval(0),
                Property::CorrelationData(Bytes::from_static(b"-D"))
            ]
        );
    }

    #[test]
    fn every_name_is_known_and_a_wrong_one_is_answered_with_the_right_ones() {
        for (command, names) in NAMES {
            for name in names {
                let value = match *name {
                    "user-property" => "k|v",
                    "response-topic" => "a/b",
                    _ => "1",
                };
                typed(&[&format!("{command}|{name}|{value}")]).unwrap();
            }
            let report = typed(&[&format!("{command}|nonsense|1")])
                .unwrap_err()
                .to_string();
            assert!(
                names.iter().all(|name| report.contains(name)),
                "{command}: {report}"
            );
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused_with_the_reason() {
        let long = format!("publish|content-type|{}", "x".repeat(65_536));
        for (option, reason) in [
            ("", "missing"),
            ("publish", "missing"),
            ("publish|topic-alias", "missing"),
            ("publish|user-property|k", "missing"),
            ("publish|topic-alias|1|2", "too many"),
            ("nonsense|user-property|k|v", "no such command"),
            ("auth|user-property|k|v", "not supported"),
            ("puback|reason-string|x", "not supported"),
            ("connect|authentication-method|x", "AUTH"),
            ("connect|authentication-data|x", "AUTH"),
            ("publish|subscription-identifier|1", "no such property"),
            ("publish|topic-alias|0", "1 to 65535"),
            ("publish|topic-alias|65536", "1 to 65535"),
            ("connect|receive-maximum|0", "1 to 65535"),
            ("connect|maximum-packet-size|0", "1 to 4294967295"),
            ("connect|session-expiry-interval|-1", "0 to 4294967295"),
            ("connect|session-expiry-interval|4294967296", "0 to"),
            ("connect|session-expiry-interval|soon", "0 to"),
            ("connect|request-problem-information|2", "0 to 1"),
            ("publish|payload-format-indicator|2", "0 to 1"),
            ("subscribe|subscription-identifier|268435456", "268435455"),
            ("subscribe|subscription-identifier|0", "1 to"),
            ("publish|response-topic|a/#", "wildcard"),
            ("publish|response-topic|", "empty"),
            ("publish|user-property|a\n|b", "control character"),
            ("will|topic-alias|1", "no such property"),
            (&*long, "65535"),
        ] {
            let report = typed(&[option]).unwrap_err();
            assert_eq!(report.exit().code(), 1);
            let text = report.to_string();
            assert!(text.contains(reason), "{option}: {text}");
            assert!(text.lines().all(|line| line.len() < 400), "{text}");
        }
        let twice = ["publish|topic-alias|1", "publish|topic-alias|1"];
        let text = typed(&twice).unwrap_err().to_string();
        assert!(text.contains("more than once"), "{text}");
    }

    proptest! {
        #[test]
        fn no_words_panic(options in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..4)) {
            let options: Vec<_> = options.iter().map(|bytes| OsStr::from_bytes(bytes).to_owned()).collect();
            let _ = parse(&options);
        }

        #[test]
        fn nearly_right_words_do_not_panic(
            command in prop::sample::select(vec!["connect", "publish", "subscribe", "unsubscribe", "disconnect", "will", "auth"]),
            name in prop::sample::select(WILL.iter().chain(NAMES[0].1).copied().collect::<Vec<_>>()),
            rest in prop::collection::vec("\\PC{0,12}|-?[0-9]{1,12}", 0..4),
        ) {
            let words = [vec![command.to_owned(), name.to_owned()], rest].concat().join("\0");
            let _ = parse(&[OsString::from(words)]);
        }
    }
}
