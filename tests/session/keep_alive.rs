//! Keep Alive on a clock that only the test moves.

use std::time::Duration;

use mqtools_common::message::{Publication, Qos};
use mqtools_common::protocol::{Connect, ProtocolError};
use mqtools_common::reason::{ReasonCode, Version};
use proptest::prelude::*;

use crate::driver::{Driver, EVERY, lasting, publication};
use crate::wire::{self, FromClient};

const SECOND: Duration = Duration::from_secs(1);
const PINGRESP: [u8; 2] = [0xD0, 0];

fn online(version: Version, keep_alive: u16) -> Driver {
    let connect = Connect {
        keep_alive,
        ..lasting(version)
    };
    let mut driver = Driver::connecting(connect, 10);
    driver.accept(false, &[]);
    driver
}

/// Moves the clock to the session's deadline and calls `tick`.
fn tick(driver: &mut Driver) -> Result<(), ProtocolError> {
    driver.now = driver.session.deadline().unwrap();
    driver.session.tick(driver.now)
}

/// Moves the clock until the broker is given up, the PINGREQ being out.
fn give_up(driver: &mut Driver) {
    // The clock is noticed first, and then the socket is looked at once more.
    tick(driver).unwrap();
    assert_eq!(tick(driver), Err(ProtocolError::KeepAliveTimeout));
}

#[test]
fn pingreq_goes_out_after_one_interval() {
    for version in EVERY {
        let mut driver = online(version, 10);
        assert_eq!(driver.session.deadline(), Some(driver.now + 10 * SECOND));
        driver.advance(10 * SECOND - Duration::from_nanos(1));
        driver.session.tick(driver.now).unwrap();
        assert_eq!(driver.sent(), []);
        tick(&mut driver).unwrap();
        assert_eq!(driver.sent(), [FromClient::Pingreq]);
        driver.session.tick(driver.now).unwrap();
        assert_eq!(driver.sent(), [], "one is enough");
        driver.advance(SECOND);
        driver.feed(&PINGRESP);
        // The PINGREQ is what went out last.
        assert_eq!(driver.session.deadline(), Some(driver.now + 9 * SECOND));
    }
}

#[test]
fn a_silent_broker_is_given_up_after_one_and_a_half_intervals() {
    let mut driver = online(Version::V5, 10);
    let start = driver.now;
    tick(&mut driver).unwrap();
    driver.sent();
    give_up(&mut driver);
    assert_eq!(driver.now - start, 15 * SECOND);
}

#[test]
fn a_broker_that_only_takes_is_given_up_too() {
    let mut driver = online(Version::V311, 10);
    let start = driver.now;
    let mut result = Ok(());
    while result.is_ok() && driver.now - start < 60 * SECOND {
        driver.advance(SECOND);
        driver.publish(Qos::AtMostOnce, "x");
        driver.sent();
        result = driver.session.tick(driver.now);
        driver.sent();
    }
    assert_eq!(result, Err(ProtocolError::KeepAliveTimeout));
    assert_eq!(driver.now - start, 16 * SECOND, "with a step of a second");
}

#[test]
fn a_client_that_only_receives_pings() {
    let mut driver = online(Version::V311, 10);
    let mut pings = 0;
    for _ in 0..40 {
        driver.advance(SECOND);
        driver.feed(&wire::publish(Version::V311, (false, 0), "t", 0, b"x"));
        driver.session.tick(driver.now).unwrap();
        pings += driver.sent().len();
    }
    assert_eq!(pings, 4);
}

#[test]
fn a_pingresp_that_nobody_asked_for_means_nothing() {
    for version in EVERY {
        let mut driver = online(version, 10);
        driver.advance(4 * SECOND);
        driver.feed(&PINGRESP.repeat(3));
        assert_eq!((driver.sent(), driver.events()), (vec![], vec![]));
        // PINGREQ is due 10 seconds after the CONNECT, the last that was sent.
        assert_eq!(driver.session.deadline(), Some(driver.now + 6 * SECOND));
    }
}

#[test]
fn keep_alive_0_is_off() {
    for version in EVERY {
        let mut driver = online(version, 0);
        assert_eq!(driver.session.deadline(), None);
        driver.advance(1_000_000 * SECOND);
        driver.session.tick(driver.now).unwrap();
        assert_eq!(driver.sent(), []);
    }
}

#[test]
fn the_brokers_keep_alive_counts() {
    for (properties, expected) in [(&[0x13, 0, 4][..], Some(4)), (&[0x13, 0, 0], None)] {
        let mut driver = Driver::connecting(lasting(Version::V5), 1);
        driver.accept(false, properties);
        assert_eq!(
            driver.session.deadline(),
            expected.map(|seconds| driver.now + seconds * SECOND)
        );
    }
}

