//! QoS 2 messages that are ours and that the broker has not released with PUBREL (MQTT 5, section
//! 4.3.3).

use std::fmt;

/// Where such a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Exchange {
    stage: Stage,
    /// The broker may have forgotten it, so that the identifier may come with another message.
    is_suspect: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Given to the application over the connection `given`, and not acknowledged by it. The
    /// broker waits for PUBREC on the connection `sent`, the last it sent the message over.
    Delivered { given: u64, sent: u64 },
    /// The application is done with it: a repetition gets PUBREC again and goes no further.
    Accepted,
}

/// What a PUBLISH is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// A message that did not come before.
    New,
    /// A repetition of one that the application is still busy with.
    Busy,
    /// A repetition of one that it is done with: PUBREC is due again.
    Accepted,
}

/// How many identifiers share a page.
const PAGE: usize = 256;

/// Those messages, each at the place of its Packet Identifier, in pages that are made when they are
/// needed: one message with the highest identifier must not take the memory of all.
#[derive(Default)]
pub(super) struct Received(Vec<Vec<Option<Exchange>>>);

impl Received {
    /// A message came over `connection`.
    pub(super) fn arrived(&mut self, id: u16, dup: bool, connection: u64) -> Arrival {
        if let Some(exchange) = self.get_mut(id)
            && (dup || !exchange.is_suspect)
        {
            exchange.is_suspect = false;
            return match &mut exchange.stage {
                Stage::Delivered { sent, .. } => {
                    *sent = connection;
                    Arrival::Busy
                }
                Stage::Accepted => Arrival::Accepted,
            };
        }
        self.insert(id, connection);
        Arrival::New
    }

    /// Notes a message that came over `connection`, if nothing is known of its identifier.
    pub(super) fn is_new(&mut self, id: u16, connection: u64) -> bool {
        let is_new = self.get_mut(id).is_none();
        if is_new {
            self.insert(id, connection);
        }
        is_new
    }

    /// The application is done with a message that it got over the connection `given`; whether PUBREC
    /// is due, over `connection`.
    pub(super) fn accepted(&mut self, id: u16, given: u64, connection: u64) -> bool {
        // The broker may have forgotten the session meanwhile, or repeated the message over another
        // connection than that.
        let Some(exchange) = self.get_mut(id) else {
            return false;
        };
        match exchange.stage {
            Stage::Delivered { given: by, sent } if by == given => {
                exchange.stage = Stage::Accepted;
                sent == connection
            }
            _ => false,
        }
    }

    /// PUBREL came; whether it was for a message that is here.
    pub(super) fn released(&mut self, id: u16) -> bool {
        let slot = self.slot(id);
        slot.is_some_and(|slot| slot.take().is_some())
    }

    /// A broker has a session, or not; it `knows` it where it surely is the one that we know.
    pub(super) fn resumed(&mut self, is_present: bool, is_known: bool) {
        if !is_present {
            self.0.clear();
        }
        for exchange in self.0.iter_mut().flatten().flatten() {
            exchange.is_suspect = !is_known;
        }
    }

    fn get_mut(&mut self, id: u16) -> Option<&mut Exchange> {
        self.slot(id)?.as_mut()
    }

    #[inline]
    fn slot(&mut self, id: u16) -> Option<&mut Option<Exchange>> {
        let (page, place) = (usize::from(id) / PAGE, usize::from(id) % PAGE);
        self.0.get_mut(page)?.get_mut(place)
    }

    fn insert(&mut self, id: u16, connection: u64) {
        let page = usize::from(id) / PAGE;
        if page >= self.0.len() {
            self.0.resize_with(page + 1, Vec::new);
        }
        if let Some(page) = self.0.get_mut(page)
            && page.is_empty()
        {
            page.resize(PAGE, None);
        }
        if let Some(slot) = self.slot(id) {
            *slot = Some(Exchange {
                stage: Stage::Delivered {
                    given: connection,
                    sent: connection,
                },
                is_suspect: false,
            });
        }
    }
}

/// Only what there is.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pages = self.0.iter().enumerate();
        let slots = pages.flat_map(|(number, page)| page.iter().zip(number * PAGE..));
        f.debug_map()
            .entries(slots.filter_map(|(slot, id)| Some((id, slot.as_ref()?))))
            .finish()
    }
}
