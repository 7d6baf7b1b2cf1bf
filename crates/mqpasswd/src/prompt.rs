//! A new password: typed twice on the terminal, or two lines of stdin.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mqtools_common::exit::Exit;
use mqtools_common::passwd::entry::{MAX_LENGTH, check_password};
use mqtools_common::report::Report;
use mqtools_common::secret::Secret;
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use signal_hook::low_level::emulate_default_handler;

/// Asks for a password and for the same one again.
///
/// # Errors
/// A [`Report`] when the password cannot be used, or the two are not the same, or there is
/// nothing to read.
pub(crate) fn new_password() -> Result<Secret, Report> {
    if io::stdin().is_terminal() {
        hold_back_interrupts(|| twice(typed)).map_err(unread)?
    } else {
        twice(|_| line_of_stdin())
    }
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

/// What somebody types, with the echo off.
fn typed(prompt: &str) -> io::Result<Secret> {
    rpassword::prompt_password(prompt).map(Secret::from)
}

/// Lets Ctrl-C end the process only when `ask` is over. rpassword sends itself the signal
/// while the echo is still off, and a terminal without echo would be what stays.
fn hold_back_interrupts<T>(ask: impl FnOnce() -> T) -> io::Result<T> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let over = Arc::new(AtomicBool::new(false));
    flag::register(SIGINT, Arc::clone(&interrupted))?;
    flag::register_conditional_default(SIGINT, Arc::clone(&over))?;
    let answer = ask();
    over.store(true, Ordering::SeqCst);
    if interrupted.load(Ordering::SeqCst) {
        emulate_default_handler(SIGINT)?;
    }
    Ok(answer)
}

/// The next line, without its ending. Of a line that is too long for a password only so much
/// is read that this shows.
fn line_of_stdin() -> io::Result<Secret> {
    // All the room it can need: a vector that grows would leave parts of the password behind.
    let mut line = Vec::with_capacity(MAX_LENGTH + 2);
    io::stdin()
        .lock()
        .take(MAX_LENGTH as u64 + 2)
        .read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "stdin has ended",
        ));
    }
    if line.ends_with(b"\n") {
        line.pop();
        if line.ends_with(b"\r") {
            line.pop();
        }
    }
    Ok(Secret::new(line))
}
