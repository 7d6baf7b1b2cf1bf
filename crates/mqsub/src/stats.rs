//! `--stats`: how many messages came, how large and how fast, of which topics, and which are
//! missing of those that are numbered. At the end, and each second on a terminal that shows
//! nothing else.

mod counts;
mod live;
mod table;

use std::collections::HashMap;

use mqtools_common::message::Message;
use mqtools_common::report::{self, Report};
use mqtools_common::topic::TopicName;
use tokio::time::Instant;

use self::counts::{Counts, number};
use self::live::Live;
use self::table::Table;

pub(crate) use self::live::Beside;

/// How many topics the table at the end names.
const ROWS: usize = 100;

/// Counts messages.
#[derive(Debug)]
pub(crate) struct Stats {
    since: Instant,
    topics: HashMap<TopicName, Counts>,
    all: Counts,
    live: Option<Live>,
}

impl Stats {
    /// # Errors
    /// Signals cannot be waited for.
    pub(crate) fn new(beside: Beside) -> Result<Self, Report> {
        Ok(Self {
            since: Instant::now(),
            topics: HashMap::new(),
            all: Counts::default(),
            live: Live::new(beside)?,
        })
    }

    /// The connection is up.
    pub(crate) fn start(&mut self) {
        self.since = Instant::now();
        self.show(Live::start);
    }

    /// Whether there is a connection now.
    pub(crate) fn set_connected(&mut self, is_connected: bool) {
        if let Some(live) = &mut self.live {
            live.set_connected(is_connected);
        }
    }

    pub(crate) fn count(&mut self, message: &Message) {
        self.all.add(&message.payload);
        let counts = match self.topics.get_mut(&message.topic) {
            Some(counts) => counts,
            None => self.topics.entry(message.topic.detached()).or_default(),
        };
        counts.add(&message.payload);
        counts.sequence.add(number(&message.payload));
    }

    /// Waits until there is something to draw. Safe to drop and to call again.
    pub(crate) async fn wake(&mut self) {
        match &mut self.live {
            Some(live) => live.wake().await,
            None => std::future::pending().await,
        }
    }

    /// Draws what [`wake`](Self::wake) waited for.
    pub(crate) fn woken(&mut self) {
        self.show(Live::woken);
    }

    /// Prints all of it.
    pub(crate) fn print(&mut self) {
        self.live = None;
        report::write_through(self.table().text(ROWS).as_bytes());
    }

    /// A terminal that is gone takes nothing with it: the messages still come.
    fn show(&mut self, draw: fn(&mut Live, Table<'_>) -> std::io::Result<()>) {
        let Some(mut live) = self.live.take() else {
            return;
        };
        if draw(&mut live, self.table()).is_ok() {
            self.live = Some(live);
        }
    }

    fn table(&self) -> Table<'_> {
        Table {
            topics: &self.topics,
            all: &self.all,
            time: self.since.elapsed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::counts::number;
    use super::table::{decimal, size};
    use super::*;

    use bytes::Bytes;
    use mqtools_common::message::Qos;

    fn stats(messages: &[(&str, &str)]) -> Stats {
        let mut stats = Stats {
            since: Instant::now(),
            topics: HashMap::new(),
            all: Counts::default(),
            live: None,
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

    fn table(stats: &Stats, seconds: u64, room: usize) -> String {
        let time = Duration::from_secs(seconds);
        Table {
            time,
            ..stats.table()
        }
        .text(room)
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
            table(&stats, 2, ROWS),
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
        let table = table(&stats(&messages), 0, ROWS);
        assert_eq!(table.lines().count(), 103);
        assert!(
            table.contains("  0\n") && !table.contains("  99\n"),
            "{table}"
        );
        assert!(
            table.ends_with("and 50 topics with fewer messages\n"),
            "{table}"
        );
    }

    #[test]
    fn the_most_frequent_topics_are_told() {
        let stats = stats(&[("a", "x"), ("b", "x"), ("b", "x"), ("c", "x")]);
        for (room, expected) in [(0, ""), (1, "b"), (2, "ba"), (3, "bac"), (4, "bac")] {
            let table = table(&stats, 1, room);
            let rows = table
                .lines()
                .skip(2)
                .filter(|line| !line.starts_with("and "));
            let topics: String = rows.filter_map(|row| row.chars().last()).collect();
            assert_eq!(topics, expected);
        }
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
