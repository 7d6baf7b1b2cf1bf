//! The release builds: one for everything that measures and packs, and one without libraries.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::shell::{cargo, root, run};

/// What is handed out.
pub(crate) const TOOLS: [&str; 3] = ["mqpub", "mqsub", "mqpasswd"];

/// How the programs find the C library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Linkage {
    /// The system's, at run time.
    Dynamic,
    /// It is inside.
    Static,
}

/// Builds the tools as they are released.
pub(crate) fn release() -> Result<()> {
    // mqpasswd alone: built together, cargo gives the common crate the features of all three.
    run(cargo().args([
        "build",
        "--release",
        "--package",
        "mqpub",
        "--package",
        "mqsub",
    ]))?;
    run(cargo().args(["build", "--release", "--package", "mqpasswd"]))
}

/// Builds the tools, and copies them to where no other build writes.
pub(super) fn programs(linkage: Linkage, work: &Path) -> Result<Vec<PathBuf>> {
    let folder = work.join(match linkage {
        Linkage::Dynamic => "dynamic",
        Linkage::Static => "static",
    });
    fs::create_dir_all(&folder)?;
    match linkage {
        Linkage::Dynamic => release()?,
        Linkage::Static => {
            for tool in TOOLS {
                link_statically(tool)?;
            }
        }
    }
    let mut programs = Vec::new();
    for tool in TOOLS {
        let built = target_folder().join("release").join(tool);
        let copy = folder.join(tool);
        fs::copy(&built, &copy).with_context(|| format!("there is no {}", built.display()))?;
        programs.push(copy);
    }
    if linkage == Linkage::Static {
        // target/release holds what it held before; cargo only links the files anew.
        release()?;
    }
    Ok(programs)
}

/// Only the last step differs from [`release`]: the crates that go into it are the same files.
fn link_statically(tool: &str) -> Result<()> {
    run(cargo().args([
        "rustc",
        "--release",
        "--package",
        tool,
        "--bin",
        tool,
        "--",
        "-C",
        "target-feature=+crt-static",
    ]))
}

/// Where cargo builds.
pub(crate) fn target_folder() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}
