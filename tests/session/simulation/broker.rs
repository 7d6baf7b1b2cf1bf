//! A model broker: one client's session state, answers in any order, both directions.

use std::collections::{BTreeMap, VecDeque};

use mqtools_common::message::Qos;
use mqtools_common::reason::Version;

use super::monitor::{number_of, payload, topic};
use super::plan::Random;
use crate::wire::{self, ClientReader, FromClient, PUBACK, PUBCOMP, PUBREC, PUBREL};

/// A message on its way to the client.
#[derive(Debug, Clone, Copy)]
struct Out {
    number: usize,
    qos: Qos,
    released: bool,
}

#[derive(Debug)]
pub struct Broker {
    version: Version,
    reader: ClientReader,
    refusals: usize,
    /// CONNECT came, CONNACK is not out yet.
    pub connect_waits: bool,
    pub connected: bool,
    pub session: bool,
    /// Answers ready to go, in whatever order.
    answers: Vec<Vec<u8>>,
    /// What a resumed session has to repeat, in this order, before anything new.
    repeats: VecDeque<Vec<u8>>,
    /// QoS 2 messages of the client between PUBREC and PUBREL.
    held: BTreeMap<u16, usize>,
    /// How often each of the client's messages was accepted, and the refused ones.
    pub arrivals: Vec<u32>,
    pub refused: Vec<bool>,
    /// The highest numbers that arrived so far, above QoS 0 and at QoS 0.
    newest: [Option<usize>; 2],
    waiting: VecDeque<(usize, Qos)>,
    in_flight: BTreeMap<u16, Out>,
    window: usize,
}

impl Broker {
    pub fn new(
        version: Version,
        ours: usize,
        theirs: &[Qos],
        window: Option<u16>,
        refusals: usize,
    ) -> Self {
        Self {
            version,
            reader: ClientReader::new(version),
            refusals,
            connect_waits: false,
            connected: false,
            session: false,
            answers: Vec::new(),
            repeats: VecDeque::new(),
            held: BTreeMap::new(),
            arrivals: vec![0; ours],
            refused: vec![false; ours],
            newest: [None; 2],
            waiting: theirs.iter().copied().enumerate().collect(),
            in_flight: BTreeMap::new(),
            window: window.unwrap_or(20).into(),
        }
    }

    /// Whether every message for the client is through.
    pub fn idle(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_empty() && self.answers.is_empty()
    }

    pub fn feed(&mut self, bytes: &[u8], random: &mut Random) {
        self.reader.push(bytes);
        while let Some(packet) = self.reader.next() {
            self.take_in(packet, random);
        }
    }

    /// The connection is gone; `forget` the session with it.
    pub fn disconnected(&mut self, forget: bool) {
        self.reader = ClientReader::new(self.version);
        self.connect_waits = false;
        self.connected = false;
        self.answers.clear();
        self.repeats.clear();
        if forget {
            self.session = false;
            self.held.clear();
            let mut lost: Vec<Out> = std::mem::take(&mut self.in_flight).into_values().collect();
            lost.sort_by_key(|out| std::cmp::Reverse(out.number));
            for out in lost {
                self.waiting.push_front((out.number, out.qos));
            }
        }
    }

    /// Accepts the CONNECT; gives whether the session was still there.
    pub fn accept(&mut self) -> bool {
        let present = std::mem::replace(&mut self.session, true);
        self.connect_waits = false;
        self.connected = true;
        let mut flying: Vec<(u16, Out)> = self.in_flight.iter().map(|(id, o)| (*id, *o)).collect();
        flying.sort_by_key(|(_, out)| out.number);
        for (id, out) in flying {
            self.repeats.push_back(if out.released {
                wire::ack(PUBREL, id)
            } else {
                self.publish(out, id, true)
            });
        }
        present
    }

    /// Something to send, if there is anything.
    pub fn emit(&mut self, random: &mut Random) -> Option<Vec<u8>> {
        if !self.connected {
            return None;
        }
        if !self.answers.is_empty() && random.one_in(2) {
            let chosen = random.below(self.answers.len());
            return Some(self.answers.swap_remove(chosen));
        }
        if let Some(bytes) = self.repeats.pop_front() {
            return Some(bytes);
        }
        let (number, qos) = *self.waiting.front()?;
        let out = Out {
            number,
            qos,
            released: false,
        };
        if qos == Qos::AtMostOnce {
            self.waiting.pop_front();
            return Some(self.publish(out, 0, false));
        }
        if self.in_flight.len() >= self.window {
            return None;
        }
        self.waiting.pop_front();
        // The lowest free identifier: reused as soon as may be.
        let id = (1..).find(|id| !self.in_flight.contains_key(id))?;
        self.in_flight.insert(id, out);
        Some(self.publish(out, id, false))
    }

