//! QoS 2 exchanges that an earlier run left half done in the session that the broker still has. It would
//! take the next message with such an identifier for a repetition, and drop it (MQTT 5, section
//! 4.3.3): each identifier is released once before its first use.

/// How many identifiers are released ahead of their use.
const AHEAD: u16 = 32;

/// The identifiers in their order, from 1.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    /// Up to here PUBREL was sent over this connection, or was answered before.
    asked: u16,
    /// Up to here PUBCOMP came.
    freed: u16,
}

impl Leftovers {
    /// The next identifier to be released when `next` will be used next; none when enough are on
    /// their way.
    pub(super) fn ask(&mut self, next: u16) -> Option<u16> {
        if self.asked >= next.saturating_add(AHEAD) {
            return None;
        }
        self.asked = self.asked.checked_add(1)?;
        Some(self.asked)
    }

    /// PUBCOMP came.
    pub(super) fn answered(&mut self, id: u16) {
        if id > self.freed && id <= self.asked {
            self.freed = id;
        }
    }

    /// Whether a message can have this identifier.
    pub(super) fn is_free(&self, id: u16) -> bool {
        id <= self.freed
    }

    /// Whether nothing is left to be released.
    pub(super) fn is_done(&self) -> bool {
        self.freed == u16::MAX
    }

    /// What was not answered has to be asked again over the next connection.
    pub(super) fn lost(&mut self) {
        self.asked = self.freed;
    }
}
