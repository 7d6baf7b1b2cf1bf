//! MQTT 5 properties on the wire, Topic Aliases, and the limits that we announce.

use bytes::{Bytes, BytesMut};
use mqtools_common::message::{Publication, Qos, Will};
use mqtools_common::property::{Properties, Property};
use mqtools_common::protocol::{
    Connect, Event, Farewell, PublishError, RetainHandling, Session, Subscription,
};
use mqtools_common::reason::{ReasonCode, Version};
use mqtools_common::topic::{TopicFilter, TopicName};
use proptest::prelude::*;
use rumqttc::v5::mqttbytes::v5;

use crate::driver::{Driver, lasting, publication};
use crate::wire::{self, FromClient, PUBACK};

fn user(key: &str, value: &str) -> Property {
    Property::UserProperty(key.into(), value.into())
}

/// A PUBLISH of QoS 0 or 1 with these properties.
fn publish(qos: u8, topic: &str, id: u16, properties: &[u8]) -> Vec<u8> {
    let mut body = wire::field(topic.as_bytes());
    if qos > 0 {
        body.extend(id.to_be_bytes());
    }
    body.push(properties.len() as u8);
    body.extend(properties);
    body.push(b'x');
    wire::frame(0x30 | qos << 1, &body)
}

fn accepting_aliases(maximum: u16) -> Driver {
    let connect = Connect {
        topic_alias_maximum: Some(maximum),
        ..lasting(Version::V5)
    };
    let mut driver = Driver::connecting(connect, 10);
    driver.accept(false, &[]);
    driver
}

fn with_alias(topic: &str, alias: u16, qos: Qos) -> Publication {
    Publication {
        topic: TopicName::new(topic).unwrap(),
        topic_alias: Some(alias),
        ..publication(qos, "x")
    }
}

