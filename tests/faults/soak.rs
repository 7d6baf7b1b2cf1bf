//! Publishers and subscribers that run for long, while their broker is stopped, killed and started
//! again: nothing is lost that nobody counts, and memory does not grow.
//!
//! `MQ_SOAK_MINUTES=60` makes it longer than a look at whether it works.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use harness::{Broker, Relay, Running, Weather, mqpub, mqsub};

use crate::journal::Sent;
use crate::support::{SESSIONS, Session, Summary, numbers, seed, tally};

/// Between two lines of a publisher.
const PACE: Duration = Duration::from_millis(10);

/// How much larger a tool may be at the end than after a tenth of the time, in KiB.
const GROWTH: u64 = 8 * 1024;

/// What a line goes through.
struct Pair {
    name: String,
    topic: String,
    relay: Relay,
    sent: Arc<Mutex<Sent>>,
    publisher: Running,
    receiver: Running,
    /// Resident memory of both, in KiB.
    first: Option<[u64; 2]>,
}

#[test]
fn nothing_is_lost_in_silence_and_memory_stays() {
    let minutes: f64 = match std::env::var("MQ_SOAK_MINUTES") {
        Ok(text) => text.parse().expect("MQ_SOAK_MINUTES is a number"),
        Err(_) => 0.1,
    };
    let time = Duration::from_secs_f64(minutes * 60.0);
    let mut rng = Rng::with_seed(seed());
    let mut broker = Broker::builder()
        .persistent()
        .log_every_packet(false)
        .config("log_type subscribe")
        .start();
    let mut pairs: Vec<Pair> = (0..=2)
        .flat_map(|qos| SESSIONS.map(|session| (qos, session)))
        .filter(|(_, session)| session.survives())
        .map(|(qos, session)| Pair::start(&broker, qos, session))
        .collect();
    let is_over = AtomicBool::new(false);
    let (mut stops, mut kills) = (0, 0);
    thread::scope(|scope| {
        for pair in &pairs {
            let (publisher, is_over) = (&pair.publisher, &is_over);
            scope.spawn(move || feed(publisher, is_over));
        }
        // Scoped, so that the feeders end also when this fails.
        let _over = Over(&is_over);
        let begun = Instant::now();
        thread::sleep(time / 10);
        pairs.iter().for_each(Pair::wait_for_a_line);
        let first: Vec<_> = pairs.iter().map(Pair::memory).collect();
        loop {
            let pause = Duration::from_secs(rng.u64(15..25)).min(time / 2);
            let Some(left) = time.checked_sub(begun.elapsed()) else {
                break;
            };
            thread::sleep(pause.min(left));
            if left < pause {
                break;
            }
            if rng.bool() {
                broker.kill();
                kills += 1;
            } else {
                broker.stop();
                stops += 1;
            }
            thread::sleep(Duration::from_millis(rng.u64(0..2000)));
            broker.restart();
        }
        first
    })
    .into_iter()
    .zip(&mut pairs)
    .for_each(|(first, pair)| pair.first = Some(first));
    println!("{minutes} minutes; mosquitto was stopped {stops} times and killed {kills} times.\n");
    println!(
        "| pair | sent | printed | lost | of these acknowledged, then lost by the broker | told by mqpub | printed more than once | reconnects | memory of mqpub, KiB | of mqsub, KiB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let complaints: Vec<_> = pairs
        .into_iter()
        .flat_map(|pair| pair.finish(&broker))
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Says that it is over when it goes.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn feed(publisher: &Running, is_over: &AtomicBool) {
    let mut line = 0;
    while !is_over.load(Ordering::SeqCst) {
        publisher.write_stdin(format!("{line}\n"));
        line += 1;
        thread::sleep(PACE);
    }
}

impl Pair {
    #[track_caller]
    fn start(broker: &Broker, qos: u8, session: Session) -> Self {
        let name = format!("QoS {qos}, MQTT {}", session.name);
        let level = qos.to_string();
        let topic = format!("{qos}/{}", session.version);
        let id = topic.replace('/', "-");
        let sent = Arc::new(Mutex::new(Sent::default()));
        let relay = Relay::start(broker.port(), Weather::default(), sent.clone());
        let receiver = mqsub()
            .args(broker.args())
            .args(["-V", session.version, "-c", "-i", &format!("to-{id}")])
            .args(["-q", &level, "-t", &topic])
            .spawn();
        broker.wait_for_log(&format!("to-{id} {qos} {topic}"));
        let own = format!("from-{id}");
        let kept: &[&str] = if session.is_kept {
            &["-c", "-i", &own]
        } else {
            &[]
        };
        let publisher = mqpub()
            .args(relay.args())
            .args(["-V", session.version, "-q", &level, "-t", &topic, "-l"])
            .args(kept)
            .arg("--json-summary")
            .spawn();
        Self {
            name,
            topic,
            relay,
            sent,
            publisher,
            receiver,
            first: None,
        }
    }

    /// A tool that is still starting is smaller than it will be.
    #[track_caller]
    fn wait_for_a_line(&self) {
        self.receiver.wait_for_stdout("\n");
    }

    fn memory(&self) -> [u64; 2] {
        [&self.publisher, &self.receiver].map(|tool| resident(tool.pid()))
    }

    /// Prints a row of the table, and gives what is wrong.
    #[track_caller]
    fn finish(self, broker: &Broker) -> Vec<String> {
        let first = self.first.unwrap_or_default();
        let last = self.memory();
        let output = self.publisher.wait();
        let summary = Summary::of(&output);
        mqpub()
            .args(broker.args())
            .args(["-q", "2", "-t", &self.topic, "-m", "end", "--retry", "9"])
            .run()
            .assert_success();
        self.receiver.wait_for_stdout("end\n");
        self.receiver.terminate();
        let printed = self.receiver.wait().assert_success();
        drop(self.relay);
        let times = tally(&numbers(printed.stdout_str()));
        let sent = self.sent.lock().unwrap();
        let count = u32::try_from(summary.sent).unwrap();
        let missing: Vec<u32> = (0..count)
            .filter(|line| !times.contains_key(line))
            .collect();
        let unexplained = missing.iter().filter(|line| !sent.fate(**line).taken);
        let unexplained = unexplained.count() as u64;
        let doubled = times.values().filter(|times| **times > 1).count();
        let Self { name, .. } = self;
        println!(
            "| {name} | {count} | {} | {} | {} | {} | {doubled} | {} | {} to {} | {} to {} |",
            times.len(),
            missing.len(),
            missing.len() as u64 - unexplained,
            summary.in_doubt(),
            summary.reconnects,
            first[0],
            last[0],
            first[1],
            last[1],
        );
        let mut complaints = Vec::new();
        if count == 0 {
            complaints.push(format!("{name}: nothing was sent\n{output}"));
        }
        if unexplained > summary.in_doubt() {
            complaints.push(format!(
                "{name}: {unexplained} lines are lost, and mqpub counts {}\n{output}",
                summary.in_doubt()
            ));
        }
        if (output.status == 0) != (summary.in_doubt() == 0) {
            complaints.push(format!("{name}: the exit code does not tell\n{output}"));
        }
        if !sent.faults.is_empty() {
            complaints.push(format!("{name}: {:?}", sent.faults));
        }
        for (tool, (first, last)) in ["mqpub", "mqsub"].iter().zip(first.into_iter().zip(last)) {
            if last == 0 || last > first + GROWTH {
                complaints.push(format!(
                    "{name}: {tool} had {first} KiB resident after a tenth of the time, and {last} KiB at the end"
                ));
            }
        }
        complaints
    }
}

/// Resident memory of a process in KiB; 0 when it is gone.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
