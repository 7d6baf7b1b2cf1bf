//! Lines that are published many at a time are what they would be one by one, also when the connection
//! breaks in the middle of them.

use std::io::IoSlice;
use std::time::Instant;

use bytes::Bytes;
use mqtools_common::message::{Publication, Qos};
use mqtools_common::payload::Payload;
use mqtools_common::property::Properties;
use mqtools_common::protocol::{Connect, Event, Session};
use mqtools_common::reason::Version;
use mqtools_common::topic::TopicName;
use proptest::prelude::*;

use crate::driver::EVERY;
use crate::wire;

/// What a broker limits.
#[derive(Debug, Clone, Copy)]
struct Limits {
    version: Version,
    /// Maximum Packet Size.
    maximum: Option<u32>,
}

struct Publisher {
    session: Session,
    limits: Limits,
    now: Instant,
}

impl Publisher {
    fn new(limits: Limits) -> Self {
        let connect = Connect {
            version: limits.version,
            client_id: "me".into(),
            ..Connect::default()
        };
        let mut publisher = Self {
            session: Session::new(connect, 10, None).keeping_unsent(),
            limits,
            now: Instant::now(),
        };
        publisher.connect();
        publisher
    }

    fn connect(&mut self) {
        self.session.open(self.now).unwrap();
        self.take(usize::MAX);
        let mut properties = Vec::new();
        if let Some(maximum) = self.limits.maximum {
            properties.push(0x27);
            properties.extend_from_slice(&maximum.to_be_bytes());
        }
        let mut connack = wire::connack(self.limits.version, false, 0, &properties)[..].into();
        self.session.feed(&mut connack, self.now).unwrap();
    }

    /// Publishes the lines of a text up to one that is not taken, many at a time or one by one; gives
    /// how many.
    fn publish(&mut self, message: &Publication, text: &[u8], most: Option<usize>) -> u64 {
        let mut text = Bytes::copy_from_slice(text);
        let mut count = 0;
        while !text.is_empty() {
            if let Some(most) = most {
                let more = self.session.publish_lines(message, &mut text, b'\n', most);
                count += more;
                if more > 0 {
                    continue;
                }
            }
            let end = text.iter().position(|byte| *byte == b'\n');
            let line = text.split_to(end.unwrap_or(text.len()));
            let mut one = message.clone();
            one.payload = line.into();
            if self.session.publish_taking(&mut one).is_err() {
                break;
            }
            count += 1;
            let _ = text.split_to(usize::from(end.is_some()));
        }
        count
    }

    /// Lets the socket take at most `most` bytes.
    fn take(&mut self, most: usize) -> Vec<u8> {
        let mut taken = Vec::new();
        while taken.len() < most && !self.session.output().is_empty() {
            let output = self.session.output();
            let mut slices = [IoSlice::new(&[]); 64];
            let count = output.slices(&mut slices);
            let all: Vec<u8> = slices[..count].iter().flat_map(|s| s.to_vec()).collect();
            let now = all.len().min(most - taken.len());
            output.advance(now);
            self.session.sent(self.now);
            taken.extend_from_slice(&all[..now]);
        }
        taken
    }

    fn state(&mut self) -> (Option<u64>, bool, bool, Vec<Event>) {
        let events = std::iter::from_fn(|| self.session.next_event()).collect();
        let session = &self.session;
        (
            session.in_doubt(),
            session.is_settled(),
            session.awaits_proof(),
            events,
        )
    }
}

#[derive(Debug, Clone)]
enum Step {
    Publish(Vec<u8>, bool),
    Take(usize),
    Pong,
    Reconnect,
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![20 => 0..90_usize, 6 => 90..300_usize, 1 => 8_000..9_000_usize];
    let line = (length, any::<bool>()).prop_map(|(length, is_last)| (vec![b'x'; length], is_last));
    prop::collection::vec(line, 1..20).prop_map(|lines| {
        let mut text = Vec::new();
        for (line, has_end) in lines {
            text.extend_from_slice(&line);
            if !has_end {
                text.push(b'\n');
            }
        }
        text
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (text(), any::<bool>()).prop_map(|(text, other)| Step::Publish(text, other)),
        4 => prop_oneof![0..200_usize, 0..5_000_usize, Just(usize::MAX)].prop_map(Step::Take),
        1 => Just(Step::Pong),
        1 => Just(Step::Reconnect),
    ]
}

proptest! {
    #[test]
    fn lines_are_messages(
        version in prop::sample::select(EVERY.to_vec()),
        maximum in prop::option::of(20..9_000_u32),
        most in 1..2_000_usize,
        has_properties in any::<bool>(),
        alias in prop::option::weighted(0.2, 1..3_u16),
        steps in prop::collection::vec(step(), 1..12),
    ) {
        let limits = Limits { version, maximum: maximum.filter(|_| version == Version::V5) };
        let mut together = Publisher::new(limits);
        let mut one_by_one = Publisher::new(limits);
        let message = |topic: &str| Publication {
            topic: TopicName::new(topic).unwrap(),
            payload: Payload::default(),
            qos: Qos::AtMostOnce,
            retain: has_properties,
            properties: Properties::default(),
            topic_alias: alias.filter(|_| version == Version::V5),
        };
        // The last ones leave little room, or none, in a length of two bytes.
        let lengths = [130, 16_370, 16_382, 16_400];
        let mut messages = vec![message("t")];
        messages.extend(lengths.map(|length| message(&"u".repeat(length))));
        for step in steps {
            match step {
                Step::Publish(text, other) => {
                    let message = &messages[usize::from(other)];
                    let expected = one_by_one.publish(message, &text, None);
                    prop_assert_eq!(together.publish(message, &text, Some(most)), expected);
                }
                Step::Take(most) => {
                    prop_assert_eq!(together.take(most), one_by_one.take(most));
                }
                Step::Pong => {
                    for publisher in [&mut together, &mut one_by_one] {
                        let mut pong = [0xD0, 0][..].into();
                        publisher.session.feed(&mut pong, publisher.now).unwrap();
                    }
                }
                Step::Reconnect => {
                    for publisher in [&mut together, &mut one_by_one] {
                        publisher.session.lost();
                        publisher.connect();
                    }
                }
            }
            prop_assert_eq!(together.state(), one_by_one.state());
        }
        prop_assert_eq!(together.take(usize::MAX), one_by_one.take(usize::MAX));
        prop_assert_eq!(together.state(), one_by_one.state());
    }
}

#[test]
fn short_lines_go_together() {
    for version in EVERY {
        let mut publisher = Publisher::new(Limits {
            version,
            maximum: None,
        });
        let message = Publication {
            topic: TopicName::new("t").unwrap(),
            payload: Payload::default(),
            qos: Qos::AtMostOnce,
            retain: false,
            properties: Properties::default(),
            topic_alias: None,
        };
        let mut text = Bytes::from_static(b"one\n\ntwo\nthe last");
        let session = &mut publisher.session;
        assert_eq!(session.publish_lines(&message, &mut text, b'\n', 1000), 4);
        assert!(text.is_empty());
        let mut text = Bytes::from_static(b"one\n\ntwo\nthe last");
        assert_eq!(session.publish_lines(&message, &mut text, b'\n', 1), 1);
        assert_eq!(&text[..], b"\ntwo\nthe last");
    }
}
