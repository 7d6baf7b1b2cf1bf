//! Where payloads come from: one message, perhaps repeated, or the lines of standard input.

pub(crate) mod encoding;
mod lines;
pub(crate) mod messages;
pub(crate) mod object;
pub(crate) mod pace;
pub(crate) mod records;
pub(crate) mod template;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use mqtools_common::exit::Exit;
use mqtools_common::message::MAX_REMAINING_LENGTH;
use mqtools_common::payload::{FilePart, Payload};
use mqtools_common::report::Report;
use mqtools_common::stdio;
use tokio::time::{Instant, sleep_until};

use self::lines::Lines;
use crate::progress::Progress;

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
                return Lines::of_stdin(cut).map(Source::Lines);
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
        match self {
            Self::Repeated { .. } => 0,
            Self::Lines(lines) => lines.left_over(),
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

fn open_recording(path: &Path) -> Result<Source, Report> {
    let file = File::open(path).map_err(|why| {
        unreadable_file(path, &why)
            .hint("check the path given with --replay; --json-lines reads standard input")
    })?;
    Lines::of_file(file, Cut(b'\n')).map(Source::Lines)
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

fn too_long() -> Report {
    too_large("a line of standard input")
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
