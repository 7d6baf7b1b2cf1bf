//! What was counted, as text.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use mqtools_common::escape::one_line;
use mqtools_common::topic::TopicName;

use super::counts::{Counts, Sequence};

/// All that a table is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    pub(super) topics: &'a HashMap<TopicName, Counts>,
    pub(super) all: &'a Counts,
    /// Since the connection was up.
    pub(super) time: Duration,
}

impl Table<'_> {
    /// With so many lines for topics at most, those with the most messages.
    pub(super) fn text(&self, room: usize) -> String {
        let mut text = self.head();
        let mut rows: Vec<_> = self.topics.iter().collect();
        let more = rows.len().saturating_sub(room);
        if more > 0 {
            rows.select_nth_unstable_by(room, by_count);
            rows.truncate(room);
        }
        rows.sort_unstable_by(by_count);
        for (topic, counts) in rows {
            self.row(topic, counts, &mut text);
        }
        if more > 0 {
            let topics = counted(more as u64, "topic");
            let _ = writeln!(text, "and {topics} with fewer messages");
        }
        text
    }

    /// The lines above the topics.
    pub(super) fn head(&self) -> String {
        let time = self.time;
        let mut text = format!(
            "stats: {}, {}, {} in {} s: {} messages/s, {}/s\n",
            counted(self.all.messages, "message"),
            size(self.all.bytes as f64),
            counted(self.topics.len() as u64, "topic"),
            decimal(time.as_secs_f64()),
            decimal(per_second(self.all.messages as f64, time)),
            size(per_second(self.all.bytes as f64, time)),
        );
        let (mut all_missing, mut all_again, mut is_numbered) = (0, 0, false);
        for counts in self.topics.values() {
            if let Sequence::Numbers { missing, again, .. } = counts.sequence {
                is_numbered = true;
                all_missing += missing;
                all_again += again;
            }
        }
        if is_numbered {
            let _ = writeln!(
                text,
                "stats: of the numbered messages {all_missing} are missing, {all_again} came again or late"
            );
        }
        if !self.topics.is_empty() {
            text += "   messages        bytes  messages/s   missing     again  topic\n";
        }
        text
    }

    fn row(&self, topic: &TopicName, counts: &Counts, text: &mut String) {
        let rate = decimal(per_second(counts.messages as f64, self.time));
        let (missing, again) = match &counts.sequence {
            Sequence::Numbers { missing, again, .. } => (missing.to_string(), again.to_string()),
            Sequence::Unknown | Sequence::None => ("-".to_owned(), "-".to_owned()),
        };
        let _ = writeln!(
            text,
            "{:>11} {:>12} {rate:>11} {missing:>9} {again:>9}  {}",
            counts.messages,
            counts.bytes,
            one_line(topic.as_str()),
        );
    }
}

fn by_count((a, of_a): &(&TopicName, &Counts), (b, of_b): &(&TopicName, &Counts)) -> Ordering {
    let by_count = of_b.messages.cmp(&of_a.messages);
    by_count.then_with(|| a.as_bytes().cmp(b.as_bytes()))
}

pub(super) fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

pub(super) fn per_second(count: f64, time: Duration) -> f64 {
    count / time.as_secs_f64().max(0.001)
}

/// One place, unless the number is large.
pub(super) fn decimal(number: f64) -> String {
    if number < 1000.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.0}")
    }
}

pub(super) fn size(bytes: f64) -> String {
    let mut number = bytes;
    for unit in ["B", "kB", "MB", "GB"] {
        if number < 1000.0 {
            let places = usize::from(unit != "B");
            return format!("{number:.places$} {unit}");
        }
        number /= 1000.0;
    }
    format!("{number:.1} TB")
}
