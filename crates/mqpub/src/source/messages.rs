//! Whole messages: all alike but for their payloads, or each made from a record of its own.

use bytes::Bytes;
use mqtools_common::message::{Publication, Qos};
use mqtools_common::report::Report;

use super::records::{Recipe, Recording, Records};
use super::{Input, Source, SourceConfig};
use crate::books::Promise;
use crate::progress::Progress;

/// What is published, and how it becomes messages.
#[derive(Debug)]
pub(crate) struct MessagesConfig {
    pub(crate) source: SourceConfig,
    /// None where only the payloads differ.
    pub(crate) recipe: Option<Recipe>,
}

impl MessagesConfig {
    /// Reads what can be read at once; `progress` is told how far that is.
    pub(crate) fn open(self, progress: Option<&Progress>) -> Result<Messages, Report> {
        let recording = match &self.source.input {
            Input::Recording(path, times) => Some(Recording {
                path: path.clone(),
                left: times.saturating_sub(1),
            }),
            _ => None,
        };
        let mut source = self.source.open(progress)?;
        Ok(match self.recipe {
            None => Messages::Alike(source),
            Some(mut recipe) => {
                if let Source::Repeated { payload, .. } = &mut source {
                    recipe.prepare(payload)?;
                }
                Messages::Made(Box::new(Records::new(source, recording, recipe)))
            }
        })
    }
}

/// Gives messages one by one. Each is put over the one before it.
#[derive(Debug)]
pub(crate) enum Messages {
    /// Only the payload changes.
    Alike(Source),
    Made(Box<Records>),
}

impl Messages {
    /// Whether there is a next message; puts it into `message`, which nobody else may change.
    /// Safe to drop and to call again.
    pub(crate) async fn next(&mut self, message: &mut Publication) -> Result<bool, Report> {
        match self {
            Self::Alike(source) => Ok(source
                .next()
                .await?
                .map(|payload| message.payload = payload)
                .is_some()),
            Self::Made(records) => records.next(message).await,
        }
    }

    /// Like [`next`](Self::next), if it is there without waiting.
    // Called for each line of `-l`: nothing else should be on its way.
    #[inline]
    pub(crate) fn ready(&mut self, message: &mut Publication) -> bool {
        match self {
            Self::Alike(Source::Lines(lines)) => match lines.cut() {
                Some(line) => {
                    message.payload = line.into();
                    true
                }
                None => false,
            },
            Self::Alike(source) => source
                .ready()
                .map(|payload| message.payload = payload)
                .is_some(),
            Self::Made(records) => records.ready(message),
        }
    }

    /// Like [`next`](Self::next), if there is one, or an end, without waiting.
    pub(crate) async fn next_at_once(
        &mut self,
        message: &mut Publication,
    ) -> Option<Result<bool, Report>> {
        tokio::select! {
            biased;
            next = self.next(message) => Some(next),
            () = std::future::ready(()) => None,
        }
    }

    /// Whether so much was read the last time that there is likely to be more.
    pub(crate) fn is_plentiful(&self) -> bool {
        matches!(self, Self::Alike(Source::Lines(lines)) if lines.is_plentiful())
    }

    /// Whether the last message was given, as far as that is known without asking for the next.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Alike(Source::Repeated { left: 0, .. }))
    }

    /// Whether there are [`lines`](Self::lines).
    pub(crate) fn has_lines(&self) -> bool {
        matches!(self, Self::Alike(Source::Lines(lines)) if lines.is_stocked())
    }

    /// Whole lines that were read, and what ends each, where they are the payloads.
    pub(crate) fn lines(&mut self) -> Option<(&mut Bytes, u8)> {
        match self {
            Self::Alike(Source::Lines(lines)) => Some(lines.chunk()),
            _ => None,
        }
    }

    /// How long the message is, in bytes, if it is the only one.
    pub(crate) fn single_length(&self) -> Option<usize> {
        let source = match self {
            Self::Alike(source) => source,
            Self::Made(records) => records.source(),
        };
        match source {
            Source::Repeated {
                payload, left: 1, ..
            } => Some(payload.len()),
            _ => None,
        }
    }

    /// What can be expected of the broker, given the QoS of messages that have none of their own.
    pub(crate) fn promise(&self, qos: Qos) -> Promise {
        match self {
            Self::Made(records) if records.has_qos() => Promise::Mixed,
            _ => Promise::of(qos),
        }
    }

    /// Whether this may take long enough for somebody to want to stop it in order.
    pub(crate) fn is_long(&self) -> bool {
        match self {
            Self::Alike(source) => source.is_long(),
            Self::Made(records) => records.is_long(),
        }
    }

    /// Reads and repeats no more; what was read from standard input already is still given.
    pub(crate) fn stop(&mut self) {
        match self {
            Self::Alike(source) => source.stop(),
            Self::Made(records) => records.stop(),
        }
    }

    /// How many bad records were left out; none where one would be the end.
    pub(crate) fn skipped(&self) -> Option<u64> {
        match self {
            Self::Alike(_) => None,
            Self::Made(records) => records.skipped(),
        }
    }

    /// Counts what was read and not given, once nothing is wanted any more.
    pub(crate) fn left_over(&mut self) -> u64 {
        match self {
            Self::Alike(source) => source.left_over(),
            Self::Made(records) => records.left_over(),
        }
    }
}
