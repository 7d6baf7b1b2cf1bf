//! A model broker: one client's session state, answers in any order, both directions.

use std::collections::{BTreeMap, VecDeque};

use mqtools_common::message::Qos;
use mqtools_common::reason::Version;

use super::monitor::{number_of, payload, topic};
use super::plan::{Plan, Random};
use crate::wire::{self, ClientReader, FromClient, PUBACK, PUBCOMP, PUBREC, PUBREL};

/// A message on its way to the client.
#[derive(Debug, Clone, Copy)]
struct Out {
    number: usize,
    qos: Qos,
    released: bool,
}

/// One connection as the broker sees it.
#[derive(Debug)]
struct Link {
    reader: ClientReader,
    /// CONNECT came and asked for a clean start or not; CONNACK is not out yet.
    connect: Option<bool>,
    connected: bool,
    /// Answers ready to go, in whatever order.
    answers: Vec<Vec<u8>>,
    /// What a resumed session has to repeat, in this order, before anything new.
    repeats: VecDeque<(u16, Out)>,
    /// Topics that the client knows an alias of.
    aliases: BTreeMap<u16, &'static str>,
}

impl Link {
    fn new(version: Version) -> Self {
        Self {
            reader: ClientReader::new(version),
            connect: None,
            connected: false,
            answers: Vec::new(),
            repeats: VecDeque::new(),
            aliases: BTreeMap::new(),
        }
    }
}

/// A connection that the client has given up and the broker has not.
#[derive(Debug)]
struct Old {
    link: Link,
    /// What is still to arrive over it.
    bytes: VecDeque<u8>,
    /// After how many more calls of [`Broker::late`] it begins to.
    delay: usize,
}

#[derive(Debug)]
pub struct Broker {
    version: Version,
    refusals: usize,
    alias_maximum: u16,
    unheard_lives: bool,
    link: Link,
    old: Option<Old>,
    session: bool,
    /// The client has not heard of the session yet.
    unheard: bool,
    /// How many sessions are gone, with what they knew.
    pub forgotten: u32,
    /// How many of them a CONNECT ended that came so late that the client had given it up and
    /// another was answered since: no client can know.
    pub forgotten_late: u32,
    /// Packets that came over a connection that the client had given up.
    pub late: usize,
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
    pub fn new(plan: &Plan) -> Self {
        let ours = plan.ours.len();
        Self {
            version: plan.version,
            refusals: plan.refusals,
            alias_maximum: plan.client_alias_maximum.unwrap_or(0),
            unheard_lives: plan.unheard_lives,
            link: Link::new(plan.version),
            old: None,
            session: false,
            unheard: false,
            forgotten: 0,
            forgotten_late: 0,
            late: 0,
            held: BTreeMap::new(),
            arrivals: vec![0; ours],
            refused: vec![false; ours],
            newest: [None; 2],
            waiting: plan.theirs.iter().copied().enumerate().collect(),
            in_flight: BTreeMap::new(),
            window: plan.client_receive_maximum.unwrap_or(20).into(),
        }
    }

    /// Whether every message for the client is through, and nothing comes over old connections.
    pub fn idle(&self) -> bool {
        self.waiting.is_empty()
            && self.in_flight.is_empty()
            && self.link.answers.is_empty()
            && self.old.as_ref().is_none_or(|old| old.bytes.is_empty())
    }

    pub fn connected(&self) -> bool {
        self.link.connected
    }

    pub fn connect_waits(&self) -> bool {
        self.link.connect.is_some()
    }

    pub fn feed(&mut self, bytes: &[u8], random: &mut Random) {
        self.link.reader.push(bytes);
        while let Some(packet) = self.link.reader.next() {
            self.take_in(packet, random);
        }
    }

    /// The connection is gone, for the client; for the broker only when nothing is in `late`,
    /// or else `late` may still come over it, after so much time.
    pub fn disconnected(&mut self, late: Option<(VecDeque<u8>, usize)>) {
        let link = std::mem::replace(&mut self.link, Link::new(self.version));
        self.old = late.map(|(bytes, delay)| Old { link, bytes, delay });
    }

    /// An older connection has taken the session over.
    pub fn taken_over(&mut self) {
        self.link = Link::new(self.version);
    }

    /// The session is gone, and so is whatever connection there is.
    pub fn forget(&mut self) {
        self.old = None;
        if !std::mem::take(&mut self.session) {
            return;
        }
        self.forgotten += 1;
        self.unheard = false;
        self.held.clear();
        let mut lost: Vec<Out> = std::mem::take(&mut self.in_flight).into_values().collect();
        lost.sort_by_key(|out| std::cmp::Reverse(out.number));
        for out in lost {
            self.waiting.push_front((out.number, out.qos));
        }
    }

    /// The client knows the session.
    pub fn heard(&mut self) {
        self.unheard = false;
    }

    /// Accepts the CONNECT; gives whether the session was still there.
    pub fn accept(&mut self) -> bool {
        let clean = self.link.connect.take() == Some(true);
        // A connection whose CONNECT is still to come has not been taken over by this one.
        let overtaken = self.old.take_if(|old| !old.link.connected);
        // A new session whose CONNACK got lost is forgotten again, unless the plan is to see
        // what happens then.
        if clean || self.unheard && !self.unheard_lives {
            self.forget();
        }
        self.old = overtaken;
        let present = std::mem::replace(&mut self.session, true);
        self.unheard |= !present;
        self.link.connected = true;
        let mut flying: Vec<(u16, Out)> = self.in_flight.iter().map(|(id, o)| (*id, *o)).collect();
        flying.sort_by_key(|(_, out)| out.number);
        self.link.repeats = flying.into();
        present
    }

