//! The table of the README: the figures that a newcomer wants, between two marks.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::goals::Goal;
use crate::report::{rounds, verdicts};
use crate::results::Results;
use crate::usage::Metric::{self, Cpu, Instructions, LatencyP50, PeakMemory, Wall};
use crate::usage::three_digits;

const BEGIN: &str = "<!-- from bench/latest.json, by `cargo xtask bench` -->\n";
const END: &str = "<!-- end -->\n";

/// What each line shows: in the reader's words, of which workload, which figure.
const LINES: &[(&str, &str, Metric)] = &[
    ("one message", "one publish, QoS 0", Wall),
    ("", "one publish, QoS 0", Instructions),
    ("one message over TLS", "one publish, QoS 0, TLS", Wall),
    ("`-l`, 64 bytes, QoS 0", "-l, QoS 0", Wall),
    ("", "-l, QoS 0", Cpu),
    ("`-l`, QoS 1", "-l, QoS 1", Wall),
    ("`-l`, QoS 1, `-M 1000`", "-l, QoS 1, -M 1000", Wall),
    ("`-l`, QoS 2", "-l, QoS 2", Wall),
    (
        "`-l`, QoS 2, on one processor",
        "-l, QoS 2, one processor",
        Wall,
    ),
    ("`-l`, QoS 2, MQTT 5", "-l, QoS 2, MQTT 5", Wall),
    ("`-l`, QoS 2, `-M 1000`", "-l, QoS 2, -M 1000", Wall),
    (
        "`-l`, QoS 1, to a mosquitto",
        "-l, QoS 1, to mosquitto",
        Wall,
    ),
    (
        "`-l`, QoS 2, to a mosquitto",
        "-l, QoS 2, to mosquitto",
        Wall,
    ),
    (
        "`-l`, QoS 1, to a mosquitto, 100 lines",
        "-l, QoS 1, to mosquitto, 100 lines",
        Wall,
    ),
    ("receive, 64 bytes, QoS 0", "receive, QoS 0", Wall),
    ("", "receive, QoS 0", Cpu),
    ("receive, QoS 1", "receive, QoS 1", Wall),
    ("receive, QoS 2", "receive, QoS 2", Wall),
    ("receive, QoS 0, `-F %j`", "receive, QoS 0, -F %j", Wall),
    ("receive, QoS 0, `-F %x`", "receive, QoS 0, -F %x", Wall),
    (
        "subscribe to 1,000 topics",
        "subscribe to 1000 topics",
        Instructions,
    ),
    (
        "a lone line, from mqpub's standard input to mqsub's output",
        "latency",
        LatencyP50,
    ),
    ("`-f`, 200 MB", "-f, 200 MB", PeakMemory),
    ("`-f`, 200 MB, TLS", "-f, 200 MB, TLS", PeakMemory),
    (
        "a message of 200 MB is received",
        "receive 200 MB",
        PeakMemory,
    ),
    ("`-l`, 10,000,000 lines", "-l, 10,000,000 lines", PeakMemory),
    (
        "retained messages move to another broker (beside `mosquitto_sub \\| while read … mosquitto_pub`)",
        "move retained messages",
        Wall,
    ),
];

/// The text with its table made anew; none where the marks are not both there.
#[must_use]
pub fn renewed(text: &str, results: &Results, goals: &[Goal]) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, behind) = rest.split_once(END)?;
    let table = table(results, goals);
    Some(format!("{before}{BEGIN}{table}{END}{behind}"))
}

/// Makes the table in this file anew.
///
/// # Errors
/// The file cannot be read or written, or has no marks.
pub fn write(path: &Path, results: &Results, goals: &[Goal]) -> Result<()> {
    let what = || format!("cannot renew the table in {}", path.display());
    let text = std::fs::read_to_string(path).with_context(what)?;
    let text = renewed(&text, results, goals).with_context(what)?;
    std::fs::write(path, text).with_context(what)
}

fn table(results: &Results, goals: &[Goal]) -> String {
    let mut text = String::from(
        "| | | mqpub, mqsub | mosquitto_pub, mosquitto_sub | | the limit |\n|---|---|---|---|---|---|\n",
    );
    for (words, workload, metric) in LINES {
        let Some(row) = results.row(workload, *metric) else {
            continue;
        };
        let ratio = row.ratio(row.mosquitto.as_ref());
        let ratio = ratio.map(|ratio| format!("{} times {}", three_digits(ratio), less(*metric)));
        let _ = writeln!(
            text,
            "| {words} | {} | {} | {} | {} | {} |",
            metric.name(),
            row.show(row.ours.as_ref()),
            row.show(row.mosquitto.as_ref()),
            ratio.unwrap_or_default(),
            row.show(row.limit.as_ref()),
        );
    }
    let machine = results.machine.iter().take(2);
    let machine = machine.cloned().collect::<Vec<_>>().join("; ");
    let _ = writeln!(
        text,
        "\nTimes are per message: {}. {machine}",
        rounds(results)
    );
    text.push('\n');
    for line in verdicts(results, goals).lines() {
        let _ = writeln!(text, "- {line}");
    }
    text
}

/// In which way a smaller figure is better.
fn less(metric: Metric) -> &'static str {
    match metric {
        Wall | LatencyP50 | Metric::LatencyP99 => "faster",
        Instructions | Metric::InstructionsPerMessage | Metric::PageFaults => "fewer",
        Cpu | PeakMemory | Metric::BinarySize => "less",
    }
}
