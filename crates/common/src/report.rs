//! What a person reads on stderr when something fails: what failed, why, what to type next.

use std::collections::VecDeque;
use std::fmt;
use std::io::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
        let _ = std::io::stderr()
            .lock()
            .write_all(self.to_string().as_bytes());
    }

    /// Ends a tool with this failure: prints it, unless `quiet`, and gives the exit code.
    #[must_use]
    pub fn end(&self, quiet: bool) -> Exit {
        if !quiet {
            self.print();
        }
        self.exit
    }
}

/// Tells the user, on stderr, something that ends nothing.
pub fn warn(text: impl fmt::Display) {
    say("warning", &text);
}

/// Tells the user, on stderr, that something is in order again.
pub fn note(text: impl fmt::Display) {
    say("note", &text);
}

/// Tells the user a protocol step on stderr, for `--debug`.
pub fn debug(step: fmt::Arguments<'_>) {
    say("debug", &step);
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
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
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
fn say(what: &str, text: &impl fmt::Display) {
    let line = format!("{what}: {}\n", one_line(&text.to_string()));
    if let Some(held) = held().as_mut() {
        if held.lines.len() == MOST_HELD {
            held.lines.pop_front();
            held.lost += 1;
        }
        held.lines.push_back(line);
        return;
    }
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", one_line(&self.error))?;
        if let Some(cause) = &self.cause {
            writeln!(f, "cause: {}", one_line(cause))?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "hint: {}", one_line(hint))?;
        }
        // Last, because scripts look there for the balance.
        if let Some(note) = &self.note {
            writeln!(f, "note: {}", one_line(note))?;
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