    /// Something happens on a connection that the client has given up: its last bytes arrive,
    /// or something goes out over it and is lost. Gives whether its CONNECT came so late that
    /// it ended the client's newer connection.
    pub fn late(&mut self, random: &mut Random) -> bool {
        let Some(mut old) = self.old.take() else {
            return false;
        };
        if old.delay > 0 {
            old.delay -= 1;
            self.old = Some(old);
            return false;
        }
        std::mem::swap(&mut self.link, &mut old.link);
        let most = random.pick(&[1, 20, usize::MAX]).min(old.bytes.len());
        let count = random.below(most + 1);
        let bytes: Vec<u8> = old.bytes.drain(..count).collect();
        self.feed(&bytes, random);
        self.late += usize::from(count > 0);
        let mut takes_over = false;
        if self.link.connect.is_some() {
            let before = self.forgotten;
            self.accept();
            self.forgotten_late += self.forgotten - before;
            takes_over = old.link.connected;
        } else if random.one_in(4) {
            self.emit(random);
        }
        std::mem::swap(&mut self.link, &mut old.link);
        self.old = Some(old);
        takes_over
    }

    /// Something to send, if there is anything.
    pub fn emit(&mut self, random: &mut Random) -> Option<Vec<u8>> {
        if !self.link.connected {
            return None;
        }
        if !self.link.answers.is_empty() && random.one_in(2) {
            let chosen = random.below(self.link.answers.len());
            return Some(self.link.answers.swap_remove(chosen));
        }
        if let Some((id, out)) = self.link.repeats.pop_front() {
            return Some(if out.released {
                wire::ack(PUBREL, id)
            } else {
                self.publish(out, id, true, random)
            });
        }
        let (number, qos) = *self.waiting.front()?;
        let out = Out {
            number,
            qos,
            released: false,
        };
        if qos == Qos::AtMostOnce {
            self.waiting.pop_front();
            return Some(self.publish(out, 0, false, random));
        }
        if self.in_flight.len() >= self.window {
            return None;
        }
        self.waiting.pop_front();
        // The lowest free identifier: reused as soon as may be.
        let id = (1..).find(|id| !self.in_flight.contains_key(id))?;
        self.in_flight.insert(id, out);
        Some(self.publish(out, id, false, random))
    }

    fn publish(&mut self, out: Out, id: u16, dup: bool, random: &mut Random) -> Vec<u8> {
        let mut name = topic(out.number);
        let mut properties = Vec::new();
        if self.alias_maximum > 0 && random.one_in(2) {
            let alias = 1 + random.below(self.alias_maximum.into()) as u16;
            properties.push(0x23);
            properties.extend(alias.to_be_bytes());
            if self.link.aliases.insert(alias, name) == Some(name) {
                name = "";
            }
        }
        let flags = (dup, out.qos.level());
        let payload = payload(out.number);
        wire::publish_with(self.version, flags, name, id, &properties, &payload)
    }

    fn take_in(&mut self, packet: FromClient, random: &mut Random) {
        match packet {
            FromClient::Connect(connect) => {
                assert!(
                    !self.link.connected && self.link.connect.is_none(),
                    "a second CONNECT"
                );
                self.link.connect = Some(connect.flags & 2 != 0);
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
                self.link
                    .answers
                    .push(wire::codes(self.version, 0x90, id, &codes));
            }
            FromClient::Unsubscribe { id, filters } => {
                let v5 = self.version == Version::V5;
                let codes = vec![0; if v5 { filters.len() } else { 0 }];
                self.link
                    .answers
                    .push(wire::codes(self.version, 0xB0, id, &codes));
            }
            FromClient::Pingreq => self.link.answers.push(vec![0xD0, 0]),
            FromClient::Disconnect => panic!("no test disconnects"),
        }
    }

    fn take_qos_1(&mut self, id: u16, number: usize, random: &mut Random) {
        let reason = self.verdict(number, random);
        let bytes = self.ack(PUBACK, id, reason, random);
        if random.one_in(50) {
            // A broker that says it twice.
            self.link.answers.push(bytes.clone());
        }
        if random.one_in(50) {
            // Or of a message that was not sent.
            self.link.answers.push(wire::ack(PUBACK, 0xFFF0));
        }
        self.link.answers.push(bytes);
    }

    fn take_qos_2(&mut self, id: u16, number: usize, random: &mut Random) {
        if let Some(held) = self.held.get(&id) {
            assert_eq!(*held, number, "identifier {id} is still taken");
            self.link.answers.push(wire::ack(PUBREC, id));
            return;
        }
        let reason = self.verdict(number, random);
        if reason < 0x80 {
            self.held.insert(id, number);
        }
        let bytes = self.ack(PUBREC, id, reason, random);
        // In MQTT 5 the second PUBREL would be answered with a failure.
        if self.version != Version::V5 && random.one_in(50) {
            self.link.answers.push(bytes.clone());
        }
        self.link.answers.push(bytes);
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
            self.link.answers.push(bytes);
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
                self.link.answers.push(wire::ack(PUBREL, id));
            }
            _ => panic!("{kind:#04x} for {out:?}"),
        }
    }
}
