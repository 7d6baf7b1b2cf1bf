//! What `--json-summary` prints.

use std::io::Write as _;

use serde::Serialize;

/// Prints the counts of a run on stderr, as one JSON object on a line of its own. A stderr that
/// cannot be written is not worth failing over.
pub fn print(counts: &impl Serialize) {
    if let Ok(mut line) = serde_json::to_vec(counts) {
        line.push(b'\n');
        let _ = std::io::stderr().lock().write_all(&line);
    }
}
