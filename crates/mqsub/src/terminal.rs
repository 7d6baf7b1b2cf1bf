//! A terminal that is taken over to be drawn on, and given back as it was.

pub(crate) mod text;

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd;

use mqtools_common::exit::Exit;
use mqtools_common::report::{self, Report};
use mqtools_common::signals::Notices;
use mqtools_common::terminal::is_in_front;
use mqtools_common::usage::misuse;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal as Number, getpid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// The alternate screen, empty; no cursor; long lines are not wrapped.
const OPEN: &[u8] = b"\x1b[?1049h\x1b[2J\x1b[?25l\x1b[?7l";
const CLOSE: &[u8] = b"\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Around a picture: terminals that know it (synchronized output) show it at once.
pub(crate) const BEGIN: &[u8] = b"\x1b[?2026h";
pub(crate) const END: &[u8] = b"\x1b[?2026l";

/// Stands where it is seen while there is no connection.
pub(crate) const NOT_CONNECTED: &str = "connection lost, trying again";

/// How large the window is; both are at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) lines: usize,
    pub(crate) columns: usize,
}

/// A terminal; given back when dropped.
#[derive(Debug)]
pub(crate) struct Terminal {
    out: File,
    open: Option<Modes>,
}

/// The terminal's modes before it was taken over, where it has any.
#[derive(Debug)]
struct Modes(Option<Termios>);

impl Terminal {
    /// # Errors
    /// Standard output is none that can be drawn on.
    pub(crate) fn of_stdout() -> Result<Self, Report> {
        let hint = "without -w each message is printed on a line of its own";
        if !io::stdout().is_terminal() {
            return Err(misuse("-w needs a terminal, and standard output is none").hint(hint));
        }
        if is_dumb() {
            return Err(misuse("-w cannot draw on a terminal of the type dumb (TERM)").hint(hint));
        }
        Self::of(io::stdout())
            .map_err(|why| Report::new(Exit::OS_ERROR, "cannot open standard output").cause(why))
    }

    /// None where standard error is none that can be drawn on.
    pub(crate) fn of_stderr() -> Option<Self> {
        if !io::stderr().is_terminal() || is_dumb() {
            return None;
        }
        Self::of(io::stderr()).ok()
    }

    fn of(stream: impl AsFd) -> io::Result<Self> {
        Ok(Self {
            out: File::from(stream.as_fd().try_clone_to_owned()?),
            open: None,
        })
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Takes it over; again, when somebody else had it meanwhile. In the background it is left
    /// alone: whoever brings us to the front sends SIGCONT.
    pub(crate) fn open(&mut self) -> io::Result<()> {
        if !is_in_front(&self.out) {
            return Ok(());
        }
        let modes = tcgetattr(&self.out).ok();
        if let Some(mut quiet) = modes.clone() {
            // What is typed would be seen between the messages.
            quiet.local_modes -= LocalModes::ECHO;
            let _ = tcsetattr(&self.out, OptionalActions::Now, &quiet);
        }
        if self.open.is_none() {
            self.open = Some(Modes(modes));
        }
        if io::stderr().is_terminal() {
            report::hold_back();
        }
        self.out.write_all(OPEN)
    }

    /// Gives it back, without what was typed meanwhile.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        let Some(Modes(modes)) = self.open.take() else {
            return Ok(());
        };
        let written = self.out.write_all(CLOSE);
        if let Some(modes) = modes {
            let _ = tcsetattr(&self.out, OptionalActions::Flush, &modes);
        }
        report::let_go();
        written
    }

    /// Gives it back and stops the process, as Ctrl-Z is meant to. It ends with SIGCONT.
    pub(crate) fn suspend(&mut self) -> io::Result<()> {
        self.close()?;
        // Not TSTP, which is caught.
        Ok(kill_process(getpid(), Number::STOP)?)
    }

    /// How large it is now; 24 lines of 80 columns when it does not say.
    pub(crate) fn size(&self) -> Size {
        let size = tcgetwinsize(&self.out).ok();
        let known = |number: u16, otherwise| match number {
            0 => otherwise,
            number => number.into(),
        };
        Size {
            lines: size.map_or(24, |size| known(size.ws_row, 24)),
            columns: size.map_or(80, |size| known(size.ws_col, 80)),
        }
    }

    /// Whether it takes something now. When that cannot be told, the write will.
    pub(crate) fn has_room(&self) -> bool {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let mut out = [PollFd::new(&self.out, PollFlags::OUT)];
        poll(&mut out, Some(&now)) != Ok(0)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }
}

/// What happens to a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Resized,
    /// Somebody wants the terminal: [`Terminal::suspend`].
    Suspended,
    /// Whoever had the terminal meanwhile may have left it in any state.
    Continued,
}

/// Listens for changes, and keeps Ctrl-Z from stopping the process.
#[derive(Debug)]
pub(crate) struct Changes {
    resized: Notices,
    suspended: Notices,
    continued: Notices,
}

impl Changes {
    pub(crate) fn listen() -> Result<Self, Report> {
        Ok(Self {
            resized: listen(Number::WINCH)?,
            suspended: listen(Number::TSTP)?,
            continued: listen(Number::CONT)?,
        })
    }

    /// Waits for the next one. Safe to drop and to call again.
    pub(crate) async fn next(&mut self) -> Change {
        tokio::select! {
            () = self.resized.next() => Change::Resized,
            () = self.suspended.next() => Change::Suspended,
            () = self.continued.next() => Change::Continued,
        }
    }
}

/// A line, and nothing of what was there before. Behind a full line nothing is erased: the
/// cursor still stands on its last character.
pub(crate) fn put((text, width): (String, usize), columns: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(text.as_bytes());
    if width < columns {
        out.extend_from_slice(b"\x1b[K");
    }
}

fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|name| name == "dumb")
}

fn listen(signal: Number) -> Result<Notices, Report> {
    Notices::of(signal.as_raw())
        .map_err(|why| Report::new(Exit::OS_ERROR, "cannot wait for signals").cause(why))
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.close();
    }
}
