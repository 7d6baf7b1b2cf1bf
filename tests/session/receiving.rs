//! Messages from the broker: delivered once where QoS 2 says so, acknowledged only when the
//! application says so.

use mqtools_common::message::{Qos, Receipt};
use mqtools_common::protocol::Event;
use mqtools_common::reason::Version;

use crate::driver::{Driver, EVERY, ack};
use crate::wire::{self, FromClient, PUBACK, PUBCOMP, PUBREC, PUBREL};

fn ack_reason(kind: u8, id: u16, reason: u8) -> FromClient {
    FromClient::Ack { kind, id, reason }
}

/// Feeds a PUBLISH that must reach the application; gives its receipt.
fn deliver(driver: &mut Driver, dup: bool, qos: u8, id: u16, payload: &str) -> Option<Receipt> {
    let bytes = wire::publish(driver.version, (dup, qos), "t", id, payload.as_bytes());
    driver.feed(&bytes);
    match driver.events().as_slice() {
        [Event::Message(message)] => {
            assert_eq!(message.topic.as_str(), "t");
            assert_eq!(message.payload, payload);
            assert_eq!(message.qos.level(), qos);
            assert_eq!(message.dup, dup);
            assert!(!message.retain);
            assert_eq!(message.receipt.map_or(0, |r| r.packet_id), id);
            message.receipt
        }
        other => panic!("{other:?}"),
    }
}

/// Feeds a PUBLISH that the application must not see.
fn repeat(driver: &mut Driver, id: u16) {
    let bytes = wire::publish(driver.version, (true, 2), "t", id, b"x");
    driver.feed(&bytes);
    assert_eq!(driver.events(), []);
}

#[test]
fn qos_0_has_no_receipt() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        assert_eq!(deliver(&mut driver, false, 0, 0, "x"), None);
        assert_eq!(driver.sent(), []);
    }
}

#[test]
fn retain_and_an_empty_payload_arrive() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        let mut bytes = wire::publish(version, (false, 0), "a/b", 0, b"");
        bytes[0] |= 1;
        driver.feed(&bytes);
        match driver.events().as_slice() {
            [Event::Message(message)] => assert!(message.retain && message.payload.is_empty()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn qos_1_is_acknowledged_only_on_request() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        let receipt = deliver(&mut driver, false, 1, 7, "x").unwrap();
        assert_eq!(driver.sent(), []);
        driver.session.acknowledge(receipt);
        assert_eq!(driver.sent(), [ack(PUBACK, 7)]);
    }
}

#[test]
fn qos_2_is_acknowledged_only_on_request() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        let receipt = deliver(&mut driver, false, 2, 7, "x").unwrap();
        assert_eq!(driver.sent(), []);
        driver.session.acknowledge(receipt);
        assert_eq!(driver.sent(), [ack(PUBREC, 7)]);
        driver.feed(&wire::ack(PUBREL, 7));
        assert_eq!(driver.sent(), [ack(PUBCOMP, 7)]);
        // The identifier is free for another message.
        let receipt = deliver(&mut driver, false, 2, 7, "y").unwrap();
        driver.session.acknowledge(receipt);
        assert_eq!(driver.sent(), [ack(PUBREC, 7)]);
        assert_eq!(driver.events(), []);
    }
}

#[test]
fn a_receipt_counts_once_at_qos_2() {
    let mut driver = Driver::online(Version::V311);
    let receipt = deliver(&mut driver, false, 2, 7, "x").unwrap();
    driver.session.acknowledge(receipt);
    driver.session.acknowledge(receipt);
    assert_eq!(driver.sent(), [ack(PUBREC, 7)]);
}

#[test]
fn a_repeated_qos_2_message_is_delivered_once() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        let receipt = deliver(&mut driver, false, 2, 7, "x").unwrap();
        repeat(&mut driver, 7);
        assert_eq!(driver.sent(), [], "the application is not done with it");
        driver.session.acknowledge(receipt);
        assert_eq!(driver.sent(), [ack(PUBREC, 7)]);
        repeat(&mut driver, 7);
        assert_eq!(driver.sent(), [ack(PUBREC, 7)]);
    }
}

#[test]
fn a_qos_2_message_is_delivered_once_over_a_reconnect() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        let receipt = deliver(&mut driver, false, 2, 7, "x").unwrap();
        driver.session.acknowledge(receipt);
        driver.reconnect(true);
        repeat(&mut driver, 7);
        assert_eq!(driver.sent(), [ack(PUBREC, 7)]);
        driver.feed(&wire::ack(PUBREL, 7));
        assert_eq!(driver.sent(), [ack(PUBCOMP, 7)]);
    }
}

#[test]
fn a_message_held_over_a_reconnect_is_acknowledged_over_the_new_connection() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        let receipt = deliver(&mut driver, false, 2, 7, "x").unwrap();
        driver.reconnect(true);
        repeat(&mut driver, 7);
        assert_eq!(driver.sent(), []);
        driver.session.acknowledge(receipt);
        assert_eq!(driver.sent(), [ack(PUBREC, 7)]);
    }
}

#[test]
fn a_message_acknowledged_before_its_repetition_gets_pubrec_then() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        let receipt = deliver(&mut driver, false, 2, 7, "x").unwrap();
        driver.reconnect(true);
        driver.session.acknowledge(receipt);
        assert_eq!(driver.sent(), [], "the broker has not repeated it");
        repeat(&mut driver, 7);
        assert_eq!(driver.sent(), [ack(PUBREC, 7)]);
    }
}

#[test]
fn a_receipt_of_a_forgotten_session_acknowledges_nothing() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        let first = deliver(&mut driver, false, 1, 6, "old").unwrap();
        let second = deliver(&mut driver, false, 2, 7, "old").unwrap();
        driver.reconnect(false);
        deliver(&mut driver, false, 1, 6, "new");
        let new = deliver(&mut driver, false, 2, 7, "new").unwrap();
        driver.session.acknowledge(first);
        driver.session.acknowledge(second);
        assert_eq!(driver.sent(), [], "the new messages are not safe");
        driver.session.acknowledge(new);
        assert_eq!(driver.sent(), [ack(PUBREC, 7)]);
    }
}

#[test]
fn pubrel_of_an_unknown_identifier_is_answered() {
    for (version, reason) in [(Version::V311, 0), (Version::V5, 0x92)] {
        let mut driver = Driver::online(version);
        driver.feed(&wire::ack(PUBREL, 9));
        assert_eq!(driver.sent(), [ack_reason(PUBCOMP, 9, reason)]);
        assert_eq!(driver.events(), []);
    }
}

#[test]
fn receiving_does_not_touch_what_is_sent_under_the_same_identifier() {
    let mut driver = Driver::online(Version::V311);
    assert_eq!(driver.publish(Qos::ExactlyOnce, "ours"), Some(1));
    driver.sent();
    let receipt = deliver(&mut driver, false, 2, 1, "theirs").unwrap();
    driver.session.acknowledge(receipt);
    driver.feed(&wire::ack(PUBREL, 1));
    assert_eq!(driver.sent(), [ack(PUBREC, 1), ack(PUBCOMP, 1)]);
    assert_eq!(driver.session.unacknowledged(), 1);
}
