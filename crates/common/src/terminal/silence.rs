//! A terminal without echo, which gets it back whatever ends or stops the process.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::flag;
use signal_hook::low_level::{emulate_default_handler, pipe};

/// The terminal that shows nothing, and the modes that it shall have in the end.
static SILENCED: Mutex<Option<(File, Termios)>> = Mutex::new(None);

/// The last signal that came, or 0; none before somebody is asked for the first time.
static LAST: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// Somebody else waits for the signals that end a process.
static LEFT: AtomicBool = AtomicBool::new(false);

/// A terminal that shows nothing of what is typed and hands over every key at once; it is
/// restored on drop, and before a signal ends or stops the process.
pub(super) struct Silence(());

impl Silence {
    pub(super) fn impose(terminal: &File) -> io::Result<Self> {
        hold_signals()?;
        let mut silenced = silenced();
        let before = tcgetattr(terminal)?;
        let mut modes = before.clone();
        modes.local_modes -=
            LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        *silenced = Some((terminal.try_clone()?, before));
        let silence = Self(());
        tcsetattr(terminal, OptionalActions::Now, &modes)?;
        Ok(silence)
    }

    /// Restores the terminal, and lets a signal that came end the process.
    pub(super) fn end(self) {
        drop(self);
        // The watching thread may not have got to it yet.
        if let Some(signal) = last().filter(|&signal| signal != SIGTSTP) {
            let _ = emulate_default_handler(signal);
        }
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if let Some((terminal, before)) = silenced().take() {
            let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
        }
    }
}

/// From now on the signals that end a process are no concern of this module.
#[cfg(feature = "client")]
pub(crate) fn leave_signals() {
    LEFT.store(true, Ordering::SeqCst);
}

/// Whether a signal is ignored, by proc(5): bit N-1 of `SigIgn` stands for signal N.
pub(crate) fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// To the end of the process: a handler of signal-hook that is taken away leaves a signal behind
/// that does nothing.
fn hold_signals() -> io::Result<()> {
    let last = Arc::new(AtomicUsize::new(0));
    if LAST.set(Arc::clone(&last)).is_err() {
        return Ok(());
    }
    let (wakeups, handlers) = UnixStream::pair()?;
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP] {
        if is_ignored(signal) {
            continue;
        }
        // In this order: whoever is woken knows which one it was.
        flag::register_usize(signal, Arc::clone(&last), signal.unsigned_abs() as usize)?;
        pipe::register(signal, handlers.try_clone()?)?;
    }
    let watch = move || watch(wakeups);
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(watch)?;
    Ok(())
}

/// Does what each signal asks for.
fn watch(mut wakeups: UnixStream) {
    while wakeups.read_exact(&mut [0]).is_ok() {
        let Some(signal) = last() else {
            continue;
        };
        let is_left = LEFT.load(Ordering::SeqCst);
        if is_left && [SIGINT, SIGTERM, SIGHUP].contains(&signal) {
            continue;
        }
        // Held meanwhile: nobody changes the terminal between its restoration and the end.
        let silenced = silenced();
        let asking = silenced.as_ref().map(|(terminal, before)| {
            let asking = tcgetattr(terminal);
            let _ = tcsetattr(terminal, OptionalActions::Now, before);
            (terminal, asking)
        });
        // A stopped process goes on here when it is continued.
        let _ = emulate_default_handler(signal);
        if let Some((terminal, Ok(asking))) = asking {
            let _ = tcsetattr(terminal, OptionalActions::Now, &asking);
        }
    }
}

fn last() -> Option<i32> {
    let last = LAST.get()?.load(Ordering::SeqCst);
    i32::try_from(last).ok().filter(|&signal| signal != 0)
}

fn silenced() -> MutexGuard<'static, Option<(File, Termios)>> {
    SILENCED.lock().unwrap_or_else(PoisonError::into_inner)
}
