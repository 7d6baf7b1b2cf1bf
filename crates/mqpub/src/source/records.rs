//! Records: lines or payloads of which each becomes a message in its own way and at its own time.

use std::path::PathBuf;

use bytes::Bytes;
use fastrand::Rng;
use jiff::Timestamp;
use mqtools_common::exit::Exit;
use mqtools_common::message::Publication;
use mqtools_common::payload::Payload;
use mqtools_common::report::{Report, warn};
use mqtools_common::topic::TopicName;
use tokio::time::{Instant, sleep_until};

use super::encoding::Encoding;
use super::object::{self, Defaults};
use super::pace::Pace;
use super::template::Template;
use super::{Source, open_file, open_recording};

const STDIN: &str = "standard input";

/// How a record becomes a message, and when.
#[derive(Debug)]
pub(crate) struct Recipe {
    pub(crate) form: Form,
    /// `--template`
    pub(crate) template: Option<Template>,
    /// `--payload-is`
    pub(crate) encoding: Option<Encoding>,
    /// None: as fast as it goes.
    pub(crate) pace: Option<Pace>,
    /// `--on-bad-line skip`
    pub(crate) skips_bad: bool,
    pub(crate) quiet: bool,
}

impl Recipe {
    /// Does at once what would be done to each repetition of a payload.
    pub(super) fn prepare(&mut self, payload: &mut Payload) -> Result<(), Report> {
        if matches!(self.form, Form::Payload)
            && self.template.is_none()
            && let Some(encoding) = self.encoding.take()
        {
            let given = encoding.payload(&text(payload)).map_err(|flaw| {
                Report::new(Exit::BAD_INPUT, "the message cannot be made")
                    .cause(flaw.cause)
                    .hint(flaw.hint)
            })?;
            *payload = given.into();
        }
        Ok(())
    }
}

/// What a record holds.
#[derive(Debug)]
pub(crate) enum Form {
    /// The payload.
    Payload,
    /// Nothing but that it is time to look at this file again.
    Fresh(PathBuf),
    /// `--topic-separator`: the topic, this, the payload.
    Separated(Bytes),
    /// `--json-lines`
    Object(Defaults),
}

/// A file that the source reads.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) path: PathBuf,
    /// How often to read it once more.
    pub(crate) left: u64,
}

/// Makes messages of what a source gives.
#[derive(Debug)]
pub(crate) struct Records {
    source: Source,
    /// None: it is standard input.
    recording: Option<Recording>,
    recipe: Recipe,
    /// Nothing more is wanted of a recording.
    is_stopped: bool,
    /// How many the source has given, since it was opened.
    number: u64,
    skipped: u64,
    random: Rng,
    /// The next message is made and not due yet.
    is_made: bool,
    /// Why there will be no more.
    failed: Option<Report>,
}

impl Records {
    pub(crate) fn new(source: Source, recording: Option<Recording>, recipe: Recipe) -> Self {
        Self {
            source,
            recording,
            is_stopped: false,
            recipe,
            number: 0,
            skipped: 0,
            random: Rng::new(),
            is_made: false,
            failed: None,
        }
    }

    pub(crate) async fn next(&mut self, message: &mut Publication) -> Result<bool, Report> {
        while !self.is_made {
            if let Some(report) = self.failed.take() {
                return Err(report);
            }
            if self.is_stopped {
                return Ok(false);
            }
            match self.source.next().await {
                Ok(Some(record)) => self.is_made = self.make(record, message)?,
                Ok(None) if !self.begin_again()? => return Ok(false),
                Ok(None) => {}
                Err(report) => return Err(report.replace(STDIN, &self.input())),
            }
        }
        if let Some(pace) = &mut self.recipe.pace {
            let now = Instant::now();
            let due = pace.due(now);
            if due > now {
                sleep_until(due).await;
            }
        }
        self.give();
        Ok(true)
    }

