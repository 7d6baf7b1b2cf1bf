//! What a finished command left: its exit status and everything it printed.

use std::fmt;

/// The end of a command.
///
/// `Display` shows status, stdout and stderr, and nothing that changes from run to run.
#[derive(Debug, Clone)]
pub struct Output {
    /// The exit code, or 128 plus the signal's number when a signal ended it.
    pub status: i32,
    /// Everything written to stdout; empty when stdout went elsewhere.
    pub stdout: Vec<u8>,
    /// Everything written to stderr.
    pub stderr: Vec<u8>,
    /// Peak resident memory in KiB, if [`Tool::measure_memory`](crate::Tool::measure_memory)
    /// asked for it.
    pub peak_rss_kib: Option<u64>,
    pub(crate) command: String,
}

impl Output {
    /// stdout as text; panics when it is not UTF-8.
    #[must_use]
    #[track_caller]
    pub fn stdout_str(&self) -> &str {
        match std::str::from_utf8(&self.stdout) {
            Ok(text) => text,
            Err(error) => panic!("stdout is not UTF-8: {error}\n{}", self.with_command()),
        }
    }

    /// stderr as text; panics when it is not UTF-8.
    #[must_use]
    #[track_caller]
    pub fn stderr_str(&self) -> &str {
        match std::str::from_utf8(&self.stderr) {
            Ok(text) => text,
            Err(error) => panic!("stderr is not UTF-8: {error}\n{}", self.with_command()),
        }
    }

    /// Panics, showing everything, unless the exit code is 0.
    #[track_caller]
    pub fn assert_success(self) -> Self {
        self.assert_code(0)
    }

    /// Panics, showing everything, unless the exit code is `code`.
    #[track_caller]
    pub fn assert_code(self, code: i32) -> Self {
        assert!(
            self.status == code,
            "expected exit status {code}, got {}\n{}",
            self.status,
            self.with_command()
        );
        self
    }

    /// Peak resident memory in KiB; panics unless the tool was told to measure it.
    #[must_use]
    #[track_caller]
    pub fn peak_rss_kib(&self) -> u64 {
        self.peak_rss_kib
            .expect("peak memory was not measured: call Tool::measure_memory() before running")
    }

    fn with_command(&self) -> String {
        format!("$ {}\n{self}", self.command)
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "status: {}", self.status)?;
        write_section(f, "stdout", &self.stdout)?;
        write_section(f, "stderr", &self.stderr)
    }
}

/// Writes a titled block; long output keeps only its two ends, so that a failing test of a
/// million lines stays readable, also where only its beginning is shown.
pub(crate) fn write_section(f: &mut impl fmt::Write, title: &str, bytes: &[u8]) -> fmt::Result {
    const KEPT: usize = 1024;
    if bytes.is_empty() {
        return writeln!(f, "--- {title}: empty");
    }
    writeln!(f, "--- {title}")?;
    if bytes.len() <= 2 * KEPT {
        f.write_str(&String::from_utf8_lossy(bytes))?;
    } else {
        let tail = bytes.len() - KEPT;
        f.write_str(&String::from_utf8_lossy(&bytes[..KEPT]))?;
        writeln!(f, "\n[… {} bytes left out …]", tail - KEPT)?;
        f.write_str(&String::from_utf8_lossy(&bytes[tail..]))?;
    }
    if bytes.last() != Some(&b'\n') {
        f.write_str("\n")?;
    }
    Ok(())
}
