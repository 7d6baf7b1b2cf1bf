//! Starts programs: counterparts, what is measured, and what counts its instructions.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde::de::DeserializeOwned;

use crate::listen::allowed_processors;
use crate::usage::Usage;
use crate::workload::Who;

/// Where everything is.
#[derive(Debug, Clone)]
pub struct Programs {
    /// Of `bench`, `bench-limit`, `bench-measure`.
    pub own: PathBuf,
    /// Of `mqpub`, `mqsub`, `mqpasswd`.
    pub tools: PathBuf,
    /// Whether counterparts run on the first processor and what is measured on the second.
    pub pinned: bool,
}

/// The processors of a counterpart and of what is measured; none for any.
#[derive(Debug, Clone, Copy, Default)]
pub struct Processors {
    pub counterpart: Option<usize>,
    pub measured: Option<usize>,
}

/// A sink, a source or whatever else prints its port first and its count last. It is killed on drop.
#[derive(Debug)]
pub struct Counterpart {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub port: u16,
}

impl Programs {
    /// The program of this name: `pub`, `sub`, `passwd` or `once`.
    #[must_use]
    pub fn path(&self, who: Who, tool: &str) -> PathBuf {
        match who {
            Who::Ours => self.tools.join(format!("mq{tool}")),
            Who::Mosquitto => installed(&format!("mosquitto_{tool}")),
            Who::Limit => self.own.join("bench-limit"),
        }
    }

    /// Where programs run; with `together` on one processor.
    #[must_use]
    pub fn processors(&self, together: bool) -> Processors {
        let mut all = allowed_processors();
        let first = all.next();
        match (together, self.pinned) {
            (true, _) => Processors {
                counterpart: first,
                measured: first,
            },
            (_, true) => Processors {
                counterpart: first,
                measured: all.next(),
            },
            _ => Processors::default(),
        }
    }

    /// Starts `bench` with these arguments, and waits for its port.
    ///
    /// # Errors
    /// It cannot be started, or ends.
    pub fn counterpart(&self, args: &[String]) -> Result<Counterpart> {
        let mut command = self.sealed(&self.own.join("bench"));
        command.args(args);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start bench")?;
        let stdout = child.stdout.take().context("no stdout")?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let port = line.trim().strip_prefix("port ");
        let port = port.and_then(|port| port.parse().ok());
        let port = port.with_context(|| format!("bench {} did not start", args.join(" ")))?;
        Ok(Counterpart {
            child,
            stdout,
            port,
        })
    }

    /// Runs a command under `bench-measure`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn measure(&self, job: &Job) -> Result<Usage> {
        let mut command = self.sealed(&self.own.join("bench-measure"));
        if let Some(cpu) = job.cpu {
            command.args(["--cpu", &cpu.to_string()]);
        }
        command.args(["--times", &job.times.to_string()]);
        for (option, path) in [("--stdin", &job.stdin), ("--stdout", &job.stdout)] {
            if let Some(path) = path {
                command.arg(option).arg(path);
            }
        }
        command.arg(&job.program).args(&job.args);
        let output = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .context("cannot start bench-measure")?;
        let text = std::str::from_utf8(&output.stdout)?;
        let usage: Usage =
            serde_json::from_str(text).with_context(|| job.failure(&output.stderr))?;
        if usage.exit != 0 {
            bail!("exit code {}: {}", usage.exit, job.failure(&output.stderr));
        }
        Ok(usage)
    }

    /// Runs a command once under callgrind, and gives the number of instructions.
    ///
    /// # Errors
    /// It cannot be started, or fails.
    pub fn count_instructions(&self, job: &Job) -> Result<f64> {
        let mut command = self.sealed(&installed("valgrind"));
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        command.arg(&job.program).args(&job.args);
        command.stdin(match &job.stdin {
            Some(path) => std::fs::File::open(path)?.into(),
            None => Stdio::null(),
        });
        let output = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .output()
            .context("cannot start valgrind")?;
        ensure!(output.status.success(), "{}", job.failure(&output.stderr));
        collected(&String::from_utf8_lossy(&output.stderr))
            .with_context(|| job.failure(&output.stderr))
    }

    /// A command without the machine's settings.
    fn sealed(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .current_dir("/");
        command
    }
}

/// A command to measure.
#[derive(Debug, Clone, Default)]
pub struct Job {
    pub program: PathBuf,
    pub args: Vec<String>,
    pub stdin: Option<PathBuf>,
    pub stdout: Option<PathBuf>,
    pub times: u32,
    /// The processor to run on; any without.
    pub cpu: Option<usize>,
}

impl Job {
    fn failure(&self, stderr: &[u8]) -> String {
        let mut typed = format!("{} {}", self.program.display(), self.args.join(" "));
        if typed.len() > 300 {
            typed = typed.chars().take(300).chain("…".chars()).collect();
        }
        format!("{typed}\n{}", String::from_utf8_lossy(stderr).trim_end())
    }
}

impl Counterpart {
    /// Waits for its end, and gives what it counted.
    ///
    /// # Errors
    /// It printed no count.
    pub fn finish<T: DeserializeOwned>(mut self) -> Result<T> {
        let mut text = String::new();
        self.stdout.read_to_string(&mut text)?;
        self.child.wait()?;
        serde_json::from_str(&text).context("the counterpart failed")
    }
}

impl Drop for Counterpart {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The path of a program of the machine; its bare name where it is not found.
#[must_use]
pub fn installed(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| name.into())
}

/// What callgrind says at its end.
fn collected(text: &str) -> Option<f64> {
    let mut lines = text.lines();
    let line = lines.find_map(|line| line.split_once("Collected : "))?;
    line.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_what_callgrind_prints() {
        let text = "==7== Events    : Ir\n==7== Collected : 868123\n==7== \n";
        assert_eq!(collected(text), Some(868_123.0));
        assert_eq!(collected("==7== error"), None);
    }
}
