//! What the packets of a connection prove: which lines a publisher has handed to the broker and got
//! acknowledged, and which the broker has delivered to a subscriber.

use std::collections::{BTreeMap, BTreeSet};

use harness::fake_broker::Publish;
use harness::{Observer, Packet, Way};

/// A publisher's side, lines being the payloads `0`, `1` and so on.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    latest: Latest,
    is_v5: bool,
    lines: BTreeMap<u32, Fate>,
    /// Packet Identifiers of the unfinished exchanges that both sides know.
    in_flight: BTreeMap<u16, u32>,
    session_present: bool,
    /// The last line on this connection.
    last: Option<u32>,
    /// The last line before each PINGREQ without an answer.
    pings: Vec<Option<u32>>,
    /// Lines of QoS 2 sent as new messages after a broker had forgotten that it may have them.
    pub(crate) may_double: u64,
    /// What a publisher must not do.
    pub(crate) faults: Vec<String>,
}

/// What became of a line.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Fate {
    /// Sent whole, as a new message.
    copies: u32,
    /// The broker has answered that it has it (PUBACK, PUBREC; at QoS 0: a PINGRESP to a PINGREQ
    /// behind it).
    pub(crate) taken: bool,
    /// It may have the last copy, but its session is gone.
    is_orphan: bool,
}

impl Sent {
    pub(crate) fn fate(&self, line: u32) -> Fate {
        self.lines.get(&line).copied().unwrap_or_default()
    }

    /// How many lines the broker has been sent whole.
    pub(crate) fn count(&self) -> usize {
        self.lines.len()
    }

    fn published(&mut self, publish: &Publish) {
        let Some(line) = number(publish) else {
            return;
        };
        if let Some(last) = self.last.filter(|last| *last >= line) {
            self.fault(format!("line {line} is sent behind line {last}"));
        }
        self.last = Some(line);
        let fate = self.lines.entry(line).or_default();
        let before = std::mem::replace(&mut fate.is_orphan, false);
        let is_first = fate.copies == 0;
        fate.copies += u32::from(!publish.dup || is_first);
        let Some(id) = publish.packet_id else {
            if !is_first {
                self.fault(format!("line {line} is sent twice at QoS 0"));
            }
            return;
        };
        let known = self.in_flight.insert(id, line);
        if publish.dup {
            if !self.session_present {
                self.fault(format!("line {line} has DUP in a new session"));
            }
            if known.is_some_and(|known| known != line) {
                self.fault(format!(
                    "line {line} is sent again with the id of {known:?}"
                ));
            }
        } else {
            if let Some(known) = known {
                self.fault(format!("line {line} gets the id of line {known}"));
            }
            if !is_first && !before {
                self.fault(format!("line {line} is a new message once more"));
            }
            self.may_double += u64::from(before && publish.qos == 2);
        }
    }

    fn fault(&mut self, what: String) {
        self.faults.push(what);
    }

    fn answered(&mut self, id: u16, is_end: bool) {
        let line = if is_end {
            self.in_flight.remove(&id)
        } else {
            self.in_flight.get(&id).copied()
        };
        if let Some(line) = line {
            self.lines.entry(line).or_default().taken = true;
        }
    }
}

impl Observer for Sent {
    fn packet(&mut self, connection: usize, way: Way, packet: &Packet) {
        if self.latest.is_left(connection) {
            return;
        }
        match (way, packet.kind()) {
            (Way::ToBroker, 1) => {
                self.is_v5 = packet.body.get(6) == Some(&5);
                self.last = None;
                self.pings.clear();
            }
            (Way::ToClient, 2) => {
                self.session_present = packet.body[0] & 1 == 1;
                if !self.session_present {
                    for line in std::mem::take(&mut self.in_flight).into_values() {
                        self.lines.entry(line).or_default().is_orphan = true;
                    }
                }
            }
            (Way::ToBroker, 3) => self.published(&Publish::parse(packet, self.is_v5)),
            (Way::ToClient, 4 | 7) => self.answered(packet.packet_id(), true),
            (Way::ToClient, 5) => self.answered(packet.packet_id(), false),
            (Way::ToBroker, 12) => self.pings.push(self.last),
            (Way::ToClient, 13) if !self.pings.is_empty() => {
                if let Some(last) = self.pings.remove(0) {
                    for fate in self.lines.range_mut(..=last) {
                        fate.1.taken |= fate.1.copies > 0;
                    }
                }
            }
            _ => {}
        }
    }
}

/// A subscriber's side.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    latest: Latest,
    is_v5: bool,
    deliveries: BTreeMap<u32, usize>,
    /// Of QoS 2: not released yet, and which line it was.
    held: BTreeMap<u16, u32>,
    /// Lines that came with the identifier of another that was not released: a subscriber must take
    /// them for that one.
    pub(crate) disguised: BTreeSet<u32>,
    /// What came over this connection and the subscriber has not answered: identifiers and the kind
    /// of the answer.
    owed: BTreeSet<(u16, u8)>,
}

impl Delivered {
    /// How often the broker has begun to deliver a line.
    pub(crate) fn times(&self, line: u32) -> usize {
        self.deliveries.get(&line).copied().unwrap_or(0)
    }

    /// How many lines the broker has begun to deliver.
    pub(crate) fn count(&self) -> usize {
        self.deliveries.len()
    }

    /// Whether the next word is the broker's.
    pub(crate) fn is_answered(&self) -> bool {
        self.owed.is_empty()
    }
}

impl Observer for Delivered {
    fn packet(&mut self, connection: usize, way: Way, packet: &Packet) {
        if self.latest.is_left(connection) {
            return;
        }
        match (way, packet.kind()) {
            (Way::ToBroker, 1) => {
                self.is_v5 = packet.body.get(6) == Some(&5);
                self.owed.clear();
            }
            (Way::ToBroker, kind @ (4 | 5 | 7)) => {
                self.owed.remove(&(packet.packet_id(), kind));
            }
            (Way::ToClient, 2) if packet.body[0] & 1 == 0 => self.held.clear(),
            (Way::ToClient, 3) => {
                let publish = Publish::parse(packet, self.is_v5);
                if let Some(id) = publish.packet_id {
                    self.owed.insert((id, if publish.qos == 1 { 4 } else { 5 }));
                }
                let Some(line) = number(&publish) else {
                    return;
                };
                let held = match publish.packet_id {
                    Some(id) if publish.qos == 2 => self.held.insert(id, line),
                    _ => None,
                };
                match held {
                    Some(other) if other != line => {
                        self.disguised.insert(line);
                    }
                    Some(_) => {}
                    None => *self.deliveries.entry(line).or_default() += 1,
                }
            }
            (Way::ToClient, 6) => {
                self.held.remove(&packet.packet_id());
                self.owed.insert((packet.packet_id(), 7));
            }
            _ => {}
        }
    }
}

/// The last connection with a CONNECT.
#[derive(Debug, Default)]
struct Latest(usize);

impl Latest {
    /// Whether the client has gone on to another connection: it sees no more of what comes, late, over
    /// this one.
    fn is_left(&mut self, connection: usize) -> bool {
        self.0 = self.0.max(connection);
        connection < self.0
    }
}

fn number(publish: &Publish) -> Option<u32> {
    std::str::from_utf8(&publish.payload).ok()?.parse().ok()
}
