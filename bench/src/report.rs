//! The report: what a person reads, and the file that is kept.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::goals::Goal;
use crate::results::Results;
use crate::usage::three_digits;

/// The table, what it was measured on, and which goals are missed.
#[must_use]
pub fn text(results: &Results, goals: &[Goal]) -> String {
    let mut text = results.table(goals);
    text.push('\n');
    let _ = writeln!(text, "- {}", rounds(results));
    for line in results.machine.iter().chain(&results.notes) {
        let _ = writeln!(text, "- {line}");
    }
    text.push('\n');
    text.push_str(&verdicts(results, goals));
    text
}

/// What a figure is.
#[must_use]
pub fn rounds(results: &Results) -> String {
    let rounds = results.rounds;
    let ours = results.rows.iter().filter_map(|row| row.ours.as_ref());
    let most = ours.map(|figure| figure.values.len()).max();
    let most = most.unwrap_or_default();
    format!("medians of {rounds} rounds in turn, of up to {most} where a run is short")
}

/// Which goals were not met, and how many were.
#[must_use]
pub fn verdicts(results: &Results, goals: &[Goal]) -> String {
    let mut text = String::new();
    let unmet = results.unmet(goals);
    for verdict in &unmet {
        let goal = verdict.goal;
        let (word, note) = match verdict.limit.filter(|_| verdict.is_out_of_reach()) {
            Some(limit) => {
                let limit = three_digits(limit);
                ("Out of reach", format!("; the limit itself is at {limit}"))
            }
            None => ("Missed", String::new()),
        };
        let _ = writeln!(
            text,
            "{word}: {}, {}: {}, and the goal is {}{note}.",
            goal.workload,
            goal.metric.name(),
            verdict.show(),
            goal.show()
        );
    }
    let missed = results.missed(goals).len();
    let open = results.unmeasured(goals).len();
    let _ = writeln!(
        text,
        "{} goals met, {missed} missed, {} out of reach, {open} not measured.",
        goals.len() - unmet.len() - open,
        unmet.len() - missed
    );
    text
}

/// Reads what [`write`] wrote.
///
/// # Errors
/// The file cannot be read, or is none of ours.
pub fn read(path: &Path) -> Result<Results> {
    let what = || format!("cannot read {}", path.display());
    let text = std::fs::read_to_string(path).with_context(what)?;
    serde_json::from_str(&text).with_context(what)
}

/// Writes the figures as JSON.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, results: &Results) -> Result<()> {
    let text = serde_json::to_string_pretty(results)?;
    std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
}
