//! QoS 0 messages over a connection that breaks: those that the socket has not taken whole go out
//! over the next one, and the others are counted unless the broker has shown that it got them.

use std::io::IoSlice;

use mqtools_common::message::{Publication, Qos};
use mqtools_common::property::Properties;
use mqtools_common::protocol::{Connect, Event, Session};
use mqtools_common::reason::{ReasonCode, Version};
use mqtools_common::topic::TopicName;

use crate::driver::EVERY;
use crate::wire::{self, ClientReader, FromClient};

struct Keeper {
    session: Session,
    version: Version,
    now: std::time::Instant,
}

impl Keeper {
    fn online(version: Version) -> Self {
        let connect = Connect {
            version,
            client_id: "me".into(),
            ..Connect::default()
        };
        let mut keeper = Self {
            session: Session::new(connect, 10, None).keeping_unsent(),
            version,
            now: std::time::Instant::now(),
        };
        keeper.connect();
        keeper
    }

    /// The next connection, accepted; gives what is sent over it.
    fn connect(&mut self) -> Vec<FromClient> {
        self.session.open(self.now).unwrap();
        self.take(usize::MAX);
        self.feed(&wire::connack(self.version, false, 0, &[]));
        assert!(matches!(
            self.session.next_event(),
            Some(Event::Connected(_))
        ));
        let sent = self.take(usize::MAX);
        let mut reader = ClientReader::new(self.version);
        reader.push(&sent);
        std::iter::from_fn(|| reader.next()).collect()
    }

    fn feed(&mut self, bytes: &[u8]) {
        let mut input = bytes.into();
        self.session.feed(&mut input, self.now).unwrap();
    }

    fn publish(&mut self, payload: &str) {
        let message = Publication {
            topic: TopicName::new("t").unwrap(),
            payload: payload.as_bytes().to_vec().into(),
            qos: Qos::AtMostOnce,
            retain: false,
            properties: Properties::default(),
            topic_alias: None,
        };
        self.session.publish(&message).unwrap();
    }

    /// Lets the socket take at most `most` bytes.
    fn take(&mut self, most: usize) -> Vec<u8> {
        let output = self.session.output();
        let mut slices = [IoSlice::new(&[]); 64];
        let count = output.slices(&mut slices);
        let all: Vec<u8> = slices[..count].iter().flat_map(|s| s.to_vec()).collect();
        let taken = most.min(all.len());
        output.advance(taken);
        self.session.sent(self.now);
        all[..taken].to_vec()
    }
}

