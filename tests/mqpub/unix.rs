//! `--unix`: the broker listens on a Unix domain socket.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;

use harness::{Authority, Broker, Output, ServerCert, mqpub, mqsub};
use tempfile::TempDir;

use crate::support::{VERSIONS, complaint};

fn broker_at(path: &Path) -> Broker {
    Broker::builder()
        .config(format!("listener 0 {}", path.display()))
        .start()
}

fn publish(path: &Path, args: &[&str]) -> Output {
    mqpub()
        .arg("--unix")
        .arg(path)
        .args(["-t", "a", "-m", "over a socket"])
        .args(args)
        .run()
}

#[test]
fn a_message_travels_over_a_socket_in_both_tools() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mqtt.sock");
    let _broker = broker_at(&path);
    for version in VERSIONS {
        for port in [&[][..], &["-p", "0"]] {
            let mqsub = mqsub()
                .arg("--unix")
                .arg(&path)
                .args(port)
                .args(["-V", version, "-t", "a", "-C", "1", "-d"])
                .spawn();
            mqsub.wait_for_stderr("received SUBACK");
            publish(&path, &[&["-V", version, "-q", "2"], port].concat()).assert_success();
            let output = mqsub.wait().assert_success();
            assert_eq!(output.stdout_str(), "over a socket\n");
        }
    }
}

#[test]
fn it_wins_over_a_host_and_a_port() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mqtt.sock");
    let broker = broker_at(&path);
    let nobody = harness::unused_port().port().to_string();
    let args = ["-h", "no-such-host.invalid", "-p", &nobody];
    publish(&path, &args).assert_success();
    broker.wait_for_log("Received PUBLISH");
}

#[test]
fn a_socket_without_a_listener_is_14_and_is_named() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing.sock");
    let report = complaint(publish(&missing, &[]), 14);
    assert!(report.error.contains("missing.sock"), "{report:?}");
    assert!(report.cause.contains("No such file"), "{report:?}");
    assert!(report.hint.contains("listener 0"), "{report:?}");

    let left = folder.path().join("left.sock");
    drop(UnixListener::bind(&left).unwrap());
    let report = complaint(publish(&left, &[]), 14);
    assert!(report.cause.contains("refused"), "{report:?}");
    assert!(report.hint.contains("--unix"), "{report:?}");

    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    complaint(publish(&file, &[]), 14);

    let long = folder.path().join("x".repeat(200));
    let report = complaint(publish(&long, &[]), 14);
    assert!(report.error.contains("xxx"), "{report:?}");
}

#[test]
fn an_empty_path_is_a_usage_error_and_port_0_needs_a_path() {
    let report = complaint(publish(Path::new(""), &[]), 1);
    assert!(report.error.contains("--unix"), "{report:?}");
    let output = mqpub().args(["-p", "0", "-t", "a", "-m", "x"]).run();
    let report = complaint(output, 1);
    assert!(report.hint.contains("--unix"), "{report:?}");
}

#[test]
fn a_broker_that_refuses_is_named_by_its_socket() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mqtt.sock");
    let broker = Broker::builder()
        .anonymous(false)
        .config(format!("listener 0 {}", path.display()))
        .start();
    let report = complaint(publish(&path, &[]), 5);
    assert!(report.error.contains("the socket /"), "{report:?}");
    drop(broker);
}

#[test]
fn tls_over_a_socket_checks_the_name_of_the_host() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mqtt.sock");
    let authority = Authority::new();
    let certificate: ServerCert = authority.certificate().names(&["broker.example"]).make();
    let _broker = Broker::builder()
        .config(format!("listener 0 {}", path.display()))
        .tls(&certificate)
        .config(format!("certfile {}", certificate.cert_path.display()))
        .config(format!("keyfile {}", certificate.key_path.display()))
        .start();
    let cafile = authority.pem_path().to_str().unwrap();
    let named = ["--cafile", cafile, "-h", "broker.example"];
    publish(&path, &named).assert_success();
    let report = complaint(publish(&path, &["--cafile", cafile]), 8);
    assert!(report.cause.contains("broker.example"), "{report:?}");
}
