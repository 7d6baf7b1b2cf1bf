//! Which crates are linked into a tool: what `cargo tree` says, without the ones that only build.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::shell::{cargo, read, root};

/// What one tool is made of.
#[derive(Debug)]
pub(super) struct Linked {
    /// The tool's name.
    pub(super) tool: &'static str,
    /// The tool itself first, then every crate in it, in the order in which they are first used.
    pub(super) crates: Vec<Crate>,
}

/// One crate, once for each version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) version: String,
    /// An SPDX expression; empty where the crate has none.
    pub(super) licence: String,
    pub(super) repository: String,
    /// The SHA-256 of what the registry has, from Cargo.lock; none for our own.
    pub(super) checksum: Option<String>,
    /// The indices of those that it uses.
    pub(super) uses: Vec<usize>,
}

/// Asks cargo, which knows the features that this tool alone has; `cargo metadata` gives the
/// workspace's.
pub(super) fn of(tool: &'static str) -> Result<Linked> {
    let tree = read(
        cargo()
            .args(["tree", "--quiet", "--locked", "--package", tool])
            .args(["--edges", "normal,no-proc-macro", "--prefix", "depth"])
            .args(["--format", "\t{p}\t{l}\t{r}\t"]),
    )?;
    let checksums = checksums(&fs::read_to_string(root().join("Cargo.lock"))?);
    Ok(Linked {
        tool,
        crates: parse(&tree, &checksums).with_context(|| format!("what is in {tool}"))?,
    })
}

/// The crates of a tree in which each line begins with its depth.
fn parse(tree: &str, checksums: &BTreeMap<(String, String), String>) -> Result<Vec<Crate>> {
    let mut crates: Vec<Crate> = Vec::new();
    let mut path: Vec<usize> = Vec::new();
    for line in tree.lines() {
        let mut fields = line.split('\t');
        let mut next = || {
            fields
                .next()
                .with_context(|| format!("unexpected: {line:?}"))
        };
        let depth: usize = next()?.parse()?;
        let package = next()?;
        let licence = next()?.replace('/', " OR ");
        let repository = next()?.to_owned();
        // `serde v1.0.229 (proc-macro)`, `mqpub v0.1.0 (/path)`
        let mut words = package.split(' ');
        let name = words.next().unwrap_or_default().to_owned();
        let version = words
            .next()
            .and_then(|word| word.strip_prefix('v'))
            .with_context(|| format!("no version: {line:?}"))?
            .to_owned();
        let known = crates
            .iter()
            .position(|there| there.name == name && there.version == version);
        let index = known.unwrap_or(crates.len());
        if known.is_none() {
            crates.push(Crate {
                checksum: checksums.get(&(name.clone(), version.clone())).cloned(),
                name,
                version,
                licence,
                repository,
                uses: Vec::new(),
            });
        }
        ensure!(depth <= path.len(), "a line too deep: {line:?}");
        path.truncate(depth);
        if let Some(user) = path.last().and_then(|&user| crates.get_mut(user))
            && !user.uses.contains(&index)
        {
            user.uses.push(index);
        }
        path.push(index);
    }
    ensure!(crates.len() > 1, "cargo tree printed no tree:\n{tree}");
    Ok(crates)
}

/// Name and version to checksum.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let mut checksums = BTreeMap::new();
    for package in lock.split("[[package]]") {
        let value = |key: &str| {
            package.lines().find_map(|line| {
                let rest = line.strip_prefix(key)?.strip_prefix(" = \"")?;
                Some(rest.strip_suffix('"')?.to_owned())
            })
        };
        if let (Some(name), Some(version), Some(sum)) =
            (value("name"), value("version"), value("checksum"))
        {
            checksums.insert((name, version), sum);
        }
    }
    checksums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_read_with_who_uses_what() {
        let lock = "[[package]]\nname = \"b\"\nversion = \"2.0.0\"\nchecksum = \"beef\"\n";
        let tree = "0\ttool v0.1.0 (/here)\tMIT\t\t\n\
                    1\ta v1.0.0\tMIT/Apache-2.0\thttps://a\t\n\
                    2\tb v2.0.0\tISC\t\t\n\
                    1\tb v2.0.0\tISC\t\t (*)\n\
                    1\tb v3.0.0\tISC\t\t\n";
        let crates = parse(tree, &checksums(lock)).unwrap();
        let uses: Vec<_> = crates
            .iter()
            .map(|one| (one.name.as_str(), one.version.as_str(), &one.uses[..]))
            .collect();
        let expected: [(&str, &str, &[usize]); 4] = [
            ("tool", "0.1.0", &[1, 2, 3]),
            ("a", "1.0.0", &[2]),
            ("b", "2.0.0", &[]),
            ("b", "3.0.0", &[]),
        ];
        assert_eq!(uses, expected);
        assert_eq!(crates[1].licence, "MIT OR Apache-2.0");
        assert_eq!(crates[2].checksum.as_deref(), Some("beef"));
        assert_eq!(crates[3].checksum, None);
    }

    #[test]
    fn no_tree_is_an_error() {
        assert!(parse("", &BTreeMap::new()).is_err());
        assert!(parse("warning: something", &BTreeMap::new()).is_err());
    }
}
