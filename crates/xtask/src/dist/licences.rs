//! The licences of everything that is linked into the tools, as those licences demand of binaries.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::build::Linkage;
use super::linked::Linked;
use crate::shell::{cargo, read};

/// The list of libraries, then each text once with those that it is for.
pub(super) fn text(tools: &[Linked], linkage: Linkage) -> Result<String> {
    let folders = folders()?;
    let mut listed = BTreeMap::new();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in tools.iter().flat_map(|tool| &tool.crates) {
        // Our own have their licence beside this file.
        if one.checksum.is_none() {
            continue;
        }
        let name = format!("{} {}", one.name, one.version);
        if listed.contains_key(&name) {
            continue;
        }
        let folder = folders
            .get(&name)
            .with_context(|| format!("cargo metadata does not know {name}"))?;
        for text in texts_in(folder)? {
            texts.entry(text).or_default().push(name.clone());
        }
        listed.insert(name, one);
    }
    let mut page = String::from(BEGINNING);
    if linkage == Linkage::Static {
        page.push_str(STATIC);
    }
    for (name, one) in &listed {
        writeln!(page, "  {name}: {}\n      {}", one.licence, one.repository)?;
    }
    // The order of their users, which says more than that of the texts.
    let mut texts: Vec<_> = texts
        .into_iter()
        .map(|(text, users)| (users, text))
        .collect();
    texts.sort();
    for (users, text) in texts {
        write!(page, "\n\n{RULE}\n{}\n{RULE}\n\n{text}\n", users.join(", "))?;
    }
    Ok(page)
}

const RULE: &str = "----------------------------------------------------------------------";

const BEGINNING: &str = "\
mqpub, mqsub and mqpasswd contain Rust's standard library (MIT OR Apache-2.0, the Rust Project
contributors), the unwinder of GCC (GPL-3.0-or-later WITH GCC-exception-3.1, which leaves programs
their own licences) and the libraries below, each under the licence named with it. Their texts
follow, each with the libraries that it came with. What is in each program is in its .cdx.json file.

";

const STATIC: &str = "\
These programs also contain the GNU C Library, under the GNU Lesser General Public License 2.1 or
later. They can be linked again with another version of it: the source of mqtools is at the address
in README.md, and `cargo xtask dist --static` is the command.

";

/// Name and version to the folder of the source.
fn folders() -> Result<BTreeMap<String, PathBuf>> {
    let metadata = read(cargo().args(["metadata", "--locked", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata")?;
    let packages = metadata.get("packages").and_then(Value::as_array);
    let packages = packages.context("cargo metadata has no packages")?.iter();
    let folders = packages.filter_map(|package| {
        let field = |name| package.get(name).and_then(Value::as_str);
        let folder = Path::new(field("manifest_path")?).parent()?;
        let name = format!("{} {}", field("name")?, field("version")?);
        Some((name, folder.to_owned()))
    });
    Ok(folders.collect())
}

/// What lies in the top folder of a crate under the names that licences have.
fn texts_in(folder: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_ascii_uppercase();
        let name = name.to_string_lossy();
        let named = ["LICEN", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];
        if path.is_file() && named.iter().any(|start| name.starts_with(start)) {
            let bytes = fs::read(&path)?;
            texts.push(String::from_utf8_lossy(&bytes).trim().to_owned());
        }
    }
    Ok(texts)
}
