//! The terminal that standard output is: taken over, and given back as it was.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;

use mqtools_common::exit::Exit;
use mqtools_common::report::{self, Report};
use mqtools_common::usage::misuse;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// The alternate screen, empty; no cursor; long lines are not wrapped.
const OPEN: &[u8] = b"\x1b[?1049h\x1b[2J\x1b[?25l\x1b[?7l";
const CLOSE: &[u8] = b"\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

/// How large the window is; both are at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) lines: usize,
    pub(super) columns: usize,
}

/// A terminal; given back when dropped.
#[derive(Debug)]
pub(super) struct Terminal {
    out: File,
    open: Option<Modes>,
}

/// The terminal's modes before it was taken over, where it has any.
#[derive(Debug)]
struct Modes(Option<Termios>);

impl Terminal {
    /// # Errors
    /// Standard output is none that can be drawn on.
    pub(super) fn of_stdout() -> Result<Self, Report> {
        let hint = "without -w each message is printed on a line of its own";
        if !io::stdout().is_terminal() {
            return Err(misuse("-w needs a terminal, and standard output is none").hint(hint));
        }
        if std::env::var_os("TERM").is_some_and(|name| name == "dumb") {
            return Err(misuse("-w cannot draw on a terminal of the type dumb (TERM)").hint(hint));
        }
        let out = io::stdout()
            .as_fd()
            .try_clone_to_owned()
            .map_err(|why| Report::new(Exit::OS_ERROR, "cannot open standard output").cause(why))?;
        Ok(Self {
            out: File::from(out),
            open: None,
        })
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Takes it over; again, when somebody else had it meanwhile.
    pub(super) fn open(&mut self) -> io::Result<()> {
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
    pub(super) fn close(&mut self) -> io::Result<()> {
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

    /// How large it is now; 24 lines of 80 columns when it does not say.
    pub(super) fn size(&self) -> Size {
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
    pub(super) fn has_room(&self) -> bool {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let mut out = [PollFd::new(&self.out, PollFlags::OUT)];
        poll(&mut out, Some(&now)) != Ok(0)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.close();
    }
}
