//! The thread that waits for a slow reader of standard output, so that nobody else has to.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::mpsc;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Writes one batch at a time.
#[derive(Debug)]
pub(super) struct Writer {
    batches: mpsc::Sender<Vec<u8>>,
    outcomes: UnboundedReceiver<Outcome>,
    /// Came while it was waited for.
    outcome: Option<Outcome>,
    is_busy: bool,
}

/// The buffer, empty again.
type Outcome = io::Result<Vec<u8>>;

impl Writer {
    pub(super) fn start(out: File) -> io::Result<Self> {
        let (batches, handed) = mpsc::channel();
        let (done, outcomes) = unbounded_channel();
        thread::Builder::new()
            .name("stdout".into())
            .spawn(move || work(&out, handed, &done))?;
        Ok(Self {
            batches,
            outcomes,
            outcome: None,
            is_busy: false,
        })
    }

    /// Whether a batch is on its way, or its outcome was not asked for.
    pub(super) fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Begins to write a batch; the one before must be finished.
    pub(super) fn write(&mut self, batch: Vec<u8>) -> io::Result<()> {
        self.is_busy = true;
        self.batches.send(batch).map_err(|_| gone())
    }

    /// Waits until the batch is finished. Safe to drop and to call again.
    pub(super) async fn wait(&mut self) {
        if !self.is_busy {
            return std::future::pending().await;
        }
        if self.outcome.is_none() {
            let outcome = self.outcomes.recv().await;
            self.outcome = Some(outcome.unwrap_or_else(|| Err(gone())));
        }
    }

    /// The buffer of a batch that was written since the last call.
    pub(super) fn finished(&mut self) -> io::Result<Option<Vec<u8>>> {
        let outcome = self
            .outcome
            .take()
            .or_else(|| self.outcomes.try_recv().ok());
        if outcome.is_some() {
            self.is_busy = false;
        }
        outcome.transpose()
    }
}

fn gone() -> io::Error {
    io::Error::other("the thread that writes has ended")
}

fn work(out: &File, batches: mpsc::Receiver<Vec<u8>>, done: &UnboundedSender<Outcome>) {
    for batch in batches {
        let outcome = write_all(out, &batch).map(|()| {
            let mut emptied = batch;
            emptied.clear();
            emptied
        });
        if done.send(outcome).is_err() {
            return;
        }
    }
}

fn write_all(mut out: &File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            // Somebody who shares the pipe has made it so that nothing waits.
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => {
                let mut room = [PollFd::new(out, PollFlags::OUT)];
                match poll(&mut room, None) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(why) => return Err(why.into()),
                }
            }
            Err(why) => return Err(why),
        }
    }
    Ok(())
}
