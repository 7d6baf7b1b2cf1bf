//! `cargo xtask size`: how large the released tools are, and whether that is allowed.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::dist::{TOOLS, release, target_folder};
use crate::shell::say;

/// The limit of each tool in bytes, of [`TOOLS`]: what it had, and a tenth for what comes. A tool
/// that needs more gets more in the commit that says why. mqpasswd must stay below two million.
const LIMITS: [u64; TOOLS.len()] = [5_600_000, 6_400_000, 2_000_000];

/// Builds the tools as they are released, and prints a table of their sizes, as README has it.
pub(crate) fn check() -> Result<ExitCode> {
    release()?;
    let mut sizes = Vec::new();
    for (tool, limit) in TOOLS.into_iter().zip(LIMITS) {
        let path = target_folder().join("release").join(tool);
        let size = std::fs::metadata(&path)
            .with_context(|| format!("there is no {}", path.display()))?
            .len();
        sizes.push((tool, size, limit));
    }
    say(&table(&sizes));
    judge(&sizes)?;
    Ok(ExitCode::SUCCESS)
}

fn table(sizes: &[(&str, u64, u64)]) -> String {
    let rows = sizes.iter().map(|&(tool, size, limit)| {
        format!(
            "| {tool} | {} MB | {} MB |",
            megabytes(size),
            megabytes(limit)
        )
    });
    let head = ["| tool | size | limit |", "|---|---|---|"].map(str::to_owned);
    head.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

/// Rounded up, so that no size is told smaller than it is.
fn megabytes(bytes: u64) -> String {
    let hundredths = bytes.div_ceil(10_000);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// Names every tool that is too large.
fn judge(sizes: &[(&str, u64, u64)]) -> Result<()> {
    let large: Vec<_> = sizes
        .iter()
        .filter(|(_, size, limit)| size > limit)
        .map(|(tool, size, limit)| {
            format!("the release build of {tool} has {size} bytes, and {limit} is the limit")
        })
        .collect();
    if large.is_empty() {
        return Ok(());
    }
    bail!("{}", large.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_over_its_limit_is_named() {
        assert!(judge(&[("small", 10, 10)]).is_ok());
        let error = judge(&[("one", 11, 10), ("two", 9, 10), ("three", 12, 10)]).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("one has 11 bytes, and 10 is"), "{error}");
        assert!(!error.contains("two") && error.contains("three"), "{error}");
    }

    #[test]
    fn the_table_is_markdown_and_rounds_up() {
        let table = table(&[("tool", 1_325_936, 2_000_000), ("other", 50_001, 100_000)]);
        let rows: Vec<_> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| tool | 1.33 MB | 2.00 MB |",
                "| other | 0.06 MB | 0.10 MB |"
            ]
        );
    }
}
