//! Signals that are waited for: those that ask a process to end, SIGINT, SIGTERM and SIGHUP, and
//! those that tell it something.

use std::io;
use std::os::unix::net::UnixStream as Pipe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::{emulate_default_handler, pipe, unregister};
use tokio::net::UnixStream;

use crate::exit::Exit;
use crate::report::Report;
use crate::terminal::{is_ignored, leave_signals};

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal(i32);

impl Signal {
    /// How it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            SIGINT => "SIGINT",
            SIGTERM => "SIGTERM",
            _ => "SIGHUP",
        }
    }

    /// The code that a shell shows for a process which it has ended.
    #[must_use]
    pub fn exit(self) -> Exit {
        Exit::from_signal(match self.0 {
            SIGINT => 2,
            SIGTERM => 15,
            _ => 1,
        })
    }

    /// Ends the process by this signal, as if it had never been waited for: a shell's loop
    /// goes on after a command that ends by itself, and stops after one that Ctrl-C has ended.
    pub fn end_process(self) -> ! {
        let _ = emulate_default_handler(self.0);
        // Where that is not possible, the number that a shell would show.
        std::process::exit(self.exit().code().into())
    }
}

/// Waits for signals, which no longer end the process from then on, also when this is dropped.
#[derive(Debug)]
pub struct Signals {
    last: Arc<AtomicUsize>,
    /// One byte for each signal.
    wakeups: UnixStream,
}

impl Signals {
    /// Waits for SIGINT and SIGTERM, and for SIGHUP unless whoever started us wants it ignored,
    /// as nohup does. Needs a runtime around it.
    ///
    /// # Errors
    /// A system that has no room for it.
    pub fn listen() -> Result<Self, Report> {
        Self::register()
            .map_err(|why| Report::new(Exit::OS_ERROR, "cannot wait for signals").cause(why))
    }

    /// The next signal. Safe to drop and to call again.
    pub async fn next(&mut self) -> Signal {
        loop {
            // An end cannot come: the handlers hold the other side.
            if self.wakeups.readable().await.is_err() {
                return std::future::pending().await;
            }
            if let Ok(1) = self.wakeups.try_read(&mut [0]) {
                let number = self.last.load(Ordering::SeqCst);
                return Signal(i32::try_from(number).unwrap_or(SIGTERM));
            }
        }
    }

    fn register() -> io::Result<Self> {
        let (wakeups, handlers) = Pipe::pair()?;
        wakeups.set_nonblocking(true)?;
        let last = Arc::new(AtomicUsize::new(0));
        let hangup = (!is_ignored(SIGHUP)).then_some(SIGHUP);
        for signal in [SIGINT, SIGTERM].into_iter().chain(hangup) {
            // In this order: whoever is woken knows which one it was.
            flag::register_usize(signal, Arc::clone(&last), signal.unsigned_abs() as usize)?;
            pipe::register(signal, handlers.try_clone()?)?;
        }
        leave_signals();
        Ok(Self {
            last,
            wakeups: UnixStream::from_std(wakeups)?,
        })
    }
}

/// Waits for one kind of signal, which does nothing else from then on, also when this is dropped.
///
/// tokio has the same, at a price that everybody pays: a runtime that may be asked for signals
/// makes room for all 64 of them when it starts.
#[derive(Debug)]
pub struct Notices {
    id: SigId,
    /// A byte for each signal, as long as there is room.
    wakeups: UnixStream,
}

impl Notices {
    /// Waits for the signal of this number. Needs a runtime around it.
    ///
    /// # Errors
    /// A system that has no room for it, or a signal that cannot be waited for.
    pub fn of(signal: i32) -> io::Result<Self> {
        let (wakeups, handler) = Pipe::pair()?;
        wakeups.set_nonblocking(true)?;
        let wakeups = UnixStream::from_std(wakeups)?;
        let id = pipe::register(signal, handler)?;
        Ok(Self { id, wakeups })
    }

    /// Waits for the next one; several that came meanwhile are one. Safe to drop and to call
    /// again.
    pub async fn next(&mut self) {
        loop {
            // An end cannot come: the handler holds the other side.
            if self.wakeups.readable().await.is_err() {
                return std::future::pending().await;
            }
            if matches!(self.wakeups.try_read(&mut [0; 64]), Ok(1..)) {
                return;
            }
        }
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        unregister(self.id);
    }
}
