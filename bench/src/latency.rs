//! The latency of a lone message: from the line on the publisher's standard input to the line on the
//! subscriber's standard output, with a real broker between.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use harness::Broker;

use crate::programs::Programs;
use crate::results::{Figure, Row};
use crate::usage::{Metric, percentile};
use crate::workload::Who;

/// The name of these rows.
pub const NAME: &str = "latency";

/// Between two messages, so that each of them is alone.
const PAUSE: Duration = Duration::from_millis(2);

/// Measures both pairs in turn, `messages` lines in each of the rounds.
///
/// # Errors
/// A program that fails, a line that is not the one awaited.
pub fn measure(programs: &Programs, rounds: u32, messages: u32) -> Result<Vec<Row>> {
    let broker = Broker::builder().log_every_packet(false).start();
    let both = [Who::Ours, Who::Mosquitto];
    let mut all = both.map(|_| (Vec::new(), Vec::new()));
    for _ in 0..rounds {
        for (who, (middle, tail)) in both.into_iter().zip(&mut all) {
            let taken = round(programs, who, broker.port(), messages)
                .with_context(|| format!("latency of {who:?}"))?;
            middle.extend(percentile(&taken, 0.5));
            tail.extend(percentile(&taken, 0.99));
        }
    }
    let [(ours_middle, ours_tail), (middle, tail)] = all;
    let row = |metric, ours, mosquitto| Row {
        workload: NAME.to_owned(),
        metric,
        ours: Figure::new(ours),
        mosquitto: Figure::new(mosquitto),
        limit: None,
    };
    Ok(vec![
        row(Metric::LatencyP50, ours_middle, middle),
        row(Metric::LatencyP99, ours_tail, tail),
    ])
}

/// How long each message took, in microseconds.
fn round(programs: &Programs, who: Who, port: u16, messages: u32) -> Result<Vec<f64>> {
    let mut pair = Pair::start(programs, who, port)?;
    let mut taken = Vec::new();
    for number in 0..messages {
        thread::sleep(PAUSE);
        let begin = Instant::now();
        let line = pair.pass(&format!("{number:010}\n"))?;
        taken.push(begin.elapsed().as_secs_f64() * 1e6);
        ensure!(
            line == format!("{number:010}\n"),
            "{line:?} instead of {number}"
        );
    }
    Ok(taken)
}

/// A publisher and a subscriber; killed on drop.
struct Pair {
    publisher: Child,
    subscriber: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Pair {
    /// Starts both, and waits until messages go through.
    fn start(programs: &Programs, who: Who, port: u16) -> Result<Self> {
        let start = |tool, option: &str| {
            let port = port.to_string();
            let mut command = Command::new(programs.path(who, tool));
            command.args(["-h", "localhost", "-p", &port, "-t", "latency"]);
            command.args(option.split_ascii_whitespace());
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
        };
        // Whoever prints the retained message has subscribed.
        ensure!(start("pub", "-r -m ready")?.wait()?.success(), "no publish");
        let mut subscriber = start("sub", "-q 0")?;
        let stdout = subscriber.stdout.take().context("no stdout")?;
        let mut publisher = start("pub", "-l")?;
        let stdin = publisher.stdin.take().context("no stdin")?;
        let mut pair = Self {
            publisher,
            subscriber,
            stdin,
            stdout: BufReader::new(stdout),
        };
        let ready = pair.read()?;
        ensure!(
            ready == "ready\n",
            "{ready:?} instead of the retained message"
        );
        pair.pass("connected\n")?;
        Ok(pair)
    }

    fn pass(&mut self, line: &str) -> Result<String> {
        self.stdin.write_all(line.as_bytes())?;
        self.read()
    }

    fn read(&mut self) -> Result<String> {
        let mut found = String::new();
        self.stdout.read_line(&mut found)?;
        Ok(found)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for child in [&mut self.publisher, &mut self.subscriber] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
