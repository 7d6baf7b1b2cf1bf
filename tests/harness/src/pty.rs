//! A tool on a pseudo terminal of its own, to see and answer its prompts as a person would.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use pty_process::Size;
use rustix::process::Signal;
use rustix::termios::LocalModes;
use tempfile::TempDir;

use crate::process::{PATIENCE, Stream, Supervised};

/// A tool whose stdin, stdout, stderr and controlling terminal are a pseudo terminal of 24
/// lines of 100 columns. It is killed when dropped.
#[derive(Debug)]
pub struct Pty {
    process: Supervised,
    terminal: Arc<Terminal>,
    /// Where in the screen's text the next `expect` begins to look.
    seen: usize,
    limit: Duration,
    _sandbox: Arc<TempDir>,
}

impl Pty {
    #[track_caller]
    pub(crate) fn start(
        command: Command,
        typed: String,
        limit: Duration,
        sandbox: Arc<TempDir>,
    ) -> Self {
        let (terminal, other_side) = pty_process::blocking::open().expect("open a pseudo terminal");
        terminal
            .resize(Size::new(24, 100))
            .expect("set the terminal's size");
        let child = pty_process::blocking::Command::from(command)
            .spawn(other_side)
            .unwrap_or_else(|error| panic!("cannot run {typed}: {error}"));
        let terminal = Arc::new(Terminal(terminal));
        let process = Supervised::new(child, typed);
        process.collect(Stream::Stdout, TerminalReader(Arc::clone(&terminal)));
        Self {
            process,
            terminal,
            seen: 0,
            limit,
            _sandbox: sandbox,
        }
    }

    /// Blocks until the terminal shows `text`, after what the last `expect` found; panics with
    /// the whole screen after 60 s, or at once when the tool ended without it.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let what = format!("{text:?} on the terminal");
        let seen = self.seen;
        let found = self.process.wait_until(&what, PATIENCE, |progress| {
            let fresh = progress.stdout.get(seen..).unwrap_or_default();
            let found = position(fresh, text.as_bytes());
            (found.is_some() || progress.is_finished()).then_some(found)
        });
        match found {
            Some(at) => self.seen = seen + at + text.len(),
            None => panic!("the tool ended without {what}\n{}", self.process.show()),
        }
    }

    /// Blocks until everything the terminal got satisfies a condition; panics with it after
    /// 60 s, or when the tool ended without it.
    #[track_caller]
    pub fn wait_for(&self, mut condition: impl FnMut(&str) -> bool) {
        let what = "a terminal that satisfies the condition";
        let mut looked_at = None;
        let found = self.process.wait_until(what, PATIENCE, |progress| {
            if looked_at != Some(progress.stdout.len()) {
                looked_at = Some(progress.stdout.len());
                if condition(&String::from_utf8_lossy(&progress.stdout)) {
                    return Some(true);
                }
            }
            progress.is_finished().then_some(false)
        });
        assert!(
            found,
            "the tool ended without {what}\n{}",
            self.process.show()
        );
    }

    /// Changes the size of the window, which the tool is told by a signal.
    #[track_caller]
    pub fn resize(&self, lines: u16, columns: u16) {
        self.terminal
            .0
            .resize(Size::new(lines, columns))
            .expect("set the terminal's size");
    }

    /// Types `text` and the Enter key.
    pub fn send_line(&self, text: &str) {
        self.send(format!("{text}\r").as_bytes());
    }

    /// Presses Ctrl-C.
    pub fn send_control_c(&self) {
        self.send(&[0x03]);
    }

    /// Presses Ctrl-Z.
    pub fn send_control_z(&self) {
        self.send(&[0x1a]);
    }

    /// Presses Ctrl-S, and waits until the terminal has stopped to show what is written.
    #[track_caller]
    pub fn send_control_s(&self) {
        self.send(b"\x13seen\r");
        // The kernel looks at what is typed when it likes; the line is there after Ctrl-S.
        let input = File::open(format!("/proc/{}/fd/0", self.pid())).expect("open the terminal");
        let mut line = String::new();
        BufReader::new(input)
            .read_line(&mut line)
            .expect("read what was typed");
        assert_eq!(line, "seen\n");
    }

    /// Presses Ctrl-Q: it goes on.
    pub fn send_control_q(&self) {
        self.send(&[0x11]);
    }

    /// Presses Ctrl-D.
    pub fn send_control_d(&self) {
        self.send(&[0x04]);
    }

    /// Sends SIGINT, which Ctrl-C need not do.
    pub fn interrupt(&self) {
        self.process.signal(Signal::INT);
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.process.signal(Signal::TERM);
    }

    /// Sends SIGHUP.
    pub fn hang_up(&self) {
        self.process.signal(Signal::HUP);
    }

    /// Sends SIGTSTP.
    pub fn suspend(&self) {
        self.process.signal(Signal::TSTP);
    }

    /// Sends SIGCONT.
    pub fn resume(&self) {
        self.process.signal(Signal::CONT);
    }

    /// Everything the terminal showed up to now, typed text that was echoed included.
    #[must_use]
    pub fn screen(&self) -> String {
        self.process
            .look(|progress| String::from_utf8_lossy(&progress.stdout).into_owned())
    }

    /// Whether the terminal shows what is typed.
    #[must_use]
    pub fn echo_is_on(&self) -> bool {
        rustix::termios::tcgetattr(&self.terminal.0)
            .expect("ask for the terminal's modes")
            .local_modes
            .contains(LocalModes::ECHO)
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Waits for the tool's end and gives its exit code, or 128 plus the signal's number.
    /// [`screen`](Self::screen) stays readable.
    #[track_caller]
    pub fn wait(&self) -> i32 {
        self.process.wait_until("end", self.limit, |progress| {
            if progress.is_finished() {
                progress.status
            } else {
                None
            }
        })
    }

    fn send(&self, bytes: &[u8]) {
        // A tool that ended meanwhile shows in what the test looks at next.
        let _ = (&self.terminal.0).write_all(bytes);
    }
}

struct Terminal(pty_process::blocking::Pty);

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Terminal")
    }
}

struct TerminalReader(Arc<Terminal>);

impl std::io::Read for TerminalReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        (&self.0.0).read(buffer)
    }
}

fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len().max(1))
        .position(|window| window == wanted)
}
