//! The signals that ask a process to end: SIGINT, SIGTERM and SIGHUP.

use std::io;
use std::os::unix::net::UnixStream as Pipe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::{emulate_default_handler, pipe};
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
