//! The format language without a broker: exact texts, and properties of all texts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use mqtools_common::message::{Message, Qos};
use mqtools_common::property::PublishProperties;
use mqtools_common::topic::TopicName;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Format, Printed, Template, compile};

fn message(payload: &[u8]) -> Message {
    Message {
        topic: TopicName::new("a/b").unwrap(),
        payload: Bytes::copy_from_slice(payload),
        qos: Qos::AtMostOnce,
        retain: false,
        dup: false,
        properties: None,
        receipt: None,
    }
}

fn plain(topic: bool, newline: bool, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let format = Format::plain(topic, newline);
    format.write(&message(payload), &mut out).unwrap();
    out
}

fn fill(format: &[u8], pretty: bool, message: &Message) -> Result<Vec<u8>, String> {
    let template = Template::new(format, false, pretty).map_err(|why| why.to_string())?;
    let mut out = Vec::new();
    match template.write(message.view(), None, &mut out).unwrap() {
        Printed::Yes | Printed::Hex(_) => Ok(out),
        Printed::No(why) => {
            assert!(out.is_empty());
            Err(why.to_string())
        }
    }
}

#[track_caller]
fn printed(format: &str, payload: &[u8]) -> String {
    String::from_utf8(fill(format.as_bytes(), false, &message(payload)).unwrap()).unwrap()
}

/// `%j` or `%J`, from the length of the payload on: what comes before holds the time.
#[track_caller]
fn json(format: &str, message: &Message) -> String {
    let text = String::from_utf8(fill(format.as_bytes(), false, message).unwrap()).unwrap();
    serde_json::from_str::<Value>(&text).unwrap();
    let (_, rest) = text.split_once("\"payloadlen\":").unwrap();
    rest.to_owned()
}

fn all_properties() -> Message {
    Message {
        properties: Some(Box::new(PublishProperties {
            payload_format_indicator: Some(0),
            message_expiry_interval: Some(60),
            topic_alias: Some(9),
            content_type: Some("text/plain".into()),
            response_topic: Some("answers".into()),
            correlation_data: Some(Bytes::from_static(b"\xff\0")),
            subscription_identifiers: vec![7, 268_435_455],
            user_properties: vec![("k".into(), "one".into()), ("k".into(), "\"two\"".into())],
        })),
        ..message(b"x")
    }
}

#[test]
fn plain_output_is_mosquitto_subs() {
    assert_eq!(plain(false, true, b"x\0\xff"), b"x\0\xff\n");
    assert_eq!(plain(false, false, b"x"), b"x");
    assert_eq!(plain(false, true, b""), b"");
    assert_eq!(plain(true, true, b"x"), b"a/b x\n");
    assert_eq!(plain(true, true, b""), b"a/b (null)\n");
    assert_eq!(plain(true, false, b""), b"a/b (null)");
}

#[test]
fn escapes_stand_for_one_byte_and_bytes_for_themselves() {
    let out = fill(b"\\\\\\0\\a\\e\\n\\r\\t\\v%%@@\xff\0", false, &message(b""));
    assert_eq!(out.unwrap(), b"\\\0\x07\x1b\n\r\t\x0b%@\xff\0");
    assert_eq!(printed("", b"x"), "");
}

#[test]
fn hexadecimal_digits_can_be_grouped() {
    let payload = [0x01, 0xAB, 0xCD, 0xEF];
    for (format, expected) in [
        ("%x", "01abcdef"),
        ("%X", "01ABCDEF"),
        ("%.2x", "01 ab cd ef"),
        ("%.2:X", "01:AB:CD:EF"),
        ("%.4-x", "01ab-cdef"),
        ("%.3.x", "01a.bcd.ef"),
        ("%.8_x", "01abcdef"),
        ("%.0:x", "01abcdef"),
        ("%:x", "01abcdef"),
        ("%13.2:x|", "  01:ab:cd:ef|"),
        ("%-13.2:x|", "01:ab:cd:ef  |"),
        ("%013.2:x", "0001:ab:cd:ef"),
        ("%4x", "01ab"),
        ("%5x", " 01ab"),
    ] {
        assert_eq!(printed(format, &payload), expected, "{format}");
    }
    assert_eq!(printed("%.2:x", b""), "");
}