    fn publish(&self, out: Out, id: u16, dup: bool) -> Vec<u8> {
        let number = out.number;
        wire::publish(
            self.version,
            (dup, out.qos.level()),
            topic(number),
            id,
            &payload(number),
        )
    }

    fn take_in(&mut self, packet: FromClient, random: &mut Random) {
        match packet {
            FromClient::Connect(_) => {
                assert!(!self.connected && !self.connect_waits, "a second CONNECT");
                self.connect_waits = true;
            }
            FromClient::Publish(publish) => {
                let number = number_of(&publish.payload);
                let newest = &mut self.newest[usize::from(publish.qos == 0)];
                if newest.is_none_or(|newest| newest < number) {
                    *newest = Some(number);
                } else {
                    let seen = self.arrivals[number] > 0 || self.refused[number];
                    assert!(seen, "{number} arrives first after {newest:?}");
                }
                match publish.qos {
                    0 => self.arrivals[number] += 1,
                    1 => self.take_qos_1(publish.id, number, random),
                    _ => self.take_qos_2(publish.id, number, random),
                }
            }
            FromClient::Ack { kind, id, .. } => self.acknowledged(kind, id, random),
            FromClient::Subscribe { id, filters } => {
                let codes = vec![2; filters.len()];
                self.answers
                    .push(wire::codes(self.version, 0x90, id, &codes));
            }
            FromClient::Unsubscribe { id, filters } => {
                let v5 = self.version == Version::V5;
                let codes = vec![0; if v5 { filters.len() } else { 0 }];
                self.answers
                    .push(wire::codes(self.version, 0xB0, id, &codes));
            }
            FromClient::Pingreq => self.answers.push(vec![0xD0, 0]),
            FromClient::Disconnect => panic!("no test disconnects"),
        }
    }

    fn take_qos_1(&mut self, id: u16, number: usize, random: &mut Random) {
        let reason = self.verdict(number, random);
        let bytes = self.ack(PUBACK, id, reason, random);
        if random.one_in(50) {
            // A broker that says it twice.
            self.answers.push(bytes.clone());
        }
        self.answers.push(bytes);
    }

    fn take_qos_2(&mut self, id: u16, number: usize, random: &mut Random) {
        if let Some(held) = self.held.get(&id) {
            assert_eq!(*held, number, "identifier {id} is still taken");
            self.answers.push(wire::ack(PUBREC, id));
            return;
        }
        let reason = self.verdict(number, random);
        if reason < 0x80 {
            self.held.insert(id, number);
        }
        let bytes = self.ack(PUBREC, id, reason, random);
        self.answers.push(bytes);
    }

    /// Accepts a message or not.
    fn verdict(&mut self, number: usize, random: &mut Random) -> u8 {
        if self.refusals > 0 && random.one_in(self.refusals) {
            self.refused[number] = true;
            return random.pick(&[0x80, 0x83, 0x87, 0x90, 0x97, 0x99]);
        }
        self.arrivals[number] += 1;
        if self.version == Version::V5 {
            random.pick(&[0, 0, 0x10])
        } else {
            0
        }
    }

    /// An acknowledgement in one of its forms.
    fn ack(&self, kind: u8, id: u16, reason: u8, random: &mut Random) -> Vec<u8> {
        match random.below(3) {
            _ if self.version != Version::V5 => wire::ack(kind, id),
            0 if reason == 0 => wire::ack(kind, id),
            1 => wire::ack_words(kind, id, reason, "words"),
            _ => wire::ack_reason(kind, id, reason),
        }
    }

    fn acknowledged(&mut self, kind: u8, id: u16, random: &mut Random) {
        if kind == PUBREL {
            let known = self.held.remove(&id).is_some();
            let reason = if known || self.version != Version::V5 {
                0
            } else {
                0x92
            };
            let bytes = self.ack(PUBCOMP, id, reason, random);
            self.answers.push(bytes);
            return;
        }
        let out = self
            .in_flight
            .get_mut(&id)
            .unwrap_or_else(|| panic!("acknowledges {id}, which is not in flight"));
        match (kind, out.qos, out.released) {
            (PUBACK, Qos::AtLeastOnce, _) | (PUBCOMP, Qos::ExactlyOnce, true) => {
                self.in_flight.remove(&id);
            }
            (PUBREC, Qos::ExactlyOnce, false) => {
                out.released = true;
                self.answers.push(wire::ack(PUBREL, id));
            }
            _ => panic!("{kind:#04x} for {out:?}"),
        }
    }
}
