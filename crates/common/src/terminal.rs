//! Asking a person for a secret: on the controlling terminal, whatever stdin and stdout are.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::rc::Rc;

use rpassword::ConfigBuilder;
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

use crate::secret::Secret;

/// Shows `prompt` and reads a line that is not shown.
///
/// Ctrl-C and Ctrl-\ end the process as they do elsewhere, once the terminal is as it was before.
/// No signal handler stays behind.
///
/// # Errors
/// There is no terminal, or its input has ended.
pub fn ask(prompt: &str) -> io::Result<Secret> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    let pressed = Rc::new(Cell::new(None));
    let keys = Keys {
        terminal: terminal.try_clone()?,
        pressed: Rc::clone(&pressed),
    };
    let silence = Silence::impose(terminal.try_clone()?)?;
    terminal.write_all(prompt.as_bytes())?;
    let config = ConfigBuilder::new()
        .input_reader(keys)
        .output_discard()
        .build();
    let answer = rpassword::read_password_with_config(config);
    // What Enter would have shown.
    let _ = terminal.write_all(b"\n");
    drop(silence);
    if let Some(signal) = pressed.get() {
        kill_process(getpid(), signal)?;
        return Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted"));
    }
    answer.map(Secret::from)
}

/// A terminal that shows nothing of what is typed and hands over every key at once; it is
/// restored on drop.
struct Silence {
    terminal: File,
    before: Termios,
}

impl Silence {
    fn impose(terminal: File) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut modes = before.clone();
        modes.local_modes -=
            LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&terminal, OptionalActions::Now, &modes)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

/// What is typed, up to a key that stands for a signal: rpassword would raise it while the
/// terminal is still silent, and a silent terminal would be what stays.
struct Keys {
    terminal: File,
    pressed: Rc<Cell<Option<Signal>>>,
}

impl Read for Keys {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.terminal.read(buffer)?;
        let signal = buffer.iter().take(count).find_map(|key| match key {
            0x03 => Some(Signal::INT),
            0x1c => Some(Signal::QUIT),
            _ => None,
        });
        match signal {
            Some(signal) => {
                self.pressed.set(Some(signal));
                Err(io::Error::other("interrupted"))
            }
            None => Ok(count),
        }
    }
}
