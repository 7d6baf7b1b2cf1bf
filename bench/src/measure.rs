//! Measures the workloads: each program in its turn, round after round, and nothing may be lost.

use std::collections::HashMap;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use harness::{Authority, Broker, ServerCert};
use tempfile::TempDir;

use crate::listen::move_to;
use crate::numbers;
use crate::output;
use crate::programs::{Counterpart as Process, Job, Programs, installed};
use crate::results::{Figure, Row};
use crate::sink::Received;
use crate::source::Sent;
use crate::usage::{Metric, Usage};
use crate::workload::{BIG, Counterpart, Input, Run, Who, Workload};

/// What measuring needs: programs, certificates, a folder with the inputs.
#[derive(Debug)]
pub struct Bench {
    pub programs: Programs,
    folder: TempDir,
    authority: Authority,
    certificate: ServerCert,
    inputs: HashMap<(u64, usize), PathBuf>,
    /// What went wrong with programs that are not ours.
    pub notes: Vec<String>,
}

impl Bench {
    /// # Errors
    /// No folder for temporary files.
    pub fn new(programs: Programs) -> Result<Self> {
        let authority = Authority::new();
        let certificate = authority.server("localhost");
        Ok(Self {
            programs,
            folder: TempDir::with_prefix("mqbench-")?,
            authority,
            certificate,
            inputs: HashMap::new(),
            notes: Vec::new(),
        })
    }

    /// All figures of a workload.
    ///
    /// # Errors
    /// A program that fails; ours, or the limit, losing something.
    pub fn workload(&mut self, workload: &Workload, rounds: u32) -> Result<Vec<Row>> {
        let mut figures: HashMap<(usize, Who), Vec<f64>> = HashMap::new();
        for run in &workload.runs {
            self.check_output(workload, run)
                .with_context(|| format!("{}: {:?}", workload.name, run.who))?;
        }
        let broker = match workload.counterpart {
            Counterpart::Mosquitto { qos } => Some((self.broker()?, qos)),
            _ => None,
        };
        for _ in 0..rounds * workload.rounds {
            for run in &workload.runs {
                if workload.metrics.is_empty() {
                    continue;
                }
                let usage = self
                    .once(workload, run, broker.as_ref(), None)
                    .with_context(|| format!("{}: {:?}", workload.name, run.who))?;
                for (index, metric) in workload.metrics.iter().enumerate() {
                    let figure = metric.of(&usage, run.messages);
                    figures.entry((index, run.who)).or_default().extend(figure);
                }
            }
        }
        let mut rows = Vec::new();
        for (index, &metric) in workload.metrics.iter().enumerate() {
            rows.push(row(workload, metric, |who| {
                Figure::new(figures.remove(&(index, who))?)
            }));
        }
        if let Some(between) = workload.counted {
            rows.push(self.instructions(workload, between)?);
        }
        Ok(rows)
    }

    fn instructions(&mut self, workload: &Workload, (few, many): (u64, u64)) -> Result<Row> {
        let mut counted = HashMap::new();
        for run in &workload.runs {
            let mut count = |messages| {
                let run = Run {
                    messages,
                    times: 1,
                    ..run.clone()
                };
                let (job, process) = self.prepare(workload, &run)?;
                let instructions = self.programs.count_instructions(&job)?;
                self.check(workload, &run, process)?;
                Ok::<f64, anyhow::Error>(instructions)
            };
            let all = count(many)?;
            let figure = if few == many {
                all
            } else {
                (all - count(few)?) / (many - few) as f64
            };
            counted.insert(run.who, figure);
        }
        let metric = if few == many {
            Metric::Instructions
        } else {
            Metric::InstructionsPerMessage
        };
        Ok(row(workload, metric, |who| {
            Figure::new(vec![counted.remove(&who)?])
        }))
    }

