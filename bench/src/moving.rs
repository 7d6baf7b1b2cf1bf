//! Moving retained messages from one real broker to another: a subscriber's output is a publisher's
//! input. mosquitto's tools need a loop of the shell for that, with a process for each message.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use harness::Broker;

use crate::programs::Programs;
use crate::results::{Figure, Row};
use crate::usage::Metric;
use crate::workload::Who;

/// The name of this row.
pub const NAME: &str = "move retained messages";

/// One has messages with topics like these, and the other has none yet.
const TOPIC: &str = "site/device";

/// Measures both ways in turn, with so many messages of ours and of mosquitto's.
///
/// # Errors
/// A program that fails, a message that is not there afterwards, or not as it was.
pub fn measure(programs: &Programs, rounds: u32, ours: u64, theirs: u64) -> Result<Row> {
    let mut all = [(Who::Ours, ours), (Who::Mosquitto, theirs)].map(|who| (who, Vec::new()));
    for ((who, messages), figures) in &mut all {
        let from = broker();
        fill(programs, &from, *messages)?;
        for _ in 0..rounds {
            let to = broker();
            let begun = Instant::now();
            run(programs, *who, &from, &to, *messages)
                .with_context(|| format!("{NAME}: {who:?}"))?;
            figures.push(begun.elapsed().as_secs_f64() * 1e6 / *messages as f64);
            check(programs, &to, *messages).with_context(|| format!("{NAME}: {who:?}"))?;
        }
    }
    let [(_, ours), (_, mosquitto)] = all;
    Ok(Row {
        workload: NAME.to_owned(),
        metric: Metric::Wall,
        ours: Figure::new(ours),
        mosquitto: Figure::new(mosquitto),
        limit: None,
    })
}

fn broker() -> Broker {
    Broker::builder().log_every_packet(false).start()
}

/// The topics with their payloads, a line each.
fn lines(messages: u64) -> impl Iterator<Item = String> {
    (0..messages).map(|number| format!("{TOPIC}/{number} {{\"number\":{number},\"on\":true}}"))
}

fn fill(programs: &Programs, broker: &Broker, messages: u64) -> Result<()> {
    let mut publisher = Command::new(programs.path(Who::Ours, "pub"))
        .args(broker.args())
        .args(["-q", "1", "-r", "-l", "--topic-separator", " "])
        .stdin(Stdio::piped())
        .spawn()?;
    let mut stdin = publisher.stdin.take().context("no stdin")?;
    let text: String = lines(messages)
        .flat_map(|line| [line, "\n".into()])
        .collect();
    stdin.write_all(text.as_bytes())?;
    drop(stdin);
    ensure!(publisher.wait()?.success(), "cannot fill the first broker");
    Ok(())
}

/// What somebody types.
fn run(programs: &Programs, who: Who, from: &Broker, to: &Broker, messages: u64) -> Result<()> {
    let path = |tool| quoted(&programs.path(who, tool));
    let (subscribe, publish) = (path("sub"), path("pub"));
    let subscribe = format!(
        "{subscribe} -h localhost -p {} -t '#' --retained-only -C {messages}",
        from.port()
    );
    let publish = format!("{publish} -h localhost -p {}", to.port());
    let typed = match who {
        Who::Ours => format!("{subscribe} --json | {publish} --json-lines"),
        _ => format!(
            "{subscribe} -F '%t %p' | while read -r topic payload; do \
             {publish} -r -t \"$topic\" -m \"$payload\" || exit; done"
        ),
    };
    let status = Command::new("sh").args(["-c", &typed]).status()?;
    ensure!(status.success(), "{typed}: {status}");
    Ok(())
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// All of them are there, as they were.
fn check(programs: &Programs, broker: &Broker, messages: u64) -> Result<()> {
    let output = Command::new(programs.path(Who::Ours, "sub"))
        .args(broker.args())
        .args(["-t", "#", "--retained-only", "-v", "-W", "60"])
        .args(["-C", &messages.to_string()])
        .stderr(Stdio::inherit())
        .output()?;
    let found: BTreeSet<&str> = std::str::from_utf8(&output.stdout)?.lines().collect();
    ensure!(
        found.len() as u64 == messages,
        "{} of {messages} messages came through",
        found.len()
    );
    let lost = lines(messages).find(|line| !found.contains(line.as_str()));
    ensure!(lost.is_none(), "{lost:?} is not there");
    Ok(())
}