#[test]
fn a_payload_can_be_a_float() {
    let double = (-1234.5678_f64).to_ne_bytes();
    for (format, expected) in [
        ("%d", "-1234.567800"),
        ("%.2d", "-1234.57"),
        ("%.0d", "-1235"),
        ("%12.1d|", "     -1234.6|"),
        ("%-12.1d|", "-1234.6     |"),
        ("%012.1d|", "-000001234.6|"),
        ("%5f|", "     |"),
    ] {
        assert_eq!(printed(format, &double), expected, "{format}");
    }
    assert_eq!(printed("%.3f", &0.5_f32.to_ne_bytes()), "0.500");
    assert_eq!(printed("%05f|", &f32::NAN.to_ne_bytes()), "  nan|");
    assert_eq!(printed("%f", &f32::NEG_INFINITY.to_ne_bytes()), "-inf");
    assert_eq!(printed("[%f][%d]", b"12345"), "[][]");
}

#[test]
fn json_has_its_members_in_order() {
    let text = printed("%j", b"tab\t");
    assert!(text.starts_with("{\"tst\":\""), "{text}");
    let (_, rest) = text.split_once("\",").unwrap();
    assert_eq!(
        rest,
        r#""topic":"a/b","qos":0,"retain":false,"payloadlen":4,"payload":"tab\t"}"#
    );
}

#[test]
fn json_shows_every_property() {
    assert_eq!(
        json("%j", &all_properties()),
        r#"1,"properties":{"payload-format-indicator":0,"message-expiry-interval":60,"#.to_owned()
            + r#""content-type":"text/plain","response-topic":"answers","#
            + r#""correlation-data":"/wA=","correlation-data-encoding":"base64","#
            + r#""subscription-identifier":[7, 268435455],"topic-alias":9,"#
            + r#""user-properties":[{"k":"one"},{"k":"\"two\""}]},"payload":"x"}"#
    );
}

