//! Requests the broker has not answered yet, in the order they were made.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::message::{Publication, Qos};
use crate::payload::Payload;

/// How many Packet Identifiers there are: 1 to 65,535 (MQTT 5, section 2.2.1).
const IDENTIFIERS: u32 = 65_535;

/// A request that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    Publish(Outgoing),
    /// SUBSCRIBE with this many filters.
    Subscribe(usize),
    /// UNSUBSCRIBE with this many filters.
    Unsubscribe(usize),
}

/// A QoS 1 or 2 message on its way. It is kept to the end of its exchange: should the
/// broker forget the session after PUBREC, the message has to be sent once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    /// The message without its payload: mostly it is the same for all.
    common: Rc<Publication>,
    payload: Payload,
    pub(super) stage: Stage,
    /// It went out over an earlier connection of the same session: the next time with DUP.
    pub(super) dup: bool,
}

impl Outgoing {
    /// A message that goes out now, its payload apart.
    pub(super) fn new(common: Rc<Publication>, payload: Payload) -> Self {
        Self {
            common,
            payload,
            stage: Stage::Sent,
            dup: false,
        }
    }

    pub(super) fn message(&self) -> Publication {
        self.common.with_payload(self.payload.clone())
    }

    pub(super) fn qos(&self) -> Qos {
        self.common.qos
    }

    /// The payload's length in bytes.
    pub(super) fn len(&self) -> usize {
        self.payload.len()
    }

    /// Whether the broker holds half of the exchange, or will: a QoS 2 message without its PUBREL.
    pub(super) fn is_half_done(&self) -> bool {
        self.qos() == Qos::ExactlyOnce && self.stage == Stage::Sent
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not sent over this connection.
    Waiting,
    /// Sent; PUBACK (QoS 1) or PUBREC (QoS 2) is due.
    Sent,
    /// PUBREC came, PUBREL was sent; PUBCOMP is due.
    Released,
}

/// Requests by Packet Identifier. Identifiers are given out in turn, so position in the queue
/// and identifier follow from each other, and the queue's order is the order of the requests.
///
/// Invariant: the front is never an empty slot, and `front_id` is its identifier.
#[derive(Debug)]
pub(super) struct InFlight {
    front_id: u16,
    slots: VecDeque<Option<Request>>,
    /// Of the last message that was filed.
    common: Option<Rc<Publication>>,
}

impl InFlight {
    pub(super) fn new() -> Self {
        Self {
            front_id: 1,
            slots: VecDeque::new(),
            common: None,
        }
    }

    /// What `message` has in common with others, to be shared with the one before.
    pub(super) fn common(&mut self, message: &Publication) -> Rc<Publication> {
        match &self.common {
            Some(common) if common.is_same_but_for_payload(message) => Rc::clone(common),
            _ => {
                let common = Rc::new(message.with_payload(Payload::default()));
                Rc::clone(self.common.insert(common))
            }
        }
    }

    /// Files a request under the next identifier; none when that one is still in use.
    pub(super) fn insert(&mut self, request: Request) -> Option<u16> {
        let id = self.next_id()?;
        self.slots.push_back(Some(request));
        Some(id)
    }

    /// The identifier that the next request will have, unless it is still in use.
    pub(super) fn next_id(&self) -> Option<u16> {
        let length = u32::try_from(self.slots.len()).ok()?;
        (length < IDENTIFIERS).then(|| self.id_at(length))
    }

    /// How many identifiers are free from the next on.
    pub(super) fn free(&self) -> usize {
        (IDENTIFIERS as usize).saturating_sub(self.slots.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn get_mut(&mut self, id: u16) -> Option<&mut Request> {
        let index = self.index_of(id)?;
        self.slots.get_mut(index)?.as_mut()
    }

    pub(super) fn remove(&mut self, id: u16) -> Option<Request> {
        let index = self.index_of(id)?;
        let request = self.slots.get_mut(index)?.take();
        self.tidy();
        request
    }

    /// Takes out the message at this QoS whose exchange stands here; nothing else.
    #[inline]
    pub(super) fn remove_at(&mut self, id: u16, qos: Qos, stage: Stage) -> Option<Outgoing> {
        let index = self.index_of(id)?;
        let slot = self.slots.get_mut(index)?;
        let is_it = matches!(slot, Some(Request::Publish(outgoing))
            if outgoing.qos() == qos && outgoing.stage == stage);
        let Some(Request::Publish(outgoing)) = slot.take_if(|_| is_it) else {
            return None;
        };
        self.tidy();
        Some(outgoing)
    }

    #[inline]
    fn tidy(&mut self) {
        while matches!(self.slots.front(), Some(None)) {
            self.slots.pop_front();
            self.front_id = self.id_at(1);
        }
    }

    /// All requests with their identifiers, oldest first.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u16, &mut Request)> {
        let front = self.front_id;
        self.slots
            .iter_mut()
            .zip(0..)
            .filter_map(move |(slot, offset)| Some((id_after(front, offset), slot.as_mut()?)))
    }

    fn id_at(&self, offset: u32) -> u16 {
        id_after(self.front_id, offset)
    }

    fn index_of(&self, id: u16) -> Option<usize> {
        let id = u32::from(id).checked_sub(1)?;
        let front = u32::from(self.front_id) - 1;
        usize::try_from((id + IDENTIFIERS - front) % IDENTIFIERS).ok()
    }
}

fn id_after(front: u16, offset: u32) -> u16 {
    let id = (u32::from(front) - 1 + offset) % IDENTIFIERS + 1;
    u16::try_from(id).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_wrap_around_without_zero_and_without_reuse() {
        let mut requests = InFlight::new();
        let stuck = requests.insert(Request::Unsubscribe(1)).unwrap();
        assert_eq!(stuck, 1);
        for round in 0..3 {
            for expected in 2..=65_535u16 {
                let id = requests.insert(Request::Subscribe(round)).unwrap();
                assert_eq!(id, expected, "round {round}");
                if expected != 2 {
                    assert!(requests.remove(id).is_some());
                }
            }
            assert_eq!(
                requests.insert(Request::Unsubscribe(1)),
                None,
                "1 is in use"
            );
            assert_eq!(requests.remove(1), Some(Request::Unsubscribe(1)));
            assert_eq!(requests.remove(2), Some(Request::Subscribe(round)));
            assert_eq!(requests.remove(2), None);
            // All free again: identifiers go on where they stopped.
            let next = requests.insert(Request::Unsubscribe(1)).unwrap();
            assert_eq!(next, 1);
        }
    }

    #[test]
    fn order_is_the_order_of_the_requests() {
        let mut requests = InFlight::new();
        let ids: Vec<u16> = (0..5)
            .filter_map(|n| requests.insert(Request::Subscribe(n)))
            .collect();
        requests.remove(ids[0]);
        requests.remove(ids[3]);
        let left: Vec<(u16, Request)> =
            requests.iter_mut().map(|(id, r)| (id, r.clone())).collect();
        assert_eq!(
            left,
            [
                (2, Request::Subscribe(1)),
                (3, Request::Subscribe(2)),
                (5, Request::Subscribe(4))
            ]
        );
    }
}
