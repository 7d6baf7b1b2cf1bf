//! What we write against `rumqttc`'s own packets, and what `rumqttc` writes as we read it.

use std::io::IoSlice;

use bytes::{Bytes, BytesMut};
use mqtools_common::message::{Publication, Qos};
use mqtools_common::property::Properties;
use mqtools_common::protocol::{Event, Subscription};
use mqtools_common::reason::Version;
use mqtools_common::topic::{TopicFilter, TopicName};
use proptest::prelude::*;
use rumqttc::mqttbytes::{QoS as QosV4, v4};
use rumqttc::v5::mqttbytes::{QoS as QosV5, v5};

use crate::driver::{Driver, EVERY, publication};
use crate::wire;

/// From this size on a payload is shared instead of copied.
const SHARED: usize = 8 * 1024;

fn v4_qos(qos: Qos) -> QosV4 {
    rumqttc::mqttbytes::qos(qos.level()).unwrap()
}

fn v5_qos(qos: Qos) -> QosV5 {
    rumqttc::v5::mqttbytes::qos(qos.level()).unwrap()
}

fn reference(version: Version, message: &Publication, id: u16, dup: bool) -> BytesMut {
    let mut bytes = BytesMut::new();
    match version {
        Version::V31 | Version::V311 => v4::Publish {
            dup,
            qos: v4_qos(message.qos),
            retain: message.retain,
            topic: message.topic.as_str().to_owned(),
            pkid: id,
            payload: message.payload.bytes().unwrap().clone(),
        }
        .write(&mut bytes)
        .unwrap(),
        Version::V5 => v5::Publish {
            dup,
            qos: v5_qos(message.qos),
            retain: message.retain,
            topic: Bytes::copy_from_slice(message.topic.as_bytes()),
            pkid: id,
            payload: message.payload.bytes().unwrap().clone(),
            properties: None,
        }
        .write(&mut bytes)
        .unwrap(),
    };
    bytes
}

fn any_qos() -> impl Strategy<Value = Qos> {
    prop_oneof![
        Just(Qos::AtMostOnce),
        Just(Qos::AtLeastOnce),
        Just(Qos::ExactlyOnce)
    ]
}

fn any_version() -> impl Strategy<Value = Version> {
    prop::sample::select(&EVERY[..])
}

