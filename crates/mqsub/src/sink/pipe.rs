//! Output to somebody who reads it when he likes. What he takes at once is written at once;
//! everything else a thread writes, while the next batch collects here, up to a bound.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::writer::Writer;

/// How much collects before no more is taken in, in bytes; one message may go over it.
const BOUND: usize = 1024 * 1024;

/// What a pipe with any room takes without waiting, in bytes (`PIPE_BUF`).
const AT_ONCE: usize = 4096;

/// A pipe, a socket or a terminal.
#[derive(Debug)]
pub(super) struct Pipe {
    out: File,
    /// A terminal that says it has room may have it for a single byte.
    takes_a_page: bool,
    batch: Vec<u8>,
    /// The other buffer, while it is not with the writer.
    spare: Vec<u8>,
    number: u64,
    written: u64,
    /// Started with the first batch that needs it.
    writer: Option<Writer>,
    /// An error was told: nothing is written any more.
    is_broken: bool,
}

impl Pipe {
    pub(super) fn new(out: File) -> Self {
        Self {
            takes_a_page: !out.is_terminal(),
            out,
            batch: Vec::new(),
            spare: Vec::new(),
            number: 0,
            written: 0,
            writer: None,
            is_broken: false,
        }
    }

    pub(super) fn batch(&mut self) -> &mut Vec<u8> {
        &mut self.batch
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    pub(super) fn is_full(&self) -> bool {
        self.batch.len() >= BOUND
    }

    pub(super) fn is_idle(&self) -> bool {
        !self.writer.as_ref().is_some_and(Writer::is_busy)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.is_broken {
            self.batch.clear();
            return Ok(());
        }
        let done = self.advance();
        self.is_broken = done.is_err();
        done
    }

    pub(super) async fn wake(&mut self) {
        match &mut self.writer {
            Some(writer) => writer.wait().await,
            None => std::future::pending().await,
        }
    }

    fn advance(&mut self) -> io::Result<()> {
        if let Some(writer) = &mut self.writer {
            if let Some(emptied) = writer.finished()? {
                self.written = self.number;
                // What a large message took is given back.
                if emptied.capacity() <= 2 * BOUND {
                    self.spare = emptied;
                }
            }
            if writer.is_busy() {
                return Ok(());
            }
        }
        if !self.batch.is_empty() && self.has_room()? {
            let count = match self.out.write(&self.batch) {
                Ok(count) => count,
                // Somebody who shares the pipe was faster.
                Err(why) if is_put_off(&why) => 0,
                Err(why) => return Err(why),
            };
            self.batch.drain(..count);
        }
        self.number += 1;
        if self.batch.is_empty() {
            self.written = self.number;
            return Ok(());
        }
        let batch = std::mem::replace(&mut self.batch, std::mem::take(&mut self.spare));
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => self.writer.insert(Writer::start(self.out.try_clone()?)?),
        };
        writer.write(batch)
    }

    /// Whether the whole batch can be written without waiting.
    fn has_room(&self) -> io::Result<bool> {
        if !self.takes_a_page || self.batch.len() > AT_ONCE {
            return Ok(false);
        }
        let mut pipe = [PollFd::new(&self.out, PollFlags::OUT)];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        match poll(&mut pipe, Some(&now)) {
            // An error counts as well: the write tells which.
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(why) => Err(why.into()),
        }
    }
}

fn is_put_off(why: &io::Error) -> bool {
    matches!(
        why.kind(),
        io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
    )
}
