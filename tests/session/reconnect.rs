//! What goes out again after a reconnect, and how.

use std::collections::VecDeque;

use mqtools_common::message::Qos;
use mqtools_common::protocol::{Event, Session};
use mqtools_common::reason::{ReasonCode, Version};

use crate::driver::{Driver, EVERY, ack, lasting, publication, published, publishes};
use crate::wire::{self, FromClient, PUBACK, PUBCOMP, PUBREC, PUBREL};

/// QoS 1 "a" (sent), QoS 2 "b" (released), QoS 2 "c" (sent), QoS 0 "d".
fn busy(version: Version) -> Driver {
    let mut driver = Driver::online(version);
    driver.publish(Qos::AtLeastOnce, "a");
    driver.publish(Qos::ExactlyOnce, "b");
    driver.publish(Qos::ExactlyOnce, "c");
    driver.publish(Qos::AtMostOnce, "d");
    driver.feed(&wire::ack(PUBREC, 2));
    driver.sent();
    driver
}

#[test]
fn over_the_same_session_everything_unfinished_goes_out_again_with_dup() {
    for version in EVERY {
        let mut driver = busy(version);
        driver.reconnect(true);
        let sent = driver.sent();
        assert_eq!(publishes(&sent), [(1, true, "a"), (3, true, "c")]);
        assert!(
            sent.contains(&ack(PUBREL, 2)) && sent.len() == 3,
            "{sent:?}"
        );
        assert_eq!(driver.events(), []);
        assert_eq!(driver.session.unacknowledged(), 3);
        driver.feed(&wire::ack(PUBACK, 1));
        driver.feed(&wire::ack(PUBCOMP, 2));
        driver.feed(&wire::ack(PUBREC, 3));
        driver.feed(&wire::ack(PUBCOMP, 3));
        assert_eq!(
            driver.events(),
            [published(1, 0), published(2, 0), published(3, 0)]
        );
    }
}

#[test]
fn over_a_new_session_everything_unfinished_goes_out_anew() {
    for version in EVERY {
        let mut driver = busy(version);
        driver.reconnect(false);
        let sent = driver.sent();
        assert_eq!(
            publishes(&sent),
            [(1, false, "a"), (2, false, "b"), (3, false, "c")]
        );
        assert_eq!(sent.len(), 3);
        assert_eq!(driver.events(), [Event::MayDuplicate(2)]);
    }
}

#[test]
fn what_the_broker_completed_before_the_break_is_no_failure() {
    let mut driver = busy(Version::V5);
    driver.reconnect(true);
    driver.feed(&wire::ack_reason(PUBCOMP, 2, 0x92));
    assert_eq!(driver.events(), [published(2, 0)]);
    // Without a break in between it is one.
    driver.publish(Qos::ExactlyOnce, "e");
    driver.feed(&wire::ack(PUBREC, 4));
    driver.feed(&wire::ack_reason(PUBCOMP, 4, 0x92));
    assert_eq!(driver.events(), [published(4, 0x92)]);
}

#[test]
fn a_smaller_window_is_kept_when_sending_again() {
    let mut driver = Driver::online_with(Version::V5, 5, &[]);
    for payload in ["a", "b", "c", "d"] {
        driver.publish(Qos::AtLeastOnce, payload);
    }
    driver.session.lost();
    driver.open();
    driver.accept(true, &[0x21, 0, 2]);
    assert_eq!(publishes(&driver.sent()), [(1, true, "a"), (2, true, "b")]);
    assert!(!driver.session.has_room());
    driver.feed(&wire::ack(PUBACK, 2));
    assert_eq!(publishes(&driver.sent()), [(3, true, "c")]);
    // "d" has not been sent over this connection, so this cannot be its answer.
    driver.feed(&wire::ack(PUBACK, 4));
    assert_eq!(driver.events(), [published(2, 0)]);
    assert_eq!(driver.session.unacknowledged(), 3);

    // Waiting over one more connection changes nothing about DUP.
    driver.reconnect(true);
    assert_eq!(
        publishes(&driver.sent()),
        [(1, true, "a"), (3, true, "c"), (4, true, "d")]
    );
}

