//! Real services beside a broker, on loopback: a SOCKS5 proxy (microsocks), a DNS server (dnsmasq),
//! a TLS server (openssl s_server) and a web server (node).

use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::certs::ServerCert;
use crate::locate;
use crate::ports::free_port;
use crate::process::{PATIENCE, Stream, Supervised};

const ATTEMPTS: usize = 20;

/// A running SOCKS5 proxy on 127.0.0.1; killed when dropped.
#[derive(Debug)]
pub struct SocksProxy {
    process: Supervised,
    port: u16,
}

impl SocksProxy {
    /// A proxy for everybody.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A proxy for this user only.
    #[must_use]
    #[track_caller]
    pub fn for_user(name: &str, password: &str) -> Self {
        Self::with(&["-u", name, "-P", password])
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it wrote about its connections so far: a line for each, with the name it was given.
    #[must_use]
    pub fn log(&self) -> String {
        self.process
            .look(|progress| String::from_utf8_lossy(&progress.stderr).into_owned())
    }

    /// Blocks until that holds `text` at least `times` times; panics after 60 s.
    #[track_caller]
    pub fn wait_for_log_times(&self, text: &str, times: usize) {
        self.process.wait_for_log("microsocks", text, times, 0);
    }

    #[track_caller]
    fn with(args: &[&str]) -> Self {
        let port_args = |port: u16| {
            let own = ["-i", "127.0.0.1", "-p"].map(str::to_owned);
            let given = args.iter().map(|&arg| arg.to_owned());
            own.into_iter()
                .chain([port.to_string()])
                .chain(given)
                .collect()
        };
        let (process, port) = start("microsocks", port_args, accepts);
        Self { process, port }
    }
}

/// A running `openssl s_server` on 127.0.0.1, for what no broker can be told; it speaks no MQTT.
/// Killed when dropped.
#[derive(Debug)]
pub struct TlsServer {
    _process: Supervised,
    port: u16,
}

impl TlsServer {
    /// Starts it with this certificate and these further options.
    #[must_use]
    #[track_caller]
    pub fn start(certificate: &ServerCert, options: &[&str]) -> Self {
        let (cert, key) = (&certificate.cert_path, &certificate.key_path);
        let all = |port: u16| {
            let own = [
                "s_server".to_owned(),
                // It then reads nothing from its stdin.
                "-www".to_owned(),
                "-accept".to_owned(),
                format!("127.0.0.1:{port}"),
                "-cert".to_owned(),
                cert.display().to_string(),
                "-key".to_owned(),
                key.display().to_string(),
            ];
            let options = options.iter().map(|&option| option.to_owned());
            own.into_iter().chain(options).collect()
        };
        let (process, port) = start("openssl", all, accepts);
        Self {
            _process: process,
            port,
        }
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// A running web server on 127.0.0.1, without TLS. Killed when dropped.
#[derive(Debug)]
pub struct WebServer {
    _process: Supervised,
    port: u16,
}

impl WebServer {
    /// Node's own, which answers everything that is no HTTP with 400.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        let all = |port: u16| {
            let script = format!("require('http').createServer().listen({port}, '127.0.0.1')");
            vec!["-e".to_owned(), script]
        };
        let (process, port) = start("node", all, accepts);
        Self {
            _process: process,
            port,
        }
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// A running DNS server on 127.0.0.1, which knows the domain `test` and nothing else; killed
/// when dropped.
#[derive(Debug)]
pub struct DnsServer {
    process: Supervised,
    port: u16,
}

impl DnsServer {
    /// Starts it with these options of dnsmasq, such as
    /// `--srv-host=_mqtt._tcp.example.test,localhost,1883,0,0`.
    #[must_use]
    #[track_caller]
    pub fn start(options: &[String]) -> Self {
        let all = |port: u16| {
            let own = [
                "--no-daemon",
                "--conf-file=/dev/null",
                "--pid-file=",
                "--user=",
                "--no-resolv",
                "--no-hosts",
                "--listen-address=127.0.0.1",
                "--bind-interfaces",
                "--local=/test/",
                "--log-queries",
                "--log-facility=-",
            ];
            let own = own.map(str::to_owned).into_iter();
            own.chain([format!("--port={port}")])
                .chain(options.iter().cloned())
                .collect()
        };
        let (process, port) = start("dnsmasq", all, |process, _| {
            process.wait_until("start of dnsmasq", PATIENCE, |progress| {
                if String::from_utf8_lossy(&progress.stderr).contains("started") {
                    return Some(true);
                }
                progress.is_finished().then_some(false)
            })
        });
        Self { process, port }
    }

    /// Its address, for `MQ_DNS_SERVER`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Blocks until its log of questions and answers holds `text`; panics after 60 s.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) {
        self.process.wait_for_log("dnsmasq", text, 1, 0);
    }
}

/// Waits for one that does not say when it is ready.
fn accepts(process: &Supervised, port: u16) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if process.look(|progress| progress.is_finished()) {
            return false;
        }
        assert!(Instant::now() < deadline, "nobody listens on {port}");
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// Starts a program on a free port; `is_ready` waits until it listens and tells whether it does
/// or ended instead.
#[track_caller]
fn start(
    program: &str,
    args: impl Fn(u16) -> Vec<String>,
    is_ready: impl Fn(&Supervised, u16) -> bool,
) -> (Supervised, u16) {
    let path: PathBuf = locate::installed(program);
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        let port = free_port();
        let folder = TempDir::with_prefix("mqservice-").expect("make a private folder");
        let mut command = Command::new(&path);
        command.args(args(port));
        crate::tool::seal(&mut command, folder.path());
        let mut child = command
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
        let stderr = child.stderr.take().expect("stderr is a pipe");
        let process = Supervised::new(child, program.to_owned());
        process.collect(Stream::Stderr, stderr);
        if is_ready(&process, port) {
            return (process, port);
        }
        // Another process may have been faster and taken the port.
        last = process.show();
    }
    panic!("{program} does not start in {ATTEMPTS} attempts:\n{last}");
}
