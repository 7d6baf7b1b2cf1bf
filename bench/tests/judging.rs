//! `bench run --check` by made-up figures.

use std::process::{Command, Output};

use bench::goals::{Against, GOALS};
use bench::report;
use bench::results::{Figure, Results, Row};

/// Figures that meet every goal with room.
fn good() -> Results {
    let mut results = Results::default();
    for goal in GOALS {
        if results.row(goal.workload, goal.metric).is_none() {
            results.rows.push(Row {
                workload: goal.workload.to_owned(),
                metric: goal.metric,
                ours: Figure::new(vec![1.0]),
                mosquitto: Figure::new(vec![1000.0]),
                limit: Figure::new(vec![1.0]),
            });
        }
        if let Against::Ours(other) = goal.against
            && results.row(other, goal.metric).is_none()
        {
            results.rows.push(Row {
                workload: other.to_owned(),
                metric: goal.metric,
                ours: Figure::new(vec![1.0]),
                mosquitto: Figure::new(vec![1000.0]),
                limit: Figure::new(vec![1.0]),
            });
        }
    }
    results
}

fn judge(results: &Results, more: &[&str]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("figures.json");
    report::write(&path, results).unwrap();
    let Output { status, stdout, .. } = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["run", "--judge"])
        .arg(&path)
        .args(more)
        .output()
        .unwrap();
    (status.success(), String::from_utf8(stdout).unwrap())
}

#[test]
fn a_check_passes_where_every_goal_is_met() {
    let (passed, text) = judge(&good(), &["--check"]);
    let end = format!(
        "\n{} goals met, 0 missed, 0 out of reach, 0 not measured.\n",
        GOALS.len()
    );
    assert!(passed && text.ends_with(&end), "{text}");
}

#[test]
fn a_check_fails_where_any_goal_is_missed() {
    for goal in GOALS {
        let mut results = good();
        let row = results
            .rows
            .iter_mut()
            .find(|row| row.workload == goal.workload && row.metric == goal.metric);
        row.unwrap().ours = Figure::new(vec![1001.0]);
        assert!(
            results
                .missed(GOALS)
                .iter()
                .any(|missed| missed.goal == goal),
            "{goal:?}"
        );
    }
    let mut results = good();
    results.rows[0].ours = Figure::new(vec![1001.0]);
    let (passed, text) = judge(&results, &["--check"]);
    assert!(!passed, "{text}");
    assert!(text.contains("\nMissed: one publish, QoS 0, "), "{text}");
    // Without it, the table is enough.
    assert!(judge(&results, &[]).0);
}

#[test]
fn a_goal_that_the_limit_misses_too_is_out_of_reach() {
    let with = |limit: f64, ours: f64| {
        let mut results = good();
        let mut rows = results.rows.iter_mut();
        let row = rows.find(|row| row.workload == "-l, QoS 2").unwrap();
        row.limit = Figure::new(vec![limit]);
        row.ours = Figure::new(vec![ours]);
        judge(&results, &["--check"])
    };
    // 1000 is mosquitto's; the goals are 12x mosquitto and 0.7 of the limit.
    let (passed, text) = with(100.0, 110.0);
    assert!(
        passed && text.contains(" 0 missed, 1 out of reach, 0 not measured.\n"),
        "{text}"
    );
    let line = "\nOut of reach: -l, QoS 2, wall time: 9.09, and the goal is 12x mosquitto; the limit itself is at 10.0.\n";
    assert!(text.contains(line), "{text}");
    // Ours must be near the limit all the same.
    let (passed, text) = with(100.0, 200.0);
    assert!(
        !passed && text.contains(" 1 missed, 1 out of reach, "),
        "{text}"
    );
    // What the limit reaches, ours has to reach.
    let (passed, text) = with(80.0, 90.0);
    assert!(
        !passed && text.contains(" 1 missed, 0 out of reach, "),
        "{text}"
    );
}

#[test]
fn a_check_fails_where_a_goal_was_not_measured() {
    let mut results = good();
    results.rows.remove(0);
    let (passed, text) = judge(&results, &["--check"]);
    assert!(!passed && text.contains(" 1 not measured.\n"), "{text}");
}
