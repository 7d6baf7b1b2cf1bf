//! Runs Python with the packages that `cargo xtask test` put into private folders.

use std::path::Path;

use crate::tool::Tool;

/// Python with one of the private package folders: `"1.6"` (paho-mqtt 1.6), `"2.x"`
/// (paho-mqtt 2), `"argon2"` (argon2-cffi) or `"cyclonedx"` (cyclonedx-python-lib). `script` is the
/// program's text, `args` its `sys.argv[1:]`; its stdout is not buffered.
#[must_use]
#[track_caller]
pub fn python(version: &str, script: &str, args: &[&str]) -> Tool {
    let folder = match version {
        "1.6" => "paho-1.6",
        "2.x" => "paho-2",
        "argon2" => "argon2",
        "cyclonedx" => "cyclonedx",
        other => panic!("no Python packages {other:?}; there are 1.6, 2.x, argon2 and cyclonedx"),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let interpreter = root
        .join("target/test-python")
        .join(folder)
        .join("bin/python3");
    assert!(
        interpreter.exists(),
        "{} is missing; run `cargo xtask test`, which makes what the tests need",
        interpreter.display()
    );
    Tool::new(interpreter)
        .env("PYTHONUNBUFFERED", "1")
        .arg("-c")
        .arg(script)
        .args(args)
}
