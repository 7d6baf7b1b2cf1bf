//! `$share/GROUP/FILTER`: several processes take the messages of one stream, and none is lost.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use harness::{Broker, Running, mqsub};

use crate::support::{publish_lines, terminate};

const JOBS: usize = 200;

/// A worker whose commands note what they have done.
#[track_caller]
fn worker(broker: &Broker, folder: &Path, version: &str, number: usize) -> Running {
    let id = format!("worker-{number}");
    let running = mqsub()
        .args(broker.args())
        .args(["-V", version, "-i", &id, "-c", "-q", "1", "-d"])
        .args(["-t", "$share/workers/jobs/#", "--exec"])
        .args(["sh", "-c", "echo \"$(cat) $1\" >> done", "sh", &id])
        .current_dir(folder)
        .spawn();
    running.wait_for_stderr("received SUBACK");
    running
}

/// What was done, and by how many.
fn done(folder: &Path) -> (BTreeSet<usize>, usize) {
    let text = fs::read_to_string(folder.join("done")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    let (jobs, workers): (BTreeSet<usize>, BTreeSet<_>) = lines
        .map(|(job, worker)| (job.parse::<usize>().unwrap(), worker))
        .unzip();
    (jobs, workers.len())
}

#[track_caller]
fn wait_until_done(folder: &Path, count: usize) {
    let mut progress = (0, Instant::now());
    loop {
        let now = done(folder).0.len();
        if now >= count {
            return;
        }
        if now != progress.0 {
            progress = (now, Instant::now());
        }
        assert!(
            progress.1.elapsed() < Duration::from_secs(60),
            "{now} of {count}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// One is killed in the middle, and started again, as a supervisor would: what it had not
/// acknowledged, its session brings again.
#[test]
fn every_job_is_done_by_somebody_though_one_is_killed() {
    for version in ["mqttv311", "mqttv5"] {
        let broker = Broker::builder().log_every_packet(false).start();
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut workers: Vec<_> = (1..=4)
            .map(|n| worker(&broker, folder, version, n))
            .collect();
        let jobs: Vec<_> = (1..=JOBS).map(|job| job.to_string()).collect();
        let jobs: Vec<_> = jobs.iter().map(String::as_str).collect();
        publish_lines(&broker, "jobs/a", "1", &jobs);
        wait_until_done(folder, 20);
        let killed = workers.remove(1);
        killed.kill();
        killed.wait_for_end();
        workers.push(worker(&broker, folder, version, 2));
        wait_until_done(folder, JOBS);
        let (jobs, count) = done(folder);
        assert!(jobs.into_iter().eq(1..=JOBS));
        assert_eq!(count, 4);
        for worker in workers {
            terminate(worker);
        }
    }
}
