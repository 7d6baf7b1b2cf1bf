//! Reading in the main loop, where a read cannot wait for somebody else. A thread that reads would
//! cost a lone line two changes of it, and each run its start.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use bytes::Bytes;
use mqtools_common::report::Report;
use rustix::buffer::spare_capacity;
use rustix::fs::{FileType, Mode, OFlags, fcntl_getfl, fstat, open};
use tokio::io::{Interest, Ready};
use tokio::net::unix::pipe::Receiver;
use tokio::task::yield_now;

use super::super::{Cut, too_long, unreadable_stdin};
use super::collector::{Collector, Piece};

/// Reads a pipe or a file.
#[derive(Debug)]
pub(super) struct Here {
    input: OwnedFd,
    /// The same pipe; none as long as there was always something to read.
    watch: Option<Receiver>,
    collector: Collector,
    is_over: bool,
}

impl Here {
    /// None where somebody else has to read: a read might wait.
    pub(super) fn new(input: impl AsFd, end: Cut) -> Option<Self> {
        let input = input.as_fd();
        let stat = fstat(input).ok()?;
        let input = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Fifo => reopen(input)?,
            // What a kernel makes up while it is read may wait for events, and has no size:
            // `/proc/kmsg`, `trace_pipe`.
            FileType::RegularFile if stat.st_size > 0 => input.try_clone_to_owned().ok()?,
            _ => return None,
        };
        Some(Self {
            input,
            watch: None,
            collector: Collector::new(end),
            is_over: false,
        })
    }

    pub(super) fn stop(&mut self) {
        self.is_over = true;
    }

    /// The next lines; none at the end. Safe to drop and to call again.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Report> {
        match self.read().await {
            Ok(Some(lines)) => Ok(Some(lines)),
            end => {
                self.is_over = true;
                end
            }
        }
    }

    async fn read(&mut self) -> Result<Option<Bytes>, Report> {
        while !self.is_over {
            // The first read does not wait for a word from the kernel: there is none about a FIFO
            // whose writers had left before it was opened.
            let ready = match &self.watch {
                Some(watch) => {
                    let ready = watch.ready(Interest::READABLE).await;
                    Some(ready.map_err(|why| unreadable_stdin(&why))?)
                }
                None => None,
            };
            let piece = self.collector.collect(|buffer| {
                let mut read = || Ok(rustix::io::read(&self.input, spare_capacity(buffer))?);
                match &self.watch {
                    Some(watch) => watch.try_io(read),
                    None => read(),
                }
            });
            match piece {
                Ok(Piece::Lines(lines)) => return Ok(Some(lines)),
                Ok(Piece::End(last)) => {
                    self.is_over = true;
                    return Ok(last);
                }
                Ok(Piece::TooLong) => return Err(too_long()),
                // A line of many reads must not keep the connection waiting.
                Ok(Piece::None) => yield_now().await,
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => {
                    // Where all writers had left and there is another one, it would count as ready
                    // for ever.
                    if ready.is_none_or(Ready::is_read_closed) {
                        self.watch().map_err(|why| unreadable_stdin(&why))?;
                    }
                }
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(unreadable_stdin(&why)),
            }
        }
        Ok(None)
    }

    /// Whether the kernel has said that all writers had left.
    #[cfg(test)]
    pub(super) fn is_left(&self) -> bool {
        use std::pin::pin;
        use std::task::{Context, Poll, Waker};

        let watch = self.watch.as_ref().unwrap();
        let ready = pin!(watch.ready(Interest::READABLE));
        let ready = ready.poll(&mut Context::from_waker(Waker::noop()));
        matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed())
    }

    /// Has the kernel tell from now on when there is something to read.
    fn watch(&mut self) -> io::Result<()> {
        self.watch = Some(Receiver::from_owned_fd(self.input.try_clone()?)?);
        Ok(())
    }
}

/// Opens the same pipe once more, where that is possible: not to wait is said of an open file, and
/// the other one may be shared with anybody.
fn reopen(pipe: BorrowedFd<'_>) -> Option<OwnedFd> {
    let is_readable = |fd| Some(fcntl_getfl(fd).ok()? & OFlags::ACCMODE != OFlags::WRONLY);
    if !is_readable(pipe)? {
        return None;
    }
    let path = format!("/proc/self/fd/{}", pipe.as_raw_fd());
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let again = open(path, flags, Mode::empty()).ok()?;
    let (one, other) = (fstat(pipe).ok()?, fstat(&again).ok()?);
    ((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)).then_some(again)
}
