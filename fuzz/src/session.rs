//! The client's state machine: requests, bytes from the broker, lost connections and passing time
//! in any order.

use std::time::Instant;

use bytes::BytesMut;
use mqtools_common::message::{Publication, Receipt};
use mqtools_common::property::{Properties, Property};
use mqtools_common::protocol::{Connect, Event, PublishError, Session, Subscription};
use mqtools_common::reason::{ReasonCode, Version};
use mqtools_common::topic::{TopicFilter, TopicName};

use crate::cursor::Cursor;
use crate::stream::{PACKETS, peek};
use crate::{Target, assert_harmless};

/// The version, the window and the Keep Alive, then steps: a byte that says what to do, and what
/// it needs.
pub(crate) const SESSION: Target = Target {
    name: "session",
    run: session,
    words: PACKETS,
    memory: (512 << 10, 2048),
    cases: 20_000,
};

struct Run {
    session: Session,
    version: Version,
    now: Instant,
    /// What has arrived and is not a whole packet yet.
    input: BytesMut,
    /// What goes out over this connection.
    wire: Wire,
    /// The broker broke the protocol over this connection.
    failed: bool,
    receipts: Vec<Receipt>,
    /// QoS 1 and 2 messages that were taken, and those whose end was told.
    taken: usize,
    ended: usize,
}

fn session(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let version = cursor.version();
    let window = u16::from(cursor.byte());
    let connect = Connect {
        version,
        client_id: "fuzz".into(),
        clean_start: cursor.flag(),
        keep_alive: u16::from(cursor.byte()),
        topic_alias_maximum: (version == Version::V5).then_some(5),
        ..Connect::default()
    };
    let mut run = Run {
        session: Session::new(connect, window, None),
        version,
        now: Instant::now(),
        input: BytesMut::new(),
        wire: Wire::default(),
        failed: false,
        receipts: Vec::new(),
        taken: 0,
        ended: 0,
    };
    run.open();
    while !cursor.is_empty() {
        run.step(&mut cursor);
        run.check();
    }
    // Whatever was left open, a good broker lets it end.
    run.open();
    run.accept();
    run.check();
}

impl Run {
    fn open(&mut self) {
        self.flush(usize::MAX);
        self.session.open(self.now).unwrap();
        self.wire = Wire::default();
        self.input.clear();
        self.failed = false;
        assert!(!self.session.is_online());
    }

    fn accept(&mut self) {
        self.feed(match self.version {
            Version::V5 => b"\x20\x03\x01\x00\x00",
            _ => b"\x20\x02\x01\x00",
        });
    }

