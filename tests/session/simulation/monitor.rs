//! Watches both directions at the session's edge and checks the rules of MQTT that a client
//! has to keep, whatever the network does behind.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mqtools_common::reason::Version;

use super::at_most_once::AtMostOnce;
use crate::wire::{ClientReader, Frames, FromClient, PUBACK, PUBCOMP, PUBREC, PUBREL, Publish};

pub fn topic(number: usize) -> &'static str {
    // Now and then the same for a few in a row.
    ["t", "some/topic", "\u{e9}/\u{4e16}"][number * 3 / 7 % 3]
}

/// The payload of message `number`; a few are large enough to be shared.
pub fn payload(number: usize) -> Vec<u8> {
    let mut payload = format!("{number}:").into_bytes();
    let filler = if number % 37 == 36 {
        9000
    } else {
        number * 7 % 150
    };
    payload.resize(payload.len() + filler, b'.');
    payload
}

pub fn number_of(bytes: &[u8]) -> usize {
    let text = std::str::from_utf8(bytes).unwrap();
    let number = text.split(':').next().unwrap().parse().unwrap();
    assert!(bytes == payload(number), "message {number} is not whole");
    number
}

/// What the client uses a Packet Identifier for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Publish {
        number: usize,
        qos: u8,
        released: bool,
    },
    Request,
}

/// A QoS 1 or 2 message the client has received over this connection.
#[derive(Debug, Clone, Copy)]
struct Delivery {
    number: usize,
    qos: u8,
    acknowledged: bool,
    /// PUBACK or PUBREC went out for it.
    answered: bool,
}

#[derive(Debug)]
pub struct Monitor {
    version: Version,
    /// Of the session, of the connection, and the largest packet.
    pub window: usize,
    pub receive_maximum: usize,
    pub maximum_packet_size: usize,
    reader: ClientReader,
    frames: Frames,
    in_use: BTreeMap<u16, Use>,
    /// Identifiers with a PUBLISH or PUBREL over this connection and no end yet.
    published: BTreeSet<u16>,
    released: BTreeSet<u16>,
    /// Messages that went out in this session.
    sent: BTreeSet<usize>,
    ended: BTreeSet<usize>,
    /// Ends that the application must hear of: identifier, message, code.
    pub ends: VecDeque<(u16, usize, u8)>,
    /// QoS 2 messages in doubt when the session was forgotten.
    pub in_doubt: usize,
    /// How often each of them was, over all connections.
    pub doubts: BTreeMap<usize, u32>,
    pub at_most_once: AtMostOnce,
    deliveries: BTreeMap<u16, Delivery>,
    /// QoS 2 messages of the broker that the application is done with, in this session.
    safe: BTreeSet<usize>,
    /// PUBRECs without an error and PUBRELs that have to be answered.
    pubrecs: BTreeMap<u16, usize>,
    pubrels: BTreeMap<u16, usize>,
    opened: bool,
    connected: bool,
    /// The CONNECT before had no answer: the broker may have begun a session that nobody knows of.
    unheard: bool,
    pub resent: usize,
    /// How many went out under an alias alone.
    pub by_alias: usize,
    pub topic_alias_maximum: u16,
}

impl Monitor {
    pub fn new(version: Version, window: u16) -> Self {
        Self {
            version,
            window: window.into(),
            receive_maximum: 65_535,
            maximum_packet_size: usize::MAX,
            reader: ClientReader::new(version),
            frames: Frames::default(),
            in_use: BTreeMap::new(),
            published: BTreeSet::new(),
            released: BTreeSet::new(),
            sent: BTreeSet::new(),
            ended: BTreeSet::new(),
            ends: VecDeque::new(),
            in_doubt: 0,
            doubts: BTreeMap::new(),
            at_most_once: AtMostOnce::default(),
            deliveries: BTreeMap::new(),
            safe: BTreeSet::new(),
            pubrecs: BTreeMap::new(),
            pubrels: BTreeMap::new(),
            opened: false,
            connected: false,
            unheard: false,
            resent: 0,
            by_alias: 0,
            topic_alias_maximum: 0,
        }
    }

    /// A new connection begins.
    pub fn opened(&mut self) {
        self.unheard = self.opened && !self.connected;
        self.opened = true;
        self.reader = ClientReader::new(self.version);
        self.frames = Frames::default();
        self.published.clear();
        self.released.clear();
        self.deliveries.clear();
        self.pubrecs.clear();
        self.pubrels.clear();
        self.connected = false;
        self.in_use.retain(|_, used| *used != Use::Request);
    }

