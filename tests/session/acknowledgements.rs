//! What ends the exchange of a message we published, and what does not.

use mqtools_common::message::Qos;
use mqtools_common::property::Properties;
use mqtools_common::protocol::{Event, PublishError};
use mqtools_common::reason::{ReasonCode, Version};

use crate::driver::{Driver, EVERY, publication, published};
use crate::wire::{self, FromClient, PUBACK, PUBCOMP, PUBREC, PUBREL};

const PUBREL_OF_1: FromClient = FromClient::Ack {
    kind: PUBREL,
    id: 1,
    reason: 0,
};

#[test]
fn qos_0_needs_no_acknowledgement_and_no_room() {
    for version in EVERY {
        let mut driver = Driver::online_with(version, 1, &[]);
        driver.publish(Qos::AtLeastOnce, "fills the window");
        for _ in 0..5 {
            assert_eq!(driver.publish(Qos::AtMostOnce, "x"), None);
        }
        assert_eq!(driver.session.unacknowledged(), 1);
        assert_eq!(driver.sent().len(), 6);
    }
}

#[test]
fn qos_1_ends_with_puback() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        assert_eq!(driver.publish(Qos::AtLeastOnce, "x"), Some(1));
        assert_eq!(driver.session.unacknowledged(), 1);
        driver.feed(&wire::ack(PUBACK, 1));
        assert_eq!(driver.events(), [published(1, 0)]);
        assert_eq!(driver.session.unacknowledged(), 0);
    }
}

#[test]
fn qos_2_ends_with_pubcomp() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        driver.publish(Qos::ExactlyOnce, "x");
        driver.sent();
        driver.feed(&wire::ack(PUBREC, 1));
        assert_eq!(driver.sent(), [PUBREL_OF_1]);
        assert_eq!(driver.events(), []);
        assert_eq!(driver.session.unacknowledged(), 1);
        driver.feed(&wire::ack(PUBCOMP, 1));
        assert_eq!(driver.events(), [published(1, 0)]);
        assert_eq!(driver.session.unacknowledged(), 0);
    }
}

#[test]
fn an_unknown_identifier_is_ignored() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        driver.publish(Qos::AtLeastOnce, "x");
        driver.sent();
        for kind in [PUBACK, PUBREC, PUBCOMP] {
            driver.feed(&wire::ack(kind, 77));
        }
        assert_eq!(driver.events(), []);
        assert_eq!(driver.sent(), []);
        assert_eq!(driver.session.unacknowledged(), 1);
    }
}

#[test]
fn a_second_acknowledgement_counts_no_second_time() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        driver.publish(Qos::AtLeastOnce, "a");
        driver.publish(Qos::AtLeastOnce, "b");
        driver.feed(&wire::ack(PUBACK, 1));
        driver.feed(&wire::ack(PUBACK, 1));
        assert_eq!(driver.events(), [published(1, 0)]);
        assert_eq!(driver.session.unacknowledged(), 1);
    }
}

#[test]
fn a_second_pubrec_gets_a_second_pubrel() {
    let mut driver = Driver::online(Version::V311);
    driver.publish(Qos::ExactlyOnce, "x");
    driver.sent();
    driver.feed(&wire::ack(PUBREC, 1));
    driver.feed(&wire::ack(PUBREC, 1));
    assert_eq!(driver.sent(), [PUBREL_OF_1, PUBREL_OF_1]);
    assert_eq!(driver.session.unacknowledged(), 1);
}

#[test]
fn what_comes_after_pubcomp_is_ignored() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        driver.publish(Qos::ExactlyOnce, "x");
        driver.feed(&wire::ack(PUBREC, 1));
        driver.feed(&wire::ack(PUBCOMP, 1));
        driver.sent();
        for kind in [PUBCOMP, PUBREC] {
            driver.feed(&wire::ack(kind, 1));
        }
        assert_eq!(driver.events(), [published(1, 0)]);
        assert_eq!(driver.sent(), []);
        assert_eq!(driver.session.unacknowledged(), 0);
    }
}

#[test]
fn a_refusal_after_the_consent_is_a_protocol_error() {
    let mut driver = Driver::online(Version::V5);
    driver.publish(Qos::ExactlyOnce, "x");
    driver.feed(&wire::ack(PUBREC, 1));
    let why = driver.refuses(&wire::ack_reason(PUBREC, 1, 0x97));
    assert!(why.contains("PUBREC"), "{why}");
    assert_eq!(driver.events(), []);
    assert_eq!(driver.session.unacknowledged(), 1);
}

