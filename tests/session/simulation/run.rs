//! One schedule from beginning to end.

mod check;
mod publishing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::IoSlice;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use mqtools_common::message::{Qos, Receipt};
use mqtools_common::property::Properties;
use mqtools_common::protocol::{
    Connect, Event, Output, ProtocolError, PublishError, Session, Subscription, Trace,
};
use mqtools_common::reason::Version;
use mqtools_common::topic::{TopicFilter, TopicName};

use super::broker::Broker;
use super::monitor::{Monitor, number_of, payload, topic};
use super::plan::{Plan, Random};
use crate::driver::lasting;
use crate::wire;

/// Far more steps than any schedule that does not stall needs.
const STEPS: usize = 200_000;

const KEEP_ALIVE: u16 = 20;

/// The identifier that a client without one gets: longer than the smallest messages.
const ASSIGNED: &str = "one-that-is-long-enough-to-shift-everything-behind-CONNECT";

/// A Reason Code of DISCONNECT (MQTT 5, table 3.14).
const SERVER_SHUTTING_DOWN: u8 = 0x8B;

/// What happened, for whoever wants to know whether it was hard.
pub struct Tally {
    pub reconnects: usize,
    pub resent: usize,
    pub by_alias: usize,
    pub timeouts: usize,
    pub takeovers: usize,
    pub late: usize,
    pub told: usize,
    /// QoS 0 messages that went out again, that surely arrived, and that may not have.
    pub kept: usize,
    pub proven: usize,
    pub in_vain: usize,
}

/// Runs `plan` and checks every rule on the way; `trace` is told the session's steps.
pub fn run(plan: &Plan, trace: Option<Trace>) -> Tally {
    let mut world = World::new(plan, trace);
    world.open();
    for _ in 0..STEPS {
        if world.done() {
            world.check_end();
            return Tally {
                reconnects: world.connections - 1,
                resent: world.monitor.resent,
                by_alias: world.monitor.by_alias,
                timeouts: world.timeouts,
                takeovers: world.takeovers,
                late: world.broker.late,
                told: world.told,
                kept: world.monitor.at_most_once.again,
                proven: world.monitor.at_most_once.proven.len(),
                in_vain: world.monitor.at_most_once.in_vain.len(),
            };
        }
        world.step();
    }
    panic!(
        "stalled: {} unacknowledged, {:?}, {:?}",
        world.session.unacknowledged(),
        world.broker,
        world.session
    );
}

struct World<'a> {
    plan: &'a Plan,
    random: Random,
    now: Instant,
    session: Session,
    monitor: Monitor,
    broker: Broker,
    /// Bytes of the output that the monitor has seen.
    watched: usize,
    /// Bytes under way to the broker and to the client.
    up: VecDeque<u8>,
    down: VecDeque<u8>,
    input: BytesMut,
    last_fed: Instant,
    keep_alive: u16,
    connections: usize,
    cuts_left: usize,
    timeouts: usize,
    takeovers: usize,
    /// No CONNACK came so far.
    is_nameless: bool,
    /// The application.
    next: usize,
    topics: BTreeMap<&'static str, TopicName>,
    by_id: BTreeMap<u16, usize>,
    /// The Packet Identifier that the session gave last.
    last_id: u16,
    /// The payloads of those, in bytes.
    bytes: usize,
    /// QoS 2 messages that may be duplicates, as the session said.
    told: usize,
    /// QoS 0 messages that the session says it cannot send any more, since they were last looked at.
    refused: usize,
    /// Exchanges that came to their end, and live messages that came.
    achieved: usize,
    /// The broker said DISCONNECT over this connection.
    closed: bool,
    ends: BTreeMap<usize, u8>,
    held: VecDeque<(Receipt, usize, Qos, usize)>,
    seen: BTreeMap<usize, u32>,
    requests: BTreeSet<u16>,
}

