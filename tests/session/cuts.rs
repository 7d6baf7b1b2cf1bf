//! Every handshake, cut after each of its bytes, in either direction: what the session tells,
//! and what it sends over the next connection.

use mqtools_common::message::{Qos, Receipt};
use mqtools_common::protocol::Event;
use mqtools_common::reason::Version;

use crate::driver::{Driver, EVERY, lasting, published};
use crate::wire::{self, FromClient, PUBACK, PUBCOMP, PUBREC, PUBREL};

/// What a broker may know of the session over the next connection.
const PRESENT: [bool; 2] = [true, false];

/// The forms that an acknowledgement of identifier 1 without an error has.
fn forms(version: Version, kind: u8) -> Vec<Vec<u8>> {
    let mut forms = vec![wire::ack(kind, 1)];
    if version == Version::V5 {
        forms.push(wire::ack_reason(kind, 1, 0));
        forms.push(wire::ack_words(kind, 1, 0, "well"));
    }
    forms
}

/// The broker's bytes end after `count`; gives the events of what was whole.
fn receives(driver: &mut Driver, bytes: &[u8], count: usize) -> Vec<Event> {
    driver.try_feed(&bytes[..count]).unwrap();
    driver.events()
}

/// The socket takes `count` bytes and no more.
fn sends(driver: &mut Driver, count: usize) {
    driver.session.output().advance(count);
    driver.session.sent(driver.now);
}

/// How many bytes wait.
fn waiting(driver: &mut Driver) -> usize {
    driver.session.output().len()
}

fn publish_1(driver: &Driver, qos: u8, dup: bool, payload: &str) -> FromClient {
    FromClient::Publish(wire::Publish {
        dup,
        qos,
        retain: false,
        topic: "t".into(),
        id: 1,
        payload: payload.into(),
        alias: None,
        is_named: true,
        properties: Vec::new(),
        size: 7 + payload.len() + usize::from(driver.version == Version::V5),
    })
}

fn ack(kind: u8, reason: u8) -> FromClient {
    FromClient::Ack {
        kind,
        id: 1,
        reason,
    }
}

/// The message "x" goes on from where it was; `dup` says how, and all ends well.
fn sends_again(driver: &mut Driver, qos: Qos, dup: bool) {
    let publish = publish_1(driver, qos.level(), dup, "x");
    assert_eq!(driver.sent(), [publish]);
    if qos == Qos::ExactlyOnce {
        driver.feed(&wire::ack(PUBREC, 1));
        releases_again(driver);
    } else {
        driver.feed(&wire::ack(PUBACK, 1));
        assert_eq!(driver.events(), [published(1, 0)]);
        assert_eq!(driver.session.unacknowledged(), 0);
    }
}

fn releases_again(driver: &mut Driver) {
    assert_eq!(driver.sent(), [ack(PUBREL, 0)]);
    driver.feed(&wire::ack(PUBCOMP, 1));
    assert_eq!(driver.events(), [published(1, 0)]);
    assert_eq!(driver.session.unacknowledged(), 0);
}

/// What comes over the next connection when the message is in doubt at the broker.
fn goes_on(driver: &mut Driver, qos: Qos, present: bool) {
    driver.reconnect(present);
    let doubt = !present && qos == Qos::ExactlyOnce;
    let expected = doubt.then_some(Event::MayDuplicate(1));
    assert_eq!(driver.events(), Vec::from_iter(expected));
    sends_again(driver, qos, present);
}

#[test]
fn connect() {
    for version in EVERY {
        let mut driver = Driver::connecting(lasting(version), 1);
        driver.session.lost();
        driver.session.open(driver.now).unwrap();
        let whole = driver.sent();
        for count in 0.. {
            driver.session.lost();
            driver.session.open(driver.now).unwrap();
            let all = waiting(&mut driver);
            if count == all {
                break;
            }
            sends(&mut driver, count);
            driver.session.lost();
            assert_eq!(waiting(&mut driver), 0);
            driver.open_again(&whole);
        }
        driver.sent();
        driver.accept(false, &[]);
    }
}

#[test]
fn connack() {
    let mut properties = vec![0x21, 0, 1];
    properties.push(0x12);
    properties.extend(wire::field(b"given"));
    for version in EVERY {
        let bytes = wire::connack(version, true, 0, &properties);
        for count in 0..bytes.len() {
            let mut driver = Driver::connecting(lasting(version), 10);
            assert_eq!(receives(&mut driver, &bytes, count), []);
            assert!(!driver.session.is_online());
            assert!(!driver.session.has_room());
            driver.session.lost();
            // Nothing of it counts: neither the identifier nor the limit.
            driver.session.open(driver.now).unwrap();
            let sent = driver.sent();
            assert!(
                matches!(&sent[..], [FromClient::Connect(c)] if c.client_id == "test"),
                "{sent:?}"
            );
            assert_eq!(driver.accept(false, &[]).receive_maximum, 65_535);
        }
    }
}

