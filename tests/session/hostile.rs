//! Bytes from a broker that is broken or means harm: no panic, an error or nothing, and the
//! same whatever pieces they come in.

use bytes::BytesMut;
use mqtools_common::message::Qos;
use mqtools_common::protocol::{Connect, Event, ProtocolError, Session};
use mqtools_common::reason::{ReasonCode, Version};
use proptest::prelude::*;

use crate::driver::{Driver, EVERY, lasting, peek};
use crate::wire::{self, PUBACK, PUBCOMP, PUBREC, PUBREL};

/// What became of a stream of bytes.
#[derive(Debug, PartialEq)]
struct Outcome {
    result: Result<(), ProtocolError>,
    events: Vec<Event>,
    sent: Vec<u8>,
    left: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Offline,
    Connecting,
    Online,
    Ended,
}

fn session(version: Version, stage: Stage) -> Driver {
    if matches!(stage, Stage::Connecting) {
        return Driver::connecting(lasting(version), 10);
    }
    let mut driver = Driver::online(version);
    // Every kind of exchange is under way: 1 and 2 sent, 3 released, 4 a SUBSCRIBE; 5 and 6
    // received, 6 acknowledged.
    driver.publish(Qos::AtLeastOnce, "1");
    driver.publish(Qos::ExactlyOnce, "2");
    driver.publish(Qos::ExactlyOnce, "3");
    driver.subscribe(&["a", "b"]);
    driver.feed(&wire::ack(PUBREC, 3));
    for id in [5, 6] {
        driver.feed(&wire::publish(version, (false, 2), "t", id, b"x"));
    }
    for event in driver.events() {
        if let Event::Message(message) = event
            && let Some(receipt) = message.receipt
            && receipt.packet_id == 6
        {
            driver.session.acknowledge(receipt);
        }
    }
    match stage {
        Stage::Ended => driver.session.disconnect(ReasonCode::SUCCESS),
        Stage::Offline => driver.session.lost(),
        _ => {}
    }
    driver.sent_bytes();
    driver
}

fn outcome(version: Version, stage: Stage, bytes: &[u8], cuts: &[usize]) -> Outcome {
    let mut driver = session(version, stage);
    let mut input = BytesMut::new();
    let mut result = Ok(());
    let mut start = 0;
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    for end in ends {
        input.extend_from_slice(&bytes[start..end]);
        start = end;
        if result.is_ok() {
            let capacity = input.capacity();
            result = driver.session.feed(&mut input, driver.now);
            assert!(input.capacity() <= capacity, "room for what is not there");
        }
    }
    let sent = peek(driver.session.output());
    assert!(sent.len() <= 5 * bytes.len());
    let outcome = Outcome {
        result,
        events: driver.events(),
        sent,
        left: input.to_vec(),
    };
    exercise(&mut driver.session);
    outcome
}

/// Whatever came before, the session can be used on.
fn exercise(session: &mut Session) {
    let unacknowledged = session.unacknowledged();
    let now = std::time::Instant::now();
    session.lost();
    assert_eq!(session.unacknowledged(), unacknowledged);
    session.open(now).unwrap();
    session
        .feed(&mut BytesMut::from(&[0x20, 2, 1, 0][..]), now)
        .unwrap();
    assert!(session.is_online());
    assert_eq!(session.unacknowledged(), unacknowledged);
}

