//! Keep Alive (MQTT 5, section 3.1.2.10): when to ask whether the broker lives, and when to
//! give it up.

use std::time::{Duration, Instant};

/// After a stop (`SIGSTOP`, a frozen container) the end of the wait may be noticed before what
/// arrived meanwhile: for so long, the answer is looked for once more.
const LAST_LOOK: Duration = Duration::from_millis(20);

/// PINGREQ after an interval without traffic in one of the two directions, and half an
/// interval for the answer, so that a dead broker is found within 1.5 intervals.
///
/// All times are of a clock that stands still while the machine sleeps ([`Instant`] on Linux).
/// That is meant: an answer that was due during the sleep still gets its time afterwards, and a
/// broker that has forgotten us meanwhile is found within 1.5 intervals of waking.
#[derive(Debug, Default)]
pub(super) struct KeepAlive {
    interval: Option<Duration>,
    last_sent: Option<Instant>,
    last_received: Option<Instant>,
    ping: Option<Ping>,
    /// Nothing is read: an answer cannot be seen, and its absence says nothing.
    is_deaf: bool,
}

/// A PINGREQ without an answer.
#[derive(Debug)]
struct Ping {
    since: Instant,
    /// Where it ends in the output. As long as a slow connection still moves the bytes before
    /// it (a large payload), the broker cannot answer, and the wait starts anew.
    end: u64,
    left: bool,
    /// Overdue; given up at this time.
    last_look: Option<Instant>,
}

impl KeepAlive {
    pub(super) fn new(seconds: u16, now: Instant) -> Self {
        Self {
            interval: (seconds > 0).then(|| Duration::from_secs(seconds.into())),
            last_sent: Some(now),
            last_received: Some(now),
            ping: None,
            is_deaf: false,
        }
    }

    /// Bytes went out, `gone` altogether.
    pub(super) fn sent(&mut self, now: Instant, gone: u64) {
        self.last_sent = Some(now);
        if let Some(ping) = &mut self.ping
            && !ping.left
        {
            ping.since = now;
            ping.left = gone >= ping.end;
            ping.last_look = None;
        }
    }

    /// Anything from the broker proves that it lives, not only PINGRESP.
    pub(super) fn received(&mut self, now: Instant) {
        self.last_received = Some(now);
        self.ping = None;
    }

    /// Reading stops, or goes on. What came meanwhile is still to be read, so the wait for a sign
    /// of life starts anew.
    pub(super) fn set_deaf(&mut self, is_deaf: bool, now: Instant) {
        self.is_deaf = is_deaf;
        if !is_deaf {
            self.received(now);
        }
    }

    pub(super) fn is_deaf(&self) -> bool {
        self.is_deaf
    }

    /// What to do at the deadline.
    pub(super) fn due(&mut self, now: Instant) -> Due {
        match &mut self.ping {
            Some(ping) if !self.is_deaf => {
                if ping.last_look.is_some() {
                    return Due::GiveUp;
                }
                ping.last_look = Some(now + LAST_LOOK);
                Due::Nothing
            }
            // The broker takes nothing either: a second PINGREQ behind the first has no use.
            Some(ping) if !ping.left => {
                ping.since = now;
                Due::Nothing
            }
            _ => Due::Ping,
        }
    }

    /// PINGREQ was written; it ends at `end` of the output.
    pub(super) fn pinged(&mut self, now: Instant, end: u64) {
        self.ping = Some(Ping {
            since: now,
            end,
            left: false,
            last_look: None,
        });
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let interval = self.interval?;
        let last_sent = self.last_sent?;
        Some(match &self.ping {
            Some(ping) if self.is_deaf => ping.since.max(last_sent) + interval,
            Some(ping) => ping
                .last_look
                .unwrap_or(ping.since + interval / 2 - LAST_LOOK),
            None if self.is_deaf => last_sent + interval,
            None => last_sent.min(self.last_received?) + interval,
        })
    }
}

/// What the Keep Alive asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Ping,
    GiveUp,
    Nothing,
}