#[test]
fn publish() {
    for version in EVERY {
        for qos in [Qos::AtLeastOnce, Qos::ExactlyOnce] {
            for present in PRESENT {
                for count in 0.. {
                    let mut driver = Driver::online(version);
                    driver.publish(qos, "x");
                    if count > waiting(&mut driver) {
                        break;
                    }
                    sends(&mut driver, count);
                    goes_on(&mut driver, qos, present);
                }
            }
        }
    }
}

#[test]
fn puback_and_pubrec() {
    for version in EVERY {
        for (qos, kind) in [(Qos::AtLeastOnce, PUBACK), (Qos::ExactlyOnce, PUBREC)] {
            for bytes in forms(version, kind) {
                for count in 0..bytes.len() {
                    for present in PRESENT {
                        let mut driver = Driver::online(version);
                        driver.publish(qos, "x");
                        driver.sent();
                        assert_eq!(receives(&mut driver, &bytes, count), []);
                        assert_eq!(driver.sent(), []);
                        goes_on(&mut driver, qos, present);
                    }
                }
            }
        }
    }
}

#[test]
fn after_puback_nothing_goes_on() {
    for version in EVERY {
        for bytes in forms(version, PUBACK) {
            for present in PRESENT {
                let mut driver = Driver::online(version);
                driver.publish(Qos::AtLeastOnce, "x");
                driver.sent();
                let events = receives(&mut driver, &bytes, bytes.len());
                assert_eq!(events.len(), 1);
                driver.reconnect(present);
                assert_eq!((driver.sent(), driver.events()), (vec![], vec![]));
            }
        }
    }
}

#[test]
fn a_refusal_counts_when_it_is_whole() {
    for qos in [Qos::AtLeastOnce, Qos::ExactlyOnce] {
        let kind = if qos == Qos::AtLeastOnce {
            PUBACK
        } else {
            PUBREC
        };
        let bytes = wire::ack_words(kind, 1, 0x97, "full");
        for count in 0..=bytes.len() {
            let mut driver = Driver::online(Version::V5);
            driver.publish(qos, "x");
            driver.sent();
            let events = receives(&mut driver, &bytes, count);
            if count < bytes.len() {
                assert_eq!(events, []);
                goes_on(&mut driver, qos, true);
            } else {
                assert_eq!(events.len(), 1);
                driver.reconnect(true);
                assert_eq!((driver.sent(), driver.events()), (vec![], vec![]));
            }
        }
    }
}

/// A session whose message 1 the broker has taken, PUBREL waiting to be sent.
fn released(version: Version) -> Driver {
    let mut driver = Driver::online(version);
    driver.publish(Qos::ExactlyOnce, "x");
    driver.sent();
    driver.feed(&wire::ack(PUBREC, 1));
    driver
}

#[test]
fn pubrel() {
    for version in EVERY {
        for count in 0.. {
            let mut driver = released(version);
            if count > waiting(&mut driver) {
                break;
            }
            sends(&mut driver, count);
            driver.reconnect(true);
            assert_eq!(driver.events(), []);
            releases_again(&mut driver);

            let mut driver = released(version);
            sends(&mut driver, count);
            goes_on(&mut driver, Qos::ExactlyOnce, false);
        }
    }
}

#[test]
fn pubcomp() {
    for version in EVERY {
        for bytes in forms(version, PUBCOMP) {
            for count in 0..=bytes.len() {
                let mut driver = released(version);
                driver.sent();
                let events = receives(&mut driver, &bytes, count);
                if count == bytes.len() {
                    assert_eq!(events.len(), 1);
                    driver.reconnect(true);
                    assert_eq!((driver.sent(), driver.events()), (vec![], vec![]));
                    continue;
                }
                assert_eq!(events, []);
                driver.reconnect(true);
                releases_again(&mut driver);

                let mut driver = released(version);
                driver.sent();
                receives(&mut driver, &bytes, count);
                goes_on(&mut driver, Qos::ExactlyOnce, false);
            }
        }
    }
}

/// The receipt of the one message that these bytes bring.
fn delivers(driver: &mut Driver, bytes: &[u8]) -> Receipt {
    let events = receives(driver, bytes, bytes.len());
    match &events[..] {
        [Event::Message(message)] if message.payload == "x" => message.receipt.unwrap(),
        _ => panic!("{events:?}"),
    }
}

#[test]
fn a_received_publish() {
    for version in EVERY {
        for qos in [1, 2] {
            let bytes = wire::publish(version, (false, qos), "t", 1, b"x");
            let again = wire::publish(version, (true, qos), "t", 1, b"x");
            for count in 0..bytes.len() {
                for present in PRESENT {
                    let mut driver = Driver::online(version);
                    assert_eq!(receives(&mut driver, &bytes, count), []);
                    driver.reconnect(present);
                    assert_eq!(driver.sent(), []);
                    let repeated = if present { &again } else { &bytes };
                    let receipt = delivers(&mut driver, repeated);
                    driver.session.acknowledge(receipt);
                    let kind = if qos == 1 { PUBACK } else { PUBREC };
                    assert_eq!(driver.sent(), [ack(kind, 0)]);
                }
            }
        }
    }
}

