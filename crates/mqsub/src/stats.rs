//! `--stats`: how many messages came, how large and how fast, of which topics, and which are
//! missing of those that are numbered. At the end, and each second on a terminal that shows
//! nothing else.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use mqtools_common::escape::one_line;
use mqtools_common::message::Message;
use mqtools_common::topic::TopicName;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

const SECOND: Duration = Duration::from_secs(1);

/// How many topics the table names.
const ROWS: usize = 100;

/// Counts messages.
#[derive(Debug)]
pub(crate) struct Stats {
    since: Instant,
    topics: HashMap<TopicName, Counts>,
    all: Counts,
    /// Of the line on the terminal: when it is drawn next, and what it said.
    line: Option<Line>,
}

#[derive(Debug)]
struct Line {
    seconds: Interval,
    is_due: bool,
    /// How many messages there were at the last one.
    messages: u64,
    at: Instant,
    is_drawn: bool,
}

#[derive(Debug, Clone, Default)]
struct Counts {
    messages: u64,
    bytes: u64,
    sequence: Sequence,
}

/// Of the numbers that payloads begin with.
#[derive(Debug, Clone, Default)]
enum Sequence {
    #[default]
    Unknown,
    /// A payload without a number: these are not numbered.
    None,
    Numbers {
        highest: u64,
        missing: u64,
        /// Not above the one before it.
        again: u64,
    },
}

impl Stats {
    /// `is_alone` says that nothing else is printed on the terminal of standard output.
    pub(crate) fn new(is_alone: bool) -> Self {
        let is_free = is_alone || !io::stdout().is_terminal();
        Self {
            since: Instant::now(),
            topics: HashMap::new(),
            all: Counts::default(),
            line: (is_free && io::stderr().is_terminal()).then(Line::new),
        }
    }

    /// The connection is up.
    pub(crate) fn start(&mut self) {
        self.since = Instant::now();
    }

    pub(crate) fn count(&mut self, message: &Message) {
        self.all.messages += 1;
        self.all.bytes += message.payload.len() as u64;
        let counts = match self.topics.get_mut(&message.topic) {
            Some(counts) => counts,
            None => self.topics.entry(message.topic.detached()).or_default(),
        };
        counts.messages += 1;
        counts.bytes += message.payload.len() as u64;
        counts.sequence.add(number(&message.payload));
    }

    /// Waits until the line is to be drawn. Safe to drop and to call again.
    pub(crate) async fn wake(&mut self) {
        match &mut self.line {
            Some(line) => {
                line.seconds.tick().await;
                line.is_due = true;
            }
            None => std::future::pending().await,
        }
    }

    /// Draws the line that [`wake`](Self::wake) waited for.
    pub(crate) fn woken(&mut self) {
        let Some(line) = &mut self.line else { return };
        if !std::mem::take(&mut line.is_due) {
            return;
        }
        let now = Instant::now();
        let new = self.all.messages - line.messages;
        let text = format!(
            "{}, {}, {}, {}/s",
            counted(self.all.messages, "message"),
            size(self.all.bytes as f64),
            counted(self.topics.len() as u64, "topic"),
            decimal(per_second(new as f64, now - line.at)),
        );
        line.messages = self.all.messages;
        line.at = now;
        line.is_drawn = true;
        // What others write there begins where this does.
        show(&format!("\r\x1b[K{text}\r"));
    }

    /// Prints all of it.
    pub(crate) fn print(&mut self) {
        let is_drawn = self.line.take().is_some_and(|line| line.is_drawn);
        let clear = if is_drawn { "\r\x1b[K" } else { "" };
        show(&format!("{clear}{}", self.table(self.since.elapsed())));
    }

