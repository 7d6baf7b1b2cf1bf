//! The codec: what one session writes, another reads as it was meant.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use mqtools_common::message::{Message, Publication, Qos};
use mqtools_common::property::{Property, PublishProperties};
use mqtools_common::protocol::{Connect, Event, Farewell, Session};
use mqtools_common::reason::{ReasonCode, Version};
use mqtools_common::topic::TopicName;

use crate::Target;
use crate::cursor::Cursor;
use crate::stream::peek;

/// The version, a good-bye, the topic and the QoS of a message, its properties, its payload.
pub(crate) const ROUND_TRIP: Target = Target {
    name: "round_trip",
    run: round_trip,
    words: &[
        b"\x00",
        b"\x01",
        b"\x08",
        b"\xff",
        b"\xc3\xa4",
        b"topic",
        b"\x00\x00\x00\x00",
        b"\xff\xff\xff\xff",
    ],
    memory: (512 << 10, 256),
    cases: 12_000,
};

/// From this size on a payload is not copied; see `protocol::codec`.
const SHARED: usize = 8 * 1024;

fn round_trip(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let version = cursor.version();
    let (code, words) = (cursor.byte(), cursor.text());
    let topic = TopicName::new(&cursor.text()).unwrap_or_else(|_| TopicName::new("t").unwrap());
    let (qos, flags) = (cursor.qos(), cursor.byte());
    let list = properties(&mut cursor, flags);
    let mut payload = cursor.rest().to_vec();
    if flags & 2 != 0 {
        payload.resize(payload.len() + SHARED - 4, b'.');
    }
    let message = Publication {
        topic,
        payload: payload.into(),
        qos,
        retain: flags & 1 != 0,
        properties: list.iter().cloned().collect(),
        topic_alias: (flags & 4 != 0).then_some(7),
    };
    let farewell = Farewell {
        session_expiry: None,
        words: [Property::ReasonString(words.clone())]
            .into_iter()
            .collect(),
    };
    let mut writer = online(version, farewell);
    let mut reader = online(version, Farewell::default());
    // Twice: the second time an alias may stand for the topic.
    for _ in 0..2 {
        let packet_id = writer.publish(&message).unwrap();
        deliver(&mut writer, &mut reader);
        match reader.next_event() {
            Some(Event::Message(read)) => check(version, &read, &message, &list, &mut reader),
            other => panic!("{other:?}"),
        }
        while !(reader.output().is_empty() && writer.output().is_empty()) {
            deliver(&mut reader, &mut writer);
            deliver(&mut writer, &mut reader);
        }
        if let Some(packet_id) = packet_id {
            let end = Event::Published {
                packet_id,
                reason: ReasonCode::SUCCESS,
                reason_string: None,
            };
            assert_eq!(writer.next_event(), Some(end));
        }
        assert_eq!((writer.unacknowledged(), writer.next_event()), (0, None));
        assert_eq!(reader.next_event(), None);
    }
    writer.disconnect(ReasonCode(code));
    if version == Version::V5 {
        deliver(&mut writer, &mut reader);
        let closed = Event::Closed {
            reason: ReasonCode(code),
            reason_string: Some(words),
        };
        assert_eq!(reader.next_event(), Some(closed));
    } else {
        assert_eq!(peek(writer.output()), b"\xe0\x00");
    }
}

fn check(
    version: Version,
    read: &Message,
    sent: &Publication,
    list: &[Property],
    reader: &mut Session,
) {
    assert_eq!(read.topic, sent.topic);
    assert_eq!(Some(&read.payload), sent.payload.bytes());
    assert_eq!(
        (read.qos, read.retain, read.dup),
        (sent.qos, sent.retain, false)
    );
    let mut found = read.properties.as_deref().cloned().unwrap_or_default();
    found.topic_alias = None;
    match version {
        Version::V5 => assert_eq!(found, as_received(list)),
        _ => assert_eq!(found, PublishProperties::default()),
    }
    assert_eq!(read.receipt.is_some(), sent.qos != Qos::AtMostOnce);
    if let Some(receipt) = read.receipt {
        reader.acknowledge(receipt);
    }
}

fn online(version: Version, farewell: Farewell) -> Session {
    let connect = Connect {
        version,
        topic_alias_maximum: (version == Version::V5).then_some(10),
        ..Connect::default()
    };
    let now = Instant::now();
    let mut session = Session::new(connect, 10, None).with_farewell(farewell);
    session.open(now).unwrap();
    // The broker takes Topic Aliases up to 10.
    let connack: &[u8] = match version {
        Version::V5 => b"\x20\x06\x00\x00\x03\x22\x00\x0a",
        _ => b"\x20\x02\x00\x00",
    };
    session.feed(&mut BytesMut::from(connack), now).unwrap();
    assert!(matches!(session.next_event(), Some(Event::Connected(_))));
    let output = session.output();
    output.advance(output.len());
    session
}

fn deliver(from: &mut Session, to: &mut Session) {
    let output = from.output();
    let mut bytes = BytesMut::from(&peek(output)[..]);
    output.advance(bytes.len());
    to.feed(&mut bytes, Instant::now()).unwrap();
    assert!(bytes.is_empty(), "not taken in: {bytes:?}");
}

/// Properties of a PUBLISH, none but User Properties and Subscription Identifiers twice.
fn properties(cursor: &mut Cursor<'_>, flags: u8) -> Vec<Property> {
    let mut list = Vec::new();
    let has = |bit: u8| flags & 1 << bit != 0;
    if has(3) {
        list.push(Property::PayloadFormatIndicator(cursor.byte() & 1));
        list.push(Property::MessageExpiryInterval(cursor.u32()));
    }
    if has(4) {
        list.push(Property::ContentType(cursor.text()));
        list.push(Property::ResponseTopic(cursor.text()));
    }
    if has(5) {
        list.push(Property::CorrelationData(Bytes::copy_from_slice(
            cursor.short(),
        )));
    }
    if has(6) {
        for _ in 0..cursor.byte() % 8 {
            list.push(Property::SubscriptionIdentifier(
                cursor.u32() % 268_435_455 + 1,
            ));
        }
    }
    if has(7) {
        for _ in 0..cursor.byte() % 8 {
            list.push(Property::UserProperty(cursor.text(), cursor.text()));
        }
    }
    list
}

fn as_received(list: &[Property]) -> PublishProperties {
    let mut all = PublishProperties::default();
    for property in list.iter().cloned() {
        match property {
            Property::PayloadFormatIndicator(byte) => all.payload_format_indicator = Some(byte),
            Property::MessageExpiryInterval(n) => all.message_expiry_interval = Some(n),
            Property::ContentType(text) => all.content_type = Some(text),
            Property::ResponseTopic(text) => all.response_topic = Some(text),
            Property::CorrelationData(bytes) => all.correlation_data = Some(bytes),
            Property::SubscriptionIdentifier(n) => all.subscription_identifiers.push(n),
            Property::UserProperty(key, value) => all.user_properties.push((key, value)),
            other => panic!("not a PUBLISH's: {other:?}"),
        }
    }
    all
}
