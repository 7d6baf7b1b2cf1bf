//! Starts a tool in a sealed environment: nothing of the machine's configuration leaks in.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::locate;
use crate::output::Output;
use crate::process::{Stream, Supervised};
use crate::pty::Pty;
use crate::running::Running;

/// `mqpub`, or `mosquitto_pub` with `MQ_UNDER_TEST=mosquitto`.
#[must_use]
pub fn mqpub() -> Tool {
    under_test("mqpub")
}

/// `mqsub`, or `mosquitto_sub` with `MQ_UNDER_TEST=mosquitto`.
#[must_use]
pub fn mqsub() -> Tool {
    under_test("mqsub")
}

/// `mqpasswd`, or `mosquitto_passwd` with `MQ_UNDER_TEST=mosquitto`.
#[must_use]
pub fn mqpasswd() -> Tool {
    under_test("mqpasswd")
}

/// mosquitto's tools can hang, and no test of theirs needs long.
const LIMIT_OF_ORIGINALS: Duration = Duration::from_secs(60);

fn under_test(name: &'static str) -> Tool {
    let tool = Tool::new(locate::tool(name));
    if locate::original_under_test() {
        tool.limit(LIMIT_OF_ORIGINALS)
    } else {
        tool
    }
}

/// Whether the tests, and the tools they start, run as root.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// `unshare`, to run a command in a namespace of its own: `--net` or `--mount`. Whoever is not root
/// needs a user namespace for that, which in turn root may not be able to make (in a chroot).
#[must_use]
pub fn namespace(kind: &str) -> Tool {
    let tool = Tool::new("unshare").arg(kind);
    if is_root() {
        tool
    } else {
        tool.arg("--map-root-user")
    }
}

/// A command about to be run.
///
/// It gets an environment of its own: only `PATH` is taken over, `HOME` and `XDG_CONFIG_HOME`
/// are in a fresh private folder, which is also the working directory unless
/// [`current_dir`](Self::current_dir) says otherwise.
#[derive(Debug)]
pub struct Tool {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    dir: Option<PathBuf>,
    sandbox: Arc<TempDir>,
    stdin: Source,
    stdout: Sink,
    limit: Duration,
    measure_memory: bool,
}

#[derive(Debug)]
enum Source {
    Unset,
    Bytes(Vec<u8>),
    File(File),
    Closed,
}

#[derive(Debug)]
enum Sink {
    Collected,
    File(File),
    Closed,
}

