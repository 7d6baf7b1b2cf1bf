//! Keep Alive (MQTT 5, section 3.1.2.10): when to ask whether the broker lives, and when to
//! give it up.

use std::time::{Duration, Instant};

/// PINGREQ after an interval without traffic in one of the two directions, and half an
/// interval for the answer, so that a dead broker is found within 1.5 intervals.
#[derive(Debug, Default)]
pub(super) struct KeepAlive {
    interval: Option<Duration>,
    last_sent: Option<Instant>,
    last_received: Option<Instant>,
    ping: Option<Ping>,
}

/// A PINGREQ without an answer.
#[derive(Debug)]
struct Ping {
    since: Instant,
    /// Where it ends in the output. As long as a slow connection still moves the bytes before
    /// it (a large payload), the broker cannot answer, and the wait starts anew.
    end: u64,
    left: bool,
}

impl KeepAlive {
    pub(super) fn new(seconds: u16, now: Instant) -> Self {
        Self {
            interval: (seconds > 0).then(|| Duration::from_secs(seconds.into())),
            last_sent: Some(now),
            last_received: Some(now),
            ping: None,
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
        }
    }

    /// Anything from the broker proves that it lives, not only PINGRESP.
    pub(super) fn received(&mut self, now: Instant) {
        self.last_received = Some(now);
        self.ping = None;
    }

    /// PINGREQ was written; it ends at `end` of the output.
    pub(super) fn pinged(&mut self, now: Instant, end: u64) {
        self.ping = Some(Ping {
            since: now,
            end,
            left: false,
        });
    }

    pub(super) fn ping_is_out(&self) -> bool {
        self.ping.is_some()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let interval = self.interval?;
        match &self.ping {
            Some(ping) => Some(ping.since + interval / 2),
            None => Some(self.last_sent.min(self.last_received)? + interval),
        }
    }
}
