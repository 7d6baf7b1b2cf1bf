//! Which topic is on which line. A topic keeps its line while the window is as it is; when
//! there are more topics than lines, the one that was silent for longest makes room.

use std::collections::HashMap;

use mqtools_common::topic::TopicName;
use tokio::time::Instant;

use super::pulse::Pulse;

/// The order of the lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// In which the topics got their lines.
    #[default]
    Arrival,
    /// By the names of the topics.
    Name,
}

/// The latest text of every topic that was seen.
#[derive(Debug, Default)]
pub(super) struct Board {
    order: Order,
    rows: Vec<Row>,
    /// Where in `rows` a topic is.
    index: HashMap<TopicName, usize>,
    /// What stands on each line, as places in `rows`.
    lines: Vec<usize>,
    /// Places of hidden rows that have changed.
    changed: Vec<usize>,
    clock: u64,
}

#[derive(Debug)]
struct Row {
    topic: TopicName,
    text: String,
    pulse: Pulse,
    /// By the board's clock.
    changed: u64,
    state: State,
}

impl Row {
    fn line(&self) -> Line<'_> {
        Line {
            text: &self.text,
            pulse: self.pulse,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Shown,
    Hidden,
    /// Hidden, and in the list of those that have changed.
    Waiting,
}

/// What the window shows.
#[derive(Debug)]
pub(super) struct Picture<'a> {
    /// From the top.
    pub(super) lines: Vec<Line<'a>>,
    /// How many topics have no line.
    pub(super) hidden: usize,
}

/// What stands on one line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    pub(super) pulse: Pulse,
}

impl Board {
    pub(super) fn new(order: Order) -> Self {
        Self {
            order,
            ..Self::default()
        }
    }

    /// A topic has a new text.
    pub(super) fn set(&mut self, topic: &TopicName, text: String, now: Instant) {
        self.clock += 1;
        let changed = self.clock;
        let place = self.index.get(topic).copied();
        if let Some((place, row)) = place.and_then(|place| Some((place, self.rows.get_mut(place)?)))
        {
            row.text = text;
            row.pulse.beat(now);
            row.changed = changed;
            if row.state == State::Hidden {
                row.state = State::Waiting;
                self.changed.push(place);
            }
            return;
        }
        let place = self.rows.len();
        let topic = topic.detached();
        self.rows.push(Row {
            topic: topic.clone(),
            text,
            pulse: Pulse::new(now),
            changed,
            state: State::Waiting,
        });
        self.changed.push(place);
        self.index.insert(topic, place);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What a window of so many lines shows. When topics are hidden, its last line is left for
    /// telling so, unless it is the only one.
    pub(super) fn picture(&mut self, lines: usize) -> Picture<'_> {
        let room = if self.rows.len() > lines {
            lines.saturating_sub(1).max(1)
        } else {
            lines
        };
        while self.lines.len() > room {
            let Some(line) = self.longest_silent() else {
                break;
            };
            let place = self.lines.remove(line);
            self.put_state(place, State::Hidden);
        }
        self.show_changed(room);
        self.fill(room);
        let mut rows: Vec<_> = self
            .lines
            .iter()
            .filter_map(|p| self.rows.get(*p))
            .collect();
        if self.order == Order::Name {
            rows.sort_unstable_by(|a, b| a.topic.as_bytes().cmp(b.topic.as_bytes()));
        }
        Picture {
            lines: rows.into_iter().map(Row::line).collect(),
            hidden: self.rows.len() - self.lines.len(),
        }
    }

    /// Gives a line to those that have changed, as far as they are newer than what is there.
    fn show_changed(&mut self, room: usize) {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable_by_key(|place| self.changed(*place));
        let late = changed.len().saturating_sub(room);
        for (number, place) in changed.into_iter().enumerate() {
            self.put_state(place, State::Hidden);
            if number < late {
                continue;
            }
            if self.lines.len() < room {
                self.lines.push(place);
                self.put_state(place, State::Shown);
                continue;
            }
            let Some(line) = self.longest_silent() else {
                continue;
            };
            let newer = self.changed(place);
            if let Some(old) = self.lines.get_mut(line)
                && self.rows.get(*old).is_some_and(|row| row.changed < newer)
            {
                let old = std::mem::replace(old, place);
                self.put_state(old, State::Hidden);
                self.put_state(place, State::Shown);
            }
        }
    }

