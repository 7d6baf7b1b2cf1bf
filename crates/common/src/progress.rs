//! A bar that tells a person how far long work is.

use std::fmt;
use std::io::{self, IsTerminal as _};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use rustix::termios::tcgetwinsize;
use unit_prefix::NumberPrefix;

use crate::report;
use crate::terminal::is_in_front;

/// Work that is done by then needs no bar.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// From one drawing to the next, at least.
const INTERVAL: Duration = Duration::from_millis(100);

/// From the cursor's line to an empty one.
const CLEAR: &str = "\r\x1b[K";

/// Of a terminal that does not tell.
const COLUMNS: usize = 80;

/// A bar that is narrower shows nothing.
const NARROW: usize = 3;

/// Whether a bar would be shown: stderr is a terminal on which the cursor can be moved.
#[must_use]
pub fn is_possible() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|name| name != "dumb")
}

/// A bar on stderr, shown only on a terminal that belongs to us, and only when the work takes
/// longer than [`PATIENCE`]. It vanishes when dropped, and makes room for what is reported meanwhile. Any
/// number of threads may use it.
#[derive(Debug)]
pub struct Progress {
    title: &'static str,
    started: Instant,
    is_routed: Once,
    drawn: Arc<Mutex<Option<Drawn>>>,
}

/// What stands on the terminal.
#[derive(Debug)]
struct Drawn {
    line: String,
    at: Instant,
}

impl Progress {
    /// Work begins; `title` stands before the bar.
    #[must_use]
    pub fn new(title: &'static str) -> Self {
        Self {
            title,
            started: Instant::now(),
            is_routed: Once::new(),
            drawn: Arc::default(),
        }
    }

    /// So much of `all`, if that is known, is done; without it there is no bar. `message`, one line,
    /// stands behind the bar and is given the time since the beginning.
    pub fn show(&self, done: u64, all: Option<u64>, message: impl FnOnce(Duration) -> String) {
        let elapsed = self.started.elapsed();
        if elapsed < PATIENCE || !is_possible() || !is_in_front(io::stderr()) {
            return;
        }
        // Before the lock, which the route takes as well.
        self.is_routed
            .call_once(|| report::set_route(Some(self.route())));
        let mut drawn = lock(&self.drawn);
        let is_due = drawn
            .as_ref()
            .is_none_or(|drawn| drawn.at.elapsed() >= INTERVAL);
        if is_due {
            let line = line(self.title, done, all, &message(elapsed), columns());
            report::write_through(format!("{CLEAR}{line}").as_bytes());
            *drawn = Some(Drawn {
                line,
                at: Instant::now(),
            });
        }
    }

    /// Takes the line away while something else is written, which ends with a line's end.
    fn route(&self) -> report::Route {
        let drawn = Arc::clone(&self.drawn);
        Box::new(move |bytes| {
            let drawn = lock(&drawn);
            match drawn.as_ref().filter(|_| is_in_front(io::stderr())) {
                Some(Drawn { line, .. }) => {
                    let text = [CLEAR.as_bytes(), bytes, line.as_bytes()].concat();
                    report::write_through(&text);
                }
                None => report::write_through(bytes),
            }
        })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if !self.is_routed.is_completed() {
            return;
        }
        report::set_route(None);
        if lock(&self.drawn).take().is_some() && is_in_front(io::stderr()) {
            report::write_through(CLEAR.as_bytes());
        }
    }
}

/// A number of bytes for a person: `10 B`, `1.50 MB`.
#[derive(Debug, Clone, Copy)]
pub struct DecimalBytes(pub u64);

impl fmt::Display for DecimalBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NumberPrefix::decimal(self.0 as f64) {
            NumberPrefix::Standalone(number) => write!(f, "{number:.0} B"),
            NumberPrefix::Prefixed(prefix, number) => write!(f, "{number:.2} {prefix}B"),
        }
    }
}

fn lock(drawn: &Mutex<Option<Drawn>>) -> MutexGuard<'_, Option<Drawn>> {
    drawn.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many of the terminal's columns a line may have: the last one stays free, because terminals
/// differ in where the cursor is when it is taken.
fn columns() -> usize {
    let size = tcgetwinsize(io::stderr());
    let columns = size.map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 {
        COLUMNS - 1
    } else {
        columns - 1
    }
}

/// Title, bar and message, of which the bar takes what the others leave.
fn line(title: &str, done: u64, all: Option<u64>, message: &str, columns: usize) -> String {
    let texts = [title, message].map(|text| text.chars().count());
    // A space between two of them.
    let spaces = usize::from(!title.is_empty()) + usize::from(!message.is_empty());
    let width = columns.saturating_sub(texts.iter().sum::<usize>() + spaces);
    let bar = all
        .filter(|_| width >= NARROW)
        .map(|all| bar(done, all, width));
    let parts = [title, bar.as_deref().unwrap_or_default(), message];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ").chars().take(columns).collect()
}

fn bar(done: u64, all: u64, width: usize) -> String {
    let part = if all == 0 {
        1.0
    } else {
        done as f64 / all as f64
    };
    let full = ((part * width as f64) as usize).min(width);
    "█".repeat(full) + &"░".repeat(width - full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_takes_what_the_texts_leave() {
        for (done, all, columns, expected) in [
            (0, Some(4), 12, "ab ░░░░░ 0/4"),
            (1, Some(4), 11, "ab █░░░ 1/4"),
            (2, Some(4), 11, "ab ██░░ 2/4"),
            (4, Some(4), 11, "ab ████ 4/4"),
            // More than was known of.
            (9, Some(4), 11, "ab ████ 9/4"),
            (0, Some(0), 10, "ab ███ 0/0"),
            (3, Some(4), 9, "ab 3/4"),
            (3, Some(4), 4, "ab 3"),
            (3, Some(4), 0, ""),
            (3, None, 80, "ab 3/-"),
        ] {
            let of = all.map_or("-".to_owned(), |all| all.to_string());
            let line = line("ab", done, all, &format!("{done}/{of}"), columns);
            assert_eq!(line, expected);
            assert!(line.chars().count() <= columns);
        }
        assert_eq!(line("", 1, Some(2), "x", 8), "███░░░ x");
        assert_eq!(line("ab", 1, Some(2), "", 8), "ab ██░░░");
    }

    #[test]
    fn bytes_have_units() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.00 kB"),
            (1_500_000, "1.50 MB"),
            (u64::MAX, "18.45 EB"),
        ] {
            assert_eq!(DecimalBytes(bytes).to_string(), text);
        }
    }
}