impl Tool {
    /// Any program, by path or by its name in `PATH`.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let sandbox = TempDir::with_prefix("mqtools-").expect("make a private folder");
        for folder in ["home/.config", "work"] {
            std::fs::create_dir_all(sandbox.path().join(folder)).expect("make a private folder");
        }
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            dir: None,
            sandbox: Arc::new(sandbox),
            stdin: Source::Unset,
            stdout: Sink::Collected,
            limit: Duration::from_secs(120),
            measure_memory: false,
        }
    }

    /// The program that will run.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.program
    }

    /// The private `HOME`, to put options files into (`.config/` exists). It lasts until the
    /// tool has ended.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.sandbox.path().join("home")
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets environment variables.
    #[must_use]
    pub fn envs(
        mut self,
        variables: impl IntoIterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>,
    ) -> Self {
        for (name, value) in variables {
            self = self.env(name, value);
        }
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Runs it in this folder instead of a private empty one.
    #[must_use]
    pub fn current_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Gives it these bytes on stdin, then the end of the file.
    ///
    /// Without any choice of stdin, [`run`](Self::run) gives an empty stdin and
    /// [`spawn`](Self::spawn) an open pipe for [`Running::write_stdin`].
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Source::Bytes(bytes.into());
        self
    }

    /// Connects stdin to a file.
    #[must_use]
    pub fn stdin_from(mut self, file: File) -> Self {
        self.stdin = Source::File(file);
        self
    }

    /// Starts it without a file descriptor 0.
    #[must_use]
    pub fn stdin_closed(mut self) -> Self {
        self.stdin = Source::Closed;
        self
    }

    /// Connects stdout to a file (`/dev/full` for one that cannot be written).
    #[must_use]
    pub fn stdout_to(mut self, file: File) -> Self {
        self.stdout = Sink::File(file);
        self
    }

    /// Starts it without a file descriptor 1.
    #[must_use]
    pub fn stdout_closed(mut self) -> Self {
        self.stdout = Sink::Closed;
        self
    }

    /// How long it may take before it is killed and the test fails; 120 s unless set.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Follows its peak resident memory; see [`Output::peak_rss_kib`].
    #[must_use]
    pub fn measure_memory(mut self) -> Self {
        self.measure_memory = true;
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(mut self) -> Output {
        if matches!(self.stdin, Source::Unset) {
            self.stdin = Source::Bytes(Vec::new());
        }
        self.spawn().wait()
    }

    /// Starts it.
    #[track_caller]
    pub fn spawn(self) -> Running {
        let mut command = self.command();
        let typed = self.typed();
        let (stdin, bytes) = match self.stdin {
            Source::Unset => (Stdio::piped(), None),
            Source::Bytes(bytes) => (Stdio::piped(), Some(bytes)),
            Source::File(file) => (file.into(), None),
            Source::Closed => (Stdio::null(), None),
        };
        let stdout = match self.stdout {
            Sink::Collected => Stdio::piped(),
            Sink::File(file) => file.into(),
            Sink::Closed => Stdio::null(),
        };
        let mut child = command
            .stdin(stdin)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {}: {error}", self.program.display()));
        let pipes = (child.stdout.take(), child.stderr.take());
        let stdin = child.stdin.take();
        let process = Supervised::new(child, typed);
        if self.measure_memory {
            process.follow_memory();
        }
        if let Some(pipe) = pipes.0 {
            process.collect(Stream::Stdout, pipe);
        }
        if let Some(pipe) = pipes.1 {
            process.collect(Stream::Stderr, pipe);
        }
        let mut running = Running::new(process, stdin, self.limit, self.sandbox);
        if let Some(bytes) = bytes {
            running.write_stdin(bytes);
            running.close_stdin();
        }
        running
    }

    /// Starts it with a pseudo terminal as its controlling terminal, stdin, stdout and stderr.
    #[track_caller]
    pub fn run_on_pty(self) -> Pty {
        assert!(
            matches!(
                (&self.stdin, &self.stdout),
                (Source::Unset, Sink::Collected)
            ),
            "on a pseudo terminal, stdin and stdout are the terminal"
        );
        Pty::start(self.command(), self.typed(), self.limit, self.sandbox)
    }

    /// The sealed command, with stdin, stdout and stderr still to be chosen.
    fn command(&self) -> Command {
        let closing = match (&self.stdin, &self.stdout) {
            (Source::Closed, Sink::Closed) => Some("<&- >&-"),
            (Source::Closed, _) => Some("<&-"),
            (_, Sink::Closed) => Some(">&-"),
            _ => None,
        };
        let mut command = match closing {
            // Only a shell can start a program with a descriptor missing; exec keeps the pid.
            Some(redirection) => {
                let mut shell = Command::new("/bin/sh");
                shell
                    .arg("-c")
                    .arg(format!(r#"exec "$0" "$@" {redirection}"#))
                    .arg(&self.program);
                shell
            }
            None => Command::new(&self.program),
        };
        let dir = self
            .dir
            .clone()
            .unwrap_or_else(|| self.sandbox.path().join("work"));
        command.args(&self.args).current_dir(dir);
        seal(&mut command, &self.home());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    fn typed(&self) -> String {
        let words = std::iter::once(self.program.as_os_str())
            .chain(self.args.iter().map(OsString::as_os_str));
        words
            .map(|word| {
                let word = word.to_string_lossy();
                if word.is_empty() || word.contains([' ', '\n', '"', '\'']) {
                    format!("{word:?}")
                } else {
                    word.into_owned()
                }
            })
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// Replaces the environment by one that is the same on every machine.
pub(crate) fn seal(command: &mut Command, home: &Path) {
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join(".config"))
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .env("COLUMNS", "100");
}
