//! The README's table and the figures that are kept.

use std::path::Path;

use bench::goals::GOALS;
use bench::{readme, report};

#[test]
fn the_table_is_what_was_measured() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let results = report::read(&root.join("bench/latest.json")).unwrap();
    let text = std::fs::read_to_string(root.join("README.md")).unwrap();
    assert!(
        readme::renewed(&text, &results, GOALS) == Some(text),
        "the table in README.md is not that of bench/latest.json: \
         run `cargo run -p bench --bin bench -- run --judge bench/latest.json --readme README.md`"
    );
}

#[test]
fn a_text_without_the_marks_is_left_alone() {
    let results = report::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("latest.json")).unwrap();
    assert_eq!(readme::renewed("# A README\n", &results, GOALS), None);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("README.md");
    std::fs::write(&path, "# A README\n").unwrap();
    assert!(readme::write(&path, &results, GOALS).is_err());
    assert_eq!(std::fs::read_to_string(path).unwrap(), "# A README\n");
}
