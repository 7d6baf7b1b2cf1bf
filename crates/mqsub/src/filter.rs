//! Which of the received messages are printed.

use mqtools_common::message::{Message, View};
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
    /// Whether a message is printed, or nothing is done with it, for reasons that are its own:
    /// [`lets_through`](Self::lets_through) is all that [`judge`](Self::judge) says then.
    pub(crate) fn is_simple(&self) -> bool {
        let Self {
            exclude: _,
            no_retained: _,
            retained_only,
            changed,
            repeats: _,
            percent,
        } = self;
        !retained_only && changed.is_none() && percent.is_none()
    }

    /// Whether every message is printed.
    pub(crate) fn is_open(&self) -> bool {
        self.is_simple() && self.exclude.is_empty() && !self.no_retained
    }

    /// Whether a message is neither left out because of its topic nor as a retained one.
    pub(crate) fn lets_through(&self, message: View<'_>) -> bool {
        let is_unwanted = self.no_retained && message.retain;
        !is_unwanted && !self.excludes(message.topic)
    }

    fn excludes(&self, topic: &[u8]) -> bool {
        self.exclude.iter().any(|f| f.matches_bytes(topic))
    }

    pub(crate) fn judge(&mut self, message: &Message) -> Verdict {
        if self.retained_only && !message.retain {
            return Verdict::Finish;
        }
        if self.excludes(message.topic.as_str().as_bytes()) {
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

#[cfg(test)]
mod tests {
    use mqtools_common::message::Qos;
    use mqtools_common::topic::TopicName;

    use super::*;

    #[test]
    fn both_ways_to_judge_a_message_agree() {
        let filters = |texts: &[&str]| texts.iter().map(|t| TopicFilter::new(t).unwrap()).collect();
        for exclude in [&[][..], &["a/+"], &["b", "a/#"], &["#"]] {
            for no_retained in [false, true] {
                let mut filter = Filter {
                    exclude: filters(exclude),
                    no_retained,
                    ..Filter::default()
                };
                assert!(filter.is_simple());
                assert_eq!(filter.is_open(), exclude.is_empty() && !no_retained);
                for topic in ["a", "b", "a/b", "a/b/c", "$SYS/a"] {
                    for retain in [false, true] {
                        let message = Message {
                            topic: TopicName::new(topic).unwrap(),
                            payload: "x".into(),
                            qos: Qos::AtMostOnce,
                            retain,
                            dup: false,
                            properties: None,
                            receipt: None,
                        };
                        let is_printed = filter.judge(&message) == Verdict::Print;
                        assert_eq!(
                            filter.lets_through(message.view()),
                            is_printed,
                            "{exclude:?} {no_retained} {topic} {retain}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn what_depends_on_more_than_the_message_is_not_simple() {
        for filter in [
            Filter {
                retained_only: true,
                ..Filter::default()
            },
            Filter {
                percent: Some(50.0),
                ..Filter::default()
            },
        ] {
            assert!(!filter.is_simple(), "{filter:?}");
        }
    }
}
