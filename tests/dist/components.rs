//! The lists of components: valid by the schema, complete by what cargo says, and no longer.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use harness::python;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{one, unpacked};

#[test]
fn cyclonedxs_own_validator_accepts_them() {
    let script = "\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
validator = JsonStrictValidator(SchemaVersion.V1_6)
for path in sys.argv[1:]:
    print(validator.validate_str(open(path).read()) or 'valid')
print(validator.validate_str('{\"bomFormat\": \"CycloneDX\", \"specVersion\": \"1.6\", \"more\": 1}'))
";
    let paths = ["mqpub-", "mqsub-", "mqpasswd-"].map(|tool| one(tool, ".cdx.json"));
    let paths: Vec<_> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    let output = python("cyclonedx", script, &paths).run().assert_success();
    let lines: Vec<_> = output.stdout_str().lines().collect();
    assert_eq!(lines[..3], ["valid"; 3], "{output}");
    // It does look.
    assert!(lines.len() > 3 && lines[3] != "None", "{output}");
}

#[test]
fn what_is_linked_is_named_and_nothing_else() {
    let network = names(&read(&one("mqpub-", ".cdx.json")));
    let passwords = names(&read(&one("mqpasswd-", ".cdx.json")));
    for linked in [
        "rustls",
        "ring",
        "tokio",
        "clap",
        "mqtools-common",
        "mqsub",
        "Rust standard library",
    ] {
        assert!(network.contains(linked), "{linked}: {network:?}");
    }
    assert!(
        passwords.contains("argon2") && passwords.contains("clap"),
        "{passwords:?}"
    );
    for absent in ["rustls", "ring", "tokio", "rumqttc"] {
        assert!(!passwords.contains(absent), "{absent}");
    }
    // What builds, what derives, what tests.
    for absent in [
        "cc",
        "serde_derive",
        "clap_derive",
        "proptest",
        "harness",
        "GNU C Library",
    ] {
        assert!(
            !network.contains(absent) && !passwords.contains(absent),
            "{absent}"
        );
    }
}

#[test]
fn each_library_has_version_licence_and_checksum() {
    let lock =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock")).unwrap();
    let document = read(&one("mqsub-", ".cdx.json"));
    let mut sums = 0;
    for component in document["components"].as_array().unwrap() {
        let text = |key: &str| component[key].as_str().unwrap_or_default();
        assert!(!text("version").is_empty(), "{component}");
        let licence = &component["licenses"][0]["expression"];
        assert!(
            licence
                .as_str()
                .is_some_and(|expression| !expression.is_empty()),
            "{component}"
        );
        if let Some(sum) = component["hashes"][0]["content"].as_str() {
            assert!(
                lock.contains(&format!("checksum = \"{sum}\"")),
                "{component}"
            );
            let purl = format!(
                "pkg:cargo/{}@{}",
                text("name"),
                text("version").replace('+', "%2B")
            );
            assert_eq!(text("purl"), purl);
            sums += 1;
        }
    }
    assert!(sums > 80, "only {sums} libraries from a registry");
}

#[test]
fn who_uses_what_is_closed() {
    let document = read(&one("mqpub-", ".cdx.json"));
    let tool = document["metadata"]["component"]["bom-ref"]
        .as_str()
        .unwrap();
    let dependencies = document["dependencies"].as_array().unwrap();
    let known: BTreeSet<_> = dependencies
        .iter()
        .map(|one| one["ref"].as_str().unwrap())
        .collect();
    let used: BTreeSet<_> = dependencies
        .iter()
        .flat_map(|one| one["dependsOn"].as_array().unwrap())
        .map(|used| used.as_str().unwrap())
        .collect();
    // Everything but the tool is there because something uses it.
    let mut reached = used.clone();
    reached.insert(tool);
    assert_eq!(reached, known);
    assert!(!used.contains(tool));
}

#[test]
fn the_c_library_is_named_where_it_is_inside() {
    let prefix = TempDir::new().unwrap();
    unpacked(&one("mqtools-", "-linux-static.tar.gz"), prefix.path());
    let name = one("mqpub-", ".cdx.json");
    let inside = prefix
        .path()
        .join("share/doc/mqtools")
        .join(name.file_name().unwrap());
    assert!(names(&read(&inside)).contains("GNU C Library"));
}

/// `rust-version` in Cargo.toml is a promise to those who build; each library makes one of its own.
#[test]
fn no_library_wants_a_newer_rust_than_we_promise() {
    let metadata = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--offline", "--format-version", "1"])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ])
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let wanted = |name: &str| {
        let ours = packages.iter().filter(|package| package["name"] == name);
        let versions = ours.filter_map(|package| package["rust_version"].as_str());
        versions.map(minor).max()
    };
    let promised = wanted("mqpub").unwrap();
    let mut asked = 0;
    for tool in ["mqpub-", "mqsub-", "mqpasswd-"] {
        for library in names(&read(&one(tool, ".cdx.json"))) {
            if let Some(version) = wanted(&library) {
                assert!(
                    version <= promised,
                    "{library} wants Rust 1.{version}, not 1.{promised}"
                );
                asked += 1;
            }
        }
    }
    assert!(asked > 100, "only {asked} libraries say what they want");
}

/// The 89 of 1.89 or 1.89.0.
fn minor(version: &str) -> u32 {
    version.split('.').nth(1).unwrap().parse().unwrap()
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn names(document: &Value) -> BTreeSet<String> {
    let components = document["components"].as_array().unwrap();
    let names = components
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned());
    names.collect()
}
