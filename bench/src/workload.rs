//! The workloads: what is run against what, how often, and which figures come out.

use crate::usage::Metric;

/// Whose program it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    Ours,
    Mosquitto,
    Limit,
}

/// What the program talks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counterpart {
    Sink {
        tls: bool,
    },
    Source {
        tls: bool,
        qos: u8,
        size: usize,
        topics: Vec<&'static str>,
    },
    /// A real broker, at this QoS.
    Mosquitto {
        qos: u8,
    },
}

/// What standard input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    Nothing,
    /// Numbered lines, as many as there are messages, of so many bytes.
    Lines(usize),
}

/// One thing to measure, for each of the programs.
#[derive(Debug, Clone)]
pub struct Workload {
    pub name: String,
    pub counterpart: Counterpart,
    pub input: Input,
    pub runs: Vec<Run>,
    pub metrics: Vec<Metric>,
    /// Between which numbers of messages instructions are counted; the same number twice: of the whole
    /// run.
    pub counted: Option<(u64, u64)>,
    /// The message that output is checked for, of a receiver.
    pub output: Option<Output>,
    /// The program and its counterpart share a processor: where they wait for each other in turn, the time
    /// that another processor takes to wake up is not measured then.
    pub together: bool,
    /// How many rounds it has for each of the others: more where a run is over in a moment.
    pub rounds: u32,
}

/// How a receiver prints a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    Plain,
    /// The topic, a blank and the payload.
    Verbose,
    Json,
    Hex,
}

/// What one of the programs does.
#[derive(Debug, Clone)]
pub struct Run {
    pub who: Who,
    /// `pub`, `sub` or `once`.
    pub tool: &'static str,
    /// `PORT`, `COUNT`, `CAFILE` and `BIGFILE` stand for what is known later.
    pub args: Vec<String>,
    /// How many messages a run publishes or receives.
    pub messages: u64,
    /// How many messages the source sends for one of those.
    pub sent_for_each: u64,
    /// How often the command is run for that, one message each.
    pub times: u32,
}

const TOPIC: &str = "bench";

/// How many bytes "200 MB" are.
pub const BIG: usize = 200_000_000;

/// A million for ours and the limit, and so many for mosquitto's that they take about a second.
const MILLION: u64 = 1_000_000;

/// The rounds of workloads whose runs take a tenth of a second: single ones are far from each other.
pub const SHORT: u32 = 3;

/// The rounds of those that take less, or of which one run takes five times as long as the next because
/// the processors happen to sleep: each program is to have its share of a machine's good and bad moments.
const MANY: u32 = 12;

/// All workloads that are a command against a counterpart. `quick` has a tenth of the messages.
#[must_use]
pub fn all(quick: bool) -> Vec<Workload> {
    let mut all = Vec::new();
    for tls in [false, true] {
        for qos in 0..=1 {
            all.push(once(qos, tls));
        }
    }
    for qos in 0..=2 {
        for five in [false, true] {
            all.push(lines(qos).five(five));
        }
    }
    for qos in 1..=2 {
        all.push(lines(qos).window(1000));
    }
    for qos in 1..=2 {
        all.push(lines(qos).together());
    }
    all.push(lines(0).tls());
    for (size, name, share) in [(16, "16 B", 1), (1024, "1 KiB", 4), (65_536, "64 KiB", 100)] {
        all.push(lines(0).size(size, name, share));
    }
    for qos in 0..=2 {
        for five in [false, true] {
            all.push(lines(qos).against_mosquitto(qos).five(five));
        }
    }
    for qos in 1..=2 {
        all.push(lines(qos).against_mosquitto(qos).few(100));
    }
    for qos in 0..=2 {
        for five in [false, true] {
            all.push(receive(qos).five(five));
        }
    }
    for (option, output) in [
        ("-v", Output::Verbose),
        ("-F %j", Output::Json),
        ("-F %x", Output::Hex),
    ] {
        all.push(receive(0).printing(option, output));
    }
    all.push(receive(0).filtered());
    all.push(receive(0).with_topics(1000));
    all.push(receive(0).tls());
    for (size, name, share) in [(16, "16 B", 1), (1024, "1 KiB", 4), (65_536, "64 KiB", 100)] {
        all.push(receive(0).size(size, name, share));
    }
    for tls in [false, true] {
        all.push(file(tls));
        all.push(big(tls));
    }
    for count in [1, 100, 1000] {
        all.push(topics(count));
    }
    for workload in &mut all {
        workload.name = workload.name.replace(", MQTT 3.1.1", "");
        if quick {
            for run in &mut workload.runs {
                if run.messages >= 10_000 {
                    run.messages /= 10;
                }
                run.times = run.times.min(10);
                run.messages = if run.times > 1 {
                    u64::from(run.times)
                } else {
                    run.messages
                };
            }
        }
    }
    all.extend(growth(quick));
    all
}

