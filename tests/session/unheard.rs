//! A CONNACK that got lost: the broker may have begun a session that the client has not heard of, and
//! says Session Present the next time although it knows nothing of what went before.

use mqtools_common::message::Qos;
use mqtools_common::protocol::Event;

use crate::driver::{Driver, EVERY, ack, lasting, published, publishes};
use crate::wire::{self, PUBCOMP, PUBREC, PUBREL};

/// Loses the connection, and the next one before its CONNACK; over the third the broker says that
/// there is a session.
fn reconnect_unheard(driver: &mut Driver) {
    driver.session.lost();
    driver.open();
    driver.reconnect(true);
}

#[test]
fn a_message_that_was_released_goes_out_as_a_whole_again() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        driver.publish(Qos::ExactlyOnce, "released");
        driver.publish(Qos::ExactlyOnce, "sent");
        driver.publish(Qos::AtLeastOnce, "once or more");
        driver.feed(&wire::ack(PUBREC, 1));
        driver.sent();
        reconnect_unheard(&mut driver);
        assert_eq!(driver.events(), [Event::MayDuplicate(2)]);
        let sent = driver.sent();
        let all = [
            (1, true, "released"),
            (2, true, "sent"),
            (3, true, "once or more"),
        ];
        assert_eq!(publishes(&sent), all);
        assert_eq!(sent.len(), all.len());
        for id in [1, 2] {
            driver.feed(&wire::ack(PUBREC, id));
            assert_eq!(driver.sent(), [ack(PUBREL, id)]);
            driver.feed(&wire::ack(PUBCOMP, id));
            assert_eq!(driver.events(), [published(id, 0)]);
        }
    }
}

#[test]
fn what_has_not_gone_out_before_cannot_be_doubled() {
    for version in EVERY {
        let mut driver = Driver::connecting(lasting(version), 1);
        driver.accept(false, &[]);
        driver.publish(Qos::ExactlyOnce, "sent");
        driver.sent();
        reconnect_unheard(&mut driver);
        assert_eq!(driver.events(), [Event::MayDuplicate(1)]);
        // It was in doubt, and still is when it has not even gone out over this connection.
        driver.session.lost();
        driver.open();
        reconnect_unheard(&mut driver);
        assert_eq!(driver.events(), [Event::MayDuplicate(1)]);
    }
}

#[test]
fn another_message_with_the_same_identifier_is_no_repetition() {
    for version in EVERY {
        for is_printed in [false, true] {
            let mut driver = Driver::online(version);
            let publish =
                |dup, text: &str| wire::publish(version, (dup, 2), "t", 7, text.as_bytes());
            driver.feed(&publish(false, "old"));
            let [Event::Message(old)] = &driver.events()[..] else {
                panic!("no message");
            };
            let receipt = old.receipt.unwrap();
            if is_printed {
                driver.session.acknowledge(receipt);
            }
            driver.sent();
            reconnect_unheard(&mut driver);
            driver.feed(&publish(false, "new"));
            let [Event::Message(new)] = &driver.events()[..] else {
                panic!("the new message is taken for the old one");
            };
            assert_eq!(new.payload, "new");
            assert_eq!(driver.sent(), []);
            // What is late does not acknowledge the other.
            driver.session.acknowledge(receipt);
            assert_eq!(driver.sent(), []);
            driver.session.acknowledge(new.receipt.unwrap());
            assert_eq!(driver.sent(), [ack(PUBREC, 7)]);
            // From now on the broker knows it.
            driver.feed(&publish(false, "new"));
            assert_eq!(driver.events(), []);
        }
    }
}

#[test]
fn a_repetition_is_one() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        driver.feed(&wire::publish(version, (false, 2), "t", 7, b"x"));
        let [Event::Message(message)] = &driver.events()[..] else {
            panic!("no message");
        };
        driver.session.acknowledge(message.receipt.unwrap());
        driver.sent();
        reconnect_unheard(&mut driver);
        driver.feed(&wire::publish(version, (true, 2), "t", 7, b"x"));
        assert_eq!(driver.events(), []);
        assert_eq!(driver.sent(), [ack(PUBREC, 7)]);
    }
}
