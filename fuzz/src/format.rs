//! `-F`: any format, filled in with any message.

use std::io::{self, Write};

use bytes::Bytes;
use mqsub::fuzz::Compiled;
use mqtools_common::escape::{Style, is_command};
use mqtools_common::message::Message;
use mqtools_common::property::PublishProperties;
use mqtools_common::topic::TopicName;
use serde_json::Value;

use crate::cursor::Cursor;
use crate::{Target, assert_harmless};

/// Pretty and terminal as bits of one byte, the format behind its length, then the message.
pub(crate) const FORMAT: Target = Target {
    name: "format",
    run: format,
    words: &[
        b"%j",
        b"%J",
        b"%p",
        b"%x",
        b"%.2:X",
        b"%-010t",
        b"%65535p",
        b"%.65535f",
        b"%d",
        b"%I",
        b"%U",
        b"@Y",
        b"@N",
        b"@@",
        b"%%",
        b"\\0",
        b"\\q",
        b"%99999",
        b"{\"a\":[1,2]}",
        b"[[",
        b"\"\\u0000\"",
        b"\xff",
        b"\x1b[2J",
        b"\xe2\x80\xae",
    ],
    // One conversion may take 65,535 bytes at a time, and JSON is looked at as a whole here.
    memory: (2 << 20, 256),
    cases: 8_000,
};

fn format(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let flags = cursor.byte();
    let (pretty, terminal) = (flags & 1 != 0, flags & 2 != 0);
    let text = cursor.short();
    let message = message(cursor);
    match Compiled::new(text, pretty, terminal) {
        Ok(compiled) => fill(&compiled, &message, text, terminal),
        Err((why, hint)) => {
            assert_harmless(&why);
            assert_harmless(&hint);
            let position = why.split_once(" at character ").map(|(_, rest)| rest);
            let position = position.and_then(|rest| rest.split(' ').next()?.parse().ok());
            let position: usize = position.unwrap_or_else(|| panic!("no position: {why}"));
            assert!((1..=text.len()).contains(&position), "{why}");
        }
    }
    // Whatever the message is, its JSON is JSON, and on a terminal too.
    for (pretty, terminal) in [(false, false), (true, false), (false, true), (true, true)] {
        let compiled = Compiled::new(b"%j", pretty, terminal).unwrap();
        let mut out = Vec::new();
        assert_eq!(compiled.write(&message, &mut out).unwrap(), None);
        check_json(&out, &message, terminal);
        let compiled = Compiled::new(b"%J", pretty, terminal).unwrap();
        let mut sink = Counter::default();
        match compiled.write(&message, &mut sink).unwrap() {
            Some(why) => {
                assert_harmless(&why);
                assert_eq!(sink.0, 0, "all of it or nothing");
            }
            None if sink.0 < 100_000 => {
                let mut out = Vec::new();
                compiled.write(&message, &mut out).unwrap();
                let json: Value = serde_json::from_slice(&out).unwrap_or_else(|why| {
                    // serde_json itself gives up at 128 levels.
                    assert!(why.to_string().contains("recursion limit"), "{why}");
                    Value::Null
                });
                if !json.is_null() && message.payload.is_empty() {
                    assert_eq!(json["payload"], Value::Null);
                }
            }
            None => {}
        }
    }
}

fn fill(compiled: &Compiled, message: &Message, text: &[u8], terminal: bool) {
    let mut sink = Counter::default();
    let refused = compiled.write(message, &mut sink).unwrap();
    // Each conversion writes the message a few times at most, or what its width asks for.
    let conversions = text.iter().filter(|&&byte| byte == b'%').count();
    let most =
        text.len() * 64 + conversions * (65_536 * 2 + 40 * size_of_message(message) + 3_000_000);
    assert!(sink.0 <= most, "{} bytes of {text:?}", sink.0);
    if let Some(why) = refused {
        assert_harmless(&why);
        assert_eq!(sink.0, 0, "all of it or nothing");
    }
    // What the user typed may do as it likes; a message may not.
    let own = text
        .iter()
        .any(|byte| matches!(byte, b'\\' | 0..=0x1F | 0x7F..));
    if terminal && !own && sink.0 < 100_000 {
        let mut out = Vec::new();
        compiled.write(message, &mut out).unwrap();
        let shown = String::from_utf8(out).expect("on a terminal all is UTF-8");
        let bad = shown.chars().find(|&c| is_command(c, Style::Text));
        assert_eq!(bad, None, "a terminal would obey it: {shown:?}");
    }
}

fn check_json(out: &[u8], message: &Message, terminal: bool) {
    let text = std::str::from_utf8(out).expect("JSON is UTF-8");
    let json: Value = serde_json::from_str(text).unwrap_or_else(|why| panic!("{why}: {text}"));
    assert_eq!(json["payloadlen"], message.payload.len());
    assert_eq!(json["topic"], message.topic.as_str());
    match (std::str::from_utf8(&message.payload), &json["payload"]) {
        (Ok(""), payload) => assert!(payload.is_null()),
        (Ok(text), payload) => assert_eq!(payload, text),
        (Err(_), payload) => {
            assert_eq!(json["payload_encoding"], "base64");
            let length = payload.as_str().unwrap().len();
            assert_eq!(length, message.payload.len().div_ceil(3) * 4);
        }
    }
    if terminal {
        let bad = text.chars().find(|&c| is_command(c, Style::Json));
        assert_eq!(bad, None, "a terminal would obey it: {text:?}");
    }
}

fn message(mut cursor: Cursor<'_>) -> Message {
    let topic = Bytes::copy_from_slice(cursor.short());
    let topic =
        TopicName::from_packet(&topic, &topic).unwrap_or_else(|_| TopicName::new("t").unwrap());
    let qos = cursor.qos();
    let flags = cursor.byte();
    let properties = (flags & 2 != 0).then(|| Box::new(properties(&mut cursor)));
    Message {
        topic,
        qos,
        retain: flags & 1 != 0,
        dup: false,
        properties,
        // Only a session makes one; the target `session` does.
        receipt: None,
        payload: Bytes::copy_from_slice(cursor.rest()),
    }
}

fn properties(cursor: &mut Cursor<'_>) -> PublishProperties {
    let which = cursor.byte();
    let has = |bit: u8| which & 1 << bit != 0;
    PublishProperties {
        payload_format_indicator: has(0).then(|| cursor.byte()),
        message_expiry_interval: has(1).then(|| cursor.u32()),
        topic_alias: has(2).then(|| cursor.u16()),
        content_type: has(3).then(|| cursor.text()),
        response_topic: has(4).then(|| cursor.text()),
        correlation_data: has(5).then(|| Bytes::copy_from_slice(cursor.short())),
        subscription_identifiers: if has(6) {
            vec![cursor.u32(); usize::from(cursor.byte() % 4)]
        } else {
            vec![]
        },
        user_properties: if has(7) {
            (0..cursor.byte() % 4)
                .map(|_| (cursor.text(), cursor.text()))
                .collect()
        } else {
            vec![]
        },
    }
}

fn size_of_message(message: &Message) -> usize {
    let properties = message.properties.as_deref().map_or(0, |it| {
        let pairs: usize = it
            .user_properties
            .iter()
            .map(|(key, value)| key.len() + value.len() + 10)
            .sum();
        pairs
            + it.content_type.as_ref().map_or(0, String::len)
            + it.response_topic.as_ref().map_or(0, String::len)
            + it.correlation_data.as_ref().map_or(0, |data| data.len())
    });
    600 + message.topic.as_bytes().len() + message.payload.len() + properties
}

/// Counts what is written and forgets it.
#[derive(Default)]
struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
