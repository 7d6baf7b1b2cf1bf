//! For the build scripts of the programs: has the linker put what every start runs into one place.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The program is linked with `start.ld` beside this file, where that is a release for Linux and the
/// linker can do it: those that do not know of it go on without.
///
/// The kernel maps a file's code in pieces of 64 KiB, each when it is first run, and a piece costs as
/// much as a dozen system calls. A start runs some two hundred functions out of thousands.
pub(crate) fn in_order() {
    println!("cargo::rerun-if-changed=build.rs");
    // valgrind has no names for what lies in a section of its own.
    println!("cargo::rerun-if-env-changed=MQTOOLS_UNORDERED");
    if env::var_os("MQTOOLS_UNORDERED").is_some() {
        return;
    }
    let Ok(here) = env::var("CARGO_MANIFEST_DIR") else {
        return;
    };
    let script = Path::new(&here).join("../common/link/start.ld");
    println!("cargo::rerun-if-changed=../common/link");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") {
        let argument = format!("-T{}", script.display());
        if links(&argument).unwrap_or(false) {
            println!("cargo::rustc-link-arg-bins={argument}");
        }
    }
}

/// Whether a program can be linked with this argument, by the linker that cargo will use.
fn links(argument: &str) -> Option<bool> {
    let out = PathBuf::from(env::var_os("OUT_DIR")?);
    let source = out.join("probe.rs");
    std::fs::write(&source, "fn main() {}\n").ok()?;
    let mut rustc = Command::new(env::var_os("RUSTC")?);
    rustc.args(["--edition", "2024", "--crate-type", "bin", "--target"]);
    rustc.arg(env::var_os("TARGET")?);
    rustc.arg(&source).arg("-o").arg(out.join("probe"));
    if let Ok(flags) = env::var("CARGO_ENCODED_RUSTFLAGS") {
        rustc.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    }
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    rustc.arg(format!("-Clink-arg={argument}"));
    rustc.stdin(Stdio::null());
    rustc.stdout(Stdio::null()).stderr(Stdio::null());
    Some(rustc.status().ok()?.success())
}