/// Messages go out again only over another connection (MQTT-4.4.0-1), however long it takes.
#[test]
fn a_broker_that_never_acknowledges_gets_nothing_twice() {
    for version in EVERY {
        let mut driver = Driver::online_with(version, 2, &[]);
        driver.publish(Qos::AtLeastOnce, "a");
        driver.publish(Qos::ExactlyOnce, "b");
        assert_eq!(driver.sent().len(), 2);
        for _ in 0..100 {
            driver.now = driver.session.deadline().unwrap();
            driver.session.tick(driver.now).unwrap();
            assert_eq!(driver.sent(), [FromClient::Pingreq]);
            driver.feed(&[0xD0, 0]);
        }
        assert_eq!(driver.events(), []);
        assert!(!driver.session.has_room());
        assert_eq!(driver.session.unacknowledged(), 2);
        assert_eq!(driver.session.unacknowledged_bytes(), 2);
    }
}

#[test]
fn with_receive_maximum_1_messages_go_one_at_a_time() {
    let mut driver = Driver::online_with(Version::V5, 10, &[0x21, 0, 1]);
    for (id, qos, answers) in [
        (1, Qos::AtLeastOnce, vec![(PUBACK, 0)]),
        (2, Qos::ExactlyOnce, vec![(PUBREC, 0), (PUBCOMP, 0)]),
        (3, Qos::ExactlyOnce, vec![(PUBREC, 0x97)]),
        (4, Qos::AtLeastOnce, vec![(PUBACK, 0x87)]),
        (5, Qos::ExactlyOnce, vec![(PUBREC, 0x10), (PUBCOMP, 0x92)]),
    ] {
        assert_eq!(driver.publish(qos, "x"), Some(id));
        for (kind, reason) in answers {
            assert!(!driver.session.has_room());
            let refused = driver.session.publish(&publication(qos, "y"));
            assert_eq!(refused, Err(PublishError::WindowFull));
            assert_eq!(driver.publish(Qos::AtMostOnce, "z"), None);
            driver.feed(&wire::ack_reason(kind, id, reason));
        }
        assert!(driver.session.has_room());
    }
}

#[test]
fn acknowledgements_may_come_in_any_order() {
    for version in EVERY {
        let mut driver = Driver::online_with(version, 3, &[]);
        for payload in ["a", "b", "c"] {
            driver.publish(Qos::AtLeastOnce, payload);
        }
        assert!(!driver.session.has_room());
        for id in [3, 1, 2] {
            driver.feed(&wire::ack(PUBACK, id));
            assert!(driver.session.has_room());
        }
        assert_eq!(
            driver.events(),
            [published(3, 0), published(1, 0), published(2, 0)]
        );
        assert_eq!(driver.publish(Qos::AtLeastOnce, "d"), Some(4));
    }
}

#[test]
fn a_full_window_takes_nothing_until_an_acknowledgement() {
    for version in EVERY {
        let mut driver = Driver::online_with(version, 2, &[]);
        driver.publish(Qos::AtLeastOnce, "a");
        driver.publish(Qos::ExactlyOnce, "b");
        driver.sent();
        let refused = driver.session.publish(&publication(Qos::AtLeastOnce, "c"));
        assert_eq!(refused, Err(PublishError::WindowFull));
        assert_eq!(driver.sent(), []);
        // PUBREC is only half of it.
        driver.feed(&wire::ack(PUBREC, 2));
        assert!(!driver.session.has_room());
        driver.feed(&wire::ack(PUBCOMP, 2));
        assert!(driver.session.has_room());
    }
}

#[test]
fn every_error_code_of_pubrec_ends_the_exchange_and_frees_the_window() {
    for reason in 0x80..=0xFF {
        let mut driver = Driver::online_with(Version::V5, 1, &[]);
        driver.publish(Qos::ExactlyOnce, "x");
        driver.sent();
        driver.feed(&wire::ack_reason(PUBREC, 1, reason));
        assert_eq!(driver.events(), [published(1, reason)]);
        assert_eq!(driver.sent(), [], "no PUBREL after an error");
        assert!(driver.session.has_room());
        assert_eq!(driver.session.unacknowledged(), 0);
    }
}

#[test]
fn pubrec_without_subscribers_goes_on() {
    let mut driver = Driver::online(Version::V5);
    driver.publish(Qos::ExactlyOnce, "x");
    driver.sent();
    driver.feed(&wire::ack_reason(PUBREC, 1, 0x10));
    assert_eq!(driver.sent(), [PUBREL_OF_1]);
}

#[test]
fn the_brokers_verdict_and_words_are_handed_on() {
    let mut driver = Driver::online(Version::V5);
    for payload in ["a", "b", "c", "d"] {
        driver.publish(Qos::AtLeastOnce, payload);
    }
    driver.feed(&wire::ack_reason(PUBACK, 1, 0x10));
    driver.feed(&wire::ack_words(PUBACK, 2, 0x87, "not you"));
    // A code that no table lists is still a code.
    driver.feed(&wire::ack_words(PUBACK, 3, 0xEE, "new"));
    // An empty property list.
    driver.feed(&[PUBACK, 4, 0, 4, 0x97, 0]);
    let words = |packet_id, reason, words: &str| Event::Published {
        packet_id,
        reason: ReasonCode(reason),
        reason_string: Some(words.into()),
    };
    assert_eq!(
        driver.events(),
        [
            published(1, 0x10),
            words(2, 0x87, "not you"),
            words(3, 0xEE, "new"),
            published(4, 0x97)
        ]
    );
}

