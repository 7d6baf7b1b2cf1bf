//! Packets that are broken, unusual, or not for a client; one case each.

use mqtools_common::message::Qos;
use mqtools_common::property::PublishProperties;
use mqtools_common::protocol::Event;
use mqtools_common::reason::{ReasonCode, Version};

use crate::driver::{Driver, EVERY, lasting, published};
use crate::wire::{self, PUBACK};

fn refuses(version: Version, bytes: &[u8], expected: &str) {
    let mut driver = Driver::online(version);
    let why = driver.refuses(bytes);
    assert!(why.contains(expected), "{bytes:02x?}: {why}");
    assert_eq!(driver.events(), []);
    // In MQTT 5 the broker is told: malformed packet, protocol error or invalid alias.
    match (version, &driver.sent_bytes()[..]) {
        (Version::V5, [0xE0, 1, 0x81 | 0x82 | 0x94]) => {}
        (Version::V31 | Version::V311, []) => {}
        (_, sent) => panic!("{bytes:02x?}: {sent:02x?}"),
    }
    // Nothing more is taken in over this connection.
    driver
        .try_feed(&wire::publish(version, (false, 0), "t", 0, b"x"))
        .unwrap();
    assert_eq!(driver.events(), []);
}

fn closed(reason: u8, words: Option<&str>) -> Event {
    Event::Closed {
        reason: ReasonCode(reason),
        reason_string: words.map(str::to_owned),
    }
}

#[test]
fn disconnect_of_two_bytes() {
    let mut driver = Driver::online(Version::V5);
    driver.feed(&[0xE0, 0]);
    assert_eq!(driver.events(), [closed(0, None)]);
    assert!(!driver.session.is_online());
}

#[test]
fn disconnect_with_a_reason_only() {
    let mut driver = Driver::online(Version::V5);
    driver.feed(&[0xE0, 1, 0x8E]);
    assert_eq!(driver.events(), [closed(0x8E, None)]);
}

#[test]
fn disconnect_with_properties() {
    let mut body = vec![0x8B, 0, 0x1F];
    body.extend(wire::field(b"night"));
    body.push(0x1C);
    body.extend(wire::field(b"other:1883"));
    body[1] = body.len() as u8 - 2;
    let mut driver = Driver::online(Version::V5);
    driver.feed(&wire::frame(0xE0, &body));
    assert_eq!(driver.events(), [closed(0x8B, Some("night"))]);
}

#[test]
fn disconnect_is_not_for_a_client_of_3_1_1() {
    refuses(Version::V311, &[0xE0, 0], "0xE0");
}

#[test]
fn puback_with_a_reason_only() {
    let mut driver = Driver::online(Version::V5);
    driver.publish(Qos::AtLeastOnce, "x");
    driver.feed(&[PUBACK, 3, 0, 1, 0x87]);
    assert_eq!(driver.events(), [published(1, 0x87)]);
    refuses(Version::V311, &[PUBACK, 3, 0, 1, 0x87], "too long");
}

