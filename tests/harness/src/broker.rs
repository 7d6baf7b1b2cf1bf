//! A real mosquitto on loopback.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::certs::ServerCert;
use crate::locate;
use crate::ports::{free_port, host_and_port};
use crate::process::{PATIENCE, Stream, Supervised};

const ATTEMPTS: usize = 20;

/// A running mosquitto with one listener on `localhost`. It is killed when dropped, and its
/// log is printed when the test is failing.
#[derive(Debug)]
pub struct Broker {
    process: Supervised,
    port: u16,
    settings: BrokerBuilder,
    earlier_log: String,
}

/// What goes into the broker's configuration.
#[derive(Debug, Clone)]
pub struct BrokerBuilder {
    anonymous: bool,
    log_every_packet: bool,
    password_file: Option<PathBuf>,
    certificate: Option<ServerCert>,
    websockets: bool,
    lines: Vec<String>,
    openssl: Vec<String>,
    folder: Arc<TempDir>,
}

impl Broker {
    /// A broker that lets everybody in, without TLS.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// Chooses the configuration first.
    #[must_use]
    pub fn builder() -> BrokerBuilder {
        BrokerBuilder {
            anonymous: true,
            log_every_packet: true,
            password_file: None,
            certificate: None,
            websockets: false,
            lines: Vec::new(),
            openssl: Vec::new(),
            folder: Arc::new(TempDir::with_prefix("mqbroker-").expect("make a private folder")),
        }
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `-h localhost -p PORT`.
    #[must_use]
    pub fn args(&self) -> Vec<String> {
        host_and_port("localhost", self.port)
    }

    /// The Unix domain socket of plain MQTT that [`BrokerBuilder::websockets`] leaves.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.settings.socket()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What it logged so far, earlier runs before [`restart`](Self::restart) included.
    #[must_use]
    pub fn log(&self) -> String {
        let now = self
            .process
            .look(|progress| String::from_utf8_lossy(&progress.stderr).into_owned());
        format!("{}{now}", self.earlier_log)
    }

    /// Blocks until the log holds `text`; panics with the log after 60 s.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) {
        self.wait_for_log_times(text, 1);
    }

    /// Blocks until the log holds `text` at least `times` times.
    #[track_caller]
    pub fn wait_for_log_times(&self, text: &str, times: usize) {
        let before = self.earlier_log.matches(text).count();
        self.process.wait_for_log("the broker", text, times, before);
    }

    /// Makes it read its configuration and password file again, and waits until it has begun to.
    #[track_caller]
    pub fn reload(&self) {
        let done = "Reloading config.";
        let before = self.log().matches(done).count();
        self.process.signal(Signal::HUP);
        self.wait_for_log_times(done, before + 1);
    }

    /// Ends it in an orderly way and waits until it is gone.
    #[track_caller]
    pub fn stop(&self) {
        self.process.signal(Signal::TERM);
        self.wait_until_gone();
    }

    /// Kills it and waits until it is gone.
    #[track_caller]
    pub fn kill(&self) {
        self.process.signal(Signal::KILL);
        self.wait_until_gone();
    }

    /// Kills it if it still runs, and starts it again on the same port.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill();
        self.earlier_log = self.log();
        self.process = match self.settings.launch(self.port) {
            Ok(process) => process,
            Err(log) => panic!("mosquitto did not start again:\n{log}"),
        };
    }

    /// Freezes it (SIGSTOP): connections stay, nothing is answered.
    pub fn pause(&self) {
        self.process.signal(Signal::STOP);
    }

    /// Lets it go on after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.process.signal(Signal::CONT);
    }

    #[track_caller]
    fn wait_until_gone(&self) {
        self.process
            .wait_until("end of mosquitto", PATIENCE, |progress| {
                progress.is_finished().then_some(())
            });
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of mosquitto on port {}\n{}", self.port, self.log());
        }
    }
}

impl BrokerBuilder {
    /// Adds a line of `mosquitto.conf`, after those of the listener.
    #[must_use]
    pub fn config(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// The listener speaks MQTT over WebSocket; plain MQTT is at [`Broker::socket`].
    #[must_use]
    pub fn websockets(mut self) -> Self {
        self.websockets = true;
        self
    }

    /// It writes down all that it must not forget with every change of it, and refuses no client
    /// anything for want of room. To be called first.
    #[must_use]
    pub fn persistent(mut self) -> Self {
        // Who is killed loses nothing that lies in memory of the kernel, and a disk may need longer
        // for each fsync than everything else takes.
        if let Ok(folder) = TempDir::with_prefix_in("mqbroker-", "/dev/shm") {
            self.folder = Arc::new(folder);
        }
        let location = format!("persistence_location {}/", self.folder.path().display());
        [
            "persistence true",
            &location,
            "autosave_interval 1",
            "autosave_on_changes true",
            "max_queued_messages 0",
            "max_inflight_messages 0",
            "queue_qos0_messages true",
        ]
        .into_iter()
        .fold(self, Self::config)
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("mqtt")
    }

    /// Whether clients without credentials get in (unless set: yes).
    #[must_use]
    pub fn anonymous(mut self, allowed: bool) -> Self {
        self.anonymous = allowed;
        self
    }

    /// Users must be in this password file, which the broker must be able to read.
    #[must_use]
    pub fn password_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.password_file = Some(path.into());
        self
    }