#[test]
fn a_puback_of_ours() {
    for version in EVERY {
        for count in 0.. {
            let mut driver = Driver::online(version);
            let bytes = wire::publish(version, (false, 1), "t", 1, b"x");
            let receipt = delivers(&mut driver, &bytes);
            driver.session.acknowledge(receipt);
            if count > waiting(&mut driver) {
                break;
            }
            sends(&mut driver, count);
            driver.reconnect(true);
            assert_eq!(driver.sent(), []);
            // At least once: it is delivered again, and acknowledged over this connection.
            let again = wire::publish(version, (true, 1), "t", 1, b"x");
            let receipt = delivers(&mut driver, &again);
            driver.session.acknowledge(receipt);
            assert_eq!(driver.sent(), [ack(PUBACK, 0)]);
        }
    }
}

/// A session that has received message 1 at QoS 2, PUBREC waiting to be sent.
fn received(version: Version) -> Driver {
    let mut driver = Driver::online(version);
    let bytes = wire::publish(version, (false, 2), "t", 1, b"x");
    let receipt = delivers(&mut driver, &bytes);
    driver.session.acknowledge(receipt);
    driver
}

#[test]
fn a_pubrec_of_ours() {
    for version in EVERY {
        for count in 0.. {
            let mut driver = received(version);
            if count > waiting(&mut driver) {
                break;
            }
            sends(&mut driver, count);
            driver.reconnect(true);
            assert_eq!(driver.sent(), []);
            // Exactly once: the repetition is acknowledged, and not delivered.
            driver.feed(&wire::publish(version, (true, 2), "t", 1, b"x"));
            assert_eq!(driver.events(), []);
            assert_eq!(driver.sent(), [ack(PUBREC, 0)]);
            driver.feed(&wire::ack(PUBREL, 1));
            assert_eq!(driver.sent(), [ack(PUBCOMP, 0)]);

            // A new session has never heard of it.
            let mut driver = received(version);
            sends(&mut driver, count);
            driver.reconnect(false);
            delivers(
                &mut driver,
                &wire::publish(version, (false, 2), "t", 1, b"x"),
            );
        }
    }
}

#[test]
fn a_received_pubrel() {
    for version in EVERY {
        for bytes in forms(version, PUBREL) {
            for count in 0..=bytes.len() {
                let mut driver = received(version);
                driver.sent();
                assert_eq!(receives(&mut driver, &bytes, count), []);
                let whole = count == bytes.len();
                let answer = [ack(PUBCOMP, 0)];
                assert_eq!(driver.sent(), &answer[..usize::from(whole)]);
                driver.reconnect(true);
                assert_eq!(driver.sent(), []);
                driver.feed(&wire::ack(PUBREL, 1));
                // In MQTT 5 it is told that the exchange was over.
                let over = whole && version == Version::V5;
                assert_eq!(driver.sent(), [ack(PUBCOMP, if over { 0x92 } else { 0 })]);
                // Either way the identifier is free for another message.
                let bytes = wire::publish(version, (false, 2), "t", 1, b"x");
                delivers(&mut driver, &bytes);
            }
        }
    }
}

#[test]
fn a_pubcomp_of_ours() {
    for version in EVERY {
        for count in 0.. {
            let mut driver = received(version);
            driver.sent();
            driver.feed(&wire::ack(PUBREL, 1));
            if count > waiting(&mut driver) {
                break;
            }
            sends(&mut driver, count);
            driver.reconnect(true);
            assert_eq!(driver.sent(), []);
            driver.feed(&wire::ack(PUBREL, 1));
            let reason = if version == Version::V5 { 0x92 } else { 0 };
            assert_eq!(driver.sent(), [ack(PUBCOMP, reason)]);
            assert_eq!(driver.events(), []);
        }
    }
}

#[test]
fn subscribe() {
    for version in EVERY {
        for present in PRESENT {
            for count in 0.. {
                let mut driver = Driver::online(version);
                driver.subscribe(&["a", "b"]);
                if count > waiting(&mut driver) {
                    break;
                }
                sends(&mut driver, count);
                driver.reconnect(present);
                // Whoever subscribed is told Connected, and asks again.
                assert_eq!((driver.sent(), driver.events()), (vec![], vec![]));
                assert_eq!(driver.subscribe(&["a"]), 2);
            }
        }
    }
}

#[test]
fn suback() {
    for version in EVERY {
        let bytes = wire::codes(version, 0x90, 1, &[0, 2]);
        for count in 0..bytes.len() {
            let mut driver = Driver::online(version);
            driver.subscribe(&["a", "b"]);
            driver.sent();
            assert_eq!(receives(&mut driver, &bytes, count), []);
            driver.reconnect(true);
            assert_eq!((driver.sent(), driver.events()), (vec![], vec![]));
            // A late answer to the request of the old connection answers no new one.
            assert_eq!(driver.subscribe(&["c"]), 2);
            driver.feed(&bytes);
            assert_eq!(driver.events(), []);
        }
    }
}
