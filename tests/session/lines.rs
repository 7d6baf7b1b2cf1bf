//! Lines that are published, and acknowledged, many at a time are what they would be one by one, also when
//! the connection breaks in the middle of them: with a trace they are taken one by one.

use std::io::IoSlice;
use std::time::Instant;

use bytes::Bytes;
use mqtools_common::message::{Publication, Qos};
use mqtools_common::payload::Payload;
use mqtools_common::property::Properties;
use mqtools_common::protocol::{Event, Most, ProtocolError, Session, Trace};
use mqtools_common::reason::{ReasonCode, Version};
use mqtools_common::topic::TopicName;
use proptest::prelude::*;

use crate::driver::{EVERY, lasting};
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
    fn new(limits: Limits, trace: Option<Trace>) -> Self {
        let session = Session::new(lasting(limits.version), 10, trace).keeping_unsent();
        let mut publisher = Self {
            session,
            limits,
            now: Instant::now(),
        };
        publisher.connect(false);
        publisher
    }

    fn connect(&mut self, is_present: bool) {
        self.session.open(self.now).unwrap();
        self.take(usize::MAX);
        let mut properties = Vec::new();
        if let Some(maximum) = self.limits.maximum {
            properties.push(0x27);
            properties.extend_from_slice(&maximum.to_be_bytes());
        }
        let mut connack = wire::connack(self.limits.version, is_present, 0, &properties)[..].into();
        self.session.feed(&mut connack, self.now).unwrap();
    }

    /// Publishes the lines of a text up to one that is not taken, many at a time or one by one; gives
    /// how many.
    fn publish(&mut self, message: &Publication, text: &[u8], most: Option<Most>) -> u64 {
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

    /// What the broker sends.
    fn feed(&mut self, packets: &[u8]) -> Result<(), ProtocolError> {
        self.session.feed(&mut packets.into(), self.now)
    }

    fn state(&mut self) -> State {
        let session = &self.session;
        State {
            in_doubt: session.in_doubt(),
            is_settled: session.is_settled(),
            awaits_proof: session.awaits_proof(),
            has_room: session.has_room(),
            unacknowledged: session.unacknowledged(),
            bytes: session.unacknowledged_bytes(),
            achieved: session.achieved(),
        }
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.next_event()).collect()
    }

    /// The events, those taken together that can be, in their order.
    fn events_together(&mut self) -> Vec<(u64, Option<Event>)> {
        std::iter::from_fn(|| {
            let count = self.session.successes();
            let event = self.session.next_event();
            (count > 0 || event.is_some()).then_some((count, event))
        })
        .collect()
    }
}

#[derive(Debug, PartialEq)]
struct State {
    in_doubt: Option<u64>,
    is_settled: bool,
    awaits_proof: bool,
    has_room: bool,
    unacknowledged: usize,
    bytes: usize,
    achieved: u64,
}

/// How many events are messages that arrived, and what the others are.
fn summed_up(events: impl IntoIterator<Item = (u64, Option<Event>)>) -> (u64, Vec<Event>) {
    let (mut successes, mut others) = (0, Vec::new());
    for (count, event) in events {
        successes += count;
        match event {
            Some(Event::Published { reason, .. }) if reason == ReasonCode::SUCCESS => {
                successes += 1
            }
            event => others.extend(event),
        }
    }
    (successes, others)
}

#[derive(Debug, Clone)]
enum Step {
    Publish(Vec<u8>, bool),
    Take(usize),
    /// Acknowledgements: kinds and identifiers.
    Answer(Vec<(u8, u16)>),
    Pong,
    Reconnect(bool),
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
        4 => prop::collection::vec((0..6_usize, 1..25_u16), 1..20).prop_map(|acks| {
            let kinds = [wire::PUBACK, wire::PUBREC, wire::PUBREC, wire::PUBCOMP, wire::PUBCOMP];
            let kind = |index| *kinds.get(index).unwrap_or(&wire::PUBREL);
            Step::Answer(acks.into_iter().map(|(index, id)| (kind(index), id)).collect())
        }),
        1 => any::<bool>().prop_map(Step::Reconnect),
    ]
}