    /// The connection is gone; gives how many QoS 0 messages may be lost with it.
    pub fn lost(&mut self, keeping: bool) -> usize {
        let (in_vain, unsent) = self.at_most_once.lost(keeping);
        if keeping {
            // Nobody can have got these, so they go out once more.
            for number in unsent {
                self.sent.remove(&number);
                self.ended.remove(&number);
            }
        }
        in_vain
    }

    /// The QoS 0 messages of an earlier connection that were to go out over this one, and did not.
    pub fn left_out(&mut self) -> Vec<usize> {
        if !self.connected {
            return Vec::new();
        }
        let left = self.at_most_once.left_out();
        self.ended.extend(&left);
        left
    }

    /// The application said that it has the message of this delivery safe.
    pub fn acknowledged(&mut self, number: usize, id: u16, qos: u8, current: bool) {
        if qos == 2 {
            self.safe.insert(number);
        }
        if let Some(delivery) = self.deliveries.get_mut(&id)
            && delivery.number == number
            && (current || qos == 2)
        {
            delivery.acknowledged = true;
        }
    }

    /// The session says that the broker's new limits forbid this message.
    pub fn refused(&mut self, id: u16) -> usize {
        match self.in_use.remove(&id) {
            Some(Use::Publish { number, .. }) => {
                assert!(!self.published.contains(&id), "{id} did go out");
                self.ended.insert(number);
                number
            }
            other => panic!("{id} is {other:?}"),
        }
    }

    /// Bytes that the session is about to take in.
    pub fn client_receives(&mut self, bytes: &[u8]) {
        self.frames.push(bytes);
        while let Some((first, body, _)) = self.frames.next() {
            let id = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
            match first {
                0x20 => self.connack(body[0] & 1 == 1),
                0x30..=0x3F => self.delivered(first >> 1 & 3, &body),
                PUBREL => {
                    *self.pubrels.entry(id(0)).or_default() += 1;
                    if let Some(delivery) = self.deliveries.remove(&id(0)) {
                        self.safe.remove(&delivery.number);
                    }
                }
                0x90 | 0xB0 => {
                    assert_eq!(self.in_use.remove(&id(0)), Some(Use::Request));
                }
                0xD0 => self.at_most_once.answered(),
                0xE0 => {}
                kind => self.answered(kind, id(0), body.get(2).copied().unwrap_or_default()),
            }
        }
    }

    fn connack(&mut self, present: bool) {
        self.connected = true;
        self.in_doubt = 0;
        if present && !self.unheard {
            return;
        }
        for used in self.in_use.values_mut() {
            if let Use::Publish {
                number,
                qos,
                released,
            } = used
            {
                if *qos == 2 && self.sent.contains(number) {
                    self.in_doubt += 1;
                    *self.doubts.entry(*number).or_default() += 1;
                }
                *released = false;
            }
        }
        if !present {
            self.sent.clear();
            self.safe.clear();
        }
    }

    fn delivered(&mut self, qos: u8, body: &[u8]) {
        if qos == 0 {
            return;
        }
        let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
        let rest = &body[2 + length..];
        let id = u16::from_be_bytes([rest[0], rest[1]]);
        let properties = match self.version {
            Version::V5 => 1 + usize::from(rest[2]),
            Version::V31 | Version::V311 => 0,
        };
        let number = number_of(&rest[2 + properties..]);
        let acknowledged = qos == 2 && self.safe.contains(&number);
        let delivery = Delivery {
            number,
            qos,
            acknowledged,
            answered: false,
        };
        self.deliveries.insert(id, delivery);
    }

    fn answered(&mut self, kind: u8, id: u16, reason: u8) {
        if !self.published.contains(&id) && !self.released.contains(&id) {
            return;
        }
        let Some(Use::Publish {
            number,
            qos,
            released,
        }) = self.in_use.get_mut(&id)
        else {
            return;
        };
        let number = *number;
        let end = match (kind, *qos) {
            (PUBACK, 1) => true,
            (PUBREC, 2) if reason < 0x80 => {
                *released = true;
                *self.pubrecs.entry(id).or_default() += 1;
                false
            }
            (PUBREC | PUBCOMP, 2) => true,
            _ => panic!("the model broker mixes up its answers"),
        };
        if end {
            // PUBCOMP after a break may say that the exchange was over already.
            let resumed = kind == PUBCOMP && !self.published.contains(&id);
            let reason = if resumed && reason == 0x92 { 0 } else { reason };
            self.ends.push_back((id, number, reason));
            self.ended.insert(number);
            self.in_use.remove(&id);
            self.published.remove(&id);
            self.released.remove(&id);
        }
    }