    /// One run, and whether all arrived.
    fn once(
        &mut self,
        workload: &Workload,
        run: &Run,
        broker: Option<&(Broker, u8)>,
        stdout: Option<PathBuf>,
    ) -> Result<Usage> {
        if let Some((broker, qos)) = broker {
            let job = self.job(workload, run, broker.port())?;
            let before = arrived(broker, *qos)?;
            let usage = self.programs.measure(&job)?;
            // $SYS is up to date once a second.
            let deadline = Instant::now() + Duration::from_secs(20);
            let mut came = 0;
            while came < run.messages && Instant::now() < deadline {
                came = arrived(broker, *qos)?.saturating_sub(before);
            }
            let lost = (came < run.messages).then(|| format!("{came} of {} arrived", run.messages));
            self.complain(workload, run, lost)?;
            return Ok(usage);
        }
        let (mut job, process) = self.prepare(workload, run)?;
        job.stdout = stdout;
        let usage = self.programs.measure(&job)?;
        self.check(workload, run, process)?;
        Ok(usage)
    }

    /// Starts the counterpart.
    fn prepare(&mut self, workload: &Workload, run: &Run) -> Result<(Job, Process)> {
        let mut args = Vec::new();
        let tls = match &workload.counterpart {
            Counterpart::Sink { tls } => {
                args.push("sink".to_owned());
                if workload.input != Input::Nothing {
                    args.push("--numbered".to_owned());
                }
                args.extend(["--connections".to_owned(), run.times.to_string()]);
                *tls
            }
            Counterpart::Source {
                tls,
                qos,
                size,
                topics,
            } => {
                let count = run.messages * run.sent_for_each;
                args.push("source".to_owned());
                args.extend(["--qos".to_owned(), qos.to_string()]);
                args.extend(["--size".to_owned(), size.to_string()]);
                args.extend(["--count".to_owned(), count.to_string()]);
                for topic in topics {
                    args.extend(["--topic".to_owned(), (*topic).to_owned()]);
                }
                *tls
            }
            Counterpart::Mosquitto { .. } => anyhow::bail!("a broker is no counterpart of ours"),
        };
        if tls {
            let certificate = &self.certificate;
            for (option, path) in [
                ("--tls-cert", &certificate.cert_path),
                ("--tls-key", &certificate.key_path),
            ] {
                args.extend([option.to_owned(), path.display().to_string()]);
            }
        }
        let processors = self.programs.processors(workload.together);
        if let Some(cpu) = processors.counterpart {
            args.extend(["--cpu".to_owned(), cpu.to_string()]);
        }
        let process = self.programs.counterpart(&args)?;
        Ok((self.job(workload, run, process.port)?, process))
    }

    fn job(&mut self, workload: &Workload, run: &Run, port: u16) -> Result<Job> {
        let stdin = match workload.input {
            Input::Nothing => None,
            Input::Lines(size) => Some(self.lines(run.messages, size)?),
        };
        let mut args = Vec::new();
        for word in &run.args {
            args.push(match word.as_str() {
                "PORT" => port.to_string(),
                "COUNT" => run.messages.to_string(),
                "CAFILE" => self.authority.pem_path().display().to_string(),
                "BIGFILE" => self.big_file()?.display().to_string(),
                word => word.to_owned(),
            });
        }
        if run.who == Who::Limit {
            args.insert(0, run.tool.to_owned());
        }
        Ok(Job {
            program: self.programs.path(run.who, run.tool),
            args,
            stdin,
            stdout: None,
            times: run.times,
            cpu: self.programs.processors(workload.together).measured,
        })
    }

    fn check(&mut self, workload: &Workload, run: &Run, process: Process) -> Result<()> {
        let mut lost = None;
        match workload.counterpart {
            Counterpart::Sink { .. } => {
                let received: Received = process.finish()?;
                let wrong = received.first_wrong;
                if received.messages != run.messages {
                    lost = Some(format!("{} of {} arrived", received.messages, run.messages));
                } else if wrong > 0 {
                    lost = Some(format!("message {wrong} was not number {wrong}"));
                }
            }
            // That it got all it says by its end: it was to end after so many.
            Counterpart::Source { .. } => {
                let sent: Sent = process.finish()?;
                let wanted = run.messages * run.sent_for_each;
                if sent.messages != wanted {
                    lost = Some(format!("{} of {wanted} were sent", sent.messages));
                }
            }
            Counterpart::Mosquitto { .. } => {}
        }
        self.complain(workload, run, lost)
    }

