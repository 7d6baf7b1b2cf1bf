//! Every example of README.md and of docs/migration.md, typed as it stands there: in a network of
//! its own, with a real mosquitto on the ports that the text names. What the text shows has to be
//! what comes, up to what changes with each run (`compare`).
//!
//! `MQ_README=update cargo test -p parity --test readme` writes what came into the documents.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code, helpers included, fails by a panic"
)]

mod compare;
mod document;
mod stage;

use std::path::Path;

use document::{Document, Step};
use stage::Stage;

#[test]
fn what_the_readme_shows_is_what_comes() {
    perform("README.md");
}

#[test]
fn what_the_migration_page_shows_is_what_comes() {
    perform("docs/migration.md");
}

/// Types every example of a document and compares what comes.
fn perform(path: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join(path);
    let mut document = Document::read(&path);
    let mut stage = Stage::new();
    let mut complaints = Vec::new();
    for step in document.steps() {
        match step {
            Step::Configuration(text) => stage.start_broker(&text),
            Step::Shells(shells) => {
                for (example, came) in stage.play(&shells) {
                    if let Err(complaint) = compare::same(&example.shown, &came) {
                        let line = example.line;
                        complaints.push(format!("line {line}: $ {}\n{complaint}", example.typed));
                        document.replace(&example, &came);
                    }
                }
            }
        }
    }
    if std::env::var_os("MQ_README").is_some_and(|what| what == "update") {
        document.write(&path);
    } else {
        assert!(
            complaints.is_empty(),
            "{} shows what does not come:\n{}",
            path.display(),
            complaints.join("\n")
        );
    }
}
