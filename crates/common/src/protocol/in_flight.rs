//! Requests the broker has not answered yet, in the order they were made.

use std::collections::VecDeque;
use std::rc::Rc;

use bytes::Bytes;

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
    content: Content,
    pub(super) qos: Qos,
    pub(super) stage: Stage,
    /// It went out over an earlier connection of the same session: the next time with DUP.
    pub(super) dup: bool,
}

/// What the message says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Whole(Box<Publication>),
    /// A piece of the [`Text`] that its place belongs to: to count who shares that would cost more than
    /// everything else.
    Line {
        start: u32,
        length: u32,
    },
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

impl Outgoing {
    /// A message that goes out now.
    pub(super) fn new(message: Publication) -> Self {
        let qos = message.qos;
        Self::with_content(Content::Whole(Box::new(message)), qos)
    }

    fn with_content(content: Content, qos: Qos) -> Self {
        Self {
            content,
            qos,
            stage: Stage::Sent,
            dup: false,
        }
    }

    /// The payload's length in bytes.
    #[inline]
    pub(super) fn len(&self) -> usize {
        match &self.content {
            Content::Whole(message) => message.payload.len(),
            Content::Line { length, .. } => *length as usize,
        }
    }
}

/// The lines that were published together.
#[derive(Debug)]
struct Text {
    bytes: Bytes,
    /// The message without its payload.
    common: Rc<Publication>,
    /// How many requests there were up to its last line, since the beginning.
    end: u64,
}

/// Requests by Packet Identifier. Identifiers are given out in turn, so position in the queue
/// and identifier follow from each other, and the queue's order is the order of the requests.
///
/// Invariant: the front is never an empty slot, and `front_id` is its identifier.
#[derive(Debug)]
pub(super) struct InFlight {
    front_id: u16,
    slots: VecDeque<Option<Request>>,
    /// How many requests there were before the front.
    gone: u64,
    /// Those of lines in `slots`, oldest first.
    texts: VecDeque<Text>,
}

impl InFlight {
    pub(super) fn new() -> Self {
        Self {
            front_id: 1,
            slots: VecDeque::new(),
            gone: 0,
            texts: VecDeque::new(),
        }
    }

    /// Files a request under the next identifier; none when that one is still in use.
    #[inline]
    pub(super) fn insert(&mut self, request: Request) -> Option<u16> {
        let id = self.next_id()?;
        self.slots.push_back(Some(request));
        Some(id)
    }

    /// Files a message whose payload is `range` of the text that the next [`end_text`](Self::end_text)
    /// brings; none when the next identifier is still in use.
    #[inline]
    pub(super) fn insert_line(&mut self, qos: Qos, range: (usize, usize)) -> Option<u16> {
        let content = Content::Line {
            start: u32::try_from(range.0).ok()?,
            length: u32::try_from(range.1).ok()?,
        };
        self.insert(Request::Publish(Outgoing::with_content(content, qos)))
    }

    /// Brings the text of the lines that were filed last, which have the rest in common.
    pub(super) fn end_text(&mut self, bytes: Bytes, common: &Publication) {
        let common = match self.texts.back() {
            Some(last) if last.common.is_same_but_for_payload(common) => Rc::clone(&last.common),
            _ => Rc::new(common.clone()),
        };
        self.texts.push_back(Text {
            bytes,
            common,
            end: self.gone + self.slots.len() as u64,
        });
    }

    /// The next identifier, unless it is still in use.
    #[inline]
    pub(super) fn next_id(&self) -> Option<u16> {
        let length = u32::try_from(self.slots.len()).ok()?;
        (length < IDENTIFIERS).then(|| self.id_at(length))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: u16) -> Option<&mut Request> {
        let index = self.index_of(id)?;
        self.slots.get_mut(index)?.as_mut()
    }

    /// The message with this identifier.
    pub(super) fn message(&self, id: u16) -> Option<Publication> {
        let index = self.index_of(id)?;
        let Some(Request::Publish(outgoing)) = self.slots.get(index)? else {
            return None;
        };
        match &outgoing.content {
            Content::Whole(message) => Some(Publication::clone(message)),
            &Content::Line { start, length } => {
                let place = self.gone + index as u64;
                let text = self.texts.partition_point(|text| text.end <= place);
                let text = self.texts.get(text)?;
                let (start, end) = (start as usize, start as usize + length as usize);
                let is_inside = end <= text.bytes.len();
                let line = is_inside.then(|| text.bytes.slice(start..end))?;
                Some(text.common.with_payload(Payload::Bytes(line)))
            }
        }
    }

    pub(super) fn remove(&mut self, id: u16) -> Option<Request> {
        let index = self.index_of(id)?;
        let request = self.slots.get_mut(index)?.take();
        self.tidy();
        request
    }

    /// Messages at this QoS whose exchanges stand here, one behind the other from identifier `first` on,
    /// as many as `ids` has and has in this order; goes on with each.
    pub(super) fn stretch(
        &mut self,
        ids: impl Iterator<Item = u16>,
        first: u16,
        (qos, stage): (Qos, Stage),
        mut go_on: impl FnMut(&mut Outgoing),
    ) -> usize {
        let Some(index) = self.index_of(first).filter(|at| *at < self.slots.len()) else {
            return 0;
        };
        let mut expected = first;
        let mut count = 0;
        for (slot, id) in self.slots.range_mut(index..).zip(ids) {
            match slot {
                Some(Request::Publish(outgoing))
                    if id == expected && outgoing.qos == qos && outgoing.stage == stage =>
                {
                    go_on(outgoing);
                }
                _ => break,
            }
            count += 1;
            expected = id_behind(expected);
        }
        count
    }

    /// Removes so many requests from this identifier on.
    pub(super) fn remove_stretch(&mut self, first: u16, count: usize) {
        if first == self.front_id {
            self.slots.drain(..count);
            self.gone += count as u64;
            self.front_id = self.id_at(count as u32);
        } else if let Some(index) = self.index_of(first) {
            let slots = self.slots.range_mut(index..index + count);
            slots.for_each(|slot| *slot = None);
        }
        self.tidy();
    }

    /// All requests with their identifiers, oldest first.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u16, &mut Request)> {
        let front = self.front_id;
        self.slots
            .iter_mut()
            .zip(0..)
            .filter_map(move |(slot, offset)| Some((id_after(front, offset), slot.as_mut()?)))
    }

    #[inline]
    fn tidy(&mut self) {
        while matches!(self.slots.front(), Some(None)) {
            self.slots.pop_front();
            self.front_id = id_behind(self.front_id);
            self.gone += 1;
        }
        while self.texts.front().is_some_and(|text| text.end <= self.gone) {
            self.texts.pop_front();
        }
    }

    #[inline]
    fn id_at(&self, offset: u32) -> u16 {
        id_after(self.front_id, offset)
    }

    #[inline]
    fn index_of(&self, id: u16) -> Option<usize> {
        let id = u32::from(id).checked_sub(1)?;
        let front = u32::from(self.front_id) - 1;
        usize::try_from((id + IDENTIFIERS - front) % IDENTIFIERS).ok()
    }
}

/// The identifier that is given out behind this one.
#[inline]
pub(super) fn id_behind(id: u16) -> u16 {
    id.checked_add(1).unwrap_or(1)
}

#[inline]
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