#[test]
fn a_length_field_that_does_not_end() {
    for version in EVERY {
        refuses(version, &[0x30, 0x80, 0x80, 0x80, 0x80], "does not end");
        refuses(
            version,
            &[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            "does not end",
        );
    }
}

#[test]
fn packets_that_a_broker_may_not_send() {
    for version in EVERY {
        for first in 0..=0xFFu8 {
            let allowed = match first {
                0x20 | 0x30..=0x3F | 0x40 | 0x50 | 0x62 | 0x70 | 0x90 | 0xB0 | 0xD0 => true,
                0xE0 | 0xF0 => version == Version::V5,
                _ => false,
            };
            if !allowed {
                refuses(version, &[first, 2, 0, 1], &format!("0x{first:02X}"));
                // Already its first byte: the length it announces may never come.
                refuses(version, &[first], &format!("0x{first:02X}"));
            }
        }
    }
    refuses(Version::V5, &[0xF0, 2, 0x18, 0], "AUTH");
}

#[test]
fn packets_that_are_too_short_or_too_long() {
    for version in EVERY {
        for bytes in [
            &[0x30, 0][..],
            &[0x30, 1, 0],
            &[0x30, 3, 0, 2, b'a'],
            &[0x32, 4, 0, 1, b't', 0],
            &[PUBACK, 0],
            &[PUBACK, 1, 0],
            &[0x90, 1, 0],
            &[0xB0, 0],
        ] {
            refuses(version, bytes, "too short");
        }
        refuses(version, &[0xD0, 1, 0], "too long");
    }
    refuses(Version::V311, &[0xB0, 3, 0, 1, 0], "too long");
    refuses(Version::V5, &[PUBACK, 5, 0, 1, 0, 0, 9], "too long");
    refuses(Version::V5, &[0x30, 3, 0, 1, b't'], "too short");
    let mut driver = Driver::connecting(lasting(Version::V311), 1);
    assert!(driver.refuses(&[0x20, 1, 0]).contains("too short"));
    let mut driver = Driver::connecting(lasting(Version::V311), 1);
    assert!(driver.refuses(&[0x20, 3, 0, 0, 0]).contains("too long"));
}

#[test]
fn publish_with_qos_3() {
    for version in EVERY {
        refuses(version, &[0x36, 6, 0, 1, b't', 0, 1, 0], "QoS is 3");
    }
}

#[test]
fn identifier_0() {
    for version in EVERY {
        for qos in [1, 2] {
            let publish = wire::publish(version, (false, qos), "t", 0, b"x");
            refuses(version, &publish, "Packet Identifier is 0");
        }
        for kind in [PUBACK, wire::PUBREC, wire::PUBREL, wire::PUBCOMP] {
            refuses(version, &wire::ack(kind, 0), "Packet Identifier is 0");
        }
        let suback = wire::codes(version, 0x90, 0, &[0]);
        refuses(version, &suback, "Packet Identifier is 0");
    }
}

#[test]
fn topics_that_are_none() {
    for version in EVERY {
        refuses(version, &[0x30, 4, 0, 1, 0xFF, 0], "not valid UTF-8");
        refuses(version, &[0x30, 4, 0, 1, 0, 0], "NUL");
        refuses(version, &[0x30, 3, 0, 0, 0], "topic is empty");
    }
}

#[test]
fn a_topic_alias_that_was_not_allowed() {
    refuses(
        Version::V5,
        &[0x30, 7, 0, 1, b't', 3, 0x23, 0, 1],
        "Topic Alias",
    );
}

#[test]
fn three_subscription_identifiers_are_not_payload() {
    let mut driver = Driver::online(Version::V5);
    let properties = [0x0B, 1, 0x0B, 0x80, 1, 0x0B, 3];
    let mut body = vec![0, 1, b't', properties.len() as u8];
    body.extend(properties);
    body.extend(b"payload");
    driver.feed(&wire::frame(0x30, &body));
    match &driver.events()[..] {
        [Event::Message(message)] => {
            assert_eq!(message.payload, "payload");
            let properties = message.properties.as_deref().unwrap();
            assert_eq!(properties.subscription_identifiers, [1, 128, 3]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_property_of_a_publish_arrives() {
    let mut list = vec![0x01, 1, 0x02, 0, 0, 1, 0, 0x0B, 42];
    for (id, text) in [
        (0x03, &b"text/plain"[..]),
        (0x08, b"answers"),
        (0x09, b"\0\xFF"),
    ] {
        list.push(id);
        list.extend(wire::field(text));
    }
    for value in [b"one", b"two"] {
        list.push(0x26);
        list.extend(wire::field(b"key"));
        list.extend(wire::field(value));
    }
    let mut body = vec![0, 1, b't', list.len() as u8];
    body.extend(list);
    body.extend(b"payload");
    let mut driver = Driver::online(Version::V5);
    driver.feed(&wire::frame(0x30, &body));
    let [Event::Message(message)] = &driver.events()[..] else {
        panic!("no message");
    };
    assert_eq!(message.payload, "payload");
    let expected = PublishProperties {
        payload_format_indicator: Some(1),
        message_expiry_interval: Some(256),
        topic_alias: None,
        content_type: Some("text/plain".into()),
        response_topic: Some("answers".into()),
        correlation_data: Some(b"\0\xFF"[..].into()),
        subscription_identifiers: vec![42],
        user_properties: vec![("key".into(), "one".into()), ("key".into(), "two".into())],
    };
    assert_eq!(message.properties.as_deref(), Some(&expected));
}

#[test]
fn a_publish_without_properties_has_none() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        driver.feed(&wire::publish(version, (false, 0), "t", 0, b"x"));
        match &driver.events()[..] {
            [Event::Message(message)] => assert_eq!(message.properties, None),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_property_may_not_reach_into_the_payload() {
    // The list has 3 bytes, its content type wants 4 + 3.
    let body = b"\x00\x01t\x03\x03\x00\x04abcdpayload";
    refuses(Version::V5, &wire::frame(0x30, body), "too short");
    // The list says 100 bytes, and the packet has fewer.
    refuses(Version::V5, &[0x30, 5, 0, 1, b't', 100, 1], "too short");
    // An identifier that is none.
    refuses(
        Version::V5,
        &[0x30, 6, 0, 1, b't', 2, 0x7F, 1],
        "unknown property 0x7F",
    );
    refuses(
        Version::V5,
        &[0x30, 8, 0, 1, b't', 4, 0x03, 0, 1, 0xFF],
        "not valid UTF-8",
    );
}
