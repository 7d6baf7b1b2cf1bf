//! `--message-rate`: a line each second with the number of messages that came in it.

use std::io::{self, Write};
use std::time::Duration;

use tokio::time::{Instant, Interval, interval_at};

const SECOND: Duration = Duration::from_secs(1);

/// Counts messages.
#[derive(Debug)]
pub(crate) struct Rate {
    count: u64,
    /// After a stall its ticks come in a row, so that there is a line for each second.
    seconds: Interval,
}

impl Rate {
    /// The first second begins now.
    pub(crate) fn new() -> Self {
        Self {
            count: 0,
            seconds: interval_at(Instant::now() + SECOND, SECOND),
        }
    }

    pub(crate) fn count(&mut self) {
        self.count += 1;
    }

    pub(crate) fn has_counted(&self) -> bool {
        self.count > 0
    }

    /// Waits for the end of the second. Safe to drop and to call again.
    pub(crate) async fn second(&mut self) {
        self.seconds.tick().await;
    }

    /// Writes the number of messages since the last line.
    pub(crate) fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", std::mem::take(&mut self.count))
    }
}
