//! A new password: typed twice on the terminal, or two lines of stdin.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mqtools_common::exit::Exit;
use mqtools_common::passwd::entry::{MAX_LENGTH, check_password};
use mqtools_common::report::Report;
use mqtools_common::secret::Secret;
use mqtools_common::terminal;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::flag;
use signal_hook::low_level::{emulate_default_handler, pipe};

/// Asks for a password and for the same one again.
///
/// # Errors
/// A [`Report`] when the password cannot be used, or the two are not the same, or there is
/// nothing to read.
pub(crate) fn new_password() -> Result<Secret, Report> {
    if io::stdin().is_terminal() {
        with_signals_held(|| twice(terminal::ask)).map_err(unread)?
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
        with_signals_held(|| terminal::ask("Password: "))
            .and_then(|answer| answer)
            .map_err(unread)
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

/// Lets signals end or stop the process only once the terminal is as it was before `ask`:
/// while somebody types a password, the echo is off. Ctrl-C is such a signal too.
fn with_signals_held<T>(ask: impl FnOnce() -> T) -> io::Result<T> {
    let terminal = File::open("/dev/tty")?;
    let before = tcgetattr(&terminal)?;
    let (wakeups, handlers) = UnixStream::pair()?;
    let last = Arc::new(AtomicUsize::new(0));
    let over = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP] {
        // In this order: whoever is woken knows which one it was.
        flag::register_usize(signal, Arc::clone(&last), signal.unsigned_abs() as usize)?;
        pipe::register(signal, handlers.try_clone()?)?;
    }
    let guard = Guard {
        terminal,
        before,
        last,
        over,
    };
    std::thread::Builder::new().name("signals".into()).spawn({
        let guard = guard.clone()?;
        move || guard.watch(wakeups)
    })?;
    let answer = ask();
    guard.over.store(true, Ordering::SeqCst);
    // The watching thread may not have got to it yet.
    if let Some(signal) = guard.signal().filter(|&signal| signal != SIGTSTP) {
        guard.restore();
        emulate_default_handler(signal)?;
    }
    Ok(answer)
}

/// A terminal whose modes somebody changes for a while.
struct Guard {
    terminal: File,
    /// The modes that it shall have in the end.
    before: Termios,
    /// The last signal that came, or 0.
    last: Arc<AtomicUsize>,
    /// The modes are not changed any more.
    over: Arc<AtomicBool>,
}

impl Guard {
    fn clone(&self) -> io::Result<Self> {
        Ok(Self {
            terminal: self.terminal.try_clone()?,
            before: self.before.clone(),
            last: Arc::clone(&self.last),
            over: Arc::clone(&self.over),
        })
    }

    /// Does what each signal asks for, to the end of the process.
    fn watch(&self, mut wakeups: UnixStream) {
        while wakeups.read_exact(&mut [0]).is_ok() {
            let Some(signal) = self.signal() else {
                continue;
            };
            let asking = tcgetattr(&self.terminal);
            let was_over = self.over.load(Ordering::SeqCst);
            if !was_over {
                self.restore();
            }
            // A stopped process goes on here when it is continued.
            let _ = emulate_default_handler(signal);
            if !was_over && let Ok(asking) = asking {
                let _ = tcsetattr(&self.terminal, OptionalActions::Now, &asking);
            }
        }
    }

    fn signal(&self) -> Option<i32> {
        let signal = i32::try_from(self.last.load(Ordering::SeqCst)).ok()?;
        (signal != 0).then_some(signal)
    }

    fn restore(&self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

/// The next line of stdin.
fn line_of_stdin() -> io::Result<Secret> {
    Secret::read_line(io::stdin().lock(), MAX_LENGTH)?
        .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "stdin has ended"))
}