    // In the loop of messages that are all alike it would cost each of them 3 %.
    #[inline(never)]
    pub(crate) fn ready(&mut self, message: &mut Publication) -> bool {
        while !self.is_made {
            if self.failed.is_some() || self.is_stopped {
                return false;
            }
            let Some(record) = self.source.ready() else {
                return false;
            };
            match self.make(record, message) {
                Ok(made) => self.is_made = made,
                Err(report) => self.failed = Some(report),
            }
        }
        if let Some(pace) = &mut self.recipe.pace {
            let now = Instant::now();
            if pace.due(now) > now {
                return false;
            }
        }
        self.give();
        true
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Whether each message has a QoS of its own.
    pub(crate) fn has_qos(&self) -> bool {
        matches!(self.recipe.form, Form::Object(_))
    }

    pub(crate) fn is_long(&self) -> bool {
        self.source.is_long()
    }

    /// What was read from standard input goes at once: whoever stops it does not want to wait.
    /// Of a file nothing gets lost.
    pub(crate) fn stop(&mut self) {
        self.source.stop();
        match self.source {
            Source::Lines(_) if self.recording.is_none() => self.recipe.pace = None,
            _ => {
                self.is_stopped = true;
                self.is_made = false;
            }
        }
    }

    pub(crate) fn left_over(&mut self) -> u64 {
        if self.is_stopped {
            return 0;
        }
        self.source.left_over() + u64::from(self.is_made)
    }

    /// How many records were bad and left out; none where that would be the end.
    pub(crate) fn skipped(&self) -> Option<u64> {
        self.recipe.skips_bad.then_some(self.skipped)
    }

    /// At the end of a recording: whether it is read once more.
    fn begin_again(&mut self) -> Result<bool, Report> {
        match &mut self.recording {
            // An empty one stays empty.
            Some(Recording { path, left }) if *left > 0 && self.number > 0 => {
                *left -= 1;
                self.source = open_recording(path)?;
                self.number = 0;
                if let Some(pace) = &mut self.recipe.pace {
                    pace.begin_again();
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn give(&mut self) {
        self.is_made = false;
        if let Some(pace) = &mut self.recipe.pace {
            pace.gone();
        }
    }

    /// False for a bad record that may be left out.
    fn make(&mut self, record: Payload, message: &mut Publication) -> Result<bool, Report> {
        self.number += 1;
        let made = match &self.recipe.form {
            Form::Payload => {
                message.payload = record;
                Ok(None)
            }
            Form::Fresh(path) => {
                // The first time it has just been opened.
                message.payload = match self.number {
                    1 => record,
                    _ => open_file(path.clone(), self.recipe.encoding.is_some())?,
                };
                Ok(None)
            }
            Form::Separated(separator) => separated(&text(&record), separator, message),
            Form::Object(defaults) => object::read(&text(&record), defaults, message),
        };
        let made = made.and_then(|time| {
            let seq = self.number - self.skipped;
            if let Some(template) = &self.recipe.template {
                template.fill(seq, &mut self.random, message)?;
            }
            if let Some(encoding) = self.recipe.encoding {
                message.payload = encoding.payload(&text(&message.payload))?.into();
            }
            Ok(time)
        });
        let timed = made.and_then(|time| match (&mut self.recipe.pace, time) {
            (Some(Pace::Recorded(_)), None) => Err(Flaw::new(
                "it has no tst, the time when it was recorded",
                "give another pace with --speed max or --rate",
            )),
            (Some(pace), Some(time)) => {
                pace.next_was(time);
                Ok(())
            }
            _ => Ok(()),
        });
        match timed {
            Ok(()) => Ok(true),
            Err(flaw) if self.recipe.skips_bad => {
                self.skipped += 1;
                if !self.recipe.quiet {
                    warn(format_args!("{}: {}; left out", self.bad(), flaw.cause));
                }
                Ok(false)
            }
            Err(flaw) => Err(Report::new(Exit::BAD_INPUT, self.bad())
                .cause(flaw.cause)
                .hint(flaw.hint)),
        }
    }

    fn bad(&self) -> String {
        match self.source {
            Source::Lines(_) => format!("line {} of {} is no message", self.number, self.input()),
            Source::Repeated { .. } => format!("message {} cannot be made", self.number),
        }
    }

    fn input(&self) -> String {
        match &self.recording {
            Some(Recording { path, .. }) => format!("the file {}", path.display()),
            None => STDIN.to_owned(),
        }
    }
}

/// What is wrong with a record.
#[derive(Debug)]
pub(super) struct Flaw {
    cause: String,
    hint: String,
}

impl Flaw {
    pub(super) fn new(cause: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            hint: hint.into(),
        }
    }
}

/// Lines are in memory.
fn text(record: &Payload) -> Bytes {
    record.bytes().cloned().unwrap_or_default()
}

fn separated(
    record: &Bytes,
    separator: &[u8],
    message: &mut Publication,
) -> Result<Option<Timestamp>, Flaw> {
    let at = memchr::memmem::find(record, separator).ok_or_else(|| {
        let separator = String::from_utf8_lossy(separator);
        Flaw::new(
            format!("the separator {separator:?} is not in it"),
            "each line is a topic, the separator and a payload",
        )
    })?;
    let topic = record.get(..at).unwrap_or_default();
    let topic = std::str::from_utf8(topic)
        .map_err(|_| Flaw::new("its topic is not valid UTF-8", "give the topic in UTF-8"))?;
    message.topic = topic_name(topic)?;
    message.payload = record.slice(at + separator.len()..).into();
    Ok(None)
}

pub(super) fn topic_name(topic: &str) -> Result<TopicName, Flaw> {
    TopicName::new(topic).map_err(|why| {
        Flaw::new(
            format!("its topic is not one to publish to: {why}"),
            why.hint(),
        )
    })
}