/// Around every boundary of the length field and of sharing.
fn any_size() -> impl Strategy<Value = usize> {
    prop_oneof![
        6 => 0..300usize,
        4 => SHARED - 20..SHARED + 20,
        4 => 16_384 - 40..16_384 + 20usize,
        1 => 2_097_152 - 40..2_097_152 + 20usize,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn publish_is_what_rumqttc_writes(
        version in any_version(),
        topic in "[a-z/\u{e9}\u{4e16}]{1,40}",
        size in any_size(),
        qos in any_qos(),
        retain: bool,
        before in 0..3u16,
    ) {
        let mut driver = Driver::online(version);
        for _ in 0..before {
            driver.publish(Qos::AtLeastOnce, "x");
        }
        driver.sent();
        let message = Publication {
            topic: TopicName::new(&topic).unwrap(),
            payload: (0..size).map(|n| n as u8).collect::<Vec<_>>().into(),
            retain,
            ..publication(qos, "")
        };
        let id = driver.session.publish(&message).unwrap();
        prop_assert_eq!(id, (qos != Qos::AtMostOnce).then_some(before + 1));
        let id = id.unwrap_or_default();
        prop_assert!(driver.sent_bytes() == reference(version, &message, id, false));
        if qos != Qos::AtMostOnce {
            driver.reconnect(true);
            let resent = driver.sent_bytes();
            prop_assert!(resent.ends_with(&reference(version, &message, id, true)));
        }
    }

    #[test]
    fn subscribe_and_unsubscribe_are_what_rumqttc_writes(
        version in any_version(),
        filters in prop::collection::vec(("[a-z]{1,60}(/#)?", any_qos()), 1..6),
    ) {
        let mut driver = Driver::online(version);
        let subscriptions: Vec<Subscription> = filters
            .iter()
            .map(|(filter, qos)| Subscription::new(TopicFilter::new(filter).unwrap(), *qos))
            .collect();
        let names: Vec<TopicFilter> = subscriptions.iter().map(|s| s.filter.clone()).collect();
        let none = Properties::default();
        driver.session.subscribe(&subscriptions, &none).unwrap();
        driver.session.unsubscribe(&names, &none).unwrap();
        let mut expected = BytesMut::new();
        let paths = filters.iter().map(|(filter, _)| filter.clone()).collect();
        match version {
            Version::V31 | Version::V311 => {
                let filters = filters.iter().map(|(filter, qos)| v4::SubscribeFilter::new(filter.clone(), v4_qos(*qos)));
                let mut packet = v4::Subscribe::new_many(filters);
                packet.pkid = 1;
                packet.write(&mut expected).unwrap();
                v4::Unsubscribe { pkid: 2, topics: paths }.write(&mut expected).unwrap();
            }
            Version::V5 => {
                let filters = filters.iter().map(|(filter, qos)| v5::Filter::new(filter.clone(), v5_qos(*qos)));
                let mut packet = v5::Subscribe::new_many(filters, None);
                packet.pkid = 1;
                packet.write(&mut expected).unwrap();
                v5::Unsubscribe { pkid: 2, filters: paths, properties: None }.write(&mut expected).unwrap();
            }
        }
        prop_assert_eq!(driver.sent_bytes(), expected);
    }

    #[test]
    fn a_publish_that_rumqttc_writes_arrives_whole(
        version in any_version(),
        topic in "[a-z/\u{e9}\u{4e16}]{1,40}",
        payload in prop::collection::vec(any::<u8>(), 0..300),
        qos in any_qos(),
        retain: bool,
        dup: bool,
        numbers in prop::collection::vec(1..268_435_455usize, 0..6),
        texts in prop::collection::vec(("[a-z]{0,90}", "\\PC{0,20}"), 0..3),
        indicator in prop::option::of(0..2u8),
        expiry: Option<u32>,
        data in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
    ) {
        let mut bytes = BytesMut::new();
        let payload = Bytes::from(payload);
        match version {
            Version::V31 | Version::V311 => v4::Publish {
                dup,
                qos: v4_qos(qos),
                retain,
                topic: topic.clone(),
                pkid: 77,
                payload: payload.clone(),
            }
            .write(&mut bytes)
            .unwrap(),
            Version::V5 => v5::Publish {
                dup,
                qos: v5_qos(qos),
                retain,
                topic: Bytes::from(topic.clone()),
                pkid: 77,
                payload: payload.clone(),
                properties: Some(v5::PublishProperties {
                    payload_format_indicator: indicator,
                    message_expiry_interval: expiry,
                    topic_alias: None,
                    response_topic: texts.first().map(|(text, _)| text.clone()),
                    correlation_data: data.map(Bytes::from),
                    content_type: texts.last().map(|(_, text)| text.clone()),
                    user_properties: texts,
                    subscription_identifiers: numbers,
                }),
            }
            .write(&mut bytes)
            .unwrap(),
        };
        let mut driver = Driver::online(version);
        driver.feed(&bytes);
        match driver.session.next_event() {
            Some(Event::Message(message)) => {
                prop_assert_eq!(message.topic.as_str(), topic);
                prop_assert_eq!(message.payload, payload);
                prop_assert_eq!((message.qos, message.retain, message.dup), (qos, retain, dup));
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }
}

#[test]
fn a_large_payload_is_not_copied() {
    for version in EVERY {
        for size in [SHARED - 1, SHARED] {
            let mut driver = Driver::online(version);
            let message = Publication {
                topic: TopicName::new("t").unwrap(),
                payload: vec![7; size].into(),
                ..publication(Qos::AtLeastOnce, "")
            };
            driver.session.publish(&message).unwrap();
            driver.publish(Qos::AtMostOnce, "after");
            let mut slices = [IoSlice::new(&[]); 8];
            let count = driver.session.output().slices(&mut slices);
            let shared = slices[..count]
                .iter()
                .any(|slice| slice.as_ptr() == message.payload.bytes().unwrap().as_ptr());
            assert_eq!(shared, size >= SHARED, "{size} bytes");
            let mut expected = reference(version, &message, 1, false).to_vec();
            expected.extend(wire::publish(version, (false, 0), "t", 0, b"after"));
            assert_eq!(driver.sent_bytes(), expected);
        }
    }
}