/// Topic, whether it was spelt out, and alias of each PUBLISH.
fn names(sent: &[FromClient]) -> Vec<(String, bool, Option<u16>)> {
    sent.iter()
        .map(|packet| match packet {
            FromClient::Publish(publish) => {
                (publish.topic.clone(), publish.is_named, publish.alias)
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn connect_says_all_of_it() {
    let connect = Connect {
        session_expiry: Some(7),
        receive_maximum: Some(3),
        maximum_packet_size: Some(1000),
        topic_alias_maximum: Some(10),
        properties: [
            Property::RequestResponseInformation(1),
            Property::RequestProblemInformation(0),
            user("k", ""),
        ]
        .into_iter()
        .collect(),
        will: Some(Will {
            topic: TopicName::new("w").unwrap(),
            payload: Bytes::from_static(b"gone"),
            qos: Qos::AtLeastOnce,
            retain: false,
            properties: [
                Property::WillDelayInterval(5),
                Property::CorrelationData(Bytes::from_static(b"\0\xFF")),
            ]
            .into_iter()
            .collect(),
        }),
        ..lasting(Version::V5)
    };
    let mut session = Session::new(connect, 1, None);
    session.open(std::time::Instant::now()).unwrap();
    let expected = [
        &b"\0\x04MQTT\x05\x0C\0\x3C\x1A\x11\0\0\0\x07\x21\0\x03\x27\0\0\x03\xE8\x22\0\x0A"[..],
        b"\x19\x01\x17\0\x26\0\x01k\0\0",
        b"\0\x04test\x0A\x18\0\0\0\x05\x09\0\x02\0\xFF\0\x01w\0\x04gone",
    ]
    .concat();
    let sent = crate::driver::peek(session.output());
    assert_eq!(sent[2..], expected);
    assert_eq!(sent[..2], [0x10, expected.len() as u8]);
}

#[test]
fn each_request_has_its_properties() {
    let mut driver = Driver::online(Version::V5);
    let subscription = Subscription {
        retain_as_published: true,
        retain_handling: RetainHandling::Never,
        ..Subscription::new(TopicFilter::new("a").unwrap(), Qos::AtLeastOnce)
    };
    let identified: Properties = [
        Property::SubscriptionIdentifier(268_435_455),
        user("k", "v"),
    ]
    .into_iter()
    .collect();
    driver
        .session
        .subscribe(std::slice::from_ref(&subscription), &identified)
        .unwrap();
    assert_eq!(
        driver.sent_bytes(),
        b"\x82\x13\0\x01\x0C\x0B\xFF\xFF\xFF\x7F\x26\0\x01k\0\x01v\0\x01a\x29"
    );
    let pair: Properties = [user("k", "v")].into_iter().collect();
    driver
        .session
        .unsubscribe(std::slice::from_ref(&subscription.filter), &pair)
        .unwrap();
    assert_eq!(
        driver.sent_bytes(),
        b"\xA2\x0D\0\x02\x07\x26\0\x01k\0\x01v\0\x01a"
    );
    let subscription = Subscription {
        retain_as_published: false,
        retain_handling: RetainHandling::New,
        ..subscription
    };
    driver
        .session
        .subscribe(&[subscription], &Properties::default())
        .unwrap();
    assert_eq!(driver.sent_bytes(), b"\x82\x07\0\x03\0\0\x01a\x11");
}

#[test]
fn older_versions_have_none_of_it() {
    for version in [Version::V31, Version::V311] {
        let mut driver = Driver::online(version);
        let pair: Properties = [user("k", "v")].into_iter().collect();
        let subscription = Subscription {
            retain_as_published: true,
            retain_handling: RetainHandling::Never,
            ..Subscription::new(TopicFilter::new("a").unwrap(), Qos::AtLeastOnce)
        };
        driver.session.subscribe(&[subscription], &pair).unwrap();
        assert_eq!(driver.sent_bytes(), b"\x82\x06\0\x01\0\x01a\x01");
        let message = Publication {
            properties: pair,
            ..with_alias("t", 1, Qos::AtMostOnce)
        };
        driver.session.publish(&message).unwrap();
        assert_eq!(driver.sent_bytes(), b"\x30\x04\0\x01tx");
    }
}

#[test]
fn good_bye_has_properties_as_far_as_the_broker_takes_them() {
    let farewell = Farewell {
        session_expiry: Some(9),
        words: [Property::ReasonString("night".into())]
            .into_iter()
            .collect(),
    };
    for (limits, expected) in [
        (&[][..], &b"\xE0\x0F\0\x0D\x11\0\0\0\x09\x1F\0\x05night"[..]),
        (
            &[0x27, 0, 0, 0, 17],
            b"\xE0\x0F\0\x0D\x11\0\0\0\x09\x1F\0\x05night",
        ),
        (&[0x27, 0, 0, 0, 16], b"\xE0\x07\0\x05\x11\0\0\0\x09"),
    ] {
        let session = Session::new(lasting(Version::V5), 1, None).with_farewell(farewell.clone());
        let mut driver = Driver::online(Version::V5);
        driver.session = session;
        driver.open();
        driver.accept(false, limits);
        driver.session.disconnect(ReasonCode::SUCCESS);
        assert_eq!(driver.sent_bytes(), expected);
    }
}

#[test]
fn properties_count_towards_the_maximum_packet_size() {
    let message = Publication {
        properties: [user("k", "v")].into_iter().collect(),
        ..publication(Qos::AtMostOnce, "x")
    };
    // Fixed header 2, topic 3, properties 1 + 7, payload 1.
    let mut driver = Driver::online_with(Version::V5, 1, &[0x27, 0, 0, 0, 13]);
    assert_eq!(
        driver.session.publish(&message),
        Err(PublishError::OverBrokerMaximum {
            size: 14,
            maximum: 13
        })
    );
    let mut driver = Driver::online_with(Version::V5, 1, &[0x27, 0, 0, 0, 14]);
    driver.session.publish(&message).unwrap();
    assert_eq!(driver.sent_bytes().len(), 14);
    let pair: Properties = [user("key", "value")].into_iter().collect();
    let filters = [TopicFilter::new("a").unwrap()];
    assert!(driver.session.unsubscribe(&filters, &pair).is_err());
    // With its alias the message is too large, and by its alias alone it is not.
    let properties = [0x27, 0, 0, 0, 30, 0x22, 0, 1];
    let mut driver = Driver::online_with(Version::V5, 1, &properties);
    let long = "a/topic/of/20/bytes!";
    let message = with_alias(long, 1, Qos::AtMostOnce);
    driver.session.publish(&message).unwrap();
    let more = Publication {
        payload: b"twenty-two bytes long.".to_vec().into(),
        ..message
    };
    driver.session.publish(&more).unwrap();
    assert_eq!(
        names(&driver.sent()),
        [(long.into(), true, Some(1)), (long.into(), false, Some(1))]
    );
}

#[test]
fn an_alias_stands_for_the_topic_from_the_second_message_on() {
    let mut driver = Driver::online_with(Version::V5, 10, &[0x22, 0, 2]);
    for (topic, alias) in [
        ("a", 1),
        ("a", 1),
        ("b", 2),
        ("b", 1),
        ("a", 1),
        ("b", 3),
        ("b", 3),
    ] {
        driver
            .session
            .publish(&with_alias(topic, alias, Qos::AtMostOnce))
            .unwrap();
    }
    let expected = [
        ("a", true, Some(1)),
        ("a", false, Some(1)),
        ("b", true, Some(2)),
        // Another topic takes the alias over.
        ("b", true, Some(1)),
        ("a", true, Some(1)),
        // Over the broker's maximum.
        ("b", true, None),
        ("b", true, None),
    ];
    let expected = expected.map(|(topic, named, alias)| (topic.to_owned(), named, alias));
    assert_eq!(names(&driver.sent()), expected);
}

#[test]
fn a_new_connection_knows_no_alias() {
    let mut driver = Driver::online_with(Version::V5, 10, &[0x22, 0, 2]);
    for _ in 0..2 {
        driver
            .session
            .publish(&with_alias("a", 1, Qos::AtLeastOnce))
            .unwrap();
    }
    driver.sent();
    driver.session.lost();
    driver.open();
    driver.accept(true, &[0x22, 0, 2]);
    let name = |named, alias| ("a".to_owned(), named, alias);
    assert_eq!(
        names(&driver.sent()),
        [name(true, Some(1)), name(false, Some(1))]
    );
    // And this one takes none.
    driver.reconnect(true);
    assert_eq!(names(&driver.sent()), [name(true, None), name(true, None)]);
}

#[test]
fn a_received_alias_stands_for_its_topic() {
    let mut driver = accepting_aliases(2);
    for (topic, alias) in [("a/b", 2), ("", 2), ("c", 2), ("d", 1), ("", 2), ("", 1)] {
        driver.feed(&publish(0, topic, 0, &[0x23, 0, alias]));
    }
    let topics: Vec<(String, Option<u16>)> = driver
        .events()
        .iter()
        .map(|event| match event {
            Event::Message(message) => (
                message.topic.as_str().to_owned(),
                message.properties.as_ref().unwrap().topic_alias,
            ),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        ("a/b", 2),
        ("a/b", 2),
        ("c", 2),
        ("d", 1),
        ("c", 2),
        ("d", 1),
    ];
    assert_eq!(
        topics,
        expected.map(|(topic, alias)| (topic.to_owned(), Some(alias)))
    );
}

#[test]
fn a_wrong_alias_breaks_the_protocol() {
    for (maximum, topic, alias, why) in [
        (2, "a", 0, "it is 0"),
        (2, "a", 3, "is 3, and 1 to 2"),
        (2, "", 1, "nothing is known"),
        (0, "a", 1, "none was allowed"),
    ] {
        let mut driver = accepting_aliases(maximum);
        let error = driver.refuses(&publish(0, topic, 0, &[0x23, 0, alias]));
        assert!(error.contains(why), "{error}");
        assert_eq!(driver.events(), []);
        assert_eq!(driver.sent_bytes(), [0xE0, 1, 0x94]);
    }
    let mut driver = Driver::online(Version::V5);
    let error = driver.refuses(&publish(0, "a", 0, &[0x23, 0, 1]));
    assert!(error.contains("none was allowed"), "{error}");
    // What the last connection's alias stood for is forgotten.
    let mut driver = accepting_aliases(1);
    driver.feed(&publish(0, "a", 0, &[0x23, 0, 1]));
    driver.events();
    driver.reconnect(true);
    let error = driver.refuses(&publish(0, "", 0, &[0x23, 0, 1]));
    assert!(error.contains("nothing is known"), "{error}");
}

#[test]
fn a_packet_over_our_maximum_is_refused_before_it_is_there() {
    let limited = || {
        let connect = Connect {
            maximum_packet_size: Some(7),
            ..lasting(Version::V5)
        };
        let mut driver = Driver::connecting(connect, 10);
        driver.accept(false, &[]);
        driver
    };
    let mut driver = limited();
    driver.feed(&publish(0, "a", 0, &[]));
    assert_eq!(driver.events().len(), 1);
    let error = driver.refuses(&publish(0, "ab", 0, &[]));
    assert!(
        error.contains("8 bytes") && error.contains("is 7"),
        "{error}"
    );
    assert_eq!(driver.sent_bytes(), [0xE0, 1, 0x95]);
    let error = limited().refuses(&[0x30, 0xFF, 0xFF, 0xFF, 0x7F]);
    assert!(error.contains("268435460 bytes"), "{error}");
}

/// mosquitto 2.0 sends a resumed session's queue without a look at it.
#[test]
fn more_messages_than_our_receive_maximum_are_taken() {
    let connect = Connect {
        receive_maximum: Some(1),
        ..lasting(Version::V5)
    };
    let mut driver = Driver::connecting(connect, 10);
    driver.accept(true, &[]);
    for id in 1..=3 {
        driver.feed(&publish(1, "a", id, &[]));
    }
    assert_eq!(driver.events().len(), 3);
}

#[test]
fn words_of_the_broker_arrive_with_unsuback_and_connack() {
    let mut words = vec![0x1F];
    words.extend(wire::field(b"because"));
    let mut driver = Driver::connecting(lasting(Version::V5), 1);
    let mut properties = words.clone();
    properties.push(0x1A);
    properties.extend(wire::field(b"answers/7"));
    let accepted = driver.accept(false, &properties);
    assert_eq!(accepted.reason_string.as_deref(), Some("because"));
    assert_eq!(accepted.response_information.as_deref(), Some("answers/7"));
    let filters = [TopicFilter::new("a").unwrap()];
    let id = driver
        .session
        .unsubscribe(&filters, &Properties::default())
        .unwrap();
    let mut body = id.to_be_bytes().to_vec();
    body.push(words.len() as u8);
    body.extend(&words);
    body.push(0x87);
    driver.feed(&wire::frame(0xB0, &body));
    assert_eq!(
        driver.events(),
        [Event::Unsubscribed {
            packet_id: id,
            codes: vec![ReasonCode(0x87)],
            reason_string: Some("because".into()),
        }]
    );
    driver.publish(Qos::AtLeastOnce, "x");
    driver.feed(&wire::ack_words(PUBACK, 2, 0x97, "too much"));
    let [Event::Published { reason_string, .. }] = &driver.events()[..] else {
        panic!("no end of the exchange");
    };
    assert_eq!(reason_string.as_deref(), Some("too much"));
}

/// A list and the same for `rumqttc`, which writes in an order of its own.
fn reference(list: &[Property]) -> v5::PublishProperties {
    let mut all = v5::PublishProperties::default();
    for property in list {
        match property.clone() {
            Property::PayloadFormatIndicator(n) => all.payload_format_indicator = Some(n),
            Property::MessageExpiryInterval(n) => all.message_expiry_interval = Some(n),
            Property::ContentType(text) => all.content_type = Some(text),
            Property::ResponseTopic(text) => all.response_topic = Some(text),
            Property::CorrelationData(bytes) => all.correlation_data = Some(bytes),
            Property::UserProperty(key, value) => all.user_properties.push((key, value)),
            other => panic!("{other:?}"),
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rumqttc_reads_the_properties_that_we_write(
        indicator in prop::option::of(0..2u8),
        expiry: Option<u32>,
        texts in prop::option::of(("\\PC{0,200}", "\\PC{0,90}")),
        data in prop::option::of(prop::collection::vec(any::<u8>(), 0..90)),
        pairs in prop::collection::vec(("\\PC{0,20}", "\\PC{0,20}"), 0..4),
    ) {
        let mut list: Vec<Property> = pairs.into_iter().map(|(key, value)| Property::UserProperty(key, value)).collect();
        list.extend(indicator.map(Property::PayloadFormatIndicator));
        list.extend(expiry.map(Property::MessageExpiryInterval));
        if let Some((content, topic)) = texts {
            list.extend([Property::ContentType(content), Property::ResponseTopic(topic)]);
        }
        list.extend(data.map(|bytes| Property::CorrelationData(bytes.into())));
        let mut driver = Driver::online(Version::V5);
        let message = Publication { properties: list.iter().cloned().collect(), ..publication(Qos::AtLeastOnce, "x") };
        driver.session.publish(&message).unwrap();
        let mut bytes = BytesMut::from(&driver.sent_bytes()[..]);
        let v5::Packet::Publish(read) = v5::Packet::read(&mut bytes, None).unwrap() else {
            panic!("no PUBLISH");
        };
        prop_assert_eq!(read.properties.unwrap_or_default(), reference(&list));
        prop_assert_eq!((&read.topic[..], &read.payload[..]), (&b"t"[..], &b"x"[..]));
        // And we read what we write.
        let mut driver = Driver::online(Version::V5);
        driver.session.publish(&message).unwrap();
        let bytes = driver.sent_bytes();
        driver.feed(&bytes);
        let [Event::Message(message)] = &driver.events()[..] else {
            panic!("no message");
        };
        let known = message.properties.clone().unwrap_or_default();
        prop_assert_eq!(known.user_properties, reference(&list).user_properties);
        prop_assert_eq!(known.correlation_data, reference(&list).correlation_data);
        prop_assert_eq!(known.message_expiry_interval, expiry);
        prop_assert_eq!(known.content_type, reference(&list).content_type);
    }
}