/// One message a process: what a loop of a shell does.
fn once(qos: u8, tls: bool) -> Workload {
    let times = 10;
    let run = |who, tool, args: &str| Run {
        who,
        tool,
        args: words(&format!(
            "{args} {}",
            if tls { "--cafile CAFILE" } else { "" }
        )),
        messages: u64::from(times),
        sent_for_each: 1,
        times,
    };
    let client = format!("-h localhost -p PORT -t {TOPIC} -q {qos} -m hello");
    let mut runs = vec![
        run(Who::Ours, "pub", &client),
        run(Who::Mosquitto, "pub", &client),
    ];
    if !tls {
        let limit = format!("--port PORT --topic {TOPIC} --qos {qos} hello");
        runs.push(run(Who::Limit, "once", &limit));
    }
    Workload {
        name: format!("one publish, QoS {qos}{}", if tls { ", TLS" } else { "" }),
        counterpart: Counterpart::Sink { tls },
        input: Input::Nothing,
        runs,
        metrics: vec![
            Metric::Wall,
            Metric::Cpu,
            Metric::PageFaults,
            Metric::PeakMemory,
        ],
        counted: Some((1, 1)),
        output: None,
        together: false,
        rounds: MANY,
    }
}

/// Lines of 64 bytes from standard input, to the sink.
fn lines(qos: u8) -> Workload {
    // mosquitto_pub loses messages of more than 65,535 lines with QoS.
    let (ours, theirs) = match qos {
        0 => (MILLION, MILLION / 5),
        _ => (MILLION / 5, 30_000),
    };
    let window = if qos == 2 { 20 } else { 100 };
    let client = format!("-h localhost -p PORT -t {TOPIC} -q {qos} -l");
    let limit = format!("--port PORT --topic {TOPIC} --qos {qos} --window {window}");
    Workload {
        name: format!("-l, QoS {qos}"),
        counterpart: Counterpart::Sink { tls: false },
        input: Input::Lines(64),
        runs: three("pub", &client, &limit, ours, theirs),
        metrics: vec![Metric::Wall, Metric::Cpu, Metric::PeakMemory],
        counted: Some((2_000, 12_000)),
        output: None,
        together: false,
        rounds: match qos {
            0 => 1,
            1 => MANY,
            _ => SHORT,
        },
    }
}

/// Messages of 64 bytes from the source, to /dev/null.
fn receive(qos: u8) -> Workload {
    let theirs = match qos {
        0 => MILLION / 5,
        _ => MILLION / 20,
    };
    let ours = 2 * MILLION;
    let client = format!("-h localhost -p PORT -t {TOPIC} -q {qos} -C COUNT");
    let limit = format!("--port PORT --topic {TOPIC} --qos {qos} --count COUNT");
    Workload {
        name: format!("receive, QoS {qos}"),
        counterpart: Counterpart::Source {
            tls: false,
            qos,
            size: 64,
            topics: vec![TOPIC],
        },
        input: Input::Nothing,
        runs: three("sub", &client, &limit, ours, theirs),
        metrics: vec![Metric::Wall, Metric::Cpu, Metric::PeakMemory],
        counted: Some((2_000, 12_000)),
        output: Some(Output::Plain),
        together: false,
        rounds: SHORT,
    }
}