    /// The listener speaks TLS with this certificate.
    #[must_use]
    pub fn tls(mut self, certificate: &ServerCert) -> Self {
        self.certificate = Some(certificate.clone());
        self
    }

    /// Adds a line to the system defaults in its OpenSSL configuration (config(5ssl)), for what
    /// `mosquitto.conf` cannot say.
    #[must_use]
    pub fn openssl(mut self, line: impl Into<String>) -> Self {
        self.openssl.push(line.into());
        self
    }

    /// TLS 1.3 is not spoken, as by a broker of before 2018.
    #[must_use]
    pub fn tls12_only(self) -> Self {
        // mosquitto.conf knows a lowest version only.
        self.openssl("MaxProtocol = TLSv1.2")
    }

    /// Whether each packet is logged (unless set: yes). Turn it off for many messages.
    #[must_use]
    pub fn log_every_packet(mut self, logged: bool) -> Self {
        self.log_every_packet = logged;
        self
    }

    /// Starts it and waits until it accepts connections.
    #[must_use]
    #[track_caller]
    pub fn start(self) -> Broker {
        let mut log = String::new();
        for _ in 0..ATTEMPTS {
            let port = free_port();
            match self.launch(port) {
                Ok(process) => {
                    return Broker {
                        process,
                        port,
                        settings: self,
                        earlier_log: String::new(),
                    };
                }
                // Another process was faster and took the port.
                Err(text) if text.contains("Address already in use") => log = text,
                Err(text) => panic!("mosquitto does not start:\n{text}"),
            }
        }
        panic!("mosquitto found no port in {ATTEMPTS} attempts:\n{log}");
    }

    /// Starts it on `port`; gives its log when it ends instead of listening.
    fn launch(&self, port: u16) -> Result<Supervised, String> {
        let config = self.folder.path().join("mosquitto.conf");
        std::fs::write(&config, self.text(port)).expect("write mosquitto.conf");
        let mut command = Command::new(locate::installed("mosquitto"));
        command
            .arg("-c")
            .arg(&config)
            .current_dir(self.folder.path());
        crate::tool::seal(&mut command, self.folder.path());
        if !self.openssl.is_empty() {
            let path = self.folder.path().join("openssl.cnf");
            let text = format!(
                "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = ours\n[ours]\n{}\n",
                self.openssl.join("\n")
            );
            std::fs::write(&path, text).expect("write openssl.cnf");
            command.env("OPENSSL_CONF", path);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("run mosquitto");
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let process = Supervised::new(child, format!("mosquitto -c {}", config.display()));
        process.collect(Stream::Stdout, stdout.expect("stdout is a pipe"));
        process.collect(Stream::Stderr, stderr.expect("stderr is a pipe"));
        let limit = Duration::from_secs(60);
        // mosquitto says that it is running after all its listeners are open.
        let runs = process.wait_until("start of mosquitto", limit, |progress| {
            let log = String::from_utf8_lossy(&progress.stderr);
            if log.contains(" running") {
                return Some(true);
            }
            progress.is_finished().then_some(false)
        });
        if runs {
            Ok(process)
        } else {
            Err(process.show())
        }
    }

    fn text(&self, port: u16) -> String {
        // Both loopback addresses, whichever of them `localhost` means on this machine.
        let mut text = format!("listener {port}\nbind_interface lo\n");
        let _ = writeln!(text, "allow_anonymous {}", self.anonymous);
        text.push_str("log_dest stderr\n");
        if rustix::process::geteuid().is_root() {
            // Otherwise it becomes the user mosquitto, who cannot read a private folder.
            text.push_str("user root\n");
        }
        if let Some(certificate) = &self.certificate {
            push_path(&mut text, "certfile", &certificate.cert_path);
            push_path(&mut text, "keyfile", &certificate.key_path);
        }
        if let Some(path) = &self.password_file {
            push_path(&mut text, "password_file", path);
        }
        let types: &[&str] = if self.log_every_packet {
            &["all"]
        } else {
            &["error", "warning", "notice", "information"]
        };
        for name in types {
            let _ = writeln!(text, "log_type {name}");
        }
        for line in &self.lines {
            let _ = writeln!(text, "{line}");
        }
        if self.websockets {
            text.push_str("protocol websockets\n");
            // mosquitto 2.0 does not start when all its listeners are for WebSocket.
            push_path(&mut text, "listener 0", &self.socket());
        }
        text
    }
}

fn push_path(text: &mut String, option: &str, path: &Path) {
    let path = std::path::absolute(path).expect("an absolute path");
    let _ = writeln!(text, "{option} {}", path.display());
}
