//! `--tls-keylog`: the file has the secrets that the other side has.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use harness::{Authority, Broker, Running, Tool, mqpub, mqsub};
use tempfile::TempDir;

use crate::support::complaint;

const TLS13: [&str; 5] = [
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "EXPORTER_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_TRAFFIC_SECRET_0",
];

/// OpenSSL's server, which writes down its secrets too. It does not speak MQTT by itself.
struct Server {
    process: Running,
    port: u16,
}

impl Server {
    fn start(authority: &Authority, key_log: &Path, options: &[&str]) -> Self {
        let certificate = authority.server("localhost");
        let process = Tool::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-naccept", "1"])
            .arg("-cert")
            .arg(&certificate.cert_path)
            .arg("-key")
            .arg(&certificate.key_path)
            .arg("-keylogfile")
            .arg(key_log)
            .args(options)
            .spawn();
        process.wait_for_stdout(|text: &str| {
            let after = text.split_once("ACCEPT 127.0.0.1:");
            after.is_some_and(|(_, port)| port.contains('\n'))
        });
        let text = process.stdout_so_far();
        let line = text
            .lines()
            .find(|line| line.starts_with("ACCEPT"))
            .unwrap();
        let port = line.rsplit(':').next().unwrap().trim().parse().unwrap();
        Self { process, port }
    }
}

fn lines(path: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::to_ascii_lowercase)
        .collect()
}

#[test]
fn the_server_has_the_same_secrets() {
    let authority = Authority::new();
    for (options, labels) in [
        (&["-tls1_3"][..], &TLS13[..]),
        (&["-tls1_2"], &["CLIENT_RANDOM"]),
    ] {
        let folder = TempDir::new().unwrap();
        let [ours, theirs] = ["ours", "theirs"].map(|name| folder.path().join(name));
        let server = Server::start(&authority, &theirs, options);
        let publisher = mqpub()
            .args(["-h", "127.0.0.1", "-p", &server.port.to_string()])
            .args(["-t", "a", "-m", "x", "--cafile"])
            .arg(authority.pem_path())
            .arg("--tls-keylog")
            .arg(&ours)
            .spawn();
        // The CONNECT has come through; a CONNACK typed at the server lets mqpub end well.
        server.process.wait_for_stdout("MQTT");
        server.process.write_stdin([0x20, 2, 0, 0]);
        publisher.wait().assert_success();
        server.process.wait().assert_success();
        let secrets = lines(&ours);
        assert_eq!(secrets, lines(&theirs));
        let text = fs::read_to_string(&ours).unwrap();
        let mut found: Vec<_> = text
            .lines()
            .map(|line| line.split(' ').next().unwrap())
            .collect();
        found.sort_unstable();
        assert_eq!(found, labels);
    }
}

struct Secure {
    authority: Authority,
    broker: Broker,
    folder: TempDir,
}

impl Secure {
    fn start() -> Self {
        let authority = Authority::new();
        let broker = Broker::builder()
            .tls(&authority.server("localhost"))
            .start();
        Self {
            authority,
            broker,
            folder: TempDir::new().unwrap(),
        }
    }

    fn publisher(&self, key_log: &Path) -> Tool {
        mqpub()
            .args(self.broker.args())
            .args(["-t", "a", "-m", "x", "--cafile"])
            .arg(self.authority.pem_path())
            .arg("--tls-keylog")
            .arg(key_log)
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_file_is_for_its_owner_and_grows_with_each_connection() {
    let there = Secure::start();
    let path = there.folder.path().join("keys.log");
    for connections in 1..=2 {
        let output = there.publisher(&path).run().assert_success();
        let stderr = output.stderr_str();
        assert!(stderr.starts_with("warning: --tls-keylog"), "{output}");
        assert!(stderr.contains("decrypt"), "{output}");
        assert!(!stderr.contains("other users"), "{output}");
        assert_eq!(stderr.lines().count(), 1, "{output}");
        assert_eq!(lines(&path).len(), connections * TLS13.len());
    }
    assert_eq!(mode(&path), 0o600);
    mqsub()
        .args(there.broker.args())
        .args(["-t", "a", "-E", "--quiet", "--cafile"])
        .arg(there.authority.pem_path())
        .arg("--tls-keylog")
        .arg(&path)
        .run()
        .assert_success();
    assert_eq!(lines(&path).len(), 3 * TLS13.len());
}

#[test]
fn a_file_that_others_can_read_is_named_in_the_warning() {
    let there = Secure::start();
    let path = there.folder.path().join("keys.log");
    fs::write(&path, "# mine\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let output = there.publisher(&path).run().assert_success();
    assert!(output.stderr_str().contains("other users"), "{output}");
    assert!(fs::read_to_string(&path).unwrap().starts_with("# mine\n"));
    let output = there.publisher(&path).arg("--quiet").run();
    assert!(output.assert_success().stderr.is_empty());
}

#[test]
fn a_file_that_cannot_be_written_is_8_before_any_connection() {
    let there = Secure::start();
    for path in [
        there.folder.path().to_owned(),
        there.folder.path().join("no/such/folder"),
    ] {
        let report = complaint(there.publisher(&path).run(), 14);
        assert!(report.error.contains("--tls-keylog"), "{report:?}");
    }
    // A full disk loses secrets and not messages.
    let full = there.folder.path().join("full");
    symlink("/dev/full", &full).unwrap();
    let output = there.publisher(&full).run().assert_success();
    assert!(output.stderr_str().contains("cannot write"), "{output}");
}
