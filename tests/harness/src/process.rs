//! A child process that cannot outlive the test: its exit status, signals and collected output.

use std::io::Read;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use crate::output::write_section;

/// How long to wait for something that ought to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const MEMORY_POLL: Duration = Duration::from_millis(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// What is known about the child so far.
#[derive(Debug)]
pub(crate) struct Progress {
    child: Child,
    /// Exit code, or 128 plus the signal's number.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    open_streams: usize,
    pub(crate) peak_rss_kib: Option<u64>,
}

impl Progress {
    pub(crate) fn stream(&self, stream: Stream) -> &Vec<u8> {
        match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        }
    }

    fn stream_mut(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// Whether the child is gone and everything it printed has been read.
    pub(crate) fn is_finished(&self) -> bool {
        self.status.is_some() && self.open_streams == 0
    }
}

/// A running child; killed and reaped on drop.
#[derive(Debug)]
pub(crate) struct Supervised {
    shared: Arc<Shared>,
    pid: Pid,
    command: String,
    reaper: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    progress: Mutex<Progress>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        // A panic in one waiting thread must not hide the output from the others.
        self.progress
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Supervised {
    pub(crate) fn new(child: Child, command: String) -> Self {
        let pid = Pid::from_child(&child);
        let shared = Arc::new(Shared {
            progress: Mutex::new(Progress {
                child,
                status: None,
                stdout: Vec::new(),
                stderr: Vec::new(),
                open_streams: 0,
                peak_rss_kib: None,
            }),
            changed: Condvar::new(),
        });
        let reaper = thread::spawn({
            let shared = Arc::clone(&shared);
            move || reap(pid, &shared)
        });
        Self {
            shared,
            pid,
            command,
            reaper: Some(reaper),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    pub(crate) fn command(&self) -> &str {
        &self.command
    }

    /// Collects everything `source` gives, on its own thread. An I/O error counts as the end:
    /// that is how a pseudo terminal says that its other side is closed.
    pub(crate) fn collect(&self, stream: Stream, mut source: impl Read + Send + 'static) {
        self.shared.lock().open_streams += 1;
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Some(count) = read_some(&mut source, &mut buffer) {
                let mut progress = shared.lock();
                progress
                    .stream_mut(stream)
                    .extend_from_slice(&buffer[..count]);
                shared.changed.notify_all();
            }
            shared.lock().open_streams -= 1;
            shared.changed.notify_all();
        });
    }

    /// Follows the child's peak resident memory while it runs.
    pub(crate) fn follow_memory(&self) {
        // The kernel's ru_maxrss also counts the parent's image between fork and exec, and a
        // test process that holds a million lines is larger than any tool. VmHWM is the tool's
        // own high-water mark, but it goes away with the process, hence the polling.
        let path = format!("/proc/{}/status", self.pid());
        let shared = Arc::clone(&self.shared);
        // At once: the thread may come too late for one that ends soon.
        shared.lock().peak_rss_kib = high_water_mark(&path);
        thread::spawn(move || {
            let mut progress = shared.lock();
            while progress.status.is_none() {
                if let Some(peak) = high_water_mark(&path) {
                    progress.peak_rss_kib = progress.peak_rss_kib.max(Some(peak));
                }
                progress = shared
                    .changed
                    .wait_timeout(progress, MEMORY_POLL)
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .0;
            }
        });
    }

    /// The highest value seen in KiB, if memory is being followed.
    pub(crate) fn peak_rss_kib(&self) -> Option<u64> {
        self.shared.lock().peak_rss_kib
    }

    /// Sends a signal; does nothing once the child is gone.
    pub(crate) fn signal(&self, signal: Signal) {
        // The reaper frees the process id under this lock, so it cannot belong to another yet.
        let progress = self.shared.lock();
        if progress.status.is_none() {
            rustix::process::kill_process(self.pid, signal).expect("send a signal to a child");
        }
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&Progress) -> T) -> T {
        look(&self.shared.lock())
    }

    /// Blocks until `look` gives a value. When `patience` runs out the child is killed and the
    /// test fails, showing `what` was awaited and everything that was printed.
    #[track_caller]
    pub(crate) fn wait_until<T>(
        &self,
        what: &str,
        patience: Duration,
        mut look: impl FnMut(&Progress) -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + patience;
        let mut progress = self.shared.lock();
        loop {
            if let Some(value) = look(&progress) {
                return value;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(progress);
                self.signal(Signal::KILL);
                panic!("no {what} within {patience:?}\n{}", self.show());
            }
            progress = self
                .shared
                .changed
                .wait_timeout(progress, left)
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .0;
        }
    }

    /// Blocks until stderr, beside what was there `before`, holds `text` at least `times` times. What a
    /// process has written may be read some time after everybody else has seen what it did.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, name: &str, text: &str, times: usize, before: usize) {
        let what = format!("{text:?} ({times} times) in the log of {name}");
        self.wait_until(&what, PATIENCE, |progress| {
            let log = String::from_utf8_lossy(&progress.stderr);
            (before + log.matches(text).count() >= times).then_some(())
        });
    }

    /// The command, its status and everything it printed so far, for a failing test.
    pub(crate) fn show(&self) -> String {
        let progress = self.shared.lock();
        let mut text = format!("$ {}\n", self.command);
        match progress.status {
            Some(status) => text.push_str(&format!("status: {status}\n")),
            None => text.push_str("status: still running\n"),
        }
        let _ = write_section(&mut text, "stdout", &progress.stdout);
        let _ = write_section(&mut text, "stderr", &progress.stderr);
        text
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        {
            let mut progress = self.shared.lock();
            if progress.status.is_none() {
                let _ = progress.child.kill();
            }
        }
        if let Some(reaper) = self.reaper.take() {
            let _ = reaper.join();
        }
    }
}

fn reap(pid: Pid, shared: &Shared) {
    // NOWAIT leaves the process id taken until the status is stored under the lock below.
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(rustix::io::Errno::INTR) = rustix::process::waitid(WaitId::Pid(pid), options) {}
    let mut progress = shared.lock();
    let status = progress.child.wait().expect("wait for a child");
    progress.status = Some(match status.code() {
        Some(code) => code,
        None => 128 + status.signal().unwrap_or(0),
    });
    shared.changed.notify_all();
}

fn read_some(source: &mut impl Read, buffer: &mut [u8]) -> Option<usize> {
    loop {
        match source.read(buffer) {
            Ok(0) => return None,
            Ok(count) => return Some(count),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

fn high_water_mark(path: &str) -> Option<u64> {
    let status = std::fs::read_to_string(path).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