/// One packet that a broker could send in the states above.
fn packet(version: Version) -> impl Strategy<Value = Vec<u8>> {
    let acks = (
        prop_oneof![Just(PUBACK), Just(PUBREC), Just(PUBREL), Just(PUBCOMP)],
        0..9u16,
        any::<u8>(),
        "[a-z]{0,9}",
        0..3u8,
    )
        .prop_map(|(kind, id, reason, words, form)| match form {
            0 => wire::ack(kind, id),
            1 => wire::ack_reason(kind, id, reason),
            _ => wire::ack_words(kind, id, reason, &words),
        });
    let publishes = (any::<bool>(), 0..3u8, "[a-z]{1,9}", 0..9u16, "[a-z]{0,200}").prop_map(
        move |(dup, qos, topic, id, payload)| {
            wire::publish(version, (dup, qos), &topic, id, payload.as_bytes())
        },
    );
    let properties = prop_oneof![
        Just(vec![]),
        Just(vec![0x0B, 1, 0x0B, 2, 0x0B, 3, 0x01, 1]),
        Just(b"\x26\x00\x01a\x00\x02bc\x1F\x00\x03why".to_vec()),
        Just(b"\x21\x00\x05\x27\x00\x00\x10\x00\x12\x00\x02id\x13\x00\x09".to_vec()),
        Just(vec![0x11, 0, 0, 0, 1, 0x22, 0, 4, 0x24, 1, 0x25, 1]),
    ];
    let rest = (
        0..6u8,
        0..9u16,
        prop::collection::vec(any::<u8>(), 0..4),
        properties,
    )
        .prop_map(move |(kind, id, codes, properties)| match kind {
            0 => wire::codes(version, 0x90, id, &codes),
            1 => wire::codes(version, 0xB0, id, &codes),
            2 => vec![0xD0, 0],
            3 => wire::connack(version, id & 1 == 1, u8::from(id > 6), &properties),
            4 => {
                let mut body = vec![0x8B, properties.len() as u8];
                body.extend(properties);
                wire::frame(0xE0, &body)
            }
            _ => {
                let mut body = vec![0, 1, b't', properties.len() as u8];
                body.extend(properties);
                body.extend(codes);
                wire::frame(0x30, &body)
            }
        });
    prop_oneof![2 => acks, 2 => publishes, 3 => rest]
}

fn any_stage() -> impl Strategy<Value = Stage> {
    prop_oneof![
        1 => Just(Stage::Offline),
        3 => Just(Stage::Connecting),
        8 => Just(Stage::Online),
        1 => Just(Stage::Ended),
    ]
}

fn any_cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(any::<usize>(), 0..12)
}

fn streams() -> impl Strategy<Value = (Version, Vec<u8>)> {
    prop::sample::select(&EVERY[..]).prop_flat_map(|version| {
        let packets = prop::collection::vec(packet(version), 1..6);
        (Just(version), packets.prop_map(|packets| packets.concat()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn garbage_gives_an_error_or_nothing(
        version in prop::sample::select(&EVERY[..]),
        stage in any_stage(),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        cuts in any_cuts(),
    ) {
        prop_assert_eq!(
            outcome(version, stage, &bytes, &cuts),
            outcome(version, stage, &bytes, &[])
        );
    }

    #[test]
    fn packets_mean_the_same_in_any_pieces(
        (version, bytes) in streams(),
        stage in any_stage(),
        cuts in any_cuts(),
    ) {
        prop_assert_eq!(
            outcome(version, stage, &bytes, &cuts),
            outcome(version, stage, &bytes, &[])
        );
    }

    #[test]
    fn mutated_packets_give_an_error_or_nothing(
        (version, mut bytes) in streams(),
        stage in any_stage(),
        mutations in prop::collection::vec((any::<usize>(), any::<u8>(), 0..4u8), 1..5),
        cuts in any_cuts(),
    ) {
        for (at, value, kind) in mutations {
            let at = at % bytes.len();
            match kind {
                0 => bytes[at] = value,
                1 => bytes[at] ^= 1 << (value & 7),
                2 => bytes.insert(at, value),
                _ if bytes.len() > 1 => { bytes.remove(at); }
                _ => {}
            }
        }
        prop_assert_eq!(
            outcome(version, stage, &bytes, &cuts),
            outcome(version, stage, &bytes, &[])
        );
    }
}

#[test]
fn a_promised_packet_that_does_not_come_costs_nothing() {
    let mut driver = Driver::connecting(Connect::default(), 1);
    driver.accept(false, &[]);
    // 268,435,455 bytes are announced, three are there.
    let mut input = BytesMut::from(&[0x30, 0xFF, 0xFF, 0xFF, 0x7F, 0, 1, b't'][..]);
    driver.session.feed(&mut input, driver.now).unwrap();
    assert_eq!(input.len(), 8);
    assert!(input.capacity() < 1024);
    assert_eq!(driver.events(), []);
}

/// What has no payload cannot need it, and nobody waits for it.
#[test]
fn other_packets_than_publish_are_short() {
    for first in [0x20, 0x40, 0x50, 0x62, 0x70, 0x90, 0xB0, 0xD0, 0xE0] {
        let mut driver = Driver::connecting(lasting(Version::V5), 10);
        if first != 0x20 {
            driver.accept(false, &[]);
        }
        let refused = driver.refuses(&[first, 0x81, 0x80, 0x80, 0x01]);
        assert!(refused.contains("that is no PUBLISH"), "{refused}");
    }
    let mut driver = Driver::online(Version::V5);
    driver.try_feed(&[0x30, 0x81, 0x80, 0x80, 0x01]).unwrap();
}