proptest! {
    #[test]
    fn lines_are_messages(
        version in prop::sample::select(EVERY.to_vec()),
        maximum in prop::option::of(20..9_000_u32),
        output in 1..2_000_usize,
        unacknowledged in 1..500_usize,
        qos in prop::sample::select(vec![Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce]),
        has_properties in any::<bool>(),
        alias in prop::option::weighted(0.2, 1..3_u16),
        steps in prop::collection::vec(step(), 1..12),
    ) {
        let maximum = maximum.filter(|_| version == Version::V5);
        let limits = Limits { version, maximum };
        let most = Most { output, unacknowledged };
        let mut together = Publisher::new(limits, None);
        let mut one_by_one = Publisher::new(limits, Some(|_| {}));
        let message = |topic: &str| Publication {
            topic: TopicName::new(topic).unwrap(),
            payload: Payload::default(),
            qos,
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
                Step::Answer(acks) => {
                    // Mostly what can be an answer.
                    let packets: Vec<u8> = acks
                        .into_iter()
                        .map(|(kind, id)| match qos {
                            Qos::AtLeastOnce if kind != wire::PUBREL => (wire::PUBACK, id),
                            _ => (kind, id),
                        })
                        .flat_map(|(kind, id)| wire::ack(kind, id))
                        .collect();
                    prop_assert_eq!(together.feed(&packets), one_by_one.feed(&packets));
                }
                Step::Pong => {
                    prop_assert_eq!(together.feed(&[0xD0, 0]), one_by_one.feed(&[0xD0, 0]));
                }
                Step::Reconnect(is_present) => {
                    for publisher in [&mut together, &mut one_by_one] {
                        publisher.session.lost();
                        publisher.connect(is_present);
                    }
                }
            }
            prop_assert_eq!(together.state(), one_by_one.state());
            if output % 2 == 0 {
                prop_assert_eq!(together.events(), one_by_one.events());
            } else {
                let events = one_by_one.events().into_iter().map(|event| (0, Some(event)));
                prop_assert_eq!(summed_up(together.events_together()), summed_up(events));
            }
        }
        prop_assert_eq!(together.take(usize::MAX), one_by_one.take(usize::MAX));
        prop_assert_eq!(together.state(), one_by_one.state());
    }
}

#[test]
fn short_lines_go_together() {
    let most = |output, unacknowledged| Most {
        output,
        unacknowledged,
    };
    for (version, qos) in EVERY
        .into_iter()
        .flat_map(|version| [0, 1, 2].map(|qos| (version, qos)))
    {
        let limits = Limits {
            version,
            maximum: None,
        };
        let mut publisher = Publisher::new(limits, None);
        let message = Publication {
            topic: TopicName::new("t").unwrap(),
            payload: Payload::default(),
            qos: Qos::from_level(qos).unwrap(),
            retain: false,
            properties: Properties::default(),
            topic_alias: None,
        };
        let session = &mut publisher.session;
        let mut publish =
            |text: &mut Bytes, most| session.publish_lines(&message, text, b'\n', most);
        let all = Bytes::from_static(b"one\n\ntwo\nthe last");
        let mut text = all.clone();
        assert_eq!(publish(&mut text, most(1000, 1000)), 4);
        assert!(text.is_empty());
        text = all.clone();
        assert_eq!(publish(&mut text, most(1, 1000)), 1);
        assert_eq!(&text[..], b"\ntwo\nthe last");
        if qos > 0 {
            text = all.clone();
            assert_eq!(publish(&mut text, most(1000, 4)), 3);
            assert_eq!(&text[..], b"the last");
            // The window is 10.
            text = all.clone();
            assert_eq!(publish(&mut text, most(1000, 1000)), 2);
            assert_eq!(publish(&mut text, most(1000, 1000)), 0);
            assert_eq!(&text[..], b"two\nthe last");
        }
    }
}
