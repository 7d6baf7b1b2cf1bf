//! The second broker of the tests, aedes, in a folder of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::shell::{root, run, say, succeeds};

/// What makes up the folder, besides what npm puts there.
const FILES: &[&str] = &["package.json", "package-lock.json", "server.js"];

const STAMP: &str = "complete";

/// Makes `target/test-node/aedes` where it is missing, incomplete or out of date.
pub(crate) fn ensure() -> Result<()> {
    let folder = root().join("target/test-node/aedes");
    let source = root().join("tests/interop/aedes");
    let lock = fs::read_to_string(source.join("package-lock.json"))?;
    if !is_complete(&folder, &lock) {
        say("Installing the broker aedes for the tests.");
        install(&source, &folder, &lock)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    // It may have changed without its packages.
    copy("server.js", &source, &folder)
}

fn install(source: &Path, folder: &Path, lock: &str) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    for name in FILES {
        copy(name, source, folder)?;
    }
    // What the lock file names and nothing else, and no code of a package while installing.
    run(Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(folder))?;
    run(&mut check(folder))?;
    // Last of all: without it, the next run starts again.
    fs::write(folder.join(STAMP), lock)?;
    Ok(())
}

fn is_complete(folder: &Path, lock: &str) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|text| text == lock)
        // The machine's Node may be another since.
        && succeeds(&mut check(folder))
}

/// Fails unless the packages can be loaded.
fn check(folder: &Path) -> Command {
    let mut node = Command::new("node");
    node.args(["--input-type=module", "--eval"])
        .arg("import Aedes from 'aedes'; import 'ws'; new Aedes().close()")
        .current_dir(folder);
    node
}

fn copy(name: &str, source: &Path, folder: &Path) -> Result<()> {
    fs::copy(source.join(name), folder.join(name))
        .with_context(|| format!("cannot copy {name}"))?;
    Ok(())
}
