//! Reasons to stop that come from outside: signals, and the end of the time that `-W` gives.
//!
//! A thread of its own waits for them, because the one that works may be stuck in a write to
//! standard error (`-d`) or to a terminal (`-w`) that takes nothing. If that thread does not
//! answer, the process ends without it: no DISCONNECT then, and what was not written stays
//! unacknowledged.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use mqtools_common::exit::Exit;
use mqtools_common::report::Report;
use mqtools_common::runtime;
use mqtools_common::signals::Signals;
use tokio::sync::oneshot;
use tokio::time::sleep;

/// How long the working thread has to answer.
const GRACE: Duration = Duration::from_secs(1);

/// Why there is nothing more to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// All that was asked for was printed, or nobody reads any more.
    Done,
    /// A signal asked to stop.
    Interrupted,
    /// The time of `-W` is over.
    TimedOut,
}

impl End {
    pub(crate) fn exit(self) -> Exit {
        match self {
            Self::Done | Self::Interrupted => Exit::SUCCESS,
            Self::TimedOut => Exit::TIMEOUT,
        }
    }
}

/// A request to stop that may come.
#[derive(Debug)]
pub(crate) struct Stop {
    request: oneshot::Receiver<End>,
    answered: Arc<AtomicBool>,
}

impl Stop {
    /// Waits for signals from now on, and for `time` to be over.
    pub(crate) fn watch(time: Option<Duration>) -> Result<Self, Report> {
        let (ready, listening) = mpsc::channel();
        let (sender, request) = oneshot::channel();
        let answered = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&answered);
        let watch = async move {
            let signals = Signals::listen();
            let _ = ready.send(signals.as_ref().map(|_| ()).map_err(Report::clone));
            let end = first(signals?, time).await;
            let _ = sender.send(end);
            sleep(GRACE).await;
            if !seen.load(Ordering::Relaxed) {
                std::process::exit(end.exit().code().into());
            }
            Ok(())
        };
        let cannot = |why: &dyn std::fmt::Display| {
            Report::new(Exit::OS_ERROR, "cannot wait for signals").cause(why)
        };
        std::thread::Builder::new()
            .name("stop".into())
            .spawn(|| runtime::block_on(watch))
            .map_err(|why| cannot(&why))?;
        // A signal that comes before would end the process without a DISCONNECT.
        listening.recv().map_err(|why| cannot(&why))??;
        Ok(Self { request, answered })
    }

    /// Waits for the request; only the first call after it is answered. Safe to drop and to
    /// call again before.
    pub(crate) async fn requested(&mut self) -> End {
        let Ok(end) = (&mut self.request).await else {
            // The watching thread is gone, which only the end of the process explains.
            return std::future::pending().await;
        };
        self.answered.store(true, Ordering::Relaxed);
        end
    }
}

/// Whichever comes first: a signal, or the end of `time`.
async fn first(mut signals: Signals, time: Option<Duration>) -> End {
    let over = async {
        match time {
            Some(time) => sleep(time).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = signals.next() => End::Interrupted,
        () = over => End::TimedOut,
    }
}
