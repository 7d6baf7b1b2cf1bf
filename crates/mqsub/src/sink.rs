//! Standard output: collects what one read of the network brought and writes it at once, without
//! ever waiting for a reader.

mod pipe;
mod writer;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;

use mqtools_common::exit::Exit;
use mqtools_common::message::Message;
use mqtools_common::protocol::Run;
use mqtools_common::report::Report;
use rustix::fs::{FileType, fstat, major};

use self::pipe::Pipe;
use crate::filter::Filter;
use crate::format::{Format, Printed};

/// How much is collected before it is written in any case, in bytes.
const BUFFER: usize = 64 * 1024;

/// The major number of `/dev/null`, `/dev/full` and their like.
const MEMORY_DEVICES: u32 = 1;

/// Where printed messages go. What is collected between two writes is a batch; they are counted.
#[derive(Debug)]
pub(crate) struct Sink(Way);

#[derive(Debug)]
enum Way {
    /// To a file, which takes whatever comes: written from where we are.
    File { out: BufWriter<File>, batch: u64 },
    /// To a reader, who may stall.
    Pipe(Pipe),
}

/// Why a message could not be handled.
#[derive(Debug)]
pub(crate) enum SinkError {
    /// The reader has left, which is its way to say "enough".
    ReaderGone,
    Io(io::Error),
    /// It was to be saved, or handed to a command.
    NotHandled(Report),
}

impl From<io::Error> for SinkError {
    fn from(why: io::Error) -> Self {
        match why.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::Io(why),
        }
    }
}

impl Sink {
    /// Standard output itself: the line buffering of [`io::stdout`] would cost a look at
    /// every byte, and the flush after each batch already gives each message at once.
    pub(crate) fn stdout() -> Result<Self, Report> {
        let out = io::stdout()
            .as_fd()
            .try_clone_to_owned()
            .map_err(|why| Report::new(Exit::OS_ERROR, "cannot open standard output").cause(why))?;
        Ok(Self(if takes_all(&out) {
            Way::File {
                out: BufWriter::with_capacity(BUFFER, File::from(out)),
                batch: 0,
            }
        } else {
            Way::Pipe(Pipe::new(File::from(out)))
        }))
    }

    /// Adds a message to the batch.
    pub(crate) fn print(
        &mut self,
        format: &Format,
        message: &Message,
    ) -> Result<Printed, SinkError> {
        match &mut self.0 {
            Way::File { out, .. } => Ok(format.write(message, out)?),
            Way::Pipe(pipe) => Ok(format.write(message, pipe.batch())?),
        }
    }

    /// Adds messages of a run to the batch until that is full, those that `filter` lets through, and counts them.
    /// Takes `most` at most.
    pub(crate) fn print_run(
        &mut self,
        format: &Format,
        run: &mut Run,
        most: u64,
        filter: Option<&Filter>,
        count: &mut u64,
    ) -> Result<(), SinkError> {
        let mut left = most;
        let moment = format.moment();
        let moment = moment.as_ref();
        while left > 0
            && !self.is_full()
            && let Some(message) = run.next()
        {
            left -= 1;
            if filter.is_some_and(|filter| !filter.lets_through(message)) {
                continue;
            }
            match &mut self.0 {
                Way::File { out, .. } => format.show_surely(message, moment, out)?,
                Way::Pipe(pipe) => format.show_surely(message, moment, pipe.batch())?,
            }
            *count += 1;
        }
        Ok(())
    }

    /// Adds a line of our own to the batch.
    pub(crate) fn line(&mut self, text: impl std::fmt::Display) -> Result<(), SinkError> {
        Ok(match &mut self.0 {
            Way::File { out, .. } => writeln!(out, "{text}"),
            Way::Pipe(pipe) => writeln!(pipe.batch(), "{text}"),
        }?)
    }

    /// The number of the batch that is being collected.
    pub(crate) fn batch(&self) -> u64 {
        match &self.0 {
            Way::File { batch, .. } => *batch,
            Way::Pipe(pipe) => pipe.number(),
        }
    }

    /// All batches below this number are written.
    pub(crate) fn written(&self) -> u64 {
        match &self.0 {
            Way::File { batch, .. } => *batch,
            Way::Pipe(pipe) => pipe.written(),
        }
    }

    /// There is no room for another message before [`flush`](Self::flush) has begun to write
    /// this batch.
    pub(crate) fn is_full(&self) -> bool {
        match &self.0 {
            Way::File { .. } => false,
            Way::Pipe(pipe) => pipe.is_full(),
        }
    }

    /// Whether nothing that was handed to the reader's side is on its way; what was collected
    /// since the last [`flush`](Self::flush) does not count.
    pub(crate) fn is_idle(&self) -> bool {
        match &self.0 {
            Way::File { .. } => true,
            Way::Pipe(pipe) => pipe.is_idle(),
        }
    }

    /// Writes the batch, or begins to as soon as the one before is written.
    pub(crate) fn flush(&mut self) -> Result<(), SinkError> {
        match &mut self.0 {
            Way::File { out, batch } => {
                out.flush()?;
                *batch += 1;
                Ok(())
            }
            Way::Pipe(pipe) => Ok(pipe.flush()?),
        }
    }

    /// Waits until a batch is written that had to wait for the reader; then call
    /// [`woken`](Self::woken). Safe to drop and to call again.
    pub(crate) async fn wake(&mut self) {
        match &mut self.0 {
            Way::File { .. } => std::future::pending().await,
            Way::Pipe(pipe) => pipe.wake().await,
        }
    }

    /// Goes on with the next batch.
    pub(crate) fn woken(&mut self) -> Result<(), SinkError> {
        match &mut self.0 {
            Way::File { .. } => Ok(()),
            Way::Pipe(pipe) => Ok(pipe.flush()?),
        }
    }
}

/// Whether a write cannot wait for somebody else.
pub(crate) fn takes_all(out: impl AsFd) -> bool {
    fstat(out).is_ok_and(|stat| match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile | FileType::BlockDevice => true,
        FileType::CharacterDevice => major(stat.st_rdev) == MEMORY_DEVICES,
        _ => false,
    })
}
