//! Where the examples are typed: a folder, a network of its own, and the broker of the text.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Running, Tool, is_root, mqpasswd, mqpub, mqsub, namespace};
use tempfile::TempDir;

use crate::document::Example;

/// Printed before each command's output; no example prints it.
const MARK: &str = "\u{1e}";
/// What is typed where a password is asked for, as in the text.
const PASSWORD: &str = "password";
/// Times that the text allows, and what they are here.
const PATIENT: [(&str, &str); 3] = [
    ("-W 30", "-W 90"),
    ("--probe", "--probe -W 90"),
    ("-W 5 --will", "-W 15 --will"),
];
const PATIENCE: Duration = Duration::from_secs(60);
/// The text's program whose broker is killed after its first line: it goes on when it is told to.
const PRODUCER: &str = "producer | ";
const DEFINITION: &str =
    "producer() { echo 1; until [ -e go-on ]; do sleep 0.05; done; rm go-on; echo 2; echo 3; }";

/// A place with a network of its own; its processes end with it.
pub(crate) struct Stage {
    folder: TempDir,
    network: Running,
    broker: Option<Running>,
    configuration: String,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = TempDir::with_prefix("mqreadme-").expect("make a folder");
        // Nothing here is worth more than the place where it runs.
        let script = "ip link set lo up && echo up && exec sleep 1800";
        let network = namespace("--net").args(["bash", "-c", script]).spawn();
        network.wait_for_stdout("up\n");
        let stage = Self {
            folder,
            network,
            broker: None,
            configuration: String::new(),
        };
        std::fs::create_dir(stage.home()).expect("make a home");
        stage
    }

    /// Stops the broker that runs, and starts one with this configuration.
    pub(crate) fn start_broker(&mut self, configuration: &str) {
        self.stop_broker();
        self.configuration = configuration.to_owned();
        let mut file = configuration.to_owned();
        if is_root() {
            // It would become a user who may not look into this folder.
            file.push_str("user root\n");
        }
        std::fs::write(self.folder.path().join("mosquitto.conf"), file).expect("configure");
        let broker = self.tool("mosquitto -v -c mosquitto.conf").spawn();
        broker.wait_for_stderr(" running\n");
        self.broker = Some(broker);
    }

    /// Types what these shells hold; gives what each command showed.
    pub(crate) fn play(&mut self, shells: &[Vec<Example>]) -> Vec<(Example, Vec<String>)> {
        let (last, others) = shells.split_last().expect("a shell at least");
        let mut started = Vec::new();
        for shell in others {
            let [example] = &shell[..] else {
                panic!("line {}: one command that stays", shell[0].line);
            };
            let before = self.logged("Sending SUBACK");
            let running = self
                .tool(&format!("exec 2>&1; exec {}", example.typed))
                .spawn();
            self.wait_until(example, &running, |stage| {
                stage.logged("Sending SUBACK") > before
            });
            started.push((example, running));
        }
        let last = match &last[..] {
            [example] if example.typed.starts_with(PRODUCER) => {
                vec![(example.clone(), self.kill_the_broker_of(example))]
            }
            _ => self.type_all(last),
        };
        let mut came = Vec::new();
        for (example, running) in started {
            let wanted = example.shown.len();
            // What comes too late is shown by the comparison.
            let deadline = Instant::now() + PATIENCE;
            while running.is_running()
                // Who shows nothing has its work done when it ends.
                && (wanted == 0 || running.stdout_so_far().lines().count() < wanted)
                && Instant::now() < deadline
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            running.terminate();
            let output = running.wait();
            came.push((example.clone(), lines(output.stdout_str())));
        }
        came.extend(last);
        came
    }

    /// Types one command after the other in a shell of its own. Who asks for a password gets one.
    fn type_all(&self, examples: &[Example]) -> Vec<(Example, Vec<String>)> {
        let mut came = Vec::new();
        for examples in examples.chunk_by(|a, b| !asks(a) && !asks(b)) {
            if let [example] = examples
                && asks(example)
            {
                came.push((example.clone(), self.type_with_answers(example)));
                continue;
            }
            let mut script = "exec 2>&1\n".to_owned();
            for example in examples {
                script.push_str(&format!("printf '{MARK}'\n{}\n", example.typed));
            }
            let output = self.tool(&script).run();
            let mut shown = output.stdout_str().split(MARK).skip(1);
            for example in examples {
                let shown = shown.next().unwrap_or("(the shell had ended)");
                came.push((example.clone(), lines(shown)));
            }
        }
        came
    }

    fn type_with_answers(&self, example: &Example) -> Vec<String> {
        let mut terminal = self.tool(&example.typed).run_on_pty();
        for prompt in example.shown.iter().filter(|line| is_prompt(line)) {
            terminal.expect(prompt.trim_end());
            terminal.send_line(PASSWORD);
        }
        terminal.wait();
        lines(&terminal.screen())
    }

    /// Types it, kills the broker after the first message, and starts it again.
    fn kill_the_broker_of(&mut self, example: &Example) -> Vec<String> {
        let script = format!("exec 2>&1; {DEFINITION}; {}", example.typed);
        let before = self.logged("'test/reconnect'");
        let running = self.tool(&script).spawn();
        self.wait_until(example, &running, |stage| {
            stage.logged("'test/reconnect'") > before
        });
        self.stop_broker();
        running.wait_for_stdout("was lost");
        self.start_broker(&self.configuration.clone());
        running.wait_for_stdout("note: connected");
        std::fs::write(self.folder.path().join("go-on"), "").expect("let it go on");
        lines(running.wait().stdout_str())
    }

    /// Bash in the folder and the network, with the tools in its PATH.
    fn tool(&self, script: &str) -> Tool {
        // The text is for a machine that has nothing else to do.
        let script = PATIENT
            .iter()
            .fold(script.to_owned(), |script, (typed, patient)| {
                script.replace(typed, patient)
            });
        let pid = self.network.pid().to_string();
        let mut tool = Tool::new("nsenter").args(["--net", "--target", &pid]);
        if !is_root() {
            tool = tool.args(["--user", "--preserve-credentials"]);
        }
        tool.args(["bash", "-c", &script])
            .current_dir(self.folder.path())
            .env("HOME", self.home())
            .env("PATH", path_with_the_tools())
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// How often the broker has logged this.
    fn logged(&self, text: &str) -> usize {
        let broker = self.broker.as_ref().expect("a ```conf block comes first");
        broker.stderr_so_far().matches(text).count()
    }

    /// Waits for the broker to have got what the example sends.
    fn wait_until(&self, example: &Example, running: &Running, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(
                running.is_running() && Instant::now() < deadline,
                "line {}: the broker has got nothing\n{}",
                example.line,
                running.stdout_so_far()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn stop_broker(&mut self) {
        if let Some(broker) = self.broker.take() {
            broker.kill();
            broker.wait_for_end();
        }
    }
}

impl Drop for Stage {
    /// What the examples left running, a second broker for one, knows the folder as its home.
    fn drop(&mut self) {
        let home = format!("HOME={}", self.home().display());
        let script = r#"for process in /proc/[0-9]*; do
            grep -qszx "$0" "$process/environ" && kill -9 "${process#/proc/}"; done"#;
        let _ = Command::new("bash").args(["-c", script, &home]).output();
    }
}

fn path_with_the_tools() -> std::ffi::OsString {
    let folder = |tool: Tool| tool.path().parent().map(Path::to_owned).expect("a folder");
    let ours: [PathBuf; 3] = [mqpub(), mqsub(), mqpasswd()].map(folder);
    let theirs = std::env::var_os("PATH").unwrap_or_default();
    let debian = PathBuf::from("/usr/sbin");
    let all = ours.into_iter().chain(std::env::split_paths(&theirs));
    std::env::join_paths(all.chain([debian])).expect("a PATH")
}

fn asks(example: &Example) -> bool {
    example.shown.iter().any(|line| is_prompt(line))
}

fn is_prompt(line: &str) -> bool {
    line.trim_end().ends_with("assword:")
}

fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.trim_end_matches('\r').to_owned())
        .collect()
}
