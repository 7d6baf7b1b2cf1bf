//! A session in a test's hands: bytes in, events and packets out, a clock that only the test
//! moves.

use std::io::IoSlice;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use mqtools_common::message::{Publication, Qos};
use mqtools_common::property::Properties;
use mqtools_common::protocol::{
    Accepted, Connect, Event, Output, ProtocolError, Session, Subscription,
};
use mqtools_common::reason::{ReasonCode, Version};
use mqtools_common::topic::{TopicFilter, TopicName};

use crate::wire::{self, ClientReader, FromClient};

pub const EVERY: [Version; 3] = [Version::V31, Version::V311, Version::V5];

pub struct Driver {
    pub session: Session,
    pub version: Version,
    pub now: Instant,
    reader: ClientReader,
}

impl Driver {
    /// A session that has sent its CONNECT.
    pub fn connecting(connect: Connect, window: u16) -> Self {
        let version = connect.version;
        Self::of(Session::new(connect, window, None), version)
    }

    /// This session, which has sent its CONNECT.
    pub fn of(session: Session, version: Version) -> Self {
        let mut driver = Self {
            session,
            version,
            now: Instant::now(),
            reader: ClientReader::new(version),
        };
        driver.open();
        driver
    }

    /// A session that lasts over connections, accepted by the broker, window 10.
    pub fn online(version: Version) -> Self {
        Self::online_with(version, 10, &[])
    }

    /// The same with a window and properties in the CONNACK.
    pub fn online_with(version: Version, window: u16, properties: &[u8]) -> Self {
        let mut driver = Self::connecting(lasting(version), window);
        driver.accept(false, properties);
        driver
    }

    /// A new connection; the bytes of the old one are gone.
    pub fn open(&mut self) {
        self.reader = ClientReader::new(self.version);
        self.session.open(self.now).unwrap();
        let sent = self.sent();
        assert!(
            matches!(sent[..], [FromClient::Connect(_)]),
            "opening sends {sent:?}"
        );
    }

    /// A new connection, over which exactly this goes out.
    pub fn open_again(&mut self, expected: &[FromClient]) {
        self.reader = ClientReader::new(self.version);
        self.session.open(self.now).unwrap();
        assert_eq!(self.sent(), expected);
    }

    /// The broker accepts the CONNECT.
    pub fn accept(&mut self, present: bool, properties: &[u8]) -> Accepted {
        self.feed(&wire::connack(self.version, present, 0, properties));
        match self.session.next_event() {
            Some(Event::Connected(accepted)) => accepted,
            other => panic!("CONNACK gives {other:?}"),
        }
    }

    /// Loses the connection, opens the next, is accepted.
    pub fn reconnect(&mut self, present: bool) {
        self.session.lost();
        self.open();
        self.accept(present, &[]);
    }

    pub fn try_feed(&mut self, bytes: &[u8]) -> Result<(), ProtocolError> {
        self.session.feed(&mut BytesMut::from(bytes), self.now)
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        let mut input = BytesMut::from(bytes);
        self.session.feed(&mut input, self.now).unwrap();
        assert!(input.is_empty(), "not taken in: {input:?}");
    }

    /// Feeds what is no MQTT; gives the reason as text.
    pub fn refuses(&mut self, bytes: &[u8]) -> String {
        match self.try_feed(bytes) {
            Ok(()) => panic!("taken in: {bytes:02x?}"),
            Err(error) => error.to_string(),
        }
    }

    pub fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.next_event()).collect()
    }

    /// The bytes that wait to be sent, which they now are.
    pub fn sent_bytes(&mut self) -> Vec<u8> {
        let bytes = drain(self.session.output());
        if !bytes.is_empty() {
            self.session.sent(self.now);
        }
        bytes
    }

    /// The packets that wait to be sent, which they now are.
    pub fn sent(&mut self) -> Vec<FromClient> {
        let bytes = self.sent_bytes();
        self.reader.push(&bytes);
        std::iter::from_fn(|| self.reader.next()).collect()
    }

    pub fn publish(&mut self, qos: Qos, payload: &str) -> Option<u16> {
        self.session.publish(&publication(qos, payload)).unwrap()
    }

    pub fn subscribe(&mut self, filters: &[&str]) -> u16 {
        let subscriptions: Vec<Subscription> = filters
            .iter()
            .map(|filter| Subscription::new(TopicFilter::new(filter).unwrap(), Qos::ExactlyOnce))
            .collect();
        self.session
            .subscribe(&subscriptions, &Properties::default())
            .unwrap()
    }

    pub fn advance(&mut self, time: Duration) {
        self.now += time;
    }
}

/// A CONNECT that asks for a session to last over connections.
pub fn lasting(version: Version) -> Connect {
    Connect {
        version,
        client_id: "test".into(),
        clean_start: false,
        ..Connect::default()
    }
}

pub fn publication(qos: Qos, payload: &str) -> Publication {
    Publication {
        topic: TopicName::new("t").unwrap(),
        payload: payload.as_bytes().to_vec().into(),
        qos,
        retain: false,
        properties: Properties::default(),
        topic_alias: None,
    }
}

/// The event of a message whose exchange ended without words.
pub fn published(packet_id: u16, reason: u8) -> Event {
    Event::Published {
        packet_id,
        reason: ReasonCode(reason),
        reason_string: None,
    }
}

/// PUBLISH packets as (identifier, DUP, payload).
pub fn publishes(sent: &[FromClient]) -> Vec<(u16, bool, &str)> {
    sent.iter()
        .filter_map(|packet| match packet {
            FromClient::Publish(p) => Some((p.id, p.dup, std::str::from_utf8(&p.payload).unwrap())),
            _ => None,
        })
        .collect()
}

/// An acknowledgement without a failure.
pub fn ack(kind: u8, id: u16) -> FromClient {
    let reason = 0;
    FromClient::Ack { kind, id, reason }
}

/// All bytes that wait, without taking them.
pub fn peek(output: &Output) -> Vec<u8> {
    let mut slots = 16;
    loop {
        let mut slices = vec![IoSlice::new(&[]); slots];
        if output.slices(&mut slices) < slots {
            return slices.iter().flat_map(|slice| slice.to_vec()).collect();
        }
        slots *= 2;
    }
}

fn drain(output: &mut Output) -> Vec<u8> {
    let bytes = peek(output);
    assert_eq!(bytes.len(), output.len());
    output.advance(bytes.len());
    assert!(output.is_empty());
    bytes
}
