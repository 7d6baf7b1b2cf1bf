//! When enough has come: `-C`, `--until`, and `--idle-timeout`, for which nothing more comes.

use std::time::Duration;

use mqtools_common::message::Message;
use regex::bytes::Regex;
use tokio::time::{Instant, sleep_until};

/// What was asked for.
#[derive(Debug, Default)]
pub(crate) struct Enough {
    /// `-C`: so many printed messages.
    pub(crate) count: Option<u64>,
    /// `--until`: the first message with such a payload is the last.
    pub(crate) until: Option<Box<Regex>>,
}

impl Enough {
    /// How many messages more are wanted when so many were printed; none where that depends on what
    /// they say.
    pub(crate) fn left(&self, printed: u64) -> Option<u64> {
        let left = self
            .count
            .map_or(u64::MAX, |count| count.saturating_sub(printed));
        self.until.is_none().then_some(left)
    }

    /// Whether this message, the last of so many that were printed, was the last that was wanted.
    pub(crate) fn is_reached(&self, printed: u64, message: &Message) -> bool {
        self.count.is_some_and(|count| printed >= count)
            || self
                .until
                .as_ref()
                .is_some_and(|regex| regex.is_match(&message.payload))
    }
}

/// `--idle-timeout`: how long the broker, which could send, has sent no message.
#[derive(Debug)]
pub(crate) struct Idle {
    limit: Option<Duration>,
    received: u64,
    /// None while the broker cannot send: no connection, no subscription, a reader that stalls.
    since: Option<Instant>,
}

impl Idle {
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        Self {
            limit,
            received: 0,
            since: None,
        }
    }

    /// Looks at how many messages have been received, and whether the next may come.
    pub(crate) fn look(&mut self, received: u64, may_come: bool) {
        if self.limit.is_none() {
            return;
        }
        if !may_come {
            self.since = None;
        } else if self.since.is_none() || received != self.received {
            self.since = Some(Instant::now());
        }
        self.received = received;
    }

    /// Waits for the end of the time. Safe to drop and to call again.
    pub(crate) async fn over(&self) {
        match (self.limit, self.since) {
            (Some(limit), Some(since)) => sleep_until(since + limit).await,
            _ => std::future::pending().await,
        }
    }
}
