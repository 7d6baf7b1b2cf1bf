//! The real programs the tests run against: which they are, and how they get onto a machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::shell::{run, say, succeeds};

/// Each program with Debian's name of the package it is in.
const PROGRAMS: &[(&str, &str)] = &[
    ("mosquitto", "mosquitto"),
    ("mosquitto_passwd", "mosquitto"),
    ("mosquitto_pub", "mosquitto-clients"),
    ("mosquitto_sub", "mosquitto-clients"),
    ("mkcert", "mkcert"),
    ("argon2", "argon2"),
    ("openssl", "openssl"),
    ("dnsmasq", "dnsmasq-base"),
    ("microsocks", "microsocks"),
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    ("setsid", "util-linux"),
    ("prlimit", "util-linux"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("pkg-config", "pkg-config"),
    ("strace", "strace"),
    ("valgrind", "valgrind"),
    ("bash", "bash"),
    ("fish", "fish"),
    ("zsh", "zsh"),
    ("groff", "groff-base"),
    ("mandoc", "mandoc"),
    ("dpkg-shlibdeps", "dpkg-dev"),
    ("lintian", "lintian"),
    ("man", "man-db"),
];

/// The packages of those that the benchmark runs.
const OF_BENCH: [&str; 3] = ["mosquitto", "mosquitto-clients", "valgrind"];

/// The packages of those that make packages.
const OF_DIST: [&str; 1] = ["dpkg-dev"];

/// Makes sure that every program is there, and gives a Python that can make environments.
///
/// What is missing is installed with apt when that needs no question; otherwise the error
/// holds the command to type.
pub(crate) fn ensure() -> Result<PathBuf> {
    provide("the tests", missing_packages)?;
    match python() {
        Some(python) => Ok(python),
        None => bail!("python3 with its venv module is missing"),
    }
}

/// Makes sure that what the benchmark needs is there; installs as [`ensure`] does.
pub(crate) fn ensure_for_bench() -> Result<()> {
    provide("the benchmark", || missing_of(&OF_BENCH))
}

/// Makes sure that what makes packages is there; installs as [`ensure`] does.
pub(crate) fn ensure_for_dist() -> Result<()> {
    provide("the packages", || missing_of(&OF_DIST))
}

fn provide(what_for: &str, missing: impl Fn() -> Vec<&'static str>) -> Result<()> {
    let packages = missing();
    if !packages.is_empty() {
        say(&format!("Missing for {what_for}: {}.", packages.join(", ")));
        install(&packages)?;
        let still = missing();
        if !still.is_empty() {
            bail!(
                "after installing, PATH still has no usable program of: {}",
                still.join(", ")
            );
        }
    }
    Ok(())
}

fn missing() -> Vec<&'static str> {
    let mut packages: Vec<_> = PROGRAMS
        .iter()
        .filter(|(program, _)| find(program).is_none())
        .map(|&(_, package)| package)
        .collect();
    packages.dedup();
    packages
}

fn missing_of(packages: &[&str]) -> Vec<&'static str> {
    let mut missing = missing();
    missing.retain(|package| packages.contains(package));
    missing
}

fn missing_packages() -> Vec<&'static str> {
    let mut packages = missing();
    // For the build with --psk.
    if !succeeds(Command::new("pkg-config").args(["--exists", "openssl"])) {
        packages.push("libssl-dev");
    }
    if python().is_none() {
        packages.extend(["python3", "python3-venv"]);
    }
    packages
}

pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        // Debian keeps the broker in /usr/sbin, which is not in every user's PATH.
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")])
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

/// A Python that can make environments with pip inside.
fn python() -> Option<PathBuf> {
    find("python3")
        .into_iter()
        // A Python of one's own may come first in PATH and lack what Debian's has.
        .chain([PathBuf::from("/usr/bin/python3")])
        .find(|python| succeeds(Command::new(python).args(["-c", "import venv, ensurepip"])))
}

fn install(packages: &[&str]) -> Result<()> {
    let install = ["install", "-y", "--no-install-recommends"];
    let by_hand = format!(
        "sudo apt-get update && sudo apt-get {} {}",
        install.join(" "),
        packages.join(" ")
    );
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!(
            "this machine has no apt-get; install what Debian calls {}, then run this again",
            packages.join(", ")
        );
    }
    let Some(prefix) = privilege() else {
        bail!("installing needs root; type this, then run it again:\n{by_hand}");
    };
    let apt = |arguments: &[&str]| {
        let words = [
            prefix,
            &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"],
        ]
        .concat();
        let (program, rest) = words.split_first().unwrap_or((&"apt-get", &[]));
        let mut command = Command::new(program);
        // Another apt at work is waited for instead of failed over.
        let patience = ["-q", "-o", "DPkg::Lock::Timeout=300"];
        command.args(rest).args(patience).args(arguments);
        run(&mut command)
    };
    let done = apt(&["update"]).and_then(|()| apt(&[&install[..], packages].concat()));
    done.map_err(|error| error.context(format!("cannot install; try by hand:\n{by_hand}")))
}

/// What goes before a command to run it as root without being asked for a password.
fn privilege() -> Option<&'static [&'static str]> {
    if is_root() {
        return Some(&[]);
    }
    succeeds(Command::new("sudo").args(["-n", "true"])).then_some(&["sudo", "-n"])
}

/// Whether this process may do everything.
pub(crate) fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}