#[test]
fn the_wrong_kind_of_acknowledgement_is_a_protocol_error() {
    for version in EVERY {
        for (qos, kind, name) in [
            (Qos::ExactlyOnce, PUBACK, "PUBACK"),
            (Qos::AtLeastOnce, PUBREC, "PUBREC"),
            (Qos::AtLeastOnce, PUBCOMP, "PUBCOMP"),
            (Qos::ExactlyOnce, PUBCOMP, "PUBCOMP"),
        ] {
            let mut driver = Driver::online(version);
            driver.publish(qos, "x");
            let why = driver.refuses(&wire::ack(kind, 1));
            assert!(why.contains(name), "{why}");
            assert_eq!(driver.events(), []);
        }
    }
}

#[test]
fn identifiers_are_not_used_twice_while_in_flight() {
    let mut driver = Driver::online_with(Version::V311, 2, &[]);
    assert_eq!(driver.publish(Qos::AtLeastOnce, "stays"), Some(1));
    for expected in 2..=65_535 {
        let id = driver.publish(Qos::AtLeastOnce, "x").unwrap();
        assert_eq!(id, expected);
        driver.feed(&wire::ack(PUBACK, id));
    }
    // 1 is still in flight, so there is no next one.
    let refused = driver.session.publish(&publication(Qos::AtLeastOnce, "x"));
    assert_eq!(refused, Err(PublishError::WindowFull));
    driver.feed(&wire::ack(PUBACK, 1));
    assert_eq!(driver.publish(Qos::AtLeastOnce, "x"), Some(1));
}

#[test]
fn suback_and_unsuback_have_a_code_for_each_filter() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        let id = driver.subscribe(&["a", "b", "c"]);
        driver.feed(&wire::codes(version, 0x90, id, &[0, 2, 0x80]));
        assert_eq!(
            driver.events(),
            [Event::Subscribed {
                packet_id: id,
                codes: vec![ReasonCode(0), ReasonCode(2), ReasonCode(0x80)],
                reason_string: None,
            }]
        );
        let filters = [mqtools_common::topic::TopicFilter::new("a").unwrap()];
        let id = driver
            .session
            .unsubscribe(&filters, &Properties::default())
            .unwrap();
        assert_eq!(id, 2);
        let codes: &[u8] = if version == Version::V5 { &[0x11] } else { &[] };
        driver.feed(&wire::codes(version, 0xB0, id, codes));
        assert_eq!(
            driver.events(),
            [Event::Unsubscribed {
                packet_id: id,
                codes: codes.iter().copied().map(ReasonCode).collect(),
                reason_string: None,
            }]
        );
    }
}

#[test]
fn too_few_or_too_many_codes_are_malformed() {
    for version in EVERY {
        for codes in [&[][..], &[0], &[0, 0, 0]] {
            let mut driver = Driver::online(version);
            let id = driver.subscribe(&["a", "b"]);
            let why = driver.refuses(&wire::codes(version, 0x90, id, codes));
            assert!(why.contains("SUBACK with"), "{why}");
        }
    }
    let mut driver = Driver::online(Version::V5);
    let filters = [mqtools_common::topic::TopicFilter::new("a").unwrap()];
    let id = driver
        .session
        .unsubscribe(&filters, &Properties::default())
        .unwrap();
    let why = driver.refuses(&wire::codes(Version::V5, 0xB0, id, &[]));
    assert!(why.contains("UNSUBACK with"), "{why}");
}

#[test]
fn suback_of_an_unknown_identifier_is_ignored() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        driver.subscribe(&["a"]);
        driver.publish(Qos::AtLeastOnce, "x");
        driver.feed(&wire::codes(version, 0x90, 9, &[0]));
        // 2 is the PUBLISH, and 1 no PUBLISH.
        driver.feed(&wire::codes(version, 0x90, 2, &[0]));
        driver.feed(&wire::ack(PUBACK, 1));
        assert_eq!(driver.events(), []);
        assert_eq!(driver.session.unacknowledged(), 1);
    }
}

#[test]
fn a_request_without_filters_is_not_sent() {
    let mut driver = Driver::online(Version::V311);
    assert!(
        driver
            .session
            .subscribe(&[], &Properties::default())
            .is_err()
    );
    assert!(
        driver
            .session
            .unsubscribe(&[], &Properties::default())
            .is_err()
    );
    assert_eq!(driver.sent(), []);
}