fn payloads(sent: &[FromClient]) -> Vec<String> {
    sent.iter()
        .map(|packet| match packet {
            FromClient::Publish(publish) => String::from_utf8(publish.payload.clone()).unwrap(),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn what_the_socket_took_is_counted_and_the_rest_goes_out_again() {
    for version in EVERY {
        let mut keeper = Keeper::online(version);
        for text in ["one", "two", "six"] {
            keeper.publish(text);
        }
        let size = keeper.session.output().len() / 3;
        for cut in 0..=3 * size {
            let mut keeper = Keeper::online(version);
            for text in ["one", "two", "six"] {
                keeper.publish(text);
            }
            keeper.take(cut);
            let whole = cut / size;
            assert_eq!(keeper.session.is_settled(), whole == 3);
            keeper.session.lost();
            let told = keeper.session.next_event();
            let expected = (whole > 0).then_some(Event::MayBeLost(whole as u64));
            assert_eq!(told, expected, "after {cut} bytes");
            assert_eq!(keeper.session.is_settled(), whole == 3);
            let sent = keeper.connect();
            assert_eq!(payloads(&sent), ["one", "two", "six"][whole..]);
            assert!(keeper.session.is_settled());
            assert_eq!(keeper.session.next_event(), None);
        }
    }
}

#[test]
fn an_answered_pingreq_proves_what_went_before_it() {
    let mut keeper = Keeper::online(Version::V311);
    let long = "x".repeat(50_000);
    for _ in 0..3 {
        keeper.publish(&long);
        keeper.take(usize::MAX);
    }
    // More than 128 KiB went out: the broker is asked at once, without any time passing.
    let sent = keeper.take(usize::MAX);
    assert_eq!(sent, [0xc0, 0]);
    keeper.publish("after");
    keeper.take(usize::MAX);
    keeper.feed(&[0xd0, 0]);
    keeper.session.lost();
    assert_eq!(keeper.session.next_event(), Some(Event::MayBeLost(1)));
}

#[test]
fn an_answer_before_the_question_proves_nothing_that_did_not_go_out() {
    for version in EVERY {
        let mut keeper = Keeper::online(version);
        keeper.publish("one");
        let size = keeper.session.output().len();
        keeper.publish("two");
        let late = keeper.now + std::time::Duration::from_secs(100_000);
        keeper.session.tick(late).unwrap();
        keeper.take(size);
        assert!(keeper.session.awaits_proof());
        keeper.feed(&[0xD0, 0, 0xD0, 0]);
        assert!(!keeper.session.awaits_proof());
        assert_eq!(keeper.session.in_doubt(), Some(1));
        // Then the rest, and what would be worth a question of its own.
        keeper.take(usize::MAX);
        for _ in 0..100 {
            keeper.publish(&"x".repeat(5000));
        }
        keeper.take(usize::MAX);
        keeper.session.lost();
        let told = keeper.session.next_event();
        assert!(matches!(told, Some(Event::MayBeLost(101))), "{told:?}");
    }
}

#[test]
fn a_slow_stream_is_proven_every_second() {
    let mut keeper = Keeper::online(Version::V311);
    let second = std::time::Duration::from_secs(1);
    keeper.publish("one");
    keeper.take(usize::MAX);
    keeper.now += second;
    keeper.publish("two");
    keeper.take(usize::MAX);
    assert!(keeper.session.output().is_empty());
    keeper.now += second;
    keeper.publish("three");
    keeper.take(usize::MAX);
    assert_eq!(keeper.take(usize::MAX), [0xc0, 0]);
    let before = keeper.session.achieved();
    keeper.feed(&[0xd0, 0]);
    assert_eq!(keeper.session.achieved(), before + 3);
    keeper.session.lost();
    assert_eq!(keeper.session.next_event(), None);
}

#[test]
fn behind_a_disconnect_nothing_is_asked() {
    for version in EVERY {
        let mut keeper = Keeper::online(version);
        keeper.publish("one");
        keeper.take(usize::MAX);
        keeper.publish("two");
        keeper.session.disconnect(ReasonCode::SUCCESS);
        // Late enough for a proof.
        keeper.now += std::time::Duration::from_secs(2);
        keeper.take(usize::MAX);
        assert!(keeper.take(usize::MAX).is_empty());
    }
}

#[test]
fn without_an_answer_nothing_is_proven() {
    let mut keeper = Keeper::online(Version::V311);
    let long = "x".repeat(50_000);
    for _ in 0..6 {
        keeper.publish(&long);
        keeper.take(usize::MAX);
    }
    keeper.session.lost();
    assert_eq!(keeper.session.next_event(), Some(Event::MayBeLost(6)));
}

#[test]
fn nothing_is_told_or_kept_unless_it_is_asked_for() {
    let connect = Connect {
        client_id: "me".into(),
        ..Connect::default()
    };
    let mut keeper = Keeper {
        session: Session::new(connect, 10, None),
        version: Version::V311,
        now: std::time::Instant::now(),
    };
    keeper.connect();
    keeper.publish("one");
    keeper.publish("two");
    keeper.take(4);
    keeper.session.lost();
    assert_eq!(keeper.session.next_event(), None);
    assert!(keeper.connect().is_empty());
}

#[test]
fn lower_limits_of_the_next_connection_are_told() {
    let mut keeper = Keeper::online(Version::V5);
    keeper.publish(&"x".repeat(100));
    keeper.session.lost();
    keeper.session.open(keeper.now).unwrap();
    keeper.take(usize::MAX);
    // Maximum Packet Size 50.
    keeper.feed(&wire::connack(Version::V5, false, 0, &[0x27, 0, 0, 0, 50]));
    assert!(matches!(
        keeper.session.next_event(),
        Some(Event::Connected(_))
    ));
    let Some(Event::Published {
        packet_id: 0,
        reason,
        ..
    }) = keeper.session.next_event()
    else {
        panic!("not told");
    };
    assert_eq!(reason.0, 0x95);
    assert!(keeper.session.is_settled());
}

#[test]
fn a_session_with_an_expiry_starts_clean_only_once() {
    for (expiry, expected) in [(None, true), (Some(0), true), (Some(60), false)] {
        let connect = Connect {
            version: Version::V5,
            client_id: "me".into(),
            session_expiry: expiry,
            ..Connect::default()
        };
        let mut session = Session::new(connect, 10, None);
        let now = std::time::Instant::now();
        for (round, clean) in [true, expected].into_iter().enumerate() {
            session.open(now).unwrap();
            let mut slices = [IoSlice::new(&[]); 8];
            let count = session.output().slices(&mut slices);
            let bytes: Vec<u8> = slices[..count].iter().flat_map(|s| s.to_vec()).collect();
            // The Connect Flags, behind the fixed header, the protocol's name and its level.
            assert_eq!(bytes[9] & 2 != 0, clean, "{expiry:?}, round {round}");
            let mut input = wire::connack(Version::V5, false, 0, &[])[..].into();
            session.feed(&mut input, now).unwrap();
        }
    }
}

/// The identifier that the broker assigns makes the next CONNECT longer.
#[test]
fn a_longer_connect_takes_nothing_along() {
    let connect = Connect {
        version: Version::V5,
        ..Connect::default()
    };
    let mut keeper = Keeper {
        session: Session::new(connect, 10, None).keeping_unsent(),
        version: Version::V5,
        now: std::time::Instant::now(),
    };
    keeper.session.open(keeper.now).unwrap();
    keeper.take(usize::MAX);
    let id = "x".repeat(60);
    let mut properties = vec![0x12, 0, 60];
    properties.extend_from_slice(id.as_bytes());
    keeper.feed(&wire::connack(Version::V5, false, 0, &properties));
    assert!(keeper.session.next_event().is_some());
    keeper.publish("one");
    keeper.publish("two");
    keeper.session.lost();
    assert_eq!(keeper.session.next_event(), None);
    assert_eq!(payloads(&keeper.connect()), ["one", "two"]);
}