impl<'a> World<'a> {
    fn new(plan: &'a Plan, trace: Option<Trace>) -> Self {
        let connect = Connect {
            keep_alive: KEEP_ALIVE,
            clean_start: plan.clean,
            session_expiry: Some(300),
            receive_maximum: plan.client_receive_maximum,
            topic_alias_maximum: plan.client_alias_maximum,
            ..lasting(plan.version)
        };
        let connect = match plan.nameless {
            true => Connect {
                client_id: String::new(),
                ..connect
            },
            false => connect,
        };
        let now = Instant::now();
        let session = Session::new(connect, plan.window, trace);
        Self {
            plan,
            random: plan.random.clone(),
            now,
            session: if plan.keeping {
                session.keeping_unsent()
            } else {
                session
            },
            monitor: Monitor::new(plan.version, plan.window),
            broker: Broker::new(plan),
            watched: 0,
            up: VecDeque::new(),
            down: VecDeque::new(),
            input: BytesMut::new(),
            last_fed: now,
            keep_alive: KEEP_ALIVE,
            connections: 0,
            cuts_left: plan.cuts,
            timeouts: 0,
            takeovers: 0,
            is_nameless: true,
            next: 0,
            topics: BTreeMap::new(),
            by_id: BTreeMap::new(),
            last_id: 0,
            bytes: 0,
            told: 0,
            refused: 0,
            achieved: 0,
            closed: false,
            ends: BTreeMap::new(),
            held: VecDeque::new(),
            seen: BTreeMap::new(),
            requests: BTreeSet::new(),
        }
    }

    fn done(&self) -> bool {
        self.cuts_left == 0
            && self.next == self.plan.ours.len()
            && self.session.unacknowledged() == 0
            && self.session.is_online()
            && self.broker.idle()
            && self.held.is_empty()
            && self.requests.is_empty()
            && self.watched == 0
            && self.up.is_empty()
            && self.down.is_empty()
    }

    fn step(&mut self) {
        match self.random.below(10) {
            0 | 1 => self.publish(),
            2 => self.write(),
            3 => self.broker_reads(),
            4 => {
                self.broker_writes();
                if self.plan.late && self.broker.late(&mut self.random) {
                    self.takeovers += 1;
                    self.broker.taken_over();
                    self.reconnect();
                }
            }
            5 => self.read(),
            6 if self.random.one_in(self.plan.slowness) => self.acknowledge(),
            7 => self.time(),
            8 if self.cuts_left > 0 && self.random.one_in(40) => {
                if self.plan.farewells && self.random.one_in(3) {
                    self.silence();
                } else {
                    self.cut();
                }
            }
            9 if self.random.one_in(30) => self.request(),
            _ => {}
        }
    }

    fn open(&mut self) {
        self.connections += 1;
        self.closed = false;
        self.keep_alive = KEEP_ALIVE;
        self.last_fed = self.now;
        self.monitor.opened();
        self.session.open(self.now).unwrap();
        assert_eq!(self.session.next_event(), None);
        self.watched = 0;
        self.watch();
    }

    /// Shows the monitor what the session wants to send, as soon as it does.
    fn watch(&mut self) {
        let bytes = part(self.session.output(), self.watched, usize::MAX);
        self.monitor.client_sends(&bytes);
        self.watched += bytes.len();
        assert_eq!(self.watched, self.session.output().len());
        assert_eq!(self.session.unacknowledged(), self.by_id.len());
        assert_eq!(self.session.unacknowledged_bytes(), self.bytes);
        self.check_at_most_once();
    }

    /// The socket takes some bytes.
    fn write(&mut self) {
        let count = self.some(self.watched);
        self.hand_over(count);
    }

    fn hand_over(&mut self, count: usize) {
        if count > 0 {
            self.up.extend(part(self.session.output(), 0, count));
            self.session.output().advance(count);
            self.watched -= count;
            self.monitor.at_most_once.handed_over(count);
            self.session.sent(self.now);
            self.watch();
        }
    }

    fn broker_reads(&mut self) {
        let count = self.some(self.up.len());
        let bytes: Vec<u8> = self.up.drain(..count).collect();
        self.broker.feed(&bytes, &mut self.random);
    }

    fn broker_writes(&mut self) {
        if self.broker.connect_waits() {
            let properties = self.connack_properties();
            let present = self.broker.accept();
            let connack = wire::connack(self.plan.version, present, 0, &properties);
            self.down.extend(connack);
        } else if let Some(bytes) = self.broker.emit(&mut self.random) {
            self.down.extend(bytes);
        }
    }

    fn connack_properties(&mut self) -> Vec<u8> {
        self.monitor.receive_maximum = 65_535;
        self.monitor.maximum_packet_size = u32::MAX as usize;
        let mut properties = Vec::new();
        if self.plan.limits && self.random.one_in(2) {
            let maximum = 1 + self.random.below(usize::from(self.plan.window) + 2) as u16;
            self.monitor.receive_maximum = maximum.into();
            properties.push(0x21);
            properties.extend(maximum.to_be_bytes());
        }
        if self.plan.limits && self.random.one_in(4) {
            let maximum = 20 + self.random.below(150) as u32;
            self.monitor.maximum_packet_size = maximum as usize;
            properties.push(0x27);
            properties.extend(maximum.to_be_bytes());
        }
        self.monitor.topic_alias_maximum = 0;
        if self.plan.topic_aliases && !self.random.one_in(3) {
            let maximum = 1 + self.random.below(4) as u16;
            self.monitor.topic_alias_maximum = maximum;
            properties.push(0x22);
            properties.extend(maximum.to_be_bytes());
        }
        if self.plan.nameless && self.is_nameless {
            properties.push(0x12);
            properties.extend([0, ASSIGNED.len() as u8]);
            properties.extend(ASSIGNED.as_bytes());
        }
        if self.plan.server_keep_alive && self.random.one_in(2) {
            self.keep_alive = 10;
            properties.extend([0x13, 0, 10]);
        }
        properties
    }