#[test]
fn nothing_is_due_without_a_connection() {
    let mut driver = Driver::connecting(lasting(Version::V5), 1);
    assert_eq!(driver.session.deadline(), None);
    driver.accept(false, &[]);
    driver.session.disconnect(ReasonCode::SUCCESS);
    assert_eq!(driver.session.deadline(), None);
    driver.session.lost();
    assert_eq!(driver.session.deadline(), None);
}

#[test]
fn a_ping_of_the_lost_connection_is_forgotten() {
    let mut driver = online(Version::V311, 10);
    tick(&mut driver).unwrap();
    driver.reconnect(true);
    assert_eq!(driver.session.deadline(), Some(driver.now + 10 * SECOND));
    tick(&mut driver).unwrap();
    assert_eq!(driver.sent(), [FromClient::Pingreq]);
}

#[test]
fn a_slow_upload_is_no_silence() {
    let mut driver = online(Version::V5, 10);
    let message = Publication {
        payload: vec![0; 100_000].into(),
        ..publication(Qos::AtLeastOnce, "")
    };
    driver.session.publish(&message).unwrap();
    // The PINGREQ waits behind the payload, which takes 100 seconds.
    for _ in 0..100 {
        driver.advance(SECOND);
        driver.session.output().advance(1000);
        driver.session.sent(driver.now);
        driver.session.tick(driver.now).unwrap();
    }
    let rest = driver.session.output().len();
    assert!((1..1000).contains(&rest), "{rest} bytes left");
    driver.session.output().advance(rest);
    driver.session.sent(driver.now);
    // Now it is out, and what else is sent does not put the answer off.
    let out = driver.now;
    let mut result = Ok(());
    while result.is_ok() && driver.now - out < 60 * SECOND {
        driver.advance(SECOND);
        driver.publish(Qos::AtMostOnce, "x");
        driver.session.output().advance(1);
        driver.session.sent(driver.now);
        result = driver.session.tick(driver.now);
    }
    assert_eq!(result, Err(ProtocolError::KeepAliveTimeout));
    assert_eq!(driver.now - out, 6 * SECOND, "with a step of a second");
}

#[test]
fn an_upload_that_stands_still_is_given_up() {
    let mut driver = online(Version::V5, 10);
    let start = driver.now;
    driver.publish(Qos::AtLeastOnce, "x");
    tick(&mut driver).unwrap();
    give_up(&mut driver);
    assert_eq!(driver.now - start, 15 * SECOND);
}

#[test]
fn while_nothing_is_read_the_broker_lives() {
    for version in EVERY {
        let mut driver = online(version, 10);
        driver.session.pause(true, driver.now);
        let start = driver.now;
        for number in 1..=100 {
            tick(&mut driver).unwrap();
            assert_eq!(driver.sent(), [FromClient::Pingreq]);
            assert_eq!(driver.now - start, 10 * SECOND * number);
        }
        // What came meanwhile is still to be read: the broker gets all of its time again.
        driver.advance(3 * SECOND);
        driver.session.pause(false, driver.now);
        let resumed = driver.now;
        tick(&mut driver).unwrap();
        assert_eq!(driver.sent(), [FromClient::Pingreq]);
        give_up(&mut driver);
        assert!(driver.now - resumed <= 15 * SECOND);
        assert!(driver.now - resumed >= 10 * SECOND);
    }
}

#[test]
fn a_ping_that_was_out_before_the_pause_is_not_missed() {
    let mut driver = online(Version::V311, 10);
    tick(&mut driver).unwrap();
    assert_eq!(driver.sent(), [FromClient::Pingreq]);
    driver.advance(4 * SECOND);
    driver.session.pause(true, driver.now);
    tick(&mut driver).unwrap();
    assert_eq!(driver.sent(), [FromClient::Pingreq]);
    driver.session.pause(false, driver.now);
    driver.feed(&PINGRESP);
    assert_eq!(driver.session.deadline(), Some(driver.now + 10 * SECOND));
}

#[test]
fn what_is_sent_during_a_pause_spares_the_pings() {
    let mut driver = online(Version::V5, 10);
    driver.session.pause(true, driver.now);
    for _ in 0..10 {
        driver.advance(9 * SECOND);
        driver.session.tick(driver.now).unwrap();
        assert_eq!(driver.sent(), []);
        driver.publish(Qos::AtMostOnce, "x");
        assert_eq!(driver.sent().len(), 1);
    }
}