    /// Gives the lines that are free to the hidden topics that changed last.
    fn fill(&mut self, room: usize) {
        let free = room.saturating_sub(self.lines.len());
        if free == 0 || self.lines.len() == self.rows.len() {
            return;
        }
        let is_hidden = |place: &usize| {
            let row = self.rows.get(*place);
            row.is_some_and(|row| row.state != State::Shown)
        };
        let mut hidden: Vec<usize> = (0..self.rows.len()).filter(is_hidden).collect();
        hidden.sort_unstable_by_key(|place| std::cmp::Reverse(self.changed(*place)));
        hidden.truncate(free);
        hidden.sort_unstable();
        for place in hidden {
            self.lines.push(place);
            self.put_state(place, State::Shown);
        }
    }

    fn longest_silent(&self) -> Option<usize> {
        let line = self.lines.iter().enumerate();
        line.min_by_key(|(_, place)| self.changed(**place))
            .map(|(line, _)| line)
    }

    fn changed(&self, place: usize) -> u64 {
        self.rows.get(place).map_or(0, |row| row.changed)
    }

    fn put_state(&mut self, place: usize, state: State) {
        if let Some(row) = self.rows.get_mut(place) {
            row.state = state;
        }
    }
}

#[cfg(test)]
mod tests {
    use mqtools_common::topic::TopicName;
    use proptest::prelude::*;

    use tokio::time::Instant;

    use super::{Board, Order};

    fn set(board: &mut Board, topics: &str) {
        for topic in topics.chars() {
            let topic = TopicName::new(&topic.to_string()).unwrap();
            board.set(&topic, topic.as_str().to_owned(), Instant::now());
        }
    }

    fn picture(board: &mut Board, lines: usize) -> (String, usize) {
        let picture = board.picture(lines);
        let lines = picture.lines.iter().map(|line| line.text);
        (lines.collect(), picture.hidden)
    }

    #[test]
    fn a_topic_keeps_its_line() {
        let mut board = Board::default();
        set(&mut board, "abc");
        assert_eq!(picture(&mut board, 4), ("abc".into(), 0));
        set(&mut board, "cacbd");
        assert_eq!(picture(&mut board, 4), ("abcd".into(), 0));
    }

    #[test]
    fn the_longest_silent_makes_room() {
        let mut board = Board::default();
        set(&mut board, "abcd");
        assert_eq!(picture(&mut board, 4), ("abcd".into(), 0));
        // One line less, because something must be told.
        set(&mut board, "ae");
        assert_eq!(picture(&mut board, 4), ("aed".into(), 2));
        set(&mut board, "c");
        assert_eq!(picture(&mut board, 4), ("aec".into(), 2));
    }

    #[test]
    fn a_larger_window_shows_more() {
        let mut board = Board::default();
        set(&mut board, "abcdef");
        assert_eq!(picture(&mut board, 1), ("f".into(), 5));
        assert_eq!(picture(&mut board, 3), ("fe".into(), 4));
        assert_eq!(picture(&mut board, 2), ("f".into(), 5));
        assert_eq!(picture(&mut board, 9), ("fabcde".into(), 0));
    }

    #[test]
    fn names_may_give_the_order() {
        let mut board = Board::new(Order::Name);
        set(&mut board, "cab");
        assert_eq!(picture(&mut board, 4), ("abc".into(), 0));
        set(&mut board, "edb");
        // Those that are shown are still the newest.
        assert_eq!(picture(&mut board, 4), ("bde".into(), 2));
    }

    proptest! {
        #[test]
        fn the_newest_are_shown(topics in "[a-m]{1,40}", sizes in prop::collection::vec(1_usize..16, 1..20)) {
            let mut board = Board::default();
            let mut seen = String::new();
            for (topic, lines) in topics.chars().zip(sizes.iter().cycle()) {
                set(&mut board, &topic.to_string());
                seen.retain(|c| c != topic);
                seen.push(topic);
                let (shown, hidden) = picture(&mut board, *lines);
                prop_assert_eq!(shown.len() + hidden, seen.len());
                let room = if seen.len() > *lines { (*lines - 1).max(1) } else { *lines };
                prop_assert_eq!(shown.len(), room.min(seen.len()));
                prop_assert!(shown.contains(topic));
                for (place, c) in shown.char_indices() {
                    prop_assert!(!shown[place + 1..].contains(c), "{} twice", c);
                }
            }
        }
    }
}