/// A large file as one message, without a limit: it is memory that counts.
fn file(tls: bool) -> Workload {
    let client = format!("-h localhost -p PORT -t {TOPIC} -f BIGFILE");
    let mut workload = Workload {
        name: "-f, 200 MB".to_owned(),
        counterpart: Counterpart::Sink { tls: false },
        input: Input::Nothing,
        runs: three("pub", &client, "", 1, 1),
        metrics: vec![Metric::PeakMemory, Metric::Wall, Metric::Cpu],
        counted: None,
        output: None,
        together: false,
        rounds: 1,
    };
    workload.runs.retain(|run| run.who != Who::Limit);
    if tls { workload.tls() } else { workload }
}

/// A large message received.
fn big(tls: bool) -> Workload {
    let mut workload = receive(0);
    workload.name = "receive 200 MB".to_owned();
    workload.rounds = 1;
    workload.metrics = vec![Metric::PeakMemory, Metric::Wall, Metric::Cpu];
    workload.counted = None;
    if let Counterpart::Source { size, .. } = &mut workload.counterpart {
        *size = BIG;
    }
    for run in &mut workload.runs {
        run.messages = 1;
    }
    if tls { workload.tls() } else { workload }
}

/// Subscribing to many topics, and leaving.
fn topics(count: usize) -> Workload {
    let mut workload = receive(0).with_topics(count);
    workload.name = format!("subscribe to {count} topics");
    workload.runs.retain(|run| run.who != Who::Limit);
    for run in &mut workload.runs {
        run.args.retain(|word| word != "-C" && word != "COUNT");
        run.args.push("-E".to_owned());
        run.messages = 1;
        run.sent_for_each = 0;
    }
    workload.metrics = Vec::new();
    workload.counted = Some((1, 1));
    workload.output = None;
    workload
}

/// Ours alone, and the limit, with more and more messages of 16 bytes.
fn growth(quick: bool) -> Vec<Workload> {
    let most = if quick { 6 } else { 7 };
    let counts = || (4..=most).map(|power| 10_u64.pow(power));
    let alone = |mut workload: Workload, name: String, count: u64| {
        workload.name = name;
        workload.counted = None;
        workload.metrics = vec![Metric::Cpu, Metric::PeakMemory];
        workload.runs.retain(|run| run.who != Who::Mosquitto);
        for run in &mut workload.runs {
            run.messages = count;
        }
        workload
    };
    let lines = counts().map(|count| {
        let workload = lines(0).size(16, "", 1);
        alone(workload, format!("-l, {} lines", thousands(count)), count)
    });
    let received = counts().map(|count| {
        let workload = receive(0).size(16, "", 1);
        alone(workload, format!("receive {}", thousands(count)), count)
    });
    lines.chain(received).collect()
}

impl Workload {
    /// In MQTT 5.
    fn five(mut self, five: bool) -> Self {
        if five {
            self.name.push_str(", MQTT 5");
            for run in &mut self.runs {
                match run.who {
                    Who::Limit => {
                        run.args.extend(words("--version mqttv5"));
                        // What mqpub has by default there, at QoS 2 too.
                        run.args.extend(words("--window 100"));
                    }
                    _ => run.args.extend(words("-V mqttv5")),
                }
            }
        }
        self
    }

    fn window(mut self, window: u16) -> Self {
        self.name.push_str(&format!(", -M {window}"));
        for run in &mut self.runs {
            let option = if run.who == Who::Limit {
                "--window"
            } else {
                "-M"
            };
            run.args.extend(words(&format!("{option} {window}")));
        }
        self
    }

    fn together(mut self) -> Self {
        self.name.push_str(", one processor");
        self.counted = None;
        self.together = true;
        self
    }

    /// Over TLS; there is no limit of that.
    fn tls(mut self) -> Self {
        self.name.push_str(", TLS");
        self.counted = None;
        match &mut self.counterpart {
            Counterpart::Sink { tls } | Counterpart::Source { tls, .. } => *tls = true,
            Counterpart::Mosquitto { .. } => {}
        }
        self.runs.retain(|run| run.who != Who::Limit);
        for run in &mut self.runs {
            run.args.extend(words("--cafile CAFILE"));
        }
        self
    }