    /// A loss of ours, or of the limit, makes the figures worthless; mosquitto's is only noted.
    fn complain(&mut self, workload: &Workload, run: &Run, lost: Option<String>) -> Result<()> {
        let Some(lost) = lost else {
            return Ok(());
        };
        ensure!(run.who == Who::Mosquitto, "{lost}");
        let note = format!("{}: of mosquitto_{}, {lost}", workload.name, run.tool);
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
        Ok(())
    }

    /// Runs a receiver with a few messages, and looks at each byte that it prints.
    fn check_output(&mut self, workload: &Workload, run: &Run) -> Result<()> {
        let (Some(form), Counterpart::Source { size, topics, .. }) =
            (workload.output, &workload.counterpart)
        else {
            return Ok(());
        };
        let few = Run {
            messages: run
                .messages
                .min((10_000_000 / *size as u64).clamp(1, 5_000)),
            ..run.clone()
        };
        let path = self.folder.path().join("output");
        self.once(workload, &few, None, Some(path.clone()))?;
        let printed = std::fs::read(&path)?;
        std::fs::remove_file(path)?;
        let topic = topics.first().copied().unwrap_or_default();
        let step = run.sent_for_each as usize;
        let wrong = output::check(&printed, form, topic, few.messages, step, *size).err();
        self.complain(workload, run, wrong)
    }

    fn lines(&mut self, count: u64, size: usize) -> Result<PathBuf> {
        if let Some(path) = self.inputs.get(&(count, size)) {
            return Ok(path.clone());
        }
        let path = self.folder.path().join(format!("lines-{count}-{size}"));
        let mut file = BufWriter::with_capacity(256 * 1024, std::fs::File::create(&path)?);
        numbers::write_lines(&mut file, count, size)?;
        file.flush()?;
        self.inputs.insert((count, size), path.clone());
        Ok(path)
    }

    fn big_file(&mut self) -> Result<PathBuf> {
        let path = self.folder.path().join("big");
        if !path.exists() {
            std::fs::write(&path, numbers::payload(&numbers::Number::first(), BIG))?;
        }
        Ok(path)
    }

    /// A real broker, on the counterparts' processor.
    fn broker(&self) -> Result<Broker> {
        let broker = Broker::builder()
            .log_every_packet(false)
            .config("sys_interval 1")
            .start();
        if let Some(cpu) = self.programs.processors(false).counterpart {
            move_to(Some(broker.pid()), cpu)?;
        }
        Ok(broker)
    }
}

fn row(workload: &Workload, metric: Metric, mut figure: impl FnMut(Who) -> Option<Figure>) -> Row {
    Row {
        workload: workload.name.clone(),
        metric,
        ours: figure(Who::Ours),
        mosquitto: figure(Who::Mosquitto),
        limit: figure(Who::Limit),
    }
}

/// How many messages the broker says it got; it says so once a second.
fn arrived(broker: &Broker, qos: u8) -> Result<u64> {
    // It counts no QoS 2 messages: there it is all packets, at least two a message. That none is missing
    // is what the tool's exit code says.
    let (topic, packets) = match qos {
        2 => ("$SYS/broker/messages/received", 2),
        _ => ("$SYS/broker/publish/messages/received", 1),
    };
    let output = Command::new(installed("mosquitto_sub"))
        .args(["-h", "localhost", "-W", "20", "-C", "1", "-t", topic])
        .args(["-p", &broker.port().to_string()])
        .output()
        .context("cannot run mosquitto_sub")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let count: Result<u64, _> = text.trim().parse();
    Ok(count.context("the broker does not say how many messages came")? / packets)
}
