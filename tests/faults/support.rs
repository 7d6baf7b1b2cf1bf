//! Lines that are published at a pace, the counts at the end, and jobs side by side.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use harness::{Broker, Output, Running, Tool, mqpub, mqsub};

/// A bound for a busy machine, not a measurement.
const LIMIT: Duration = Duration::from_secs(600);

/// How a client connects: its name for a table, and the options.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Session {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) is_kept: bool,
}

/// The ways to connect that differ in what survives.
pub(crate) const SESSIONS: [Session; 3] = [
    Session {
        name: "3.1.1",
        version: "mqttv311",
        is_kept: false,
    },
    Session {
        name: "3.1.1 with -c -i",
        version: "mqttv311",
        is_kept: true,
    },
    Session {
        name: "5",
        version: "mqttv5",
        is_kept: false,
    },
];

impl Session {
    /// `-V`, and `-c -i` where it is kept.
    pub(crate) fn publisher(self) -> Vec<&'static str> {
        let mut args = vec!["-V", self.version];
        if self.is_kept {
            args.extend(["-c", "-i", "publisher"]);
        }
        args
    }

    /// The same for a subscriber whose session is always kept.
    pub(crate) fn subscriber(self) -> Vec<&'static str> {
        vec!["-V", self.version, "-c", "-i", "receiver"]
    }

    /// Whether the broker knows mqpub's messages after a reconnect.
    pub(crate) fn survives(self) -> bool {
        self.is_kept || self.version == "mqttv5"
    }
}

/// The numbered lines from `first` on, before `end`.
pub(crate) fn lines(first: u32, end: u32) -> String {
    (first..end).map(|line| format!("{line}\n")).collect()
}

/// Writes numbered lines to the tool's stdin in small pieces, so that it takes a while, and closes it.
pub(crate) fn feed(publisher: &Running, count: u32, piece: u32, pause: Duration) {
    for first in (0..count).step_by(piece as usize) {
        publisher.write_stdin(lines(first, count.min(first + piece)));
        thread::sleep(pause);
    }
}

/// `mqpub -l --json-summary` to the topic `lines`.
pub(crate) fn publisher(args: &[String], qos: u8, session: Session) -> Tool {
    mqpub()
        .args(args)
        .args(session.publisher())
        .args(["-q", &qos.to_string(), "-t", "lines", "-l"])
        .arg("--json-summary")
        .limit(LIMIT)
}

/// Starts `mqsub -c -i receiver -q QOS` on the topic `lines`, and waits for its subscription.
#[track_caller]
pub(crate) fn receiver(broker: &Broker, args: &[String], qos: u8, session: Session) -> Running {
    let qos = qos.to_string();
    let running = mqsub()
        .args(args)
        .args(session.subscriber())
        .args(["-q", &qos, "-t", "lines"])
        .spawn();
    // The broker has log_type subscribe.
    broker.wait_for_log(&format!("receiver {qos} lines"));
    running
}

/// Publishes a last line, and gives what the receiver has printed up to it.
#[track_caller]
pub(crate) fn received(broker: &Broker, receiver: Running) -> Vec<u32> {
    publish(broker, "end");
    until_end(receiver)
}

/// What the receiver has printed up to the last line, which is published already.
#[track_caller]
pub(crate) fn until_end(receiver: Running) -> Vec<u32> {
    receiver.wait_for_stdout("end\n");
    receiver.terminate();
    numbers(receiver.wait().assert_success().stdout_str())
}

/// Publishes one more line, straight to the broker.
#[track_caller]
pub(crate) fn publish(broker: &Broker, line: &str) {
    mqpub()
        .args(broker.args())
        .args(["-q", "2", "-t", "lines", "-m", line, "--retry", "9"])
        .run()
        .assert_success();
}

/// The numbers among printed lines.
pub(crate) fn numbers(text: &str) -> Vec<u32> {
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// How often each line is there.
pub(crate) fn tally(lines: &[u32]) -> BTreeMap<u32, usize> {
    let mut times = BTreeMap::new();
    for line in lines {
        *times.entry(*line).or_default() += 1;
    }
    times
}

/// Panics unless each line is first seen in its place.
#[track_caller]
pub(crate) fn assert_in_order(lines: &[u32]) {
    let mut highest = None;
    let mut seen = std::collections::BTreeSet::new();
    for line in lines {
        if seen.insert(*line) {
            assert!(
                highest < Some(*line),
                "line {line} is first seen behind line {highest:?}"
            );
            highest = Some(*line);
        }
    }
}

/// What `--json-summary` printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Summary {
    pub(crate) sent: u64,
    pub(crate) refused: u64,
    pub(crate) unknown: u64,
    pub(crate) may_be_lost: u64,
    pub(crate) may_be_duplicates: u64,
    pub(crate) reconnects: u64,
}

impl Summary {
    #[track_caller]
    pub(crate) fn of(output: &Output) -> Self {
        let text = output.stderr_str();
        let line = text.lines().rfind(|line| line.starts_with('{'));
        let line = line.unwrap_or_else(|| panic!("no summary\n{output}"));
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let count = |name: &str| value[name].as_u64().unwrap();
        assert_eq!(value["exit_code"].as_i64(), Some(output.status.into()));
        Self {
            sent: count("sent"),
            refused: count("refused"),
            unknown: count("unknown"),
            may_be_lost: count("may_be_lost"),
            may_be_duplicates: count("may_be_duplicates"),
            reconnects: count("reconnects"),
        }
    }

    /// The messages of which mqpub says that they may not have arrived.
    pub(crate) fn in_doubt(self) -> u64 {
        self.refused + self.unknown + self.may_be_lost
    }
}

/// The random choices of a test, told in its output.
pub(crate) fn seed() -> u64 {
    let seed = match std::env::var("MQ_FAULT_SEED") {
        Ok(text) => text.parse().expect("MQ_FAULT_SEED is a number"),
        Err(_) => fastrand::u64(..),
    };
    println!("MQ_FAULT_SEED={seed}");
    seed
}

/// Works on the jobs, a few at a time: most of each is waiting. Each gets choices of its own.
pub(crate) fn side_by_side<T: Send>(
    jobs: impl IntoIterator<Item = T>,
    work: impl Fn(T, &mut Rng) + Sync,
) {
    const LANES: usize = 4;
    let mut choices = Rng::with_seed(seed());
    let jobs: VecDeque<_> = jobs.into_iter().map(|job| (job, choices.fork())).collect();
    let jobs = Mutex::new(jobs);
    thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                loop {
                    let next = jobs
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .pop_front();
                    let Some((job, mut rng)) = next else {
                        return;
                    };
                    work(job, &mut rng);
                }
            });
        }
    });
}
