//! Which of the received messages are printed.

use mqtools_common::message::Message;
use mqtools_common::topic::TopicFilter;

use crate::changed::Changed;

/// What to leave out.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// `-T`
    pub(crate) exclude: Vec<TopicFilter>,
    /// `-R`
    pub(crate) no_retained: bool,
    /// `--retained-only`
    pub(crate) retained_only: bool,
    /// `--changed-only`
    pub(crate) changed: Option<Box<Changed>>,
    /// Of a message that is sent again something may not have come the first time, such as success.
    pub(crate) repeats: bool,
    /// `--random-filter`: how many of 100 messages are printed.
    pub(crate) percent: Option<f64>,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Print,
    /// Not printed, but counted as if it were.
    Count,
    /// Not printed: it is retained, or says nothing new.
    Hide,
    /// Nothing happens with it.
    Skip,
    /// The retained messages are over, and nothing else was wanted.
    Finish,
}

impl Filter {
    /// Whether every message is printed.
    pub(crate) fn is_open(&self) -> bool {
        let Self {
            exclude,
            no_retained,
            retained_only,
            changed,
            repeats: _,
            percent,
        } = self;
        exclude.is_empty()
            && !no_retained
            && !retained_only
            && changed.is_none()
            && percent.is_none()
    }

    pub(crate) fn judge(&mut self, message: &Message) -> Verdict {
        if self.retained_only && !message.retain {
            return Verdict::Finish;
        }
        if self.exclude.iter().any(|f| f.matches(&message.topic)) {
            return Verdict::Skip;
        }
        if self.no_retained && message.retain {
            return Verdict::Hide;
        }
        if let Some(changed) = &mut self.changed
            && !changed.is_news(message)
            && !(self.repeats && message.dup)
        {
            return Verdict::Hide;
        }
        match self.percent {
            Some(percent) if fastrand::f64() * 100.0 >= percent => Verdict::Count,
            _ => Verdict::Print,
        }
    }
}
