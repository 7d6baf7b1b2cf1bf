//! What was measured: kept as JSON, shown as a Markdown table.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::goals::{Against, Goal, Verdict};
use crate::usage::{Metric, median, three_digits};

/// A whole benchmark.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// What it ran on, line by line.
    pub machine: Vec<String>,
    /// How often each was run.
    pub rounds: u32,
    pub rows: Vec<Row>,
    /// What went wrong with programs that are not ours.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// One figure of one workload, of whoever was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub workload: String,
    pub metric: Metric,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ours: Option<Figure>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mosquitto: Option<Figure>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<Figure>,
}

/// A median, and what it is the median of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    pub median: f64,
    pub values: Vec<f64>,
}

impl Figure {
    /// None of nothing.
    #[must_use]
    pub fn new(values: Vec<f64>) -> Option<Self> {
        let median = median(&values)?;
        Some(Self { median, values })
    }
}

impl Row {
    /// A figure of it with its unit; empty without one.
    #[must_use]
    pub fn show(&self, figure: Option<&Figure>) -> String {
        let shown = figure.map(|figure| self.metric.show(figure.median));
        shown.unwrap_or_default()
    }

    /// How many times ours the other figure is.
    #[must_use]
    pub fn ratio(&self, other: Option<&Figure>) -> Option<f64> {
        Some(other?.median / self.ours.as_ref()?.median)
    }
}

impl Results {
    #[must_use]
    pub fn row(&self, workload: &str, metric: Metric) -> Option<&Row> {
        let mut rows = self.rows.iter();
        rows.find(|row| row.workload == workload && row.metric == metric)
    }

    /// The goals that were missed, and could have been met.
    #[must_use]
    pub fn missed<'a>(&self, goals: &'a [Goal]) -> Vec<Verdict<'a>> {
        let mut missed = self.unmet(goals);
        missed.retain(|verdict| !verdict.is_out_of_reach());
        missed
    }

    /// The goals that were not met, out of reach or not.
    #[must_use]
    pub fn unmet<'a>(&self, goals: &'a [Goal]) -> Vec<Verdict<'a>> {
        let judged = goals.iter().filter_map(|goal| goal.judge(self));
        judged.filter(|verdict| !verdict.is_met()).collect()
    }

    /// The goals without a figure.
    #[must_use]
    pub fn unmeasured<'a>(&self, goals: &'a [Goal]) -> Vec<&'a Goal> {
        let mut open: Vec<_> = goals.iter().collect();
        open.retain(|goal| goal.judge(self).is_none());
        open
    }

    /// A table of all, in Markdown.
    #[must_use]
    pub fn table(&self, goals: &[Goal]) -> String {
        let mut text = String::from(
            "| workload | | ours | mosquitto | ratio | limit | of the limit | goal | met |\n\
             |---|---|---|---|---|---|---|---|---|\n",
        );
        for row in &self.rows {
            let _ = writeln!(text, "{}", self.line(row, goals));
        }
        text
    }

    fn line(&self, row: &Row, goals: &[Goal]) -> String {
        let ratio = |other| row.ratio(other).map(three_digits).unwrap_or_default();
        let goals = goals
            .iter()
            .filter(|goal| goal.workload == row.workload && goal.metric == row.metric);
        let mut wanted = Vec::new();
        let mut met = Vec::new();
        for goal in goals {
            wanted.push(goal.show());
            met.push(match goal.judge(self) {
                None => "not measured".to_owned(),
                Some(verdict) => {
                    let word = match (verdict.is_met(), verdict.is_out_of_reach()) {
                        (true, _) => "yes",
                        (_, true) => "**no**, nor by the limit",
                        _ => "**no**",
                    };
                    match goal.against {
                        Against::Ours(_) => format!("{word} ({})", verdict.show()),
                        _ => word.to_owned(),
                    }
                }
            });
        }
        format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.workload,
            row.metric.name(),
            row.show(row.ours.as_ref()),
            row.show(row.mosquitto.as_ref()),
            ratio(row.mosquitto.as_ref()),
            row.show(row.limit.as_ref()),
            ratio(row.limit.as_ref()),
            wanted.join("; "),
            met.join("; "),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::GOALS;

    fn row(workload: &str, metric: Metric, ours: f64, mosquitto: f64, limit: f64) -> Row {
        let figure = |value: f64| Figure::new(vec![value, value / 2.0, value * 9.0]);
        Row {
            workload: workload.to_owned(),
            metric,
            ours: figure(ours),
            mosquitto: figure(mosquitto),
            limit: figure(limit),
        }
    }

    /// The goals that are missed, and by what.
    fn missed(results: &Results) -> Vec<(String, String)> {
        let missed = results.missed(GOALS);
        let shown = missed.iter().map(|one| (one.goal.show(), one.show()));
        shown.collect()
    }

    #[test]
    fn goals_are_judged_by_the_ratio_of_the_medians() {
        let mut results = Results {
            rows: vec![row("-l, QoS 0", Metric::Wall, 0.1, 1.5, 0.08)],
            ..Results::default()
        };
        assert_eq!(results.missed(GOALS), []);
        results.rows = vec![row("-l, QoS 0", Metric::Wall, 0.12, 1.5, 0.08)];
        assert_eq!(
            missed(&results),
            [
                ("14x mosquitto".to_owned(), "12.5".to_owned()),
                ("0.7 of the limit".to_owned(), "0.67".to_owned())
            ]
        );
        let table = results.table(GOALS);
        assert!(
            table.ends_with(
                "| -l, QoS 0 | wall time | 120 ns | 1.50 µs | 12.5 | 80 ns | 0.67 | \
                 14x mosquitto; 0.7 of the limit | **no**; **no** |\n"
            ),
            "{table}"
        );
    }

    #[test]
    fn a_figure_alone_and_one_against_our_own_are_judged() {
        let results = Results {
            rows: vec![
                row("-f, 200 MB", Metric::PeakMemory, 12.5, 385.0, 1.0),
                row("-l, QoS 0", Metric::Wall, 0.08, 9.0, 0.08),
                row("-l, QoS 0, MQTT 5", Metric::Wall, 0.1, 9.0, 9.0),
            ],
            ..Results::default()
        };
        assert_eq!(
            missed(&results),
            [
                ("at most 12.0 MiB".to_owned(), "12.5 MiB".to_owned()),
                ("0.85 of “-l, QoS 0”".to_owned(), "0.80".to_owned())
            ]
        );
        assert_eq!(results.unmeasured(GOALS).len(), GOALS.len() - 4);
    }

    #[test]
    fn what_is_written_can_be_read_again() {
        let results = Results {
            machine: vec!["a machine".to_owned()],
            rounds: 3,
            rows: vec![row("latency", Metric::LatencyP99, 1.0, 2.0, 3.0)],
            notes: vec!["a note".to_owned()],
        };
        let text = serde_json::to_string_pretty(&results).unwrap();
        assert_eq!(serde_json::from_str::<Results>(&text).unwrap(), results);
    }
}
