//! Finds the program under test, and builds it first where cargo would not have.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Whether [`mqpub`](crate::mqpub) and its siblings are mosquitto's tools, because
/// `MQ_UNDER_TEST` says so.
#[must_use]
pub fn original_under_test() -> bool {
    match std::env::var("MQ_UNDER_TEST").as_deref() {
        Ok("mosquitto") => true,
        Ok("") | Err(_) => false,
        Ok(other) => panic!("MQ_UNDER_TEST is {other:?}; the only value it knows is mosquitto"),
    }
}

/// The demo's broker, rumqttd inside. It is built here: `cargo build` leaves it out.
#[must_use]
pub fn demo_broker() -> PathBuf {
    static BUILT: Mutex<()> = Mutex::new(());
    let _one_at_a_time = BUILT
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let profile = profile_folder();
    build("demo-broker", &profile);
    profile.join("demo-broker")
}

/// The path of `mqpub`, `mqsub` or `mqpasswd`, or of its original.
pub(crate) fn tool(name: &'static str) -> PathBuf {
    if original_under_test() {
        return installed(&name.replacen("mq", "mosquitto_", 1));
    }
    // cargo sets this for the tests of the package that owns the binary, freshly built.
    if let Some(path) = std::env::var_os(format!("CARGO_BIN_EXE_{name}")) {
        return path.into();
    }
    sibling(name)
}

/// The path of a program of the machine.
pub(crate) fn installed(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        // Debian keeps the broker in /usr/sbin, which is not in every user's PATH.
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")])
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| {
            panic!("{name} is not installed; run `cargo xtask test`, which installs what the tests need")
        })
}

/// The binary of another package of this workspace, beside the one that is being tested.
fn sibling(name: &'static str) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<&'static str, PathBuf>>> = Mutex::new(None);
    let mut built = BUILT
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let built = built.get_or_insert_default();
    if let Some(path) = built.get(name) {
        return path.clone();
    }
    let profile = profile_folder();
    if std::env::var("MQ_TOOLS_BUILT").as_deref() != Ok("1") {
        build(name, &profile);
    }
    let path = profile.join(name);
    assert!(path.is_file(), "{} was not built", path.display());
    built.insert(name, path.clone());
    path
}

fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    test.parent()
        .and_then(Path::parent)
        .expect("tests run in TARGET/PROFILE/deps")
        .to_owned()
}

fn build(name: &str, profile_folder: &Path) {
    let folder = profile_folder.file_name().expect("a profile folder");
    let profile = if folder == "debug" {
        "dev".into()
    } else {
        folder.to_string_lossy()
    };
    let target = profile_folder.parent().expect("a target folder");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What cargo tells this test about its own package would make build scripts that look at
    // it run again, here and at the next build by hand.
    for (variable, _) in std::env::vars_os() {
        let text = variable.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&variable);
        }
    }
    let output = cargo
        .args(["build", "--quiet", "--package", name, "--bin", name])
        .args(["--profile", &profile])
        .arg("--target-dir")
        .arg(target)
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .expect("run cargo");
    assert!(
        output.status.success(),
        "cannot build {name}:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