#[test]
fn nothing_new_overtakes_what_waits() {
    let mut driver = Driver::online_with(Version::V5, 3, &[]);
    for payload in ["a", "b", "c"] {
        driver.publish(Qos::AtLeastOnce, payload);
    }
    driver.session.lost();
    driver.open();
    driver.accept(true, &[0x21, 0, 1]);
    assert!(!driver.session.has_room());
    assert!(
        driver
            .session
            .publish(&publication(Qos::AtLeastOnce, "new"))
            .is_err()
    );
    assert_eq!(publishes(&driver.sent()), [(1, true, "a")]);
}

#[test]
fn a_limit_that_became_lower_ends_the_exchange() {
    let mut driver = Driver::online_with(Version::V5, 1000, &[]);
    driver.publish(Qos::AtLeastOnce, "short");
    for _ in 0..300 {
        driver.publish(Qos::AtLeastOnce, &"long".repeat(20));
    }
    driver.publish(Qos::ExactlyOnce, "qos 2");
    driver.publish(Qos::AtLeastOnce, "last");
    driver.session.lost();
    driver.open();
    driver.accept(true, &[0x27, 0, 0, 0, 50, 0x24, 1, 0x21, 0, 1]);
    assert_eq!(publishes(&driver.sent()), [(1, true, "short")]);
    driver.feed(&wire::ack(PUBACK, 1));
    assert_eq!(publishes(&driver.sent()), [(303, true, "last")]);
    let mut expected = vec![published(1, 0)];
    expected.extend((2..=301).map(|id| published(id, 0x95)));
    expected.push(published(302, 0x9B));
    assert_eq!(driver.events(), expected);
    assert_eq!(driver.session.unacknowledged(), 1);
}

#[test]
fn what_was_never_written_goes_out_again_all_the_same() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        driver.publish(Qos::AtLeastOnce, "a");
        // Lost with the bytes still in the output.
        driver.reconnect(true);
        assert_eq!(publishes(&driver.sent()), [(1, true, "a")]);
    }
}

#[test]
fn losing_the_connection_twice_loses_nothing() {
    for version in EVERY {
        let mut driver = busy(version);
        driver.session.lost();
        driver.open();
        driver.session.lost();
        driver.session.lost();
        assert_eq!(driver.session.unacknowledged(), 3);
        driver.open();
        driver.accept(true, &[]);
        assert_eq!(driver.sent().len(), 3);
        assert_eq!(driver.session.unacknowledged(), 3);
    }
}

#[test]
fn a_subscription_request_does_not_outlive_its_connection() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        let id = driver.subscribe(&["a"]);
        driver.reconnect(true);
        assert_eq!(driver.sent(), []);
        driver.feed(&wire::codes(version, 0x90, id, &[0]));
        assert_eq!(driver.events(), []);
        assert_eq!(driver.subscribe(&["a"]), id + 1);
    }
}

#[test]
fn acknowledgements_of_the_lost_connection_are_not_sent_over_the_next() {
    let mut driver = Driver::online(Version::V5);
    driver.feed(&wire::publish(Version::V5, (false, 1), "t", 5, b"x"));
    let Some(Event::Message(message)) = driver.session.next_event() else {
        panic!("no message");
    };
    driver.reconnect(true);
    driver.session.acknowledge(message.receipt.unwrap());
    assert_eq!(driver.sent(), []);
}

#[test]
fn a_verdict_names_the_broker_code() {
    let mut driver = busy(Version::V5);
    driver.feed(&wire::ack_reason(PUBREC, 3, 0x97));
    assert_eq!(
        driver.events(),
        [Event::Published {
            packet_id: 3,
            reason: ReasonCode(0x97),
            reason_string: None
        }]
    );
    // It is over: not sent again.
    driver.reconnect(true);
    assert_eq!(publishes(&driver.sent()), [(1, true, "a")]);
}

#[test]
fn a_session_whose_connack_was_lost_may_be_new() {
    let mut driver = Driver::online(Version::V311);
    driver.reconnect(true);
    assert!(!driver.session.may_be_new());
    driver.session.lost();
    // The broker begins a new session, and its CONNACK does not get through.
    driver.open();
    driver.reconnect(true);
    assert!(driver.session.may_be_new());
    driver.reconnect(true);
    assert!(!driver.session.may_be_new());
}

