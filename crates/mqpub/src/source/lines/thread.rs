//! A thread that reads, where a read can wait: a terminal, a socket, a device, a pipe that belongs
//! to somebody else.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use bytes::Bytes;
use mqtools_common::exit::Exit;
use mqtools_common::report::Report;
use tokio::sync::mpsc;

use super::super::{Cut, too_long, unreadable_stdin};
use super::collector::{CHUNK, Collector, Piece};

/// How many chunks may wait.
const CHUNKS_AHEAD: usize = 1;

/// The other side of the thread.
#[derive(Debug)]
pub(super) struct Thread {
    chunks: mpsc::Receiver<Result<Bytes, Report>>,
    state: Arc<State>,
}

/// What the reading thread is at. It may be stuck in a read for ever, and then nothing is lost
/// by leaving it there.
#[derive(Debug, Default)]
struct State(AtomicU8);

impl State {
    /// It holds something that was read, or will look here before it reads.
    const WORKING: u8 = 0;
    /// All that it has read is sent, apart from a line without its end.
    const READING: u8 = 1;
    /// It may read no more.
    const STOPPED: u8 = 2;

    /// Goes from one state to the other; false when it was stopped meanwhile.
    fn goes(&self, from: u8, to: u8) -> bool {
        self.0
            .compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }

    /// Gives what it was at.
    fn stop(&self) -> u8 {
        self.0.swap(Self::STOPPED, Ordering::SeqCst)
    }
}

impl Thread {
    /// Starts it; `input` is made there.
    pub(super) fn start<R: Read>(
        end: Cut,
        input: impl FnOnce() -> R + Send + 'static,
    ) -> Result<Self, Report> {
        let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let thread = Self {
            chunks,
            state: Arc::default(),
        };
        let state = Arc::clone(&thread.state);
        std::thread::Builder::new()
            .name("stdin".into())
            .spawn(move || forward(input(), end, &sender, &state))
            .map_err(|why| Report::new(Exit::OS_ERROR, "cannot start a thread").cause(why))?;
        Ok(thread)
    }

    pub(super) fn stop(&mut self) {
        if self.state.stop() == State::READING {
            // Nobody will say that this was the end.
            self.chunks.close();
        }
    }

    /// The next lines; none at the end. Safe to drop and to call again.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Report> {
        self.chunks.recv().await.transpose()
    }

    /// The next lines, if they were read.
    pub(super) fn ready(&mut self) -> Option<Bytes> {
        self.chunks.try_recv().ok()?.ok()
    }
}

/// Sends what `input` holds in pieces that end with a line, as soon as each is there.
fn forward(
    mut input: impl Read,
    end: Cut,
    sender: &mpsc::Sender<Result<Bytes, Report>>,
    state: &State,
) {
    let mut collector = Collector::new(end);
    loop {
        if !state.goes(State::WORKING, State::READING) {
            return;
        }
        let mut is_stopped = false;
        let piece = collector.collect(|buffer| {
            let count = read_into(&mut input, buffer);
            is_stopped = !state.goes(State::READING, State::WORKING);
            count
        });
        if is_stopped {
            return;
        }
        let (chunk, is_last) = match piece {
            Ok(Piece::Lines(lines)) => (Ok(lines), false),
            Ok(Piece::None) => continue,
            Ok(Piece::TooLong) => (Err(too_long()), true),
            Ok(Piece::End(None)) => return,
            Ok(Piece::End(Some(last))) => (Ok(last), true),
            Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
            Err(why) => (Err(unreadable_stdin(&why)), true),
        };
        // Nobody listens any more once publishing has failed.
        if sender.blocking_send(chunk).is_err() || is_last {
            return;
        }
    }
}

fn read_into(input: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let before = buffer.len();
    let room = CHUNK.min(buffer.capacity() - before);
    buffer.resize(before + room, 0);
    let count = input.read(buffer.get_mut(before..).unwrap_or_default());
    buffer.truncate(before + *count.as_ref().unwrap_or(&0));
    count
}
