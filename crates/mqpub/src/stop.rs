//! The end that signals ask for: the first stops the source, the second everything.

use std::time::Duration;

use mqtools_common::signals::{Signal, Signals};
use tokio::time::{Instant, sleep_until};

/// How long after a signal a broker may do nothing before it is given up.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// How far the end has come.
pub(crate) struct Stop {
    signals: Option<Signals>,
    pub(crate) first: Option<Signal>,
    /// When patience ends, after the first signal.
    deadline: Instant,
    /// What was seen of the broker's work: messages settled, bytes left to send.
    progress: (u64, usize),
}

/// What calls for a reaction.
pub(crate) enum Call {
    Signal(Signal),
    /// The time after the first signal.
    GraceOver(Signal),
}

impl Stop {
    pub(crate) fn new(signals: Option<Signals>) -> Self {
        Self {
            signals,
            first: None,
            deadline: Instant::now(),
            progress: (0, usize::MAX),
        }
    }

    pub(crate) fn begin(&mut self, signal: Signal) {
        self.first = Some(signal);
        self.progress = (0, usize::MAX);
        self.deadline = Instant::now() + GRACE;
    }

    /// Gives the broker more time if it did something. A Keep Alive exchange is nothing: it
    /// settles no message and leaves no fewer bytes than there were.
    pub(crate) fn saw(&mut self, settled: u64, unsent: usize) {
        let (before, least) = self.progress;
        if settled > before || unsent < least {
            self.progress = (settled, unsent.min(least));
            self.deadline = Instant::now() + GRACE;
        }
    }

    /// The next thing to react to. Safe to drop and to call again.
    pub(crate) async fn call(&mut self) -> Call {
        let signal = next_signal(&mut self.signals);
        let grace_over = async {
            match self.first {
                Some(signal) => {
                    sleep_until(self.deadline).await;
                    signal
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            signal = signal => Call::Signal(signal),
            signal = grace_over => Call::GraceOver(signal),
        }
    }

    /// The next signal; never where none is listened for.
    pub(crate) async fn signal(&mut self) -> Signal {
        next_signal(&mut self.signals).await
    }
}

async fn next_signal(signals: &mut Option<Signals>) -> Signal {
    match signals {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}
