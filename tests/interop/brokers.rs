//! The brokers: mosquitto, rumqttd inside the demo's broker, and aedes.

use std::path::Path;

use harness::{Authority, Broker, Output, Running, ServerCert, Tool, mqpasswd, mqpub, mqsub};
use tempfile::TempDir;

use crate::not_yet::not_yet;

/// A running broker, and what it takes to get in.
pub(crate) struct Place {
    args: Vec<String>,
    /// The values of `-V` that it understands.
    pub(crate) versions: &'static [&'static str],
    _parts: Parts,
}

/// What must live as long as the broker.
#[expect(dead_code, reason = "dropping them ends the broker")]
enum Parts {
    Mosquitto(Box<Broker>),
    Rumqttd(Box<(Running, Authority, ServerCert, TempDir)>),
    Aedes(Box<Running>),
}

/// Starts each of them.
pub(crate) const ALL: [fn() -> Place; 3] = [mosquitto, rumqttd, aedes];

pub(crate) fn mosquitto() -> Place {
    let broker = Broker::builder()
        .log_every_packet(false)
        // It drops what waits beyond a thousand messages otherwise.
        .config("max_queued_messages 0")
        .start();
    Place {
        args: broker.args(),
        versions: versions(&["mqttv31", "mqttv311", "mqttv5"]),
        _parts: Parts::Mosquitto(Box::new(broker)),
    }
}

/// With TLS and a password, which is how the demo's broker listens.
pub(crate) fn rumqttd() -> Place {
    let authority = Authority::new();
    let certificate = authority.server("localhost");
    let folder = tempfile::tempdir().unwrap();
    let passwords = folder.path().join("passwd");
    mqpasswd()
        .args(["-c", "-b"])
        .arg(&passwords)
        .args(["user", "secret"])
        .run()
        .assert_success();
    let broker = Tool::new(harness::demo_broker())
        .arg("--certfile")
        .arg(&certificate.cert_path)
        .arg("--keyfile")
        .arg(&certificate.key_path)
        .arg("--password-file")
        .arg(&passwords)
        .spawn();
    let [port] = ports(&broker);
    let ca = authority.pem_path().to_str().unwrap();
    let args = [
        "-h",
        "localhost",
        "-p",
        &port,
        "--cafile",
        ca,
        "-u",
        "user",
        "-P",
        "secret",
    ];
    Place {
        args: args.map(str::to_owned).to_vec(),
        versions: versions(&["mqttv311", "mqttv5"]),
        _parts: Parts::Rumqttd(Box::new((broker, authority, certificate, folder))),
    }
}

pub(crate) fn aedes() -> Place {
    let (broker, [port, _]) = start_aedes();
    Place {
        args: ["-h", "127.0.0.1", "-p", &port].map(str::to_owned).to_vec(),
        versions: versions(&["mqttv31", "mqttv311"]),
        _parts: Parts::Aedes(Box::new(broker)),
    }
}

/// aedes behind WebSocket.
pub(crate) fn aedes_websocket() -> Place {
    let (broker, [_, port]) = start_aedes();
    Place {
        args: ["-h", "127.0.0.1", "--ws", "-p", &port]
            .map(str::to_owned)
            .to_vec(),
        versions: versions(&["mqttv31", "mqttv311"]),
        _parts: Parts::Aedes(Box::new(broker)),
    }
}

impl Place {
    /// `mqpub` or `mqsub` with the broker's address.
    pub(crate) fn tool(&self, tool: fn() -> Tool, version: &str, args: &[&str]) -> Tool {
        tool().args(&self.args).args(["-V", version]).args(args)
    }

    /// Publishes, and waits until that is done.
    #[track_caller]
    pub(crate) fn publish(&self, version: &str, args: &[&str]) {
        self.tool(mqpub, version, args).run().assert_success();
    }

    /// `mqsub`, once its subscriptions are acknowledged. None of these brokers tells others of
    /// that, so it is asked to.
    #[track_caller]
    pub(crate) fn subscribed(&self, version: &str, args: &[&str]) -> Running {
        let running = self.tool(mqsub, version, args).arg("-d").spawn();
        running.wait_for_stderr("received SUBACK");
        running
    }

    /// `mqsub` to its end.
    #[track_caller]
    pub(crate) fn subscribe(&self, version: &str, args: &[&str]) -> Output {
        self.tool(mqsub, version, args).run().assert_success()
    }

    /// The broker's port.
    pub(crate) fn port(&self) -> &str {
        let position = self.args.iter().position(|word| word == "-p").unwrap();
        &self.args[position + 1]
    }
}

/// Those that ours can speak.
fn versions(all: &'static [&'static str]) -> &'static [&'static str] {
    let known = usize::from(all[0] == "mqttv31" && not_yet("mqttv31"));
    &all[known..]
}

fn start_aedes() -> (Running, [String; 2]) {
    let server =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-node/aedes/server.js");
    assert!(
        server.exists(),
        "{} is missing; run `cargo xtask test`, which makes what the tests need",
        server.display()
    );
    let broker = Tool::new("node").arg(server).spawn();
    let ports = ports(&broker);
    (broker, ports)
}

/// The numbers at the end of the line with which a broker says that it listens.
#[track_caller]
fn ports<const N: usize>(broker: &Running) -> [String; N] {
    broker.wait_for_stdout(|text: &str| text.starts_with("listening on") && text.contains('\n'));
    let text = broker.stdout_so_far();
    let line = text.lines().next().unwrap();
    let numbers = line.split(' ').filter(|word| word.parse::<u16>().is_ok());
    let numbers: Vec<_> = numbers.map(str::to_owned).collect();
    numbers.try_into().expect("a port for each listener")
}