    /// With payloads of another size, and a part of the messages.
    fn size(mut self, bytes: usize, name: &str, share: u64) -> Self {
        self.name.push_str(&format!(", {name}"));
        self.counted = None;
        if self.input != Input::Nothing {
            self.input = Input::Lines(bytes);
        }
        if let Counterpart::Source { size, .. } = &mut self.counterpart {
            *size = bytes;
        }
        for run in &mut self.runs {
            run.messages /= share;
        }
        self
    }

    /// To a real broker, which is what limits then.
    fn against_mosquitto(mut self, qos: u8) -> Self {
        self.name.push_str(", to mosquitto");
        self.counterpart = Counterpart::Mosquitto { qos };
        self.rounds = 1;
        self.counted = None;
        // The limit does not wait until the broker has read all, as ours does.
        self.runs.retain(|run| qos > 0 || run.who != Who::Limit);
        for run in &mut self.runs {
            if run.who != Who::Mosquitto && run.messages > 100_000 {
                run.messages = if qos == 0 { MILLION / 2 } else { 60_000 };
            }
        }
        self
    }

    /// So few that it is the waiting that counts: for the start, and at the end for the last answers.
    fn few(mut self, count: u64) -> Self {
        self.name.push_str(&format!(", {count} lines"));
        self.metrics = vec![Metric::Wall];
        for run in &mut self.runs {
            run.messages = count;
        }
        self
    }

    fn printing(mut self, option: &str, output: Output) -> Self {
        self.name.push_str(&format!(", {option}"));
        self.output = Some(output);
        self.runs.retain(|run| run.who != Who::Limit);
        for run in &mut self.runs {
            run.args.extend(words(option));
            run.messages /= 2;
        }
        self
    }

    /// Every second message is kept out of the output.
    fn filtered(mut self) -> Self {
        self.name.push_str(", -T");
        if let Counterpart::Source { topics, .. } = &mut self.counterpart {
            *topics = vec![TOPIC, "other"];
        }
        self.runs.retain(|run| run.who != Who::Limit);
        for run in &mut self.runs {
            run.args.extend(words("-T other/#"));
            run.messages /= 2;
            run.sent_for_each = 2;
        }
        self
    }

    /// Subscribed to this many topics, all but one of them silent.
    fn with_topics(mut self, count: usize) -> Self {
        self.name
            .push_str(&format!(", {} -t", thousands(count as u64)));
        self.runs.retain(|run| run.who != Who::Limit);
        for run in &mut self.runs {
            for index in 1..count {
                run.args
                    .extend(["-t".to_owned(), format!("silent/{index}")]);
            }
        }
        self
    }
}

fn three(tool: &'static str, client: &str, limit: &str, ours: u64, theirs: u64) -> Vec<Run> {
    let run = |who, args, messages| Run {
        who,
        tool,
        args: words(args),
        messages,
        sent_for_each: 1,
        times: 1,
    };
    vec![
        run(Who::Ours, client, ours),
        run(Who::Mosquitto, client, theirs),
        run(Who::Limit, limit, ours),
    ]
}

fn words(text: &str) -> Vec<String> {
    text.split_ascii_whitespace().map(str::to_owned).collect()
}

/// With commas between the thousands.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::{Against, GOALS};

    #[test]
    fn every_goal_is_of_a_figure_that_is_measured() {
        let all = all(false);
        let names: Vec<_> = all.iter().map(|workload| workload.name.as_str()).collect();
        for goal in GOALS {
            let is_there = |name: &str| names.contains(&name) || name == "latency";
            assert!(is_there(goal.workload), "{:?} in {names:#?}", goal.workload);
            if let Against::Ours(other) = goal.against {
                assert!(is_there(other), "{other:?} in {names:#?}");
            }
            let workload = all.iter().find(|one| one.name == goal.workload);
            if let Some(workload) = workload {
                let instructions =
                    goal.metric == Metric::Instructions && workload.counted.is_some();
                assert!(instructions || workload.metrics.contains(&goal.metric));
                let limit = workload.runs.iter().any(|run| run.who == Who::Limit);
                assert!(limit || goal.against != Against::Limit);
            }
        }
        let mut unique = names.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), names.len(), "{names:#?}");
    }

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(thousands(1), "1");
        assert_eq!(thousands(100), "100");
        assert_eq!(thousands(10_000), "10,000");
        assert_eq!(thousands(10_000_000), "10,000,000");
    }
}
