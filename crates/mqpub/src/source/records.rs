//! Records: lines or payloads of which each becomes a message in its own way.

use bytes::Bytes;
use mqtools_common::exit::Exit;
use mqtools_common::message::Publication;
use mqtools_common::payload::Payload;
use mqtools_common::report::Report;
use mqtools_common::topic::TopicName;

use super::Source;

/// How a record becomes a message.
#[derive(Debug)]
pub(crate) struct Recipe {
    pub(crate) form: Form,
}

/// What a record holds.
#[derive(Debug)]
pub(crate) enum Form {
    /// `--topic-separator`: the topic, this, the payload.
    Separated(Bytes),
}

/// Makes messages of what a source gives.
#[derive(Debug)]
pub(crate) struct Records {
    source: Source,
    recipe: Recipe,
    /// How many the source has given.
    number: u64,
    /// Why there will be no more.
    failed: Option<Report>,
}

impl Records {
    pub(crate) fn new(source: Source, recipe: Recipe) -> Self {
        Self {
            source,
            recipe,
            number: 0,
            failed: None,
        }
    }

    pub(crate) async fn next(&mut self, message: &mut Publication) -> Result<bool, Report> {
        if let Some(report) = self.failed.take() {
            return Err(report);
        }
        let Some(record) = self.source.next().await? else {
            return Ok(false);
        };
        self.make(record, message)?;
        Ok(true)
    }

    pub(crate) fn ready(&mut self, message: &mut Publication) -> bool {
        if self.failed.is_some() {
            return false;
        }
        let Some(record) = self.source.ready() else {
            return false;
        };
        self.make(record, message)
            .map_err(|report| self.failed = Some(report))
            .is_ok()
    }

    pub(crate) fn is_long(&self) -> bool {
        self.source.is_long()
    }

    pub(crate) fn stop(&mut self) {
        self.source.stop();
    }

    pub(crate) fn left_over(&mut self) -> u64 {
        self.source.left_over()
    }

    fn make(&mut self, record: Payload, message: &mut Publication) -> Result<(), Report> {
        self.number += 1;
        let Form::Separated(separator) = &self.recipe.form;
        separated(&record, separator, message).map_err(|why| self.bad_record(&why))
    }

    fn bad_record(&self, why: &Flaw) -> Report {
        let error = format!("line {} of standard input is no message", self.number);
        Report::new(Exit::BAD_INPUT, error)
            .cause(&why.cause)
            .hint(&why.hint)
    }
}

/// What is wrong with a record.
struct Flaw {
    cause: String,
    hint: String,
}

impl Flaw {
    fn new(cause: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            hint: hint.into(),
        }
    }
}

fn separated(record: &Payload, separator: &[u8], message: &mut Publication) -> Result<(), Flaw> {
    let record = record.bytes().cloned().unwrap_or_default();
    let at = memchr::memmem::find(&record, separator).ok_or_else(|| {
        let separator = String::from_utf8_lossy(separator);
        Flaw::new(
            format!("the separator {separator:?} is not in it"),
            "each line is a topic, the separator and a payload",
        )
    })?;
    let payload = record.slice(at + separator.len()..);
    let topic = record.get(..at).unwrap_or_default();
    message.topic = topic_name(
        std::str::from_utf8(topic)
            .map_err(|_| Flaw::new("its topic is not valid UTF-8", "give the topic in UTF-8"))?,
    )?;
    message.payload = payload.into();
    Ok(())
}

fn topic_name(topic: &str) -> Result<TopicName, Flaw> {
    TopicName::new(topic).map_err(|why| {
        Flaw::new(
            format!("its topic is not one to publish to: {why}"),
            why.hint(),
        )
    })
}