    /// The client reads some bytes and looks at what happened.
    fn read(&mut self) {
        let count = self.some(self.down.len());
        if count == 0 {
            return;
        }
        let bytes: Vec<u8> = self.down.drain(..count).collect();
        self.monitor.client_receives(&bytes);
        assert!(!self.closed, "the broker sends after its DISCONNECT");
        self.input.extend_from_slice(&bytes);
        self.session.feed(&mut self.input, self.now).unwrap();
        self.last_fed = self.now;
        while let Some(event) = self.session.next_event() {
            self.event(event);
        }
        assert!(self.monitor.ends.is_empty(), "{:?}", self.monitor.ends);
        assert_eq!(self.monitor.in_doubt, 0, "messages in doubt, unsaid");
        self.watch();
        self.monitor.check_answers();
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Connected(accepted) => {
                let limit = self.monitor.receive_maximum;
                assert_eq!(usize::from(accepted.receive_maximum), limit);
                self.requests.clear();
                self.broker.heard();
                self.is_nameless = false;
            }
            Event::MayDuplicate(count) => {
                assert_eq!(count, std::mem::take(&mut self.monitor.in_doubt));
                self.told += count;
            }
            Event::Message(message) => {
                self.achieved += usize::from(!message.retain);
                let number = number_of(&message.payload);
                assert_eq!(message.topic.as_str(), topic(number));
                assert_eq!(message.qos, self.plan.theirs[number]);
                let newest = self.seen.range(number..).find(|(n, _)| {
                    (self.plan.theirs[**n] == Qos::AtMostOnce) == (message.qos == Qos::AtMostOnce)
                });
                let times = self.seen.get(&number).copied().unwrap_or_default();
                assert!(newest.is_none() || times > 0, "{number} out of order");
                self.seen.insert(number, times + 1);
                match message.qos {
                    Qos::AtMostOnce => assert_eq!(times, 0),
                    Qos::AtLeastOnce => {
                        assert!(times == 0 || message.dup || self.broker.forgotten > 0)
                    }
                    Qos::ExactlyOnce => {
                        assert!(times <= self.broker.forgotten, "{number} again");
                    }
                }
                if let Some(receipt) = message.receipt {
                    let held = (receipt, number, message.qos, self.connections);
                    self.held.push_back(held);
                }
            }
            Event::Published {
                packet_id: 0,
                reason,
                ..
            } => {
                assert_eq!(reason.0, 0x95);
                self.refused += 1;
            }
            Event::Published {
                packet_id, reason, ..
            } => {
                self.achieved += 1;
                let number = self.by_id.remove(&packet_id).unwrap();
                self.bytes -= payload(number).len();
                let code = reason.0;
                if self.monitor.ends.front() == Some(&(packet_id, number, code)) {
                    self.monitor.ends.pop_front();
                } else {
                    // Not the broker's word, so it must be its new limit.
                    assert_eq!(code, 0x95);
                    assert_eq!(self.monitor.refused(packet_id), number);
                    assert!(payload(number).len() + 30 > self.monitor.maximum_packet_size);
                }
                assert_eq!(self.ends.insert(number, code), None);
            }
            Event::Subscribed { packet_id, .. } | Event::Unsubscribed { packet_id, .. } => {
                assert!(self.requests.remove(&packet_id));
            }
            Event::Closed { reason, .. } => {
                assert_eq!(reason.0, SERVER_SHUTTING_DOWN);
                assert!(!self.session.is_online());
                self.closed = true;
            }
            _ => panic!("{event:?}"),
        }
    }

    /// The application has a message safe.
    fn acknowledge(&mut self) {
        let chosen = if self.random.one_in(4) {
            self.random.below(self.held.len())
        } else {
            0
        };
        if let Some((receipt, number, qos, connection)) = self.held.remove(chosen) {
            let current = connection == self.connections;
            self.monitor
                .acknowledged(number, receipt.packet_id, qos.level(), current);
            self.session.acknowledge(receipt);
            self.watch();
        }
    }

    fn request(&mut self) {
        let filter = TopicFilter::new("some/+/#").unwrap();
        let qos = Qos::ExactlyOnce;
        let result = if self.random.one_in(2) {
            self.session.unsubscribe(&[filter], &Properties::default())
        } else {
            let count = 1 + self.random.below(3);
            self.session.subscribe(
                &vec![Subscription::new(filter, qos); count],
                &Properties::default(),
            )
        };
        match result {
            Ok(id) => {
                self.last_id = id;
                assert!(self.requests.insert(id));
            }
            Err(PublishError::NotConnected) => assert!(!self.session.is_online()),
            Err(PublishError::OverBrokerMaximum { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
        self.watch();
    }

    fn time(&mut self) {
        let most = self.random.pick(&[1, 10, 100, 1000]);
        self.now += Duration::from_millis(self.random.below(most) as u64);
        match self.session.tick(self.now) {
            Ok(()) => self.watch(),
            Err(ProtocolError::KeepAliveTimeout) => {
                let silence = self.now - self.last_fed;
                assert!(silence >= Duration::from_secs(self.keep_alive.into()) / 2);
                self.timeouts += 1;
                self.cut();
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    /// The connection breaks at some byte in either direction.
    fn cut(&mut self) {
        self.cuts_left = self.cuts_left.saturating_sub(1);
        self.write();
        self.broker_reads();
        if self.plan.farewells && self.plan.version == Version::V5 && self.broker.connected() {
            self.down.extend([0xE0, 1, SERVER_SHUTTING_DOWN]);
        }
        self.read();
        let forget = self.plan.forget > 0 && self.random.one_in(self.plan.forget);
        let late = self.plan.late && self.random.one_in(2);
        let late = late.then(|| {
            let arriving = self.some(self.up.len());
            let bytes = self.up.drain(..arriving).collect();
            (bytes, self.random.below(100))
        });
        self.broker.disconnected(late);
        if forget {
            self.broker.forget();
        }
        self.reconnect();
        if self.plan.late && self.random.one_in(4) {
            // Given up before CONNACK: this CONNECT and the next race each other.
            self.hand_over(self.watched);
            let bytes = std::mem::take(&mut self.up);
            let delay = self.random.below(200);
            self.broker.disconnected(Some((bytes, delay)));
            self.reconnect();
        }
    }

    fn reconnect(&mut self) {
        self.up.clear();
        self.down.clear();
        self.input.clear();
        self.session.lost();
        let in_vain = self.monitor.lost(self.plan.keeping);
        if self.plan.keeping && in_vain > 0 {
            let told = self.session.next_event();
            assert_eq!(told, Some(Event::MayBeLost(in_vain as u64)));
        }
        assert_eq!(self.session.next_event(), None);
        self.open();
    }

    /// The broker goes silent, and takes nothing: Keep Alive finds it out in time.
    fn silence(&mut self) {
        if !self.session.is_online() {
            return;
        }
        while self.watched > 0 {
            self.hand_over(self.watched);
        }
        let from = self.now.max(self.last_fed);
        let keep_alive = Duration::from_secs(self.keep_alive.into());
        while let Some(due) = self.session.deadline() {
            self.now = self.now.max(due);
            assert!(self.now - from <= keep_alive * 3 / 2, "not given up");
            match self.session.tick(self.now) {
                Ok(()) => {
                    self.watch();
                    self.hand_over(self.watched);
                }
                Err(ProtocolError::KeepAliveTimeout) => {
                    self.timeouts += 1;
                    return self.cut();
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        panic!("nothing is due");
    }

    /// A number of bytes up to `all`: often few, sometimes all.
    fn some(&mut self, all: usize) -> usize {
        let most = self.random.pick(&[1, 8, 64, usize::MAX]).min(all);
        if most == all {
            return self.random.pick(&[all, self.random.clone().below(all + 1)]);
        }
        self.random.below(most + 1)
    }
}

/// Bytes `from` to `to` of those that wait, as far as there are any.
fn part(output: &Output, from: usize, to: usize) -> Vec<u8> {
    let mut slots = [IoSlice::new(&[]); 256];
    let count = output.slices(&mut slots);
    assert!(count < slots.len(), "more pieces than any schedule makes");
    let mut at = 0;
    let mut bytes = Vec::new();
    for piece in &slots[..count] {
        let begin = from.saturating_sub(at).min(piece.len());
        let end = to.saturating_sub(at).min(piece.len());
        bytes.extend_from_slice(piece.get(begin..end).unwrap_or_default());
        at += piece.len();
    }
    bytes
}
