//! A new password: typed twice on the terminal, or two lines of stdin.

use std::io::{self, IsTerminal as _};

use mqtools_common::exit::Exit;
use mqtools_common::passwd::entry::{MAX_LENGTH, check_password};
use mqtools_common::report::Report;
use mqtools_common::secret::Secret;
use mqtools_common::terminal;

/// Asks for a password and for the same one again.
///
/// # Errors
/// A [`Report`] when the password cannot be used, or the two are not the same, or there is
/// nothing to read.
pub(crate) fn new_password() -> Result<Secret, Report> {
    if io::stdin().is_terminal() {
        twice(terminal::ask)
    } else {
        twice(|_| line_of_stdin())
    }
}

/// Asks once, for a password that exists.
///
/// # Errors
/// A [`Report`] when there is nothing to read.
pub(crate) fn present_password() -> Result<Secret, Report> {
    if io::stdin().is_terminal() {
        terminal::ask("Password: ").map_err(unread)
    } else {
        line_of_stdin().map_err(unread)
    }
}

/// A password that is one line of stdin.
///
/// # Errors
/// A [`Report`] when stdin is empty.
pub(crate) fn line_of_stdin_once() -> Result<Secret, Report> {
    line_of_stdin().map_err(unread)
}

fn twice(ask: impl Fn(&str) -> io::Result<Secret>) -> Result<Secret, Report> {
    let password = ask("Password: ").map_err(unread)?;
    check_password(&password).map_err(|error| {
        Report::new(Exit::PASSWD_FAILED, "the password cannot be used").cause(error)
    })?;
    if ask("Reenter password: ").map_err(unread)? == password {
        Ok(password)
    } else {
        Err(Report::new(
            Exit::PASSWORD_MISMATCH,
            "the two passwords are not the same",
        ))
    }
}

fn unread(error: io::Error) -> Report {
    Report::new(Exit::PASSWD_FAILED, "cannot read the password")
        .cause(error)
        .hint("it is typed twice on a terminal, or read from two lines of stdin")
}

/// The next line of stdin.
fn line_of_stdin() -> io::Result<Secret> {
    Secret::read_line(io::stdin().lock(), MAX_LENGTH)?
        .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "stdin has ended"))
}