#[test]
fn json_holds_any_payload() {
    for (payload, expected) in [
        (&b"a\0b"[..], r#"3,"payload":"a\u0000b"}"#),
        (b"", r#"0,"payload":null}"#),
        (
            b"\xff",
            r#"1,"payload":"/w==","payload_encoding":"base64"}"#,
        ),
    ] {
        assert_eq!(json("%j", &message(payload)), expected);
    }
}

#[test]
fn a_json_payload_keeps_its_order_and_its_digits() {
    for (payload, expected) in [
        (
            " {\"z\" : 1,\n\"a\":[ 1.10 , -0,1e3, {} ] } ",
            r#"{"z":1,"a":[1.10,-0,1e3,{}]}"#,
        ),
        ("12345678901234567890123", "12345678901234567890123"),
        (r#""\u00e9\/ \" , {""#, r#""é/ \" , {""#),
        ("null", "null"),
        ("", "null"),
    ] {
        let text = json("%J", &message(payload.as_bytes()));
        assert_eq!(text, format!("{},\"payload\":{expected}}}", payload.len()));
    }
}

#[test]
fn a_payload_that_is_no_json_prints_nothing_at_all() {
    let deep = "[".repeat(1001) + &"]".repeat(1001);
    for payload in [
        &b"[1,2"[..],
        b"true x",
        b" ",
        b"'a'",
        b"\"\xff\"",
        b"\"\\ud800\"",
        deep.as_bytes(),
    ] {
        let error = fill(b"%t %J", false, &message(payload)).unwrap_err();
        assert!(!error.is_empty());
    }
    // As it would for %j.
    assert!(fill(b"%t %j", false, &message(b"[1,2")).is_ok());
}

#[test]
fn a_wrong_part_is_named_with_its_place() {
    for (format, expected) in [
        ("%Z", "%Z at character 1 is no conversion"),
        ("é %p %05Z", "%05Z at character 6 is no conversion"),
        ("a%é", "%é at character 2 is no conversion"),
        ("%0-5l", "%0- at character 1 is no conversion"),
        ("%.2:p", "%.2: at character 1 is no conversion"),
        ("%p%", "% at character 3 is incomplete"),
        ("%-12.", "%-12. at character 1 is incomplete"),
        ("%65536t", "%65536 at character 1 has a number over 65535"),
        ("@Q", "@Q at character 1 is no part of a time"),
        ("@E", "@E at character 1 is no part of a time"),
        ("a@", "@ at character 2 is incomplete"),
        ("a\\q", "\\\\q at character 2 is no escape"),
        ("\\", "\\\\ at character 1 is incomplete"),
    ] {
        let error = Template::new(format.as_bytes(), true, false).unwrap_err();
        assert_eq!(error.to_string(), expected, "{format}");
    }
}

fn any_message() -> impl Strategy<Value = Message> {
    let payload = prop_oneof![
        any::<Vec<u8>>(),
        any::<String>().prop_map(String::into_bytes),
        any::<f32>().prop_map(|n| n.to_ne_bytes().to_vec()),
        any::<f64>().prop_map(|n| n.to_ne_bytes().to_vec()),
        "[\\[\\]{}:, \"\\\\a1.e-]{0,20}".prop_map(String::into_bytes),
    ];
    let user = proptest::collection::vec((any::<String>(), any::<String>()), 0..3);
    (
        payload,
        any::<Option<Vec<u8>>>(),
        user,
        any::<Option<u32>>(),
        any::<[Option<String>; 2]>(),
        (any::<bool>(), any::<Option<bool>>(), 0..3_usize),
        "[^\0+#]{1,9}",
    )
        .prop_map(
            |(payload, data, user, number, texts, (bare, flag, ids), topic)| {
                let [content_type, response_topic] = texts;
                let properties = PublishProperties {
                    payload_format_indicator: flag.map(u8::from),
                    message_expiry_interval: number,
                    content_type,
                    response_topic,
                    correlation_data: data.map(Bytes::from),
                    subscription_identifiers: vec![number.unwrap_or(1); ids],
                    user_properties: user,
                    topic_alias: number.map(|_| 7),
                };
                let topic = Bytes::from(topic);
                Message {
                    topic: TopicName::from_packet(&topic, &topic).unwrap(),
                    retain: number.is_some(),
                    properties: (!bare).then(|| Box::new(properties)),
                    ..message(&payload)
                }
            },
        )
}

proptest! {
    #[test]
    fn no_format_and_no_message_panic(
        format in prop_oneof![
            any::<Vec<u8>>(),
            "([%@\\\\]|[-0]{0,2}[0-9]{0,2}(\\.[0-9]{0,2})?[ -~]){0,8}".prop_map(String::into_bytes),
            "(%[-]?[0]?[0-9]{0,2}(\\.[0-9]{0,2})?[ACDEFIJPRSUXdfjlmpqrtx]){1,8}"
                .prop_map(String::into_bytes),
            "(@[A-Za-z@%]){1,4}".prop_map(String::into_bytes),
        ],
        message in any_message(),
        pretty in any::<bool>(),
    ) {
        let _ = fill(&format, pretty, &message);
    }

    #[test]
    fn json_is_always_valid_and_says_what_was_sent(message in any_message(), pretty in any::<bool>()) {
        let text = fill(b"%j", pretty, &message).unwrap();
        let value: Value = serde_json::from_slice(&text).unwrap();
        prop_assert_eq!(value["topic"].as_str(), Some(message.topic.as_str()));
        match std::str::from_utf8(&message.payload) {
            Ok("") => prop_assert_eq!(&value["payload"], &Value::Null),
            Ok(text) => prop_assert_eq!(value["payload"].as_str(), Some(text)),
            Err(_) => prop_assert_eq!(value["payload_encoding"].as_str(), Some("base64")),
        }
        prop_assert_eq!(&value["payloadlen"], &json!(message.payload.len()));
        prop_assert_eq!(&value["qos"], &json!(0));
        prop_assert_eq!(&value["retain"], &json!(message.retain));
        let Some(sent) = message.properties else {
            prop_assert!(value.get("properties").is_none());
            return Ok(());
        };
        let member = |name: &str| value["properties"].get(name).cloned();
        prop_assert_eq!(member("payload-format-indicator"), sent.payload_format_indicator.map(Value::from));
        prop_assert_eq!(member("message-expiry-interval"), sent.message_expiry_interval.map(Value::from));
        prop_assert_eq!(member("content-type"), sent.content_type.map(Value::from));
        prop_assert_eq!(member("response-topic"), sent.response_topic.map(Value::from));
        let ids = match sent.subscription_identifiers.as_slice() {
            [] => None,
            [id] => Some(json!(id)),
            ids => Some(json!(ids)),
        };
        prop_assert_eq!(member("subscription-identifier"), ids);
        let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec());
        let data = sent.correlation_data.map(|bytes| match text(&bytes) {
            Ok(text) => (json!(text), None),
            Err(_) => (json!(STANDARD.encode(bytes)), Some(json!("base64"))),
        });
        let (data, encoding) = data.map_or((None, None), |(data, encoding)| (Some(data), encoding));
        prop_assert_eq!(member("correlation-data"), data);
        prop_assert_eq!(member("correlation-data-encoding"), encoding);
        let pairs = sent.user_properties;
        let user = pairs.iter().map(|(key, value)| json!({ key: value })).collect::<Vec<_>>();
        prop_assert_eq!(member("user-properties"), (!user.is_empty()).then(|| json!(user)));
    }

    #[test]
    fn what_is_json_stays_the_same_json(message in any_message(), pretty in any::<bool>()) {
        let sent = serde_json::from_slice::<Value>(&message.payload);
        let printed = fill(b"%J", pretty, &message);
        if let Ok(sent) = sent {
            let printed: Value = serde_json::from_slice(&printed.unwrap()).unwrap();
            prop_assert_eq!(&printed["payload"], &sent);
        } else if !message.payload.is_empty() && let Ok(printed) = printed {
            // Only a number beyond those of serde_json, which has no bearing on its syntax.
            prop_assert!(serde_json::from_slice::<Value>(&printed).is_err());
        }
    }

    #[test]
    fn a_message_gives_a_terminal_no_command(
        message in any_message(),
        format in prop_oneof![
            Just(None),
            "(%[-]?[0]?[0-9]{0,2}(\\.[0-9]{0,2})?[ACDEFIJPRSUXdfjlmpqrtx]){1,8}".prop_map(Some),
        ],
        topic in any::<bool>(),
        pretty in any::<bool>(),
    ) {
        let text = on_terminal(format.as_deref(), topic, pretty, &message);
        let text = std::str::from_utf8(&text).unwrap();
        let is_safe = |c: char| {
            matches!(c, '\n' | '\t')
                || !(c.is_control() || matches!(u32::from(c), 0x202a..=0x202e | 0x2066..=0x2069))
        };
        prop_assert!(text.chars().all(is_safe), "{:?}", text);
    }

    #[test]
    fn on_a_terminal_json_is_the_same_json(message in any_message(), pretty in any::<bool>()) {
        let shown = on_terminal(Some("%j"), false, pretty, &message);
        let shown: Value = serde_json::from_slice(&shown).unwrap();
        let plain: Value = serde_json::from_slice(&fill(b"%j", pretty, &message).unwrap()).unwrap();
        for member in ["topic", "payload", "properties", "payload_encoding"] {
            prop_assert_eq!(&shown[member], &plain[member]);
        }
    }
}

/// What is written for a terminal; without a format, that of no option or `-v`.
fn on_terminal(format: Option<&str>, topic: bool, pretty: bool, message: &Message) -> Vec<u8> {
    let format = match format {
        Some(text) => Format::template(Template::new(text.as_bytes(), true, pretty).unwrap()),
        None => Format::plain(topic, true),
    };
    let mut out = Vec::new();
    let _ = format.for_terminal(true).write(message, &mut out).unwrap();
    out
}

#[test]
fn the_manual_page_has_every_conversion() {
    let page = include_str!("../manual/formats.roff");
    for conversion in compile::CONVERSIONS.split(' ') {
        let entry = format!(".TP\n.B {conversion}\n");
        assert!(page.contains(&entry), "{conversion}");
    }
    for letter in compile::STRFTIME {
        let time = format!("@{}", char::from(*letter));
        let is_it = |word: &str| word.trim_matches('"') == time;
        assert!(page.split_whitespace().any(is_it), "{time}");
    }
}
