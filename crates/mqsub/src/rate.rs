//! `--message-rate`: a line each second with the number of messages that came in it.

use std::time::Duration;

use tokio::time::{Instant, Interval, interval_at};

const SECOND: Duration = Duration::from_secs(1);

/// Counts messages.
#[derive(Debug)]
pub(crate) struct Rate {
    count: u64,
    /// After a stall its ticks come in a row, so that there is a line for each second.
    seconds: Interval,
    /// [`Rate::second`] saw one end.
    is_due: bool,
}

impl Rate {
    /// The first second begins now.
    pub(crate) fn new() -> Self {
        Self {
            count: 0,
            seconds: interval_at(Instant::now() + SECOND, SECOND),
            is_due: false,
        }
    }

    pub(crate) fn count(&mut self) {
        self.count += 1;
    }

    /// Waits for the end of the second. Safe to drop and to call again.
    pub(crate) async fn second(&mut self) {
        self.seconds.tick().await;
        self.is_due = true;
    }

    /// The line that the end of a second calls for.
    pub(crate) fn due(&mut self) -> Option<u64> {
        std::mem::take(&mut self.is_due).then(|| std::mem::take(&mut self.count))
    }

    /// The line of the second that is not over, unless nothing came in it.
    pub(crate) fn rest(&mut self) -> Option<u64> {
        Some(std::mem::take(&mut self.count)).filter(|&count| count > 0)
    }
}
