//! A tool that is running: wait for what it prints, write to it, signal it, wait for its end.

use std::io::Write as _;
use std::process::ChildStdin;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::output::Output;
use crate::process::{PATIENCE, Stream, Supervised};

/// A started tool; killed when dropped.
#[derive(Debug)]
pub struct Running {
    process: Supervised,
    stdin: Option<Sender<Vec<u8>>>,
    limit: Duration,
    _sandbox: std::sync::Arc<TempDir>,
}

/// What to wait for in the printed text: a substring, or a condition on all of it.
pub trait Pattern {
    /// Whether the text holds it.
    fn is_in(&mut self, text: &str) -> bool;
    /// How a failing test calls it.
    fn name(&self) -> String;
}

impl Pattern for &str {
    fn is_in(&mut self, text: &str) -> bool {
        text.contains(*self)
    }

    fn name(&self) -> String {
        format!("{self:?}")
    }
}

impl Pattern for &String {
    fn is_in(&mut self, text: &str) -> bool {
        text.contains(self.as_str())
    }

    fn name(&self) -> String {
        format!("{self:?}")
    }
}

impl<F: FnMut(&str) -> bool> Pattern for F {
    fn is_in(&mut self, text: &str) -> bool {
        self(text)
    }

    fn name(&self) -> String {
        "text that satisfies the condition".to_owned()
    }
}

impl Running {
    pub(crate) fn new(
        process: Supervised,
        stdin: Option<ChildStdin>,
        limit: Duration,
        sandbox: std::sync::Arc<TempDir>,
    ) -> Self {
        Self {
            process,
            stdin: stdin.map(write_on_a_thread),
            limit,
            _sandbox: sandbox,
        }
    }

    /// Blocks until stdout holds `pattern`; panics with everything seen after 60 s, or at once
    /// when the tool ended without printing it.
    #[track_caller]
    pub fn wait_for_stdout(&self, pattern: impl Pattern) {
        self.wait_for(Stream::Stdout, "stdout", pattern);
    }

    /// The same for stderr.
    #[track_caller]
    pub fn wait_for_stderr(&self, pattern: impl Pattern) {
        self.wait_for(Stream::Stderr, "stderr", pattern);
    }

    /// What stdout gave up to now.
    #[must_use]
    pub fn stdout_so_far(&self) -> String {
        self.process
            .look(|progress| String::from_utf8_lossy(&progress.stdout).into_owned())
    }

    /// What stderr gave up to now.
    #[must_use]
    pub fn stderr_so_far(&self) -> String {
        self.process
            .look(|progress| String::from_utf8_lossy(&progress.stderr).into_owned())
    }

    /// Queues bytes for the tool's stdin and returns at once; a thread writes them.
    #[track_caller]
    pub fn write_stdin(&self, bytes: impl AsRef<[u8]>) {
        let stdin = self
            .stdin
            .as_ref()
            .expect("stdin is a pipe only if no other stdin was set and close_stdin() not called");
        // The writer ends when the tool closed its stdin; what that means is for the test to see.
        let _ = stdin.send(bytes.as_ref().to_vec());
    }

    /// Closes the tool's stdin once everything queued is written.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Sends SIGKILL.
    pub fn kill(&self) {
        self.process.signal(Signal::KILL);
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.process.signal(Signal::TERM);
    }

    /// Sends SIGINT.
    pub fn interrupt(&self) {
        self.process.signal(Signal::INT);
    }

    /// Sends SIGHUP.
    pub fn hang_up(&self) {
        self.process.signal(Signal::HUP);
    }

    /// Sends SIGSTOP.
    pub fn pause(&self) {
        self.process.signal(Signal::STOP);
    }

    /// Sends SIGCONT.
    pub fn resume(&self) {
        self.process.signal(Signal::CONT);
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Whether the tool has not ended yet.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.process.look(|progress| progress.status.is_none())
    }

    /// Peak resident memory in KiB so far, if
    /// [`Tool::measure_memory`](crate::Tool::measure_memory) asked for it.
    #[must_use]
    pub fn peak_rss_kib(&self) -> Option<u64> {
        self.process.peak_rss_kib()
    }

    /// Blocks until the tool has ended, without closing its stdin; panics after the tool's limit (120 s
    /// unless set), and not before 60 s.
    #[track_caller]
    pub fn wait_for_end(&self) {
        let limit = self.limit.max(PATIENCE);
        self.process.wait_until("end", limit, |progress| {
            progress.is_finished().then_some(())
        });
    }

    /// Closes stdin and waits for the end; after the tool's limit (120 s unless set) the tool
    /// is killed and the test fails with everything that was printed.
    #[track_caller]
    pub fn wait(mut self) -> Output {
        self.close_stdin();
        self.process.wait_until("end", self.limit, |progress| {
            progress.is_finished().then_some(())
        });
        self.process.look(|progress| Output {
            status: progress.status.unwrap_or(-1),
            stdout: progress.stdout.clone(),
            stderr: progress.stderr.clone(),
            peak_rss_kib: progress.peak_rss_kib,
            command: self.process.command().to_owned(),
        })
    }

    #[track_caller]
    fn wait_for(&self, stream: Stream, name: &str, mut pattern: impl Pattern) {
        let what = format!("{} on {name}", pattern.name());
        let mut looked_at = None;
        let found = self.process.wait_until(&what, PATIENCE, |progress| {
            let bytes = progress.stream(stream);
            if looked_at != Some(bytes.len()) {
                looked_at = Some(bytes.len());
                if pattern.is_in(&String::from_utf8_lossy(bytes)) {
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
}

fn write_on_a_thread(mut pipe: ChildStdin) -> Sender<Vec<u8>> {
    let (sender, receiver) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || {
        for bytes in receiver {
            if pipe.write_all(&bytes).is_err() {
                break;
            }
        }
    });
    sender
}
