//! `mqpasswd` stands alone: no network crate is linked into it.

use std::process::Command;

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
        "ring",
        "rumqttc",
        "rumqttd",
        "rustls",
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
