//! Secrets that a person or a file gives: typed on the terminal with the echo off, or the first
//! line of a file.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, Read, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::rc::Rc;

use rpassword::ConfigBuilder;
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

use crate::secret::Secret;

/// The process's own terminal, whatever its standard streams are.
const TERMINAL: &str = "/dev/tty";

/// What Ctrl-C types while the terminal makes no signal of it.
const INTERRUPT: u8 = 0x03;

/// Asks on the terminal, never on standard input, and reads a line with the echo off. Ctrl-C ends
/// the process as it always does, once the terminal is as it was.
///
/// # Errors
/// There is no terminal, or it gives no line.
pub fn typed(prompt: &str) -> io::Result<Secret> {
    let terminal = File::options().read(true).write(true).open(TERMINAL)?;
    let interrupted = Rc::new(Cell::new(false));
    let config = ConfigBuilder::new()
        .input_reader(Keys {
            terminal: terminal.try_clone()?,
            interrupted: Rc::clone(&interrupted),
        })
        .output_writer(terminal.try_clone()?)
        .build();
    let silence = Silence::new(&terminal)?;
    let line = rpassword::prompt_password_with_config(prompt, config).map(Secret::from);
    drop(silence);
    // The Enter key was not echoed either.
    let _ = writeln!(&terminal);
    if interrupted.get() {
        kill_process(getpid(), Signal::INT)?;
    }
    line
}

/// Reads a line without its ending, `\n` or `\r\n`: any bytes. Of one that is longer than `limit`
/// only so much is read that this shows. None when there is nothing left to read.
///
/// # Errors
/// Those of `input`.
pub fn line(input: impl BufRead, limit: usize) -> io::Result<Option<Secret>> {
    // All the room it can need: a vector that grows would leave parts of the secret behind.
    let mut line = Vec::with_capacity(limit + 2);
    let count = input
        .take(limit as u64 + 2)
        .read_until(b'\n', &mut line)
        .inspect_err(|_| line.fill(0))?;
    if count == 0 {
        return Ok(None);
    }
    if line.ends_with(b"\n") {
        line.pop();
        if line.ends_with(b"\r") {
            line.pop();
        }
    }
    Ok(Some(Secret::new(line)))
}

/// The first line of a file, as [`line`] reads it, and the file for questions about it. Nothing
/// behind the line is read: of a pipe it stays for whoever reads on.
///
/// # Errors
/// A file that cannot be opened or read.
pub fn first_line(path: &Path, limit: usize) -> io::Result<(Option<Secret>, File)> {
    let file = File::open(path)?;
    let line = line(io::BufReader::with_capacity(1, &file), limit)?;
    Ok((line, file))
}

/// The keys that are typed. Ctrl-C ends them: rpassword itself would end the process at once, and
/// a terminal without echo would be what stays.
struct Keys {
    terminal: File,
    interrupted: Rc<Cell<bool>>,
}

impl Read for Keys {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.terminal.read(buffer)?;
        if buffer.iter().take(count).any(|&key| key == INTERRUPT) {
            self.interrupted.set(true);
            // Not the kind Interrupted, after which a reader tries again.
            return Err(io::Error::other("interrupted"));
        }
        Ok(count)
    }
}

/// A terminal that shows nothing of what is typed; as it was before when dropped.
struct Silence<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Silence<'a> {
    fn new(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal.as_fd())?;
        let mut modes = before.clone();
        // Key by key and without signals, because rpassword edits the line.
        modes
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(terminal.as_fd(), OptionalActions::Now, &modes)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal.as_fd(), OptionalActions::Now, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Option<Vec<u8>> {
        line(text, 5)
            .unwrap()
            .map(|secret| secret.reveal().to_vec())
    }

    #[test]
    fn a_line_ends_before_its_line_end() {
        for (text, expected) in [
            (&b"ab\ncd"[..], &b"ab"[..]),
            (b"ab\r\ncd", b"ab"),
            (b"ab", b"ab"),
            (b"ab\r", b"ab\r"),
            (b"\nab", b""),
            (b"\0\xff\r\r\n", b"\0\xff\r"),
            (b"12345\r\n", b"12345"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected));
        }
        assert_eq!(read(b""), None);
    }

    #[test]
    fn a_line_that_is_too_long_shows_it() {
        for text in [&b"123456\n"[..], b"12345678901234567890"] {
            assert!(read(text).unwrap().len() > 5);
        }
    }
}
