//! What a person reads on stderr when something fails: what failed, why, what to type next.

use std::fmt;
use std::io::Write as _;

use crate::escape::one_line;
use crate::exit::Exit;

/// A failure on its way to stderr, together with the exit code it ends the tool with.
///
/// `Display` gives the lines that are printed: `error:`, and `cause:`, `note:` and `hint:` where
/// known. What they quote of others gives the terminal no command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    exit: Exit,
    error: String,
    cause: Option<String>,
    note: Option<String>,
    hint: Option<String>,
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
        }
    }

    /// Why it failed.
    #[must_use]
    pub fn cause(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// What else is worth knowing, such as what became of the messages.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// What to type or check next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
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

/// Tells the user a protocol step on stderr, for `--debug`.
pub fn debug(step: fmt::Arguments<'_>) {
    say("debug", &step);
}

/// Writes a line in one go, so that lines of several processes do not mix.
fn say(what: &str, text: &impl fmt::Display) {
    let line = format!("{what}: {}\n", one_line(&text.to_string()));
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", one_line(&self.error))?;
        if let Some(cause) = &self.cause {
            writeln!(f, "cause: {}", one_line(cause))?;
        }
        if let Some(note) = &self.note {
            writeln!(f, "note: {}", one_line(note))?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "hint: {}", one_line(hint))?;
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
            "error: a\\x1b[2J\ncause: b\\x0aerror: not ours\nnote: c\\u{202e}\nhint: d\\u{9b}\n"
        );
    }
}