    fn step(&mut self, cursor: &mut Cursor<'_>) {
        match cursor.byte() % 12 {
            0 | 1 => self.feed(cursor.short()),
            2 => self.accept(),
            3 | 4 => self.publish(cursor),
            5 => {
                let filters = filters(cursor);
                let qos = cursor.qos();
                let list: Vec<_> = filters
                    .into_iter()
                    .map(|it| Subscription::new(it, qos))
                    .collect();
                let answer = self.session.subscribe(&list, &Properties::default());
                self.refused_when_offline(answer.err());
            }
            6 => {
                let answer = self
                    .session
                    .unsubscribe(&filters(cursor), &Properties::default());
                self.refused_when_offline(answer.err());
            }
            7 => {
                if let Some(receipt) = self.receipts.pop() {
                    self.session.acknowledge(receipt);
                }
            }
            8 => self.flush(usize::from(cursor.byte())),
            9 => {
                self.session.lost();
                assert!(self.session.output().is_empty());
                self.open();
            }
            10 => {
                self.now += cursor.seconds();
                if let Err(why) = self.session.tick(self.now) {
                    assert_harmless(&why.to_string());
                    self.open();
                }
            }
            _ => {
                self.session.disconnect(ReasonCode(cursor.byte()));
                assert!(!self.session.is_online());
            }
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        let (capacity, before) = (self.input.capacity(), self.session.output().len());
        let result = self.session.feed(&mut self.input, self.now);
        assert!(
            self.input.capacity() <= capacity,
            "room for what is not there"
        );
        if self.failed {
            assert_eq!(result, Ok(()));
            assert_eq!(
                self.session.output().len(),
                before,
                "an answer after the end"
            );
        }
        if let Err(why) = result {
            assert_harmless(&why.to_string());
            self.failed = true;
        }
    }

    fn publish(&mut self, cursor: &mut Cursor<'_>) {
        let qos = cursor.qos();
        let flags = cursor.byte();
        let size = if flags & 8 == 0 {
            usize::from(flags)
        } else {
            9000
        };
        let user = Property::UserProperty("key".into(), "value".into());
        let message = Publication {
            topic: TopicName::new(if flags & 1 == 0 { "a" } else { "b/c" }).unwrap(),
            payload: vec![b'x'; size].into(),
            qos,
            retain: flags & 2 != 0,
            properties: (flags & 4 != 0).then_some(user).into_iter().collect(),
            topic_alias: (flags & 16 != 0).then_some(1 + u16::from(flags & 1)),
        };
        let had_room = self.session.has_room();
        match self.session.publish(&message) {
            Ok(Some(id)) => {
                assert!(had_room && id != 0 && qos.level() > 0);
                self.taken += 1;
            }
            Ok(None) => assert_eq!(qos.level(), 0),
            Err(why) => {
                assert!(why != PublishError::WindowFull || !had_room);
                self.refused_when_offline(Some(why));
            }
        }
    }

    fn refused_when_offline(&self, why: Option<PublishError>) {
        let is_offline = why == Some(PublishError::NotConnected);
        assert_eq!(is_offline, !self.session.is_online());
        if let Some(why) = why {
            assert_harmless(&why.to_string());
        }
    }

    /// Bytes go out: at most so many.
    fn flush(&mut self, most: usize) {
        let output = self.session.output();
        let bytes = peek(output);
        let count = most.min(bytes.len());
        output.advance(count);
        self.wire.push(&bytes[..count]);
        if count > 0 {
            self.session.sent(self.now);
        }
    }

    fn check(&mut self) {
        while let Some(event) = self.session.next_event() {
            match event {
                Event::Message(message) => self.receipts.extend(message.receipt),
                Event::Published { .. } => self.ended += 1,
                Event::Connected(accepted) => assert!(accepted.receive_maximum > 0),
                Event::Refused(refusal) => assert_harmless(&refusal.to_string()),
                Event::Closed { reason, .. } => assert_harmless(&reason.to_string()),
                Event::MayDuplicate(count) => {
                    assert!(count > 0 && count <= self.session.unacknowledged())
                }
                // Of QoS 0, which nobody counts here.
                Event::MayBeLost(count) => assert!(count > 0),
                Event::Subscribed { packet_id, .. } | Event::Unsubscribed { packet_id, .. } => {
                    assert_ne!(packet_id, 0);
                }
            }
        }
        assert_eq!(
            self.session.unacknowledged(),
            self.taken - self.ended,
            "one end for each message"
        );
        assert!(self.session.unacknowledged_bytes() <= 9000 * (self.taken - self.ended));
        if self.failed {
            assert!(!self.session.is_online());
        }
    }
}

fn filters(cursor: &mut Cursor<'_>) -> Vec<TopicFilter> {
    (0..cursor.byte() % 4)
        .map(|_| {
            TopicFilter::new(&cursor.text()).unwrap_or_else(|_| TopicFilter::new("#").unwrap())
        })
        .collect()
}

/// Cuts what goes out into packets, and sees to it that DISCONNECT is the last.
#[derive(Default)]
struct Wire {
    header: Vec<u8>,
    /// How much of the present packet's body is to come.
    body: usize,
    is_over: bool,
}

impl Wire {
    fn push(&mut self, mut bytes: &[u8]) {
        while let [first, rest @ ..] = bytes {
            if self.body > 0 {
                let count = self.body.min(bytes.len());
                self.body -= count;
                bytes = &bytes[count..];
                continue;
            }
            assert!(!self.is_over, "a byte after DISCONNECT");
            self.header.push(*first);
            bytes = rest;
            let [kind, length @ ..] = self.header.as_slice() else {
                unreachable!()
            };
            assert!(length.len() <= 4, "a length without end");
            if length.last().is_some_and(|last| last & 0x80 == 0) {
                let sum = length
                    .iter()
                    .rev()
                    .fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7F));
                self.body = sum;
                self.is_over = *kind == 0xE0;
                assert!(matches!(
                    kind,
                    0x10 | 0x30..=0x3D | 0x40 | 0x50 | 0x62 | 0x70 | 0x82 | 0xA2 | 0xC0 | 0xE0
                ));
                self.header.clear();
            }
        }
    }
}