    fn table(&self, time: Duration) -> String {
        let mut text = format!(
            "stats: {}, {}, {} in {} s: {} messages/s, {}/s\n",
            counted(self.all.messages, "message"),
            size(self.all.bytes as f64),
            counted(self.topics.len() as u64, "topic"),
            decimal(time.as_secs_f64()),
            decimal(per_second(self.all.messages as f64, time)),
            size(per_second(self.all.bytes as f64, time)),
        );
        let sequences = || self.topics.values().map(|counts| &counts.sequence);
        let (mut all_missing, mut all_again) = (0, 0);
        for sequence in sequences() {
            if let Sequence::Numbers { missing, again, .. } = sequence {
                all_missing += missing;
                all_again += again;
            }
        }
        if sequences().any(|sequence| matches!(sequence, Sequence::Numbers { .. })) {
            let _ = writeln!(
                text,
                "stats: of the numbered messages {all_missing} are missing, {all_again} came again or late"
            );
        }
        let mut rows: Vec<_> = self.topics.iter().collect();
        rows.sort_by(|(a, of_a), (b, of_b)| {
            let by_count = of_b.messages.cmp(&of_a.messages);
            by_count.then_with(|| a.as_bytes().cmp(b.as_bytes()))
        });
        if !rows.is_empty() {
            text += "   messages        bytes  messages/s   missing     again  topic\n";
        }
        for (topic, counts) in rows.iter().take(ROWS) {
            let rate = decimal(per_second(counts.messages as f64, time));
            let (missing, again) = match &counts.sequence {
                Sequence::Numbers { missing, again, .. } => {
                    (missing.to_string(), again.to_string())
                }
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
        if let Some(more) = rows.len().checked_sub(ROWS).filter(|&more| more > 0) {
            let _ = writeln!(
                text,
                "and {} with fewer messages",
                counted(more as u64, "topic")
            );
        }
        text
    }
}

impl Line {
    fn new() -> Self {
        let mut seconds = interval(SECOND);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            seconds,
            is_due: false,
            messages: 0,
            at: Instant::now(),
            is_drawn: false,
        }
    }
}

impl Sequence {
    fn add(&mut self, number: Option<u64>) {
        *self = match (&*self, number) {
            (Self::None, _) | (_, None) => Self::None,
            (Self::Unknown, Some(highest)) => Self::Numbers {
                highest,
                missing: 0,
                again: 0,
            },
            (
                &Self::Numbers {
                    highest,
                    missing,
                    again,
                },
                Some(number),
            ) => Self::Numbers {
                highest: highest.max(number),
                missing: missing + number.saturating_sub(highest).saturating_sub(1),
                again: again + u64::from(number <= highest),
            },
        };
    }
}

/// The whole number at the beginning of a payload, alone or before a blank or a comma: what
/// `{seq}` of mqpub makes.
fn number(payload: &[u8]) -> Option<u64> {
    let end = payload.iter().position(|byte| !byte.is_ascii_digit());
    let (digits, rest) = payload.split_at_checked(end.unwrap_or(payload.len()))?;
    if !matches!(
        rest.first(),
        None | Some(b' ' | b'\t' | b'\n' | b',' | b';')
    ) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn per_second(count: f64, time: Duration) -> f64 {
    count / time.as_secs_f64().max(0.001)
}

/// One place, unless the number is large.
fn decimal(number: f64) -> String {
    if number < 1000.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.0}")
    }
}

fn size(bytes: f64) -> String {
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

/// On stderr, as other messages to people. One that cannot be written is not worth failing over.
fn show(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    use bytes::Bytes;
    use mqtools_common::message::Qos;

    fn stats(messages: &[(&str, &str)]) -> Stats {
        let mut stats = Stats {
            since: Instant::now(),
            topics: HashMap::new(),
            all: Counts::default(),
            line: None,
        };
        for (topic, payload) in messages {
            stats.count(&Message {
                topic: TopicName::new(topic).unwrap(),
                payload: Bytes::copy_from_slice(payload.as_bytes()),
                qos: Qos::AtMostOnce,
                retain: false,
                dup: false,
                properties: None,
                receipt: None,
            });
        }
        stats
    }

    #[test]
    fn the_table_has_all() {
        let stats = stats(&[
            ("b", "1"),
            ("b", "2 text"),
            ("b", "5,x"),
            ("b", "5"),
            ("a", "21.5"),
            ("a", "7"),
            ("c", ""),
        ]);
        assert_eq!(
            stats.table(Duration::from_secs(2)),
            "stats: 7 messages, 16 B, 3 topics in 2.0 s: 3.5 messages/s, 8 B/s\n\
             stats: of the numbered messages 2 are missing, 1 came again or late\n   \
             messages        bytes  messages/s   missing     again  topic\n          \
             4           11         2.0         2         1  b\n          \
             2            5         1.0         -         -  a\n          \
             1            0         0.5         -         -  c\n"
        );
    }

    #[test]
    fn it_is_not_endless() {
        let topics: Vec<_> = (0..150).map(|number| number.to_string()).collect();
        let messages: Vec<_> = topics.iter().map(|topic| (&**topic, "text")).collect();
        let table = stats(&messages).table(Duration::ZERO);
        assert_eq!(table.lines().count(), 103);
        assert!(
            table.ends_with("and 50 topics with fewer messages\n"),
            "{table}"
        );
    }

    #[test]
    fn numbers_and_sizes_have_units() {
        for (bytes, text) in [
            (0.0, "0 B"),
            (999.0, "999 B"),
            (1234.0, "1.2 kB"),
            (5e15, "5000.0 TB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(decimal(0.25), "0.2");
        assert_eq!(decimal(123_456.7), "123457");
        assert_eq!(number(b"18446744073709551616"), None);
        assert_eq!(number(b"12a"), None);
        assert_eq!(number(b""), None);
        assert_eq!(number(b"007 x"), Some(7));
    }
}