    /// Bytes that the session wants to send.
    pub fn client_sends(&mut self, bytes: &[u8]) {
        self.reader.push(bytes);
        while let Some(packet) = self.reader.next() {
            if let FromClient::Connect(_) = packet {
                assert!(!self.connected, "a second CONNECT");
                continue;
            }
            assert!(self.connected, "{packet:?} before CONNACK");
            match packet {
                FromClient::Publish(publish) => self.publish(&publish),
                FromClient::Ack { kind, id, reason } => self.ack(kind, id, reason),
                FromClient::Subscribe { id, .. } | FromClient::Unsubscribe { id, .. } => {
                    let before = self.in_use.insert(id, Use::Request);
                    assert_eq!(before, None, "identifier {id} is in use");
                }
                FromClient::Pingreq => self.at_most_once.asked(),
                _ => {}
            }
        }
    }

    fn publish(&mut self, publish: &Publish) {
        let number = number_of(&publish.payload);
        let Publish { dup, qos, id, .. } = *publish;
        assert_eq!(publish.topic, topic(number));
        assert!(
            publish
                .alias
                .is_none_or(|alias| alias <= self.topic_alias_maximum)
        );
        self.by_alias += usize::from(!publish.is_named);
        assert!(!publish.retain);
        assert!(publish.size <= self.maximum_packet_size, "{publish:?}");
        assert!(!self.ended.contains(&number), "{number} was over");
        let again = !self.sent.insert(number);
        assert_eq!(dup, again, "DUP of message {number}");
        self.resent += usize::from(dup);
        if qos == 0 {
            assert!(!dup, "QoS 0 is not sent again");
            self.ended.insert(number);
            self.at_most_once.written(number, self.reader.taken());
            return;
        }
        let used = Use::Publish {
            number,
            qos,
            released: false,
        };
        match self.in_use.insert(id, used) {
            None => assert!(!dup, "message {number} changed its identifier"),
            before => assert_eq!(before, Some(used), "identifier {id} is in use"),
        }
        assert!(self.published.insert(id), "{number} twice");
        let limit = self.window.min(self.receive_maximum);
        assert!(self.published.len() <= limit, "over the window of {limit}");
    }

    fn ack(&mut self, kind: u8, id: u16, reason: u8) {
        match kind {
            PUBACK | PUBREC => {
                let delivery = self
                    .deliveries
                    .get_mut(&id)
                    .unwrap_or_else(|| panic!("nothing to acknowledge as {id}"));
                assert_eq!(delivery.qos, if kind == PUBACK { 1 } else { 2 });
                assert!(delivery.acknowledged, "{delivery:?} is not safe yet");
                assert!(!delivery.answered, "{delivery:?} is acknowledged twice");
                delivery.answered = true;
                assert_eq!(reason, 0);
            }
            PUBREL => {
                let resumed = matches!(
                    self.in_use.get(&id),
                    Some(Use::Publish { released: true, .. })
                ) && !self.published.contains(&id)
                    && !self.released.contains(&id);
                assert!(
                    resumed || spend(&mut self.pubrecs, id),
                    "PUBREL of {id} without PUBREC"
                );
                if self.in_use.contains_key(&id) {
                    self.released.insert(id);
                }
            }
            _ => assert!(
                spend(&mut self.pubrels, id),
                "PUBCOMP of {id} without PUBREL"
            ),
        }
    }

    /// Whether everything that needs an answer at once has one, when the session has taken in
    /// what it got.
    pub fn check_answers(&self) {
        if !self.connected {
            return;
        }
        assert!(self.pubrecs.is_empty(), "no PUBREL: {:?}", self.pubrecs);
        assert!(self.pubrels.is_empty(), "no PUBCOMP: {:?}", self.pubrels);
        for (id, used) in &self.in_use {
            let released = matches!(used, Use::Publish { released: true, .. });
            assert!(
                !released || self.released.contains(id),
                "no PUBREL of {id} over this connection"
            );
        }
    }
}

/// Takes one off the count of `id`, if there is any.
fn spend(counts: &mut BTreeMap<u16, usize>, id: u16) -> bool {
    let Some(count) = counts.get_mut(&id) else {
        return false;
    };
    *count -= 1;
    if *count == 0 {
        counts.remove(&id);
    }
    true
}
