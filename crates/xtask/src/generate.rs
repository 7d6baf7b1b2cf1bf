//! `cargo xtask generate`: the manual pages and the completions that are checked in, as the tools
//! print them. A test of each tool fails where they differ.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::dist::{TOOLS, target_folder};
use crate::shell::{cargo, root, run, say};

/// What `--generate` knows, and where it goes.
const FILES: [(&str, &str); 6] = [
    ("man", "man/{tool}.1"),
    ("bash", "completions/bash/{tool}"),
    ("zsh", "completions/zsh/_{tool}"),
    ("fish", "completions/fish/{tool}.fish"),
    ("powershell", "completions/powershell/{tool}.ps1"),
    ("elvish", "completions/elvish/{tool}.elv"),
];

/// Builds the tools and writes every file.
pub(crate) fn write() -> Result<()> {
    let mut build = cargo();
    build.arg("build");
    for tool in TOOLS {
        build.args(["--package", tool]);
    }
    run(&mut build)?;
    for tool in TOOLS {
        let program = target_folder().join("debug").join(tool);
        for (what, path) in FILES {
            let path = path.replace("{tool}", tool);
            let output = Command::new(&program)
                .args(["--generate", what])
                .output()
                .with_context(|| format!("cannot run {}", program.display()))?;
            if !output.status.success() {
                bail!("{tool} --generate {what} ended with {}", output.status);
            }
            let target = root().join(&path);
            if let Some(folder) = target.parent() {
                fs::create_dir_all(folder)
                    .with_context(|| format!("cannot make {}", folder.display()))?;
            }
            fs::write(&target, &output.stdout).with_context(|| format!("cannot write {path}"))?;
        }
    }
    say("man/ and completions/ are as the tools print them.");
    Ok(())
}
