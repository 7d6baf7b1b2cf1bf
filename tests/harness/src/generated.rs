//! The files that `cargo xtask generate` writes, and the tool that they have to agree with.

use std::fs;
use std::path::{Path, PathBuf};

use crate::tool::Tool;

/// What `--generate` knows, and the checked-in file of a tool.
const FILES: [(&str, &str); 6] = [
    ("man", "man/{tool}.1"),
    ("bash", "completions/bash/{tool}"),
    ("zsh", "completions/zsh/_{tool}"),
    ("fish", "completions/fish/{tool}.fish"),
    ("powershell", "completions/powershell/{tool}.ps1"),
    ("elvish", "completions/elvish/{tool}.elv"),
];

/// The checked-in file of a tool for what `--generate` calls `what`.
#[must_use]
pub fn file(tool: &str, what: &str) -> PathBuf {
    let (_, path) = FILES.iter().find(|(known, _)| *known == what).unwrap();
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    root.join(path.replace("{tool}", tool))
}

/// Checks that what a tool prints is what is checked in.
///
/// # Panics
/// A file differs.
#[track_caller]
pub fn assert_current(tool: &str, run: impl Fn() -> Tool) {
    for (what, _) in FILES {
        let output = run().args(["--generate", what]).run().assert_success();
        assert!(output.stderr.is_empty(), "{output}");
        let path = file(tool, what);
        let checked_in = fs::read_to_string(&path).unwrap_or_default();
        let differs = output
            .stdout_str()
            .lines()
            .zip(checked_in.lines())
            .position(|(printed, written)| printed != written);
        assert!(
            output.stdout_str() == checked_in,
            "{} is not what {tool} --generate {what} prints (line {}); mend it with: cargo xtask generate",
            path.display(),
            1 + differs.unwrap_or_else(|| checked_in.lines().count())
        );
    }
}
