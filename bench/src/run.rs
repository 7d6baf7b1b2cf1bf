//! `bench run`: all workloads, the table, the file, and whether the goals are met.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use bench::goals::GOALS;
use bench::measure::Bench;
use bench::programs::{Programs, installed};
use bench::results::{Figure, Results, Row};
use bench::usage::Metric;
use bench::workload::{self, SHORT, Who};
use bench::{latency, moving, readme, report};

/// What to measure, and what to do with it.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// Fail unless every goal is met
    #[arg(long)]
    check: bool,
    /// How often each program is run for each workload [default: 5]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Only the workloads with this in their names; repeatable
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    only: Vec<String>,
    /// A tenth of the messages, and one round, or a few where a run is short: to try things out
    #[arg(long)]
    quick: bool,
    /// Bind counterparts to the first processor and what is measured to the second: less noise on a busy
    /// machine, but threads of one program cannot run beside each other
    #[arg(long)]
    pinned: bool,
    /// Write the figures there, as JSON
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Make the table in this README anew
    #[arg(long, value_name = "FILE")]
    readme: Option<PathBuf>,
    /// Where mqpub, mqsub and mqpasswd are [default: beside this program]
    #[arg(long, value_name = "DIR")]
    tools: Option<PathBuf>,
    /// Print the names of the workloads, and measure nothing
    #[arg(long)]
    list: bool,
    /// Judge the figures in this file instead of measuring
    #[arg(long, value_name = "FILE", conflicts_with_all = ["only", "output", "quick", "rounds"])]
    judge: Option<PathBuf>,
}

/// Measures, prints and judges.
pub(crate) fn run(args: &RunArgs, out: &mut impl Write) -> Result<ExitCode> {
    let results = match &args.judge {
        Some(path) => report::read(path)?,
        None if args.list => {
            for workload in workload::all(args.quick) {
                writeln!(out, "{}", workload.name)?;
            }
            writeln!(out, "{}\n{}\n{SIZE}", latency::NAME, moving::NAME)?;
            return Ok(ExitCode::SUCCESS);
        }
        None => measure(args)?,
    };
    write!(out, "{}", report::text(&results, GOALS))?;
    if let Some(path) = &args.output {
        report::write(path, &results)?;
    }
    if let Some(path) = &args.readme {
        readme::write(path, &results, GOALS)?;
    }
    let complete = args.only.is_empty();
    let failed =
        !results.missed(GOALS).is_empty() || (complete && !results.unmeasured(GOALS).is_empty());
    Ok(if args.check && failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

const SIZE: &str = "binary";

fn measure(args: &RunArgs) -> Result<Results> {
    let own = std::env::current_exe()?;
    let own = own.parent().context("no folder")?.to_owned();
    let processors = std::thread::available_parallelism()?.get();
    let programs = Programs {
        tools: args.tools.clone().unwrap_or_else(|| own.clone()),
        own,
        pinned: processors > 1 && args.pinned,
    };
    let rounds = args.rounds.unwrap_or(if args.quick { 1 } else { 5 });
    let wanted = |name: &str| {
        let mut only = args.only.iter();
        args.only.is_empty() || only.any(|part| name.contains(part.as_str()))
    };
    let mut results = Results {
        machine: machine(&programs, processors),
        rounds,
        ..Results::default()
    };
    // What was just built is still to be written to the disk, which takes a processor's time.
    rustix::fs::sync();
    let mut bench = Bench::new(programs.clone())?;
    for workload in workload::all(args.quick) {
        if wanted(&workload.name) {
            progress(&workload.name);
            results.rows.extend(bench.workload(&workload, rounds)?);
        }
    }
    if wanted(latency::NAME) {
        progress(latency::NAME);
        let messages = if args.quick { 200 } else { 1000 };
        results
            .rows
            .extend(latency::measure(&programs, rounds * SHORT, messages)?);
    }
    if wanted(moving::NAME) {
        progress(moving::NAME);
        // A process for each message takes mosquitto's milliseconds.
        let (ours, theirs) = if args.quick {
            (10_000, 100)
        } else {
            (100_000, 500)
        };
        results
            .rows
            .push(moving::measure(&programs, rounds, ours, theirs)?);
    }
    for tool in ["pub", "sub", "passwd"] {
        let name = format!("{SIZE} of mq{tool}");
        if wanted(&name) {
            results.rows.push(size(&programs, tool, name)?);
        }
    }
    results.machine.push(format!("load at the end: {}", load()));
    results.notes = bench.notes;
    Ok(results)
}

fn size(programs: &Programs, tool: &str, workload: String) -> Result<Row> {
    let of = |who| {
        let path = programs.path(who, tool);
        let found = std::fs::metadata(&path).with_context(|| format!("no {}", path.display()))?;
        Ok::<_, anyhow::Error>(Figure::new(vec![found.len() as f64]))
    };
    Ok(Row {
        workload,
        metric: Metric::BinarySize,
        ours: of(Who::Ours)?,
        mosquitto: of(Who::Mosquitto)?,
        limit: None,
    })
}

fn machine(programs: &Programs, processors: usize) -> Vec<String> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model
        .unwrap_or_default()
        .trim_start_matches([' ', '\t', ':']);
    let kernel = read("/proc/sys/kernel/osrelease");
    let pinned = if programs.pinned {
        "counterparts run on the first processor, what is measured on the second (latency: anywhere)"
    } else {
        "no program is bound to a processor, unless the workload says so"
    };
    vec![
        format!("{processors} processors, {model}, Linux {}", kernel.trim()),
        format!("mosquitto: {}", mosquitto()),
        pinned.to_owned(),
        format!("load at the beginning: {}", load()),
    ]
}

fn mosquitto() -> String {
    let help = Command::new(installed("mosquitto_pub"))
        .arg("--help")
        .output();
    let text = help.map(|help| help.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find(|line| line.contains("version"));
    line.unwrap_or("unknown").trim().to_owned()
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn progress(name: &str) {
    let _ = writeln!(std::io::stderr(), "{name}");
}