/// Neither side reads: one PINGREQ waits, and the clock is not asked all the time.
#[test]
fn a_pause_of_both_sides_piles_up_nothing() {
    let mut driver = online(Version::V5, 10);
    driver.session.pause(true, driver.now);
    for _ in 0..10 {
        let before = driver.now;
        tick(&mut driver).unwrap();
        assert_eq!(driver.now - before, 10 * SECOND);
    }
    assert_eq!(driver.sent(), [FromClient::Pingreq]);
    driver.session.pause(false, driver.now);
    tick(&mut driver).unwrap();
    give_up(&mut driver);
}

#[test]
fn a_new_connection_is_read() {
    let mut driver = online(Version::V311, 10);
    driver.session.pause(true, driver.now);
    assert!(driver.session.is_paused());
    driver.reconnect(true);
    assert!(!driver.session.is_paused());
}

/// The process was stopped, or the machine slept and its clock counts that.
#[test]
fn after_a_jump_of_the_clock_the_broker_is_asked_first() {
    let hours = 5 * 3600 * SECOND;
    for version in EVERY {
        let mut driver = online(version, 10);
        driver.advance(hours);
        driver.session.tick(driver.now).unwrap();
        assert_eq!(driver.sent(), [FromClient::Pingreq]);
        let asked = driver.now;
        driver.session.tick(driver.now).unwrap();
        assert!(driver.session.deadline() > Some(asked + 4 * SECOND));
        driver.feed(&PINGRESP);
        tick(&mut driver).unwrap();
        assert_eq!(driver.sent(), [FromClient::Pingreq]);
        // Asleep while the answer was on its way: it counts, in whatever order it is noticed.
        driver.advance(hours);
        driver.feed(&PINGRESP);
        driver.session.tick(driver.now).unwrap();
        assert_eq!(driver.sent(), [FromClient::Pingreq]);
        driver.advance(hours);
        driver.session.tick(driver.now).unwrap();
        driver.feed(&PINGRESP);
        driver.session.tick(driver.now).unwrap();
        assert_eq!(driver.sent(), [FromClient::Pingreq]);
        // And a broker that has not answered by then is given up.
        driver.advance(hours);
        give_up(&mut driver);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is sent and received when: the client is never silent for longer than the
    /// Keep Alive, and a broker that answers in time is never given up.
    #[test]
    fn a_living_broker_is_kept(
        keep_alive in 1..100u16,
        steps in prop::collection::vec((0..4u8, 0..1000u32), 1..200),
    ) {
        let interval = SECOND * keep_alive.into();
        let mut driver = online(Version::V311, keep_alive);
        let mut last_sent = driver.now;
        // When the broker answers the PINGREQ that is out.
        let mut answer = None;
        for (action, share) in steps {
            let until = driver.now + interval * share / 1000;
            loop {
                let due = driver.session.deadline().unwrap();
                match answer {
                    Some(at) if at <= due && at <= until => {
                        driver.now = at;
                        answer = None;
                        driver.feed(&PINGRESP);
                    }
                    _ if due <= until => {
                        driver.now = due;
                        driver.session.tick(driver.now).unwrap();
                        if answer.is_some() {
                            // The last look for it.
                            prop_assert_eq!(driver.sent(), []);
                            continue;
                        }
                        prop_assert_eq!(driver.sent(), [FromClient::Pingreq]);
                        prop_assert!(driver.now - last_sent <= interval);
                        last_sent = driver.now;
                        answer = Some(driver.now + interval * share / 2001);
                    }
                    _ => break,
                }
            }
            driver.now = until;
            match action {
                0 => {
                    driver.publish(Qos::AtMostOnce, "x");
                    driver.sent();
                    last_sent = driver.now;
                }
                1 => driver.feed(&wire::publish(Version::V311, (false, 0), "t", 0, b"x")),
                _ => {}
            }
        }
    }

    /// Whatever was sent and received before: a broker that falls silent is given up within
    /// one and a half intervals.
    #[test]
    fn a_dead_broker_is_found(
        keep_alive in 1..100u16,
        sends in prop::collection::vec(1..500u32, 0..50),
    ) {
        let interval = SECOND * keep_alive.into();
        let mut driver = online(Version::V5, keep_alive);
        let silent_since = driver.now;
        let mut sends = sends.into_iter();
        let mut next_send = driver.now;
        loop {
            next_send += interval * sends.next().unwrap_or(10_000) / 1000;
            let mut result = Ok(());
            while result.is_ok() && driver.session.deadline().unwrap() <= next_send {
                result = tick(&mut driver);
                driver.sent();
            }
            if result.is_err() {
                break;
            }
            driver.now = next_send;
            driver.publish(Qos::AtMostOnce, "x");
            driver.sent();
        }
        let silence = driver.now - silent_since;
        prop_assert!(silence <= interval * 3 / 2, "{silence:?} of {interval:?}");
        prop_assert!(silence >= interval / 2);
    }
}
