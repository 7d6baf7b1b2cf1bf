//! Every workload, with a handful of messages.

use bench::latency;
use bench::measure::Bench;
use bench::moving;
use bench::usage::Usage;
use bench::workload::{self, Counterpart, Workload};

use crate::programs;

/// Runs those whose name begins so, and looks at their figures.
fn run(wanted: impl Fn(&Workload) -> bool) {
    let mut bench = Bench::new(programs()).unwrap();
    let mut count = 0;
    for mut workload in workload::all(true).into_iter().filter(wanted) {
        count += 1;
        for run in &mut workload.runs {
            run.messages = run.messages.min(100);
            if run.times > 1 {
                run.times = 2;
                run.messages = 2;
            }
        }
        if let Counterpart::Source { size, .. } = &mut workload.counterpart {
            *size = (*size).min(1_000_000);
        }
        // valgrind would take most of the time.
        workload.counted = None;
        let rows = bench.workload(&workload, 2).unwrap();
        assert_eq!(rows.len(), workload.metrics.len());
        for row in rows {
            let ours = row.ours.expect("a figure of ours");
            assert_eq!(ours.values.len(), 2 * workload.rounds as usize);
            // Page faults and times of little work may be counted as nothing.
            assert!(ours.median >= 0.0 && ours.median.is_finite());
        }
    }
    assert!(count > 0);
    assert_eq!(bench.notes, [""; 0]);
}

#[test]
fn publishing() {
    run(|workload| {
        matches!(workload.counterpart, Counterpart::Sink { .. })
            && !workload.name.starts_with("-f, 200 MB")
    });
}

#[test]
fn receiving() {
    run(|workload| {
        matches!(workload.counterpart, Counterpart::Source { .. })
            && !workload.name.contains("1,000")
    });
}

#[test]
fn publishing_to_a_real_broker() {
    run(|workload| workload.name == "-l, QoS 1, to mosquitto, MQTT 5");
}

#[test]
fn instructions_are_counted() {
    let mut bench = Bench::new(programs()).unwrap();
    let mut all = workload::all(true).into_iter();
    let mut workload = all.find(|one| one.name == "receive, QoS 1").unwrap();
    workload.metrics.clear();
    workload.counted = Some((10, 210));
    let rows = bench.workload(&workload, 1).unwrap();
    let [row] = &rows[..] else { panic!("{rows:?}") };
    let limit = row.limit.as_ref().unwrap().median;
    assert!(
        (20.0..5_000.0).contains(&limit),
        "{limit} instructions a message"
    );
}

#[test]
fn the_latency_of_both_pairs() {
    let rows = latency::measure(&programs(), 1, 5).unwrap();
    for row in rows {
        let (ours, theirs) = (row.ours.unwrap().median, row.mosquitto.unwrap().median);
        assert!(ours > 0.0 && theirs > 0.0);
    }
}

/// Every message is looked for at the other broker.
#[test]
fn retained_messages_are_moved() {
    let row = moving::measure(&programs(), 1, 500, 5).unwrap();
    let (ours, theirs) = (row.ours.unwrap().median, row.mosquitto.unwrap().median);
    assert!(ours > 0.0 && theirs > 0.0);
}

#[test]
fn what_a_command_takes_is_told_apart_from_its_failure() {
    let measure = |words: &[&str]| -> Usage {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_bench-measure"))
            .args(words)
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let usage = measure(&["--times", "3", "sh", "-c", "exit 3"]);
    assert_eq!(usage.exit, 3);
    assert!(usage.wall_us > 0.0 && usage.peak_kib > 0.0 && usage.minor_faults > 0.0);
    assert_eq!(measure(&["sh", "-c", "kill -9 $$"]).exit, 128);
    assert_eq!(measure(&["--stdin", "/dev/null", "cat"]).exit, 0);
}
