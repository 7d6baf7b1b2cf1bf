//! What a broker sends, taken whole, byte by byte and in pieces: the same events, the same answers.

use std::io::IoSlice;
use std::time::Instant;

use bytes::BytesMut;
use mqtools_common::message::{Publication, Qos};
use mqtools_common::property::Properties;
use mqtools_common::protocol::{Connect, Event, Output, ProtocolError, Session, Subscription};
use mqtools_common::reason::Version;
use mqtools_common::topic::{TopicFilter, TopicName};

use crate::cursor::Cursor;
use crate::{Target, assert_harmless};

/// The version, the state of the session, the size of a piece, then what the broker sends.
pub(crate) const STREAM: Target = Target {
    name: "stream",
    run: stream,
    words: PACKETS,
    // Three sessions, and an event for every few bytes.
    memory: (256 << 10, 400),
    cases: 20_000,
};

/// Packets of a broker and parts of them.
pub(crate) const PACKETS: &[&[u8]] = &[
    b"\x20\x02\x00\x00",
    b"\x20\x03\x00\x00\x00",
    b"\x20\x02\x01\x00",
    b"\x20\x02\x00\x05",
    b"\x30\x04\x00\x01tx",
    b"\x30\x05\x00\x01t\x00x",
    b"\x32\x06\x00\x01t\x00\x05x",
    b"\x34\x07\x00\x01t\x00\x05\x00x",
    b"\x40\x02\x00\x01",
    b"\x50\x02\x00\x02",
    b"\x62\x02\x00\x05",
    b"\x70\x02\x00\x03",
    b"\x70\x03\x00\x03\x92",
    b"\x90\x04\x00\x04\x00\x01",
    b"\x90\x05\x00\x04\x00\x00\x80",
    b"\xb0\x02\x00\x04",
    b"\xd0\x00",
    b"\xe0\x00",
    b"\xe0\x02\x8b\x00",
    b"\xf0\x00",
    b"\xff\xff\xff\x7f",
    b"\x80\x80\x80\x80",
    b"\x26\x00\x01k\x00\x01v",
    b"\x1f\x00\x03why",
    b"\x23\x00\x01",
    b"\x0b\x80\x80\x80\x80\x01",
    b"\x27\x00\x00\x00\x05",
    b"\x21\x00\x00",
    b"\x22\x00\x0a",
];

#[derive(Debug, PartialEq)]
struct Outcome {
    result: Result<(), ProtocolError>,
    events: Vec<Event>,
    sent: Vec<u8>,
    left: usize,
}

fn stream(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let version = cursor.version();
    let state = cursor.byte();
    let step = usize::from(cursor.byte()) + 1;
    let bytes = cursor.rest();
    let whole = outcome(version, state, bytes, usize::MAX);
    for step in [1, step] {
        assert_eq!(
            outcome(version, state, bytes, step),
            whole,
            "in pieces of {step}"
        );
    }
}

fn outcome(version: Version, state: u8, bytes: &[u8], step: usize) -> Outcome {
    let now = Instant::now();
    let mut session = session(version, state, now);
    let before = session.output().len();
    let mut input = BytesMut::new();
    let mut result = Ok(());
    for piece in bytes.chunks(step.min(bytes.len().max(1))) {
        input.extend_from_slice(piece);
        if result.is_ok() {
            let capacity = input.capacity();
            result = session.feed(&mut input, now);
            assert!(input.capacity() <= capacity, "room for what is not there");
        }
    }
    let sent = peek(session.output());
    assert!(
        sent.len() - before <= 5 * bytes.len(),
        "{} bytes for {}",
        sent.len(),
        bytes.len()
    );
    if let Err(why) = &result {
        assert_harmless(&why.to_string());
        // Nothing more is taken in, and nothing more is said.
        let left = input.len();
        session.feed(&mut input, now).unwrap();
        assert_eq!((input.len(), session.output().len()), (left, sent.len()));
        assert!(!session.is_online());
    }
    let events: Vec<_> = std::iter::from_fn(|| session.next_event()).collect();
    assert!(events.len() <= bytes.len() / 2);
    // Whatever came before, the session can be used on.
    let unacknowledged = session.unacknowledged();
    session.lost();
    session.open(now).unwrap();
    session
        .feed(&mut BytesMut::from(&b"\x20\x02\x01\x00"[..]), now)
        .unwrap();
    assert!(session.is_online());
    assert_eq!(session.unacknowledged(), unacknowledged);
    Outcome {
        result,
        events,
        sent,
        left: input.len(),
    }
}

/// Waiting for CONNACK, or online with every kind of exchange under way: 1 and 2 sent, 3
/// released, 4 a SUBSCRIBE, 5 received.
fn session(version: Version, state: u8, now: Instant) -> Session {
    let connect = Connect {
        version,
        client_id: "fuzz".into(),
        clean_start: false,
        topic_alias_maximum: (version == Version::V5).then_some(10),
        maximum_packet_size: (version == Version::V5 && state & 4 != 0).then_some(100),
        ..Connect::default()
    };
    let mut session = Session::new(connect, 10, None);
    session.open(now).unwrap();
    if state & 1 == 0 {
        drain(&mut session);
        return session;
    }
    feed(
        &mut session,
        if version == Version::V5 {
            b"\x20\x03\x00\x00\x00"
        } else {
            b"\x20\x02\x00\x00"
        },
        now,
    );
    for qos in [Qos::AtLeastOnce, Qos::ExactlyOnce, Qos::ExactlyOnce] {
        let message = Publication {
            topic: TopicName::new("t").unwrap(),
            payload: b"x".to_vec().into(),
            qos,
            retain: false,
            properties: Properties::default(),
            topic_alias: None,
        };
        session.publish(&message).unwrap();
    }
    let filter = Subscription::new(TopicFilter::new("a/#").unwrap(), Qos::ExactlyOnce);
    session
        .subscribe(&[filter.clone(), filter], &Properties::default())
        .unwrap();
    feed(&mut session, b"\x50\x02\x00\x03", now);
    let publish: &[u8] = if version == Version::V5 {
        b"\x34\x06\x00\x01t\x00\x05\x00"
    } else {
        b"\x34\x05\x00\x01t\x00\x05"
    };
    feed(&mut session, publish, now);
    while session.next_event().is_some() {}
    drain(&mut session);
    session
}

fn feed(session: &mut Session, bytes: &[u8], now: Instant) {
    session.feed(&mut BytesMut::from(bytes), now).unwrap();
}

fn drain(session: &mut Session) {
    let output = session.output();
    output.advance(output.len());
}

/// All bytes that wait, without taking them.
pub(crate) fn peek(output: &Output) -> Vec<u8> {
    let mut slots = 16;
    loop {
        let mut slices = vec![IoSlice::new(&[]); slots];
        if output.slices(&mut slices) < slots {
            return slices.iter().flat_map(|slice| slice.to_vec()).collect();
        }
        slots *= 2;
    }
}
