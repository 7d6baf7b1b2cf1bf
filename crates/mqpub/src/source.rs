//! Where payloads come from: one message, perhaps repeated, or the lines of standard input.

pub(crate) mod encoding;
pub(crate) mod messages;
pub(crate) mod object;
pub(crate) mod pace;
pub(crate) mod records;
pub(crate) mod template;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mqtools_common::exit::Exit;
use mqtools_common::message::MAX_REMAINING_LENGTH;
use mqtools_common::payload::{FilePart, Payload};
use mqtools_common::report::Report;
use mqtools_common::stdio;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::progress::Progress;

/// How much of standard input is read at a time, in bytes.
const CHUNK: usize = 64 * 1024;

/// How many chunks may wait: with what is in flight, all the memory `-l` takes. A chunk is as
/// long as the longest line in it.
const CHUNKS_AHEAD: usize = 1;

/// A file of at least so many bytes is not read into memory.
const LARGE: usize = 256 * 1024;

/// What the user named as source.
#[derive(Debug)]
pub(crate) struct SourceConfig {
    pub(crate) input: Input,
    pub(crate) repetition: Repetition,
    /// All of a file is needed at once.
    pub(crate) in_memory: bool,
}

#[derive(Debug)]
pub(crate) enum Input {
    /// `-m`, `-n`
    Text(Bytes),
    /// `-f`
    File(PathBuf),
    /// `-s`
    Stdin,
    /// `-l`
    Lines(Cut),
    /// `--replay`, so many times.
    Recording(PathBuf, u64),
}

/// What ends a line, as one byte: `-0` makes it NUL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut(pub(crate) u8);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Repetition {
    pub(crate) count: u64,
    /// From one message to the next.
    pub(crate) delay: Duration,
}

impl SourceConfig {
    /// Whether there is more than one message, or may be.
    pub(crate) fn is_long(&self) -> bool {
        matches!(self.input, Input::Lines(_) | Input::Recording(..)) || self.repetition.count > 1
    }

    /// Reads what can be read at once; `progress` is told how far that is.
    pub(crate) fn open(self, progress: Option<&Progress>) -> Result<Source, Report> {
        let payload = match self.input {
            Input::Lines(cut) => {
                check_stdin()?;
                return read_lines(cut, || io::stdin().lock()).map(Source::Lines);
            }
            Input::Recording(path, _) => return open_recording(&path),
            Input::Text(payload) => payload.into(),
            Input::File(path) => open_file(path, self.in_memory)?,
            Input::Stdin => read_stdin(progress)?.into(),
        };
        if payload.len() > MAX_REMAINING_LENGTH {
            return Err(too_large("the message"));
        }
        Ok(Source::Repeated {
            payload,
            left: self.repetition.count,
            delay: self.repetition.delay,
            due: Instant::now(),
        })
    }
}

/// Gives payloads one by one.
#[derive(Debug)]
pub(crate) enum Source {
    Repeated {
        payload: Payload,
        left: u64,
        delay: Duration,
        /// When the next message may go.
        due: Instant,
    },
    Lines(Lines),
}

impl Source {
    /// The next payload; none at the end. Safe to drop and to call again.
    pub(crate) async fn next(&mut self) -> Result<Option<Payload>, Report> {
        match self {
            Self::Repeated { left: 0, .. } => Ok(None),
            Self::Repeated {
                payload,
                left,
                delay,
                due,
            } => {
                if !delay.is_zero() {
                    sleep_until(*due).await;
                    *due = Instant::now() + *delay;
                }
                *left -= 1;
                Ok(Some(payload.clone()))
            }
            Self::Lines(lines) => Ok(lines.next().await?.map(Payload::from)),
        }
    }

    /// Whether this may take long enough for somebody to want to stop it in order.
    pub(crate) fn is_long(&self) -> bool {
        !matches!(self, Self::Repeated { left: 0..=1, .. })
    }

    /// Reads and repeats no more; what was read already is still given, apart from a line
    /// without its end.
    pub(crate) fn stop(&mut self) {
        match self {
            Self::Repeated { left, .. } => *left = 0,
            Self::Lines(lines) => lines.stop(),
        }
    }

    /// Counts what was read and not given, once nothing is wanted any more.
    pub(crate) fn left_over(&mut self) -> u64 {
        let Self::Lines(lines) = self else {
            return 0;
        };
        let mut count = 0;
        loop {
            while lines.cut().is_some() {
                count += 1;
            }
            match lines.chunks.try_recv() {
                Ok(Ok(chunk)) => lines.chunk = chunk,
                _ => return count,
            }
        }
    }

