//! The demo's broker: mosquitto where the machine has it, otherwise an embedded one.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::stage::Stage;
use super::{PASSWORD, USER};
use crate::parts;
use crate::shell::{self, cargo, say};

/// How long a broker may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where to connect, and as whom.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    host: String,
    port: u16,
    security: Security,
    username: Option<String>,
    pub(crate) password: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    Plain,
    /// TLS, trusting a file that the demo has made.
    CaFile(&'static str),
    /// TLS, trusting the operating system's authorities.
    SystemAuthorities,
}

impl Target {
    /// Reads `mqtt(s)://[user[:password]@]host[:port]`.
    pub(crate) fn from_url(url: &str) -> Result<Self> {
        let (security, rest) = match url.split_once("://") {
            Some(("mqtt", rest)) => (Security::Plain, rest),
            Some(("mqtts", rest)) => (Security::SystemAuthorities, rest),
            _ => bail!("{url:?} is no broker's URL; it begins with mqtt:// or mqtts://"),
        };
        let rest = rest.trim_end_matches('/');
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, rest),
        };
        let (host, port) = match place.rsplit_once(':') {
            // The colons of an IPv6 address are inside its brackets.
            Some((host, port)) if !port.contains(']') => (
                host,
                port.parse()
                    .with_context(|| format!("{port:?} is no port"))?,
            ),
            _ if security == Security::Plain => (place, 1883),
            _ => (place, 8883),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        ensure!(!host.is_empty(), "{url:?} names no host");
        let (username, password) =
            match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
                Some((user, "")) => (Some(user.to_owned()), None),
                Some((user, password)) => (Some(user.to_owned()), Some(password.to_owned())),
                None => (None, None),
            };
        Ok(Self {
            host: host.to_owned(),
            port,
            security,
            username,
            password,
        })
    }

    /// A topic that nobody else uses at the same time on a shared broker.
    pub(crate) fn topic(&self) -> String {
        match self.security {
            Security::CaFile(_) => "test/topic".to_owned(),
            _ => format!("test/topic/{}", std::process::id()),
        }
    }

    pub(crate) fn greeting(&self) -> &'static str {
        match self.security {
            Security::Plain => "Hello, MQTT",
            _ => "Hello, MQTT with TLS!",
        }
    }

    /// The words of an mqpub command.
    pub(crate) fn publish(&self, text: &str) -> Vec<String> {
        self.words_with(&["-t", &self.topic(), "-m", text])
    }

    /// The words of an mqsub command that waits for one message.
    pub(crate) fn subscribe(&self) -> Vec<String> {
        self.words_with(&["-t", &self.topic(), "-v", "-d", "-C", "1", "-W", "30"])
    }

    /// The same, but trusting this certificate file.
    pub(crate) fn trusting(mut self, cafile: &'static str) -> Self {
        self.security = Security::CaFile(cafile);
        self
    }

    /// The words that connect, and then `more`.
    pub(crate) fn words_with(&self, more: &[&str]) -> Vec<String> {
        let mut words = self.words();
        words.extend(more.iter().map(|&word| word.to_owned()));
        words
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![
            "-h".into(),
            self.host.clone(),
            "-p".into(),
            self.port.to_string(),
        ];
        match self.security {
            Security::Plain => {}
            Security::CaFile(path) => words.extend(["--cafile", path].map(String::from)),
            Security::SystemAuthorities => words.push("--tls-use-os-certs".into()),
        }
        if let Some(username) = &self.username {
            words.extend(["-u".into(), username.clone()]);
        }
        if let Some(password) = &self.password {
            words.extend(["-P".into(), password.clone()]);
        }
        words
    }
}

/// A private broker on loopback; stopped when dropped.
pub(crate) struct Broker {
    process: Child,
    port: u16,
}

impl Broker {
    /// Starts mosquitto where the machine has it, unless the `embedded` one is wanted.
    pub(crate) fn start(stage: &Stage, embedded: bool) -> Result<Self> {
        match parts::find("mosquitto") {
            Some(program) if !embedded => Self::mosquitto(stage, Command::new(program)),
            _ => Self::embedded(stage),
        }
    }

    pub(crate) fn target(&self) -> Target {
        Target {
            host: "localhost".into(),
            port: self.port,
            security: Security::CaFile("rootCA.pem"),
            username: Some(USER.into()),
            password: Some(PASSWORD.into()),
        }
    }

    fn mosquitto(stage: &Stage, mut program: Command) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let mut lines = vec![
            format!("listener {port} 127.0.0.1"),
            "certfile mosquitto.crt".into(),
            "keyfile mosquitto.key".into(),
            "allow_anonymous false".into(),
            "password_file passwd".into(),
            "log_dest file mosquitto.log".into(),
        ];
        if parts::is_root() {
            // Otherwise it becomes the user mosquitto, who may not read this folder.
            lines.push("user root".into());
        }
        std::fs::write(
            stage.folder().join("mosquitto.conf"),
            lines.join("\n") + "\n",
        )?;
        stage.show("cat", &["mosquitto.conf"])?;
        say("$ mosquitto -c mosquitto.conf &");
        let process = program
            .args(["-c", "mosquitto.conf"])
            .current_dir(stage.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start mosquitto")?;
        let mut broker = Self { process, port };
        broker.wait().with_context(|| {
            let log = std::fs::read_to_string(stage.folder().join("mosquitto.log"));
            format!("mosquitto does not start:\n{}", log.unwrap_or_default())
        })?;
        Ok(broker)
    }

    fn embedded(stage: &Stage) -> Result<Self> {
        say("Building a small broker around rumqttd; the first time, this takes some minutes.");
        shell::run(cargo().args(["build", "--package", "demo-broker"]))?;
        let words = [
            "--certfile",
            "mosquitto.crt",
            "--keyfile",
            "mosquitto.key",
            "--password-file",
            "passwd",
        ];
        let mut command = Command::new(stage.tool("demo-broker"));
        command.args(words);
        shell::show(&command);
        let mut process = command
            .current_dir(stage.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the demo's broker")?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        say(line.trim_end());
        let port = line
            .trim_end()
            .rsplit(' ')
            .next()
            .and_then(|port| port.parse().ok());
        let mut broker = Self {
            process,
            port: port.unwrap_or(0),
        };
        ensure!(port.is_some(), "the demo's broker did not start");
        broker.wait()?;
        Ok(broker)
    }

    /// Waits until the broker accepts connections.
    fn wait(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if let Some(status) = self.process.try_wait()? {
                bail!("the broker ended with {status}");
            }
            ensure!(
                Instant::now() < deadline,
                "the broker does not accept connections"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_url_says_all_that_a_connection_needs() {
        let words = |url| Target::from_url(url).unwrap().words().join(" ");
        assert_eq!(words("mqtt://localhost"), "-h localhost -p 1883");
        assert_eq!(
            words("mqtt://u:p:w@[::1]:2883/"),
            "-h ::1 -p 2883 -u u -P p:w"
        );
        assert_eq!(
            words("mqtts://user@host"),
            "-h host -p 8883 --tls-use-os-certs -u user"
        );
        assert!(Target::from_url("http://host").is_err());
        assert!(Target::from_url("mqtt://").is_err());
        assert!(Target::from_url("mqtt://host:port").is_err());
    }
}
