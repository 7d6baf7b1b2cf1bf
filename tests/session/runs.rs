//! Messages that are taken in many at a time are what they would be one by one: with a trace they are
//! taken one by one.

use bytes::BytesMut;
use mqtools_common::message::{Message, Qos, Receipts, View};
use mqtools_common::protocol::{Connect, Event, ProtocolError, Run, Session};
use mqtools_common::reason::Version;
use proptest::prelude::*;

use crate::driver::{Driver, EVERY, lasting};
use crate::wire;

/// What becomes of bytes that come in pieces: the events, the error, and what is left.
type Outcome = (Vec<Event>, Result<(), ProtocolError>, Vec<u8>, u64);

/// How the events are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// Nothing is taken in as a run.
    OneByOne,
    /// Runs become events.
    AsEvents,
    /// So many messages of each run are looked at where they lie.
    AsRuns(usize),
}

fn outcome(connect: &Connect, bytes: &[u8], cuts: &[usize], way: Way) -> Outcome {
    let trace = (way == Way::OneByOne).then_some((|_| {}) as fn(std::fmt::Arguments<'_>));
    let session = Session::new(connect.clone(), 10, trace);
    let mut driver = Driver::of(session, connect.version);
    driver.accept(false, &[]);
    driver.events();
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let (mut start, mut input, mut result) = (0, BytesMut::new(), Ok(()));
    let mut events = Vec::new();
    for end in ends {
        input.extend_from_slice(&bytes[start..end]);
        start = end;
        if result.is_ok() {
            result = driver.session.feed(&mut input, driver.now);
        }
        loop {
            if let Way::AsRuns(most) = way
                && let Some(run) = driver.session.run()
            {
                let mut left = most;
                while left > 0
                    && let Some(view) = run.next()
                {
                    events.push(Event::Message(owned(view)));
                    left -= 1;
                }
                check_taken(run, &events, most - left);
            }
            let Some(event) = driver.session.next_event() else {
                break;
            };
            events.push(event);
        }
    }
    (events, result, input.to_vec(), driver.session.achieved())
}

/// What a run says of the messages that it gave last.
fn check_taken(run: &mut Run, events: &[Event], count: usize) {
    let (taken, receipts) = run.taken();
    assert_eq!(taken, count as u64);
    let mut expected: Option<Receipts> = None;
    for event in &events[events.len() - count..] {
        let Event::Message(message) = event else {
            panic!("{event:?}");
        };
        match (&mut expected, message.receipt) {
            (Some(all), Some(receipt)) => assert!(all.add(receipt)),
            (all, receipt) => *all = receipt.map(Receipts::from),
        }
    }
    assert_eq!(receipts, expected);
}

/// The message that has such a packet.
fn owned(view: View<'_>) -> Message {
    let (qos, id) = (view.qos.level(), view.packet_id.unwrap_or_default());
    let packet = wire::publish(Version::V311, (false, qos), view.topic(), id, view.payload);
    let mut driver = Driver::online(Version::V311);
    driver.feed(&packet);
    match driver.events().pop() {
        Some(Event::Message(mut message)) => {
            assert_eq!(message.view().properties, view.properties);
            assert_eq!(
                (message.qos, message.view().packet_id),
                (view.qos, view.packet_id)
            );
            message.retain = view.retain;
            message
        }
        other => panic!("{other:?}"),
    }
}

fn packets(version: Version) -> impl Strategy<Value = Vec<u8>> {
    let topic = prop_oneof![
        4 => Just("a".to_owned()),
        4 => prop::sample::select(vec!["b/c", "\u{e4}", "", "a\0", "\u{1}"]).prop_map(str::to_owned),
        1 => (100..400_usize).prop_map(|length| "x".repeat(length)),
    ];
    let length = prop_oneof![8 => 0..200_usize, 1 => 16_300..16_500_usize];
    let packet = (topic, length, any::<u8>(), 0..3_u8, 0..9_u16).prop_map(
        move |(topic, length, first, qos, id)| {
            let payload = vec![first; length];
            let dup = first & 7 == 7;
            let mut packet = wire::publish(version, (dup, qos), &topic, id, &payload);
            packet[0] |= first & 8 >> 3 | u8::from(first & 16 != 0);
            packet
        },
    );
    let other = prop_oneof![
        30 => packet,
        4 => (1..9_u16).prop_map(|id| wire::ack(wire::PUBREL, id)),
        1 => prop::collection::vec(any::<u8>(), 0..5),
    ];
    prop::collection::vec(other, 0..12).prop_map(|packets| packets.concat())
}

fn streams() -> impl Strategy<Value = (Version, Vec<u8>)> {
    prop::sample::select(EVERY.to_vec())
        .prop_flat_map(|version| packets(version).prop_map(move |bytes| (version, bytes)))
}

proptest! {
    #[test]
    fn runs_change_nothing(
        (version, mut bytes) in streams(),
        cuts in prop::collection::vec(any::<usize>(), 0..4),
        spoiled in prop::option::weighted(0.3, (any::<usize>(), any::<u8>())),
        maximum in prop::option::of(100..20_000_u32),
        most in 0..4_usize,
    ) {
        if let Some((place, byte)) = spoiled
            && !bytes.is_empty()
        {
            let place = place % bytes.len();
            bytes[place] = byte;
        }
        let mut connect = lasting(version);
        connect.maximum_packet_size = maximum.filter(|_| version == Version::V5);
        let expected = outcome(&connect, &bytes, &cuts, Way::OneByOne);
        prop_assert_eq!(&outcome(&connect, &bytes, &cuts, Way::AsEvents), &expected);
        prop_assert_eq!(&outcome(&connect, &bytes, &cuts, Way::AsRuns(most)), &expected);
    }
}

#[test]
fn plain_messages_are_a_run() {
    for version in EVERY {
        let mut driver = Driver::online(version);
        let plain = wire::publish(version, (false, 0), "a", 0, b"x");
        driver.feed(
            &[
                &plain[..],
                &plain,
                &wire::publish(version, (false, 1), "a", 1, b"y"),
                &wire::publish(version, (false, 2), "a", 2, b"y"),
                &wire::publish(version, (true, 1), "a", 3, b"y"),
            ]
            .concat(),
        );
        let run = driver.session.run().unwrap();
        assert_eq!(run.next().unwrap().payload, b"x");
        assert_eq!(run.next().unwrap().topic(), "a");
        assert!(run.next().is_none(), "another QoS");
        assert_eq!(run.taken(), (2, None));
        let rest = driver.events();
        let qos = |event: &Event| match event {
            Event::Message(message) => (message.qos, message.dup),
            _ => panic!("{event:?}"),
        };
        let rest: Vec<_> = rest.iter().map(qos).collect();
        assert_eq!(
            rest,
            [
                (Qos::AtLeastOnce, false),
                (Qos::ExactlyOnce, false),
                (Qos::AtLeastOnce, true)
            ]
        );
        assert!(driver.session.run().is_none());
    }
}
