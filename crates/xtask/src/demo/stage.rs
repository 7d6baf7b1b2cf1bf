//! A private folder in which the demo's commands run, shown as they could be typed.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use crate::shell::{say, show};

/// Where the demo happens; gone afterwards.
pub(crate) struct Stage {
    folder: TempDir,
    /// Where cargo put the tools: beside xtask itself.
    tools: PathBuf,
    /// A word that is not shown.
    secret: Option<String>,
}

impl Stage {
    pub(crate) fn new() -> Result<Self> {
        let xtask = std::env::current_exe().context("cannot find xtask's own folder")?;
        Ok(Self {
            folder: TempDir::with_prefix("mqtools-demo-").context("cannot make a folder")?,
            tools: xtask.parent().unwrap_or(Path::new("")).to_owned(),
            secret: None,
        })
    }

    /// From now on commands are shown with `…` in place of this word.
    pub(crate) fn hide(&mut self, secret: Option<String>) {
        self.secret = secret;
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn tool(&self, name: &str) -> PathBuf {
        self.tools.join(name)
    }

    /// Shows and runs a command that must succeed.
    pub(crate) fn show(&self, program: &str, words: &[impl AsRef<str>]) -> Result<()> {
        let code = self.run(program, words)?;
        ensure!(code == 0, "{program} ended with code {code}");
        Ok(())
    }

    /// Shows and runs a command, its output on the screen; gives its exit code.
    pub(crate) fn run(&self, program: &str, words: &[impl AsRef<str>]) -> Result<i32> {
        let status = self
            .command(program, words)
            .status()
            .with_context(|| format!("cannot run {program}"))?;
        status
            .code()
            .with_context(|| format!("{program} ended with {status}"))
    }

    /// Shows a command and starts it in the background.
    pub(crate) fn start(&self, program: &str, words: &[impl AsRef<str>]) -> Result<Background> {
        let mut child = self
            .command(program, words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {program}"))?;
        let stderr = child.stderr.take().context("it has no stderr")?;
        Ok(Background {
            child,
            stderr: BufReader::new(stderr),
        })
    }

    fn command(&self, program: &str, words: &[impl AsRef<str>]) -> Command {
        let words = || words.iter().map(AsRef::as_ref);
        let mut typed = Command::new(program);
        typed.args(words().map(|word| match &self.secret {
            Some(secret) if secret == word => "…",
            _ => word,
        }));
        show(&typed);
        let tool = self.tool(program);
        let mut command = Command::new(if tool.is_file() {
            tool.as_path()
        } else {
            Path::new(program)
        });
        command
            .args(words())
            .current_dir(self.folder())
            .stdin(Stdio::null());
        command
    }
}

/// A command in the background; stopped when the demo ends early.
pub(crate) struct Background {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Background {
    /// Shows what the command says on stderr until a line holds `text`.
    pub(crate) fn wait_for(&mut self, text: &str) -> Result<()> {
        let mut line = String::new();
        while self.stderr.read_line(&mut line)? > 0 {
            say(line.trim_end());
            if line.contains(text) {
                return Ok(());
            }
            line.clear();
        }
        bail!("it ended without saying {text:?}")
    }

    /// Waits for the end; gives what the command printed on stdout.
    pub(crate) fn finish(mut self) -> Result<String> {
        let mut output = String::new();
        self.child
            .stdout
            .take()
            .context("it has no stdout")?
            .read_to_string(&mut output)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "it ended with {status}");
        Ok(output)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
