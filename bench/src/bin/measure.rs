//! `bench-measure`: runs one command, several times if asked to, and prints what it took.
//!
//! A small program of its own: the kernel counts the memory of whoever starts a process as that
//! process's peak until it has become another program.

use std::fs::File;
use std::io::{self, Write as _};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use bench::listen::run_on;
use bench::usage::Usage;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use rustix::process::{Pid, Signal, kill_process};

/// Whatever is measured takes seconds; what takes longer hangs.
const LIMIT: Duration = Duration::from_secs(180);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let mut stdin = None;
    let mut stdout = None;
    let mut times = 1;
    let mut words = std::env::args().skip(1);
    let program = loop {
        let mut value = || words.next().unwrap_or_default();
        match value().as_str() {
            "--stdin" => stdin = Some(value()),
            "--stdout" => stdout = Some(value()),
            "--times" => times = value().parse()?,
            "--cpu" => run_on(value().parse()?)?,
            program => break program.to_owned(),
        }
    };
    let mut command = Command::new(program);
    command.args(words);
    command.stdout(match stdout {
        Some(path) => Stdio::from(File::create(path)?),
        None => Stdio::null(),
    });
    let mut wall = Duration::ZERO;
    let mut exit = 0;
    for _ in 0..times {
        command.stdin(match &stdin {
            Some(path) => Stdio::from(File::open(path)?),
            None => Stdio::null(),
        });
        let begin = Instant::now();
        let mut child = command.spawn()?;
        let (done, ended) = channel::<()>();
        let pid = Pid::from_child(&child);
        let guard = thread::spawn(move || {
            if ended.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                let _ = kill_process(pid, Signal::KILL);
            }
        });
        let status = child.wait()?;
        wall += begin.elapsed();
        drop(done);
        let _ = guard.join();
        // 128 and up stands for a signal.
        exit = exit.max(status.code().unwrap_or(128));
    }
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let usage = Usage {
        wall_us: wall.as_secs_f64() * 1e6,
        cpu_us: (used.user_time() + used.system_time()).num_microseconds() as f64,
        peak_kib: used.max_rss() as f64,
        minor_faults: used.minor_page_faults() as f64,
        exit,
    };
    writeln!(io::stdout(), "{}", serde_json::to_string(&usage)?)?;
    Ok(())
}
