//! `mqpasswd` stands alone: no network crate and no OpenSSL is linked into it, and it asks nobody.

use std::fs;
use std::process::Command;

use harness::{Tool, mqpasswd};

use crate::support::Folder;

#[test]
fn no_network_crate_is_in_the_dependency_tree() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--package",
            "mqpasswd",
            "--edges",
            "normal",
        ])
        .args([
            "--prefix",
            "none",
            "--format",
            "{lib} {p}",
            "--manifest-path",
        ])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let crates: Vec<_> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert!(
        crates.contains(&"argon2"),
        "this is not the tree of mqpasswd:\n{tree}"
    );
    for network in [
        "aws-lc-rs",
        "hyper",
        "mio",
        "native-tls",
        "openssl",
        "openssl-sys",
        "ring",
        "rumqttc",
        "rumqttd",
        "rustls",
        "rustls-pki-types",
        "socket2",
        "tokio",
        "tungstenite",
    ] {
        assert!(
            !crates.contains(&network),
            "{network} is in the tree:\n{tree}"
        );
    }
}

#[test]
fn no_library_but_the_systems_own_is_needed() {
    let output = Tool::new("ldd").arg(mqpasswd().path()).run();
    let libraries = output.assert_success();
    let libraries = libraries.stdout_str();
    assert!(libraries.contains("libc."), "{libraries}");
    for line in libraries.lines() {
        let name = line.split_whitespace().next().unwrap();
        assert!(
            ["linux-vdso", "libc.", "libgcc_s.", "libm.", "/lib", "ld-"]
                .iter()
                .any(|known| name.starts_with(known)),
            "{name} is needed:\n{libraries}"
        );
    }
}

#[test]
fn nothing_is_asked_over_the_network() {
    let folder = Folder::empty();
    let log = tempfile::NamedTempFile::new().unwrap();
    for args in [
        &["-c", "-b", "passwd", "alice", "pw"][..],
        &["--check", "passwd"],
        &["--generate", "passwd", "bob"],
    ] {
        Tool::new("strace")
            .current_dir(folder.path())
            .args(["-f", "-qq", "-o"])
            .arg(log.path())
            .arg(mqpasswd().path())
            .args(args)
            .run();
        let calls = fs::read_to_string(log.path()).unwrap();
        assert!(calls.contains("\"passwd\""), "{calls}");
        // The system's list of users may be behind a socket of the machine, which is AF_UNIX.
        for call in calls.lines() {
            assert!(!call.contains("AF_INET"), "{args:?}: {call}");
        }
    }
}