    /// The next payload, if it is there without waiting.
    #[inline(never)]
    pub(crate) fn ready(&mut self) -> Option<Payload> {
        match self {
            Self::Repeated {
                payload,
                left,
                delay,
                ..
            } if *left > 0 && delay.is_zero() => {
                *left -= 1;
                Some(payload.clone())
            }
            Self::Repeated { .. } => None,
            Self::Lines(lines) => lines.cut().map(Payload::from),
        }
    }
}

/// The lines of standard input, read by a thread of its own: the last one counts even
/// without a newline, and a line may hold any byte but that.
#[derive(Debug)]
pub(crate) struct Lines {
    chunks: mpsc::Receiver<Result<Bytes, Report>>,
    /// Whole lines, not published yet.
    chunk: Bytes,
    end: Cut,
    reader: Arc<Reader>,
}

/// What the reading thread is at. It may be stuck in a read for ever, and then nothing is lost
/// by leaving it there.
#[derive(Debug, Default)]
struct Reader(AtomicU8);

impl Reader {
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

impl Lines {
    fn stop(&mut self) {
        if self.reader.stop() == Reader::READING {
            // Nobody will say that this was the end.
            self.chunks.close();
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Report> {
        if let Some(line) = self.cut() {
            return Ok(Some(line));
        }
        match self.chunks.recv().await {
            None => Ok(None),
            Some(chunk) => {
                self.chunk = chunk?;
                Ok(self.cut())
            }
        }
    }

    /// What was read and not given yet, and what ends each line.
    pub(crate) fn chunk(&mut self) -> (&mut Bytes, u8) {
        (&mut self.chunk, self.end.0)
    }

    #[inline]
    fn cut(&mut self) -> Option<Bytes> {
        if self.chunk.is_empty() {
            return None;
        }
        match memchr::memchr(self.end.0, &self.chunk) {
            Some(end) => {
                let mut line = self.chunk.split_to(end + 1);
                line.truncate(end);
                Some(line)
            }
            None => Some(std::mem::take(&mut self.chunk)),
        }
    }
}

/// Starts the thread; `input` is made there.
fn read_lines<R: Read>(
    end: Cut,
    input: impl FnOnce() -> R + Send + 'static,
) -> Result<Lines, Report> {
    let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
    let reader = Arc::<Reader>::default();
    let state = Arc::clone(&reader);
    std::thread::Builder::new()
        .name("stdin".into())
        .spawn(move || forward_lines(input(), end, &sender, &state))
        .map_err(|why| Report::new(Exit::OS_ERROR, "cannot start a thread").cause(why))?;
    Ok(Lines {
        chunks,
        chunk: Bytes::new(),
        end,
        reader,
    })
}

/// Sends what `input` holds in pieces that end with a line, as soon as each is there.
fn forward_lines(
    mut input: impl Read,
    end: Cut,
    sender: &mpsc::Sender<Result<Bytes, Report>>,
    state: &Reader,
) {
    let mut buffer = BytesMut::new();
    let mut read = vec![0; CHUNK];
    loop {
        if !state.goes(Reader::WORKING, Reader::READING) {
            return;
        }
        let outcome = input.read(&mut read);
        if !state.goes(Reader::READING, Reader::WORKING) {
            return;
        }
        let outcome = match outcome {
            Ok(count) => Ok(read.get(..count).unwrap_or_default()),
            Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
            Err(why) => Err(unreadable_stdin(&why)),
        };
        let piece = match outcome {
            Ok([]) => {
                // The end. An unfinished last line is a line.
                if !buffer.is_empty() {
                    let _ = sender.blocking_send(Ok(buffer.freeze()));
                }
                return;
            }
            Ok(fresh) => {
                let end = memchr::memrchr(end.0, fresh).map(|at| buffer.len() + at + 1);
                buffer.extend_from_slice(fresh);
                match end {
                    Some(end) => Ok(buffer.split_to(end).freeze()),
                    None if buffer.len() > MAX_REMAINING_LENGTH => {
                        Err(too_large("a line of standard input"))
                    }
                    None => continue,
                }
            }
            Err(report) => Err(report),
        };
        let last = piece.is_err();
        // Nobody listens any more once publishing has failed.
        if sender.blocking_send(piece).is_err() || last {
            return;
        }
    }
}

fn open_recording(path: &Path) -> Result<Source, Report> {
    let file = File::open(path).map_err(|why| {
        unreadable_file(path, &why)
            .hint("check the path given with --replay; --json-lines reads standard input")
    })?;
    read_lines(Cut(b'\n'), || file).map(Source::Lines)
}

/// Looks at a file; a large one is read only while it is sent, unless it has to be `in_memory`.
fn open_file(path: PathBuf, in_memory: bool) -> Result<Payload, Report> {
    let unreadable = |why: &io::Error| {
        unreadable_file(&path, why).hint("check the path given with -f; -s reads standard input")
    };
    let file = File::open(&path).map_err(|why| unreadable(&why))?;
    let metadata = file.metadata().map_err(|why| unreadable(&why))?;
    let size = metadata.len();
    if size > MAX_REMAINING_LENGTH as u64 {
        return Err(
            too_large(&format!("the file {}", path.display())).cause(size_cause(Some(size)))
        );
    }
    match usize::try_from(size) {
        Ok(size) if metadata.is_file() && size >= LARGE && !in_memory => {
            Ok(Payload::File(FilePart::new(file, path, size)))
        }
        _ => read_limited(file)
            .map(Payload::from)
            .map_err(|why| unreadable(&why)),
    }
}

fn read_stdin(progress: Option<&Progress>) -> Result<Bytes, Report> {
    check_stdin()?;
    let input = io::stdin().lock();
    let payload = match progress {
        Some(progress) => read_limited(progress.count(input)),
        None => read_limited(input),
    };
    let payload = payload.map_err(|why| unreadable_stdin(&why))?;
    if payload.is_empty() {
        return Err(Report::new(Exit::USAGE, "standard input is empty")
            .hint("an empty message is sent with -n instead of -s"));
    }
    Ok(payload)
}

/// Reads everything, but no more than just too much: what an endless input gives.
fn read_limited(input: impl Read) -> io::Result<Bytes> {
    let mut payload = Vec::new();
    input
        .take(MAX_REMAINING_LENGTH as u64 + 1)
        .read_to_end(&mut payload)?;
    Ok(payload.into())
}

fn check_stdin() -> Result<(), Report> {
    if stdio::is_closed(io::stdin()) {
        return Err(Report::new(Exit::OS_ERROR, "cannot read standard input")
            .cause("it is closed")
            .hint("pipe the messages in, or give one with -m"));
    }
    Ok(())
}

fn unreadable_file(path: &Path, why: &io::Error) -> Report {
    let error = format!("cannot read the file {}", path.display());
    Report::new(Exit::OS_ERROR, error).cause(why)
}

fn unreadable_stdin(why: &io::Error) -> Report {
    Report::new(Exit::OS_ERROR, "cannot read standard input").cause(why)
}

fn too_large(what: &str) -> Report {
    Report::new(
        Exit::PAYLOAD_TOO_LARGE,
        format!("{what} is too large to be a message"),
    )
    .cause(size_cause(None))
    .hint("split it into several messages")
}

fn size_cause(size: Option<u64>) -> String {
    match size {
        Some(size) => format!("it is {size} bytes long, and MQTT allows {MAX_REMAINING_LENGTH}"),
        None => format!("MQTT allows {MAX_REMAINING_LENGTH} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its pieces one read at a time.
    struct Pieces(Vec<&'static [u8]>);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    fn lines_of(pieces: Vec<&'static [u8]>) -> Vec<Vec<u8>> {
        records_of(Cut(b'\n'), pieces)
    }

    fn records_of(end: Cut, pieces: Vec<&'static [u8]>) -> Vec<Vec<u8>> {
        let (sender, chunks) = mpsc::channel(100);
        let reader = Arc::<Reader>::default();
        forward_lines(Pieces(pieces), end, &sender, &reader);
        drop(sender);
        let mut lines = Lines {
            chunks,
            chunk: Bytes::new(),
            end,
            reader,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let mut all = Vec::new();
        while let Some(line) = runtime.block_on(lines.next()).unwrap() {
            all.push(line.to_vec());
        }
        all
    }

    #[test]
    fn lines_survive_any_cut() {
        let expected: Vec<&[u8]> = vec![b"one", b"", b"t\0wo\r", b"three"];
        let text = b"one\n\nt\0wo\r\nthree";
        assert_eq!(lines_of(vec![text]), expected);
        for cut in 1..text.len() {
            assert_eq!(lines_of(vec![&text[..cut], &text[cut..]]), expected);
        }
        let bytewise = text.chunks(1).collect();
        assert_eq!(lines_of(bytewise), expected);
    }

    #[test]
    fn nul_ends_a_record_as_a_newline_ends_a_line() {
        let expected: Vec<&[u8]> = vec![b"one\n", b"", b"two"];
        let text = b"one\n\0\0two";
        for cut in 1..text.len() {
            let pieces = vec![&text[..cut], &text[cut..]];
            assert_eq!(records_of(Cut(0), pieces), expected);
        }
    }

    #[test]
    fn a_final_newline_starts_no_line() {
        assert_eq!(lines_of(vec![b"a\n"]), [b"a"]);
        assert_eq!(lines_of(vec![b"\n"]), [b""]);
        assert!(lines_of(vec![]).is_empty());
    }
}
