//! Which of the received messages are printed.

use mqtools_common::message::Message;
use mqtools_common::topic::TopicFilter;

/// What to leave out.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// `-T`
    pub(crate) exclude: Vec<TopicFilter>,
    /// `-R`
    pub(crate) no_retained: bool,
    /// `--retained-only`
    pub(crate) retained_only: bool,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Print,
    Skip,
    /// The retained messages are over, and nothing else was wanted.
    Finish,
}

impl Filter {
    pub(crate) fn judge(&self, message: &Message) -> Verdict {
        if self.retained_only && !message.retain {
            return Verdict::Finish;
        }
        let excluded = self.exclude.iter().any(|f| f.matches(&message.topic));
        if excluded || (self.no_retained && message.retain) {
            Verdict::Skip
        } else {
            Verdict::Print
        }
    }
}
