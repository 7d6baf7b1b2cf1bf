//! What a person reads on stderr when something fails: what failed, why, what to type next.

use std::collections::VecDeque;
use std::fmt;
use std::io::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::color::{self, Label};
use crate::escape::one_line;
use crate::exit::Exit;

/// A failure on its way to stderr, together with the exit code it ends the tool with.
///
/// `Display` gives the lines that are printed: `error:`, and `cause:`, `hint:` and `note:` where
/// known. What they quote of others gives the terminal no command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    exit: Exit,
    error: String,
    cause: Option<String>,
    note: Option<String>,
    hint: Option<String>,
    is_lasting: bool,
}

impl Report {
    /// A failure that ends the tool with `exit`; `error` says what could not be done.
    pub fn new(exit: Exit, error: impl Into<String>) -> Self {
        Self {
            exit,
            error: error.into(),
            cause: None,
            note: None,
            hint: None,
            is_lasting: false,
        }
    }

    /// Doing the same again will fail again.
    #[must_use]
    pub fn lasting(mut self) -> Self {
        self.is_lasting = true;
        self
    }

    /// Why it failed.
    #[must_use]
    pub fn cause(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// What else is worth knowing, such as what became of the messages; behind what was noted
    /// before.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        let note = note.into();
        self.note = Some(match self.note {
            Some(before) => format!("{before}; {note}"),
            None => note,
        });
        self
    }

    /// What to type or check next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The error and its cause, for the cause of another report.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        match &self.cause {
            Some(cause) => format!("{}: {cause}", self.error),
            None => self.error.clone(),
        }
    }

    /// Says `to` wherever it says `from`.
    #[must_use]
    pub fn replace(mut self, from: &str, to: &str) -> Self {
        self.error = self.error.replace(from, to);
        for part in [&mut self.cause, &mut self.note, &mut self.hint] {
            *part = part.take().map(|text| text.replace(from, to));
        }
        self
    }

    /// Whether doing the same again is of no use.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        self.is_lasting
    }

    /// The exit code that goes with this failure.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Writes the report to stderr. A stderr that cannot be written is not worth failing over.
    pub fn print(&self) {
        let colored = color::on_stderr();
        let text: String = self
            .lines()
            .map(|(label, text)| line(label, text, colored))
            .collect();
        write(&text);
    }

    /// Ends a tool with this failure: prints it, unless `quiet`, and gives the exit code.
    #[must_use]
    pub fn end(&self, quiet: bool) -> Exit {
        if !quiet {
            self.print();
        }
        self.exit
    }

    fn lines(&self) -> impl Iterator<Item = (Label, &str)> {
        let parts = [
            (Label::Error, Some(&self.error)),
            (Label::Cause, self.cause.as_ref()),
            (Label::Hint, self.hint.as_ref()),
            // Last, because scripts look there for the balance.
            (Label::Note, self.note.as_ref()),
        ];
        parts
            .into_iter()
            .filter_map(|(label, text)| Some((label, text?.as_str())))
    }
}

/// Tells the user, on stderr, something that ends nothing.
pub fn warn(text: impl fmt::Display) {
    say(Label::Warning, &text);
}

/// Tells the user, on stderr, that something is in order again.
pub fn note(text: impl fmt::Display) {
    say(Label::Note, &text);
}

/// Tells the user, on stderr, what to do next although nothing failed.
pub fn hint(text: impl fmt::Display) {
    say(Label::Hint, &text);
}

/// Tells the user, on stderr, how far long work is.
pub fn progress(text: impl fmt::Display) {
    say(Label::Progress, &text);
}

/// Tells the user a protocol step on stderr, for `--debug`.
pub fn debug(step: fmt::Arguments<'_>) {
    say(Label::Debug, &step);
}

/// Keeps warnings and debug lines back, the last thousand of them, until [`let_go`]: on a screen
/// that is drawn over and over nobody could read them.
pub fn hold_back() {
    held().get_or_insert_default();
}

/// Prints what was kept back, and keeps nothing more.
pub fn let_go() {
    let Some(Held { lines, lost }) = held().take() else {
        return;
    };
    if lost > 0 {
        warn(format_args!("{lost} lines before these were not kept"));
    }
    let text: String = lines.into_iter().collect();
    write(&text);
}

/// Writes lines to stderr where something else is drawn, and makes room for them.
pub type Route = Box<dyn Fn(&[u8]) + Send>;

/// Has everything written by `route` from now on; by nobody else, if none.
pub fn set_route(route: Option<Route>) {
    *self::route() = route;
}

/// Writes to stderr, past the route. A stderr that cannot be written is not worth failing over.
pub fn write_through(bytes: &[u8]) {
    let _ = std::io::stderr().lock().write_all(bytes);
}

/// How many lines are kept back.
const MOST_HELD: usize = 1000;

#[derive(Default)]
struct Held {
    lines: VecDeque<String>,
    lost: u64,
}

fn held() -> MutexGuard<'static, Option<Held>> {
    static HELD: Mutex<Option<Held>> = Mutex::new(None);
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a line in one go, so that lines of several processes do not mix.
fn say(label: Label, text: &impl fmt::Display) {
    let line = line(label, &text.to_string(), color::on_stderr());
    if let Some(held) = held().as_mut() {
        if held.lines.len() == MOST_HELD {
            held.lines.pop_front();
            held.lost += 1;
        }
        held.lines.push_back(line);
        return;
    }
    write(&line);
}

fn write(text: &str) {
    match route().as_ref() {
        Some(route) => route(text.as_bytes()),
        None => write_through(text.as_bytes()),
    }
}

fn route() -> MutexGuard<'static, Option<Route>> {
    static ROUTE: Mutex<Option<Route>> = Mutex::new(None);
    ROUTE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn line(label: Label, text: &str, colored: bool) -> String {
    let (name, text) = (label.name(), one_line(text));
    if colored {
        let style = label.style();
        format!("{style}{name}{style:#} {text}\n")
    } else {
        format!("{name} {text}\n")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (label, text) in self.lines() {
            f.write_str(&line(label, text, false))?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_gives_the_terminal_no_command() {
        let report = Report::new(Exit::UNKNOWN, "a\u{1b}[2J")
            .cause("b\nerror: not ours")
            .note("c\u{202e}")
            .hint("d\u{9b}");
        assert_eq!(
            report.to_string(),
            "error: a\\x1b[2J\ncause: b\\x0aerror: not ours\nhint: d\\u{9b}\nnote: c\\u{202e}\n"
        );
    }
}
