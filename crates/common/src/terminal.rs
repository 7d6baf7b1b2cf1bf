//! Asking a person for a secret: on the controlling terminal, whatever stdin and stdout are.

mod silence;

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::fd::AsFd;
use std::rc::Rc;

use rpassword::ConfigBuilder;
use rustix::process::{Signal, getpgrp};
use rustix::termios::tcgetpgrp;
use signal_hook::low_level::emulate_default_handler;

use self::silence::Silence;
pub(crate) use self::silence::is_ignored;
use crate::secret::Secret;

#[cfg(feature = "client")]
pub(crate) use self::silence::leave_signals;

/// Shows `prompt` and reads a line that is not shown.
///
/// Ctrl-C, Ctrl-\ and signals end or stop the process as they do elsewhere, once the terminal is as
/// it was before. What waits for signals afterwards gets them alone ([`crate::signals`]).
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
    let silence = Silence::impose(&terminal)?;
    terminal.write_all(prompt.as_bytes())?;
    let config = ConfigBuilder::new()
        .input_reader(keys)
        .output_discard()
        .build();
    let answer = rpassword::read_password_with_config(config);
    // What Enter would have shown.
    let _ = terminal.write_all(b"\n");
    silence.end();
    if let Some(signal) = pressed.get() {
        // At once: the caller would go on while the watching thread is on its way.
        if !is_ignored(signal.as_raw()) {
            emulate_default_handler(signal.as_raw())?;
        }
        return Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted"));
    }
    answer.map(Secret::from)
}

/// Whether a terminal belongs to us now, and not to another job of the shell: whoever draws on it from
/// behind is in the way, and whoever changes its modes is stopped.
#[must_use]
pub fn is_in_front(terminal: impl AsFd) -> bool {
    // What is not our controlling terminal has no jobs of ours.
    tcgetpgrp(terminal).map_or(true, |group| group == getpgrp())
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
