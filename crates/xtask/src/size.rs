//! `cargo xtask size`: how large the release build of a tool is, and whether that is allowed.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::shell::{cargo, root, run, say};

/// Each tool with a limit, in bytes.
const LIMITS: &[(&str, u64)] = &[("mqpasswd", 2_000_000)];

/// Builds the tools as they are released, and measures them.
pub(crate) fn check() -> Result<ExitCode> {
    for &(tool, limit) in LIMITS {
        run(cargo().args(["build", "--release", "--package", tool]))?;
        let path = target_folder().join("release").join(tool);
        let size = std::fs::metadata(&path)
            .with_context(|| format!("there is no {}", path.display()))?
            .len();
        say(&judge(tool, size, limit)?);
    }
    Ok(ExitCode::SUCCESS)
}

/// What to say of a size, unless it is too large.
fn judge(tool: &str, size: u64, limit: u64) -> Result<String> {
    if size > limit {
        bail!("the release build of {tool} has {size} bytes, and {limit} is the limit");
    }
    Ok(format!(
        "The release build of {tool} has {size} bytes; {limit} is the limit."
    ))
}

/// Where cargo builds.
pub(crate) fn target_folder() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_over_its_limit_is_an_error() {
        assert!(judge("tool", 11, 10).is_err());
        assert!(judge("tool", 10, 10).unwrap().contains("10 bytes"));
    }
}
