//! Standard output: collects what one read of the network brought and writes it at once.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd as _;

use mqtools_common::exit::Exit;
use mqtools_common::report::Report;

/// How much is collected before it is written in any case, in bytes.
const BUFFER: usize = 64 * 1024;

/// Where printed messages go.
#[derive(Debug)]
pub(crate) struct Sink(BufWriter<File>);

/// Why a message could not be printed.
#[derive(Debug)]
pub(crate) enum SinkError {
    /// The reader has left, which is its way to say "enough".
    ReaderGone,
    Io(io::Error),
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
        let stdout = io::stdout()
            .as_fd()
            .try_clone_to_owned()
            .map_err(|why| Report::new(Exit::OS_ERROR, "cannot open standard output").cause(why))?;
        Ok(Self(BufWriter::with_capacity(BUFFER, File::from(stdout))))
    }

    pub(crate) fn writer(&mut self) -> &mut impl Write {
        &mut self.0
    }

    pub(crate) fn flush(&mut self) -> Result<(), SinkError> {
        Ok(self.0.flush()?)
    }
}
