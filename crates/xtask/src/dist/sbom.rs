//! The software bill of materials of each tool: CycloneDX 1.6, in JSON
//! (<https://cyclonedx.org/docs/1.6/json/>).

use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::build::Linkage;
use super::linked::{Crate, Linked};
use super::{Release, VERSION};
use crate::shell::read;

/// One document, with the name of its file.
pub(super) struct Document {
    pub(super) name: String,
    pub(super) text: String,
}

/// A document for each tool.
pub(super) fn documents(release: &Release, linkage: Linkage) -> Result<Vec<Document>> {
    let time = release.date("+%Y-%m-%dT%H:%M:%SZ")?;
    let system = system(linkage)?;
    let documents = release.linked.iter().map(|linked| {
        let document = document(linked, &system, &time);
        Ok(Document {
            name: format!("{}-{VERSION}.cdx.json", linked.tool),
            text: format!("{}\n", serde_json::to_string_pretty(&document)?),
        })
    });
    documents.collect()
}

fn document(linked: &Linked, system: &[Value], time: &str) -> Value {
    let (tool, crates) = match linked.crates.split_first() {
        Some((tool, crates)) => (component(tool, "application"), crates),
        None => (Value::Null, &[][..]),
    };
    let mut components: Vec<_> = crates.iter().map(|one| component(one, "library")).collect();
    components.extend_from_slice(system);
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": time,
            "tools": { "components": [
                { "type": "application", "name": "cargo xtask dist", "version": VERSION },
            ] },
            "component": tool,
        },
        "components": components,
        "dependencies": linked.crates.iter().map(|one| {
            let uses = one.uses.iter().filter_map(|&used| linked.crates.get(used));
            json!({ "ref": purl(one), "dependsOn": uses.map(purl).collect::<Vec<_>>() })
        }).collect::<Vec<_>>(),
    })
}

fn component(one: &Crate, kind: &str) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": purl(one),
        "name": one.name,
        "version": one.version,
        "purl": purl(one),
    });
    if let Some(fields) = component.as_object_mut() {
        if !one.licence.is_empty() {
            fields.insert("licenses".into(), json!([{ "expression": one.licence }]));
        }
        if !one.repository.is_empty() {
            let vcs = json!([{ "type": "vcs", "url": one.repository }]);
            fields.insert("externalReferences".into(), vcs);
        }
        if let Some(sum) = &one.checksum {
            let sum = json!([{ "alg": "SHA-256", "content": sum }]);
            fields.insert("hashes".into(), sum);
        }
    }
    component
}

/// What no crate is: Rust's standard library, the unwinder (crates/common/build.rs), and the C library
/// where it is inside.
fn system(linkage: Linkage) -> Result<Vec<Value>> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let rustc = read(Command::new(rustc).arg("--version"))?;
    let version = rustc.split_whitespace().nth(1).context("rustc --version")?;
    let gcc = read(Command::new("cc").arg("-dumpfullversion"))?;
    let mut libraries = vec![
        json!({
            "type": "library",
            "bom-ref": "rust-std",
            "name": "Rust standard library",
            "version": version,
            "licenses": [{ "expression": "MIT OR Apache-2.0" }],
        }),
        json!({
            "type": "library",
            "bom-ref": "libgcc",
            "name": "libgcc",
            "version": gcc.trim(),
            "licenses": [{ "expression": "GPL-3.0-or-later WITH GCC-exception-3.1" }],
        }),
    ];
    if linkage == Linkage::Static {
        let glibc = read(Command::new("getconf").arg("GNU_LIBC_VERSION"))?;
        libraries.push(json!({
            "type": "library",
            "bom-ref": "glibc",
            "name": "GNU C Library",
            "version": glibc.trim().trim_start_matches("glibc "),
            "licenses": [{ "expression": "LGPL-2.1-or-later" }],
        }));
    }
    Ok(libraries)
}

/// <https://github.com/package-url/purl-spec>: one name for a package, whoever lists it.
fn purl(one: &Crate) -> String {
    // The only character of versions that it reserves.
    format!("pkg:cargo/{}@{}", one.name, one.version.replace('+', "%2B"))
}