/// Some brokers refuse to take a message again that they hold, and have it.
#[test]
fn an_identifier_in_use_after_a_break_is_its_own() {
    let mut driver = Driver::online(Version::V5);
    driver.publish(Qos::ExactlyOnce, "x");
    driver.sent();
    driver.reconnect(true);
    assert_eq!(publishes(&driver.sent()), [(1, true, "x")]);
    driver.feed(&wire::ack_reason(PUBREC, 1, 0x91));
    assert_eq!(driver.sent(), [ack(PUBREL, 1)]);
    driver.feed(&wire::ack(PUBCOMP, 1));
    assert_eq!(driver.events(), [published(1, 0)]);
    // Of the first time it is a refusal.
    driver.publish(Qos::ExactlyOnce, "y");
    driver.feed(&wire::ack_reason(PUBREC, 2, 0x91));
    assert_eq!(driver.events(), [published(2, 0x91)]);
}

#[test]
fn one_that_is_never_answered_leaves_no_room_when_its_identifier_comes_again() {
    let mut driver = Driver::connecting(lasting(Version::V5), 10);
    driver.accept(false, &[]);
    assert_eq!(driver.publish(Qos::AtLeastOnce, "stuck"), Some(1));
    for id in 2..=65_535 {
        assert!(driver.session.has_room());
        assert_eq!(driver.publish(Qos::AtLeastOnce, "x"), Some(id));
        driver.feed(&wire::ack(PUBACK, id));
        driver.sent_bytes();
        driver.events();
    }
    assert!(!driver.session.has_room());
    driver.feed(&wire::ack(PUBACK, 1));
    assert!(driver.session.has_room());
    assert_eq!(driver.publish(Qos::AtLeastOnce, "x"), Some(1));
}

fn pubrels(sent: &[FromClient]) -> Vec<u16> {
    sent.iter()
        .map(|packet| match packet {
            FromClient::Ack {
                kind: PUBREL, id, ..
            } => *id,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// The broker would take a message for a repetition of one that a killed run left half done.
#[test]
fn what_an_earlier_run_left_is_released_before_its_identifiers_are_used() {
    for version in [Version::V311, Version::V5] {
        let session = Session::new(lasting(version), 10, None).after_another_run();
        let mut driver = Driver::of(session, version);
        driver.accept(true, &[]);
        let first = pubrels(&driver.sent());
        assert_eq!(first[..3], [1, 2, 3]);
        assert!(!driver.session.has_room());
        driver.feed(&wire::ack(PUBCOMP, 1));
        assert_eq!(driver.publish(Qos::ExactlyOnce, "one"), Some(1));
        assert!(!driver.session.has_room());
        driver.sent();
        // What was not answered is asked again, and what was is not.
        driver.reconnect(true);
        let sent = driver.sent();
        assert_eq!(publishes(&sent), [(1, true, "one")]);
        let again: Vec<FromClient> = sent
            .into_iter()
            .filter(|packet| !matches!(packet, FromClient::Publish(_)))
            .collect();
        let again = pubrels(&again);
        assert_eq!(again[..2], [2, 3]);
        assert_eq!(driver.events(), []);
        driver.feed(&wire::ack(PUBREC, 1));
        driver.feed(&wire::ack(PUBCOMP, 1));
        assert_eq!(driver.events(), [published(1, 0)]);
        // Each of them once, always ahead of the messages.
        let mut asked: VecDeque<u16> = again.into();
        for id in 2..=65_535 {
            while !driver.session.has_room() {
                let id = asked.pop_front().expect("something was asked");
                driver.feed(&wire::ack(PUBCOMP, id));
            }
            assert_eq!(driver.publish(Qos::ExactlyOnce, "x"), Some(id));
            for packet in driver.sent() {
                match packet {
                    FromClient::Ack { id, .. } => asked.push_back(id),
                    other => assert!(matches!(other, FromClient::Publish(_))),
                }
            }
            driver.feed(&wire::ack(PUBREC, id));
            driver.feed(&wire::ack(PUBCOMP, id));
            driver.sent();
            assert_eq!(driver.events(), [published(id, 0)]);
        }
        for id in 1..=10 {
            assert_eq!(driver.publish(Qos::ExactlyOnce, "round"), Some(id));
        }
    }
}

#[test]
fn a_session_without_a_past_releases_nothing() {
    for version in EVERY {
        let session = Session::new(lasting(version), 10, None).after_another_run();
        let mut driver = Driver::of(session, version);
        driver.accept(false, &[]);
        assert_eq!(driver.sent(), []);
        assert_eq!(driver.publish(Qos::ExactlyOnce, "one"), Some(1));
        driver.sent();
        driver.reconnect(true);
        assert_eq!(publishes(&driver.sent()), [(1, true, "one")]);
    }
}
