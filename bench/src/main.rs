//! `bench`: the counterparts by hand, and the benchmark as a whole.

mod run;

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Result;
use bench::listen::ListenArgs;
use bench::source::SourceArgs;
use bench::{numbers, sink, source};
use clap::Parser;

use crate::run::RunArgs;

/// Measures the tools beside mosquitto's; `cargo xtask bench` builds all and runs it.
#[derive(Debug, Parser)]
enum Task {
    /// Run the benchmark with the programs beside this one, and print a table
    Run(RunArgs),
    /// Be a broker that acknowledges at once, discards all, and prints what came
    Sink {
        #[command(flatten)]
        listen: ListenArgs,
        /// Payloads begin with ten digits that count up from 1 in each connection: look at them
        #[arg(long)]
        numbered: bool,
    },
    /// Be a broker that sends messages as fast as they are taken, and prints how many
    Source {
        #[command(flatten)]
        listen: ListenArgs,
        #[command(flatten)]
        what: SourceArgs,
    },
    /// Print numbered lines
    Lines {
        /// How many
        count: u64,
        /// How long they are in bytes, without the line feed
        #[arg(default_value_t = 64)]
        size: usize,
    },
}

fn main() -> ExitCode {
    match perform(Task::parse()) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<ExitCode> {
    let mut stdout = io::stdout().lock();
    match task {
        Task::Run(args) => return run::run(&args, &mut stdout),
        Task::Sink { listen, numbered } => {
            let received = sink::run(&listen, numbered)?;
            writeln!(stdout, "{}", serde_json::to_string(&received)?)?;
            if received.first_wrong > 0 {
                return Ok(ExitCode::FAILURE);
            }
        }
        Task::Source { listen, what } => {
            let sent = source::run(&listen, &what)?;
            writeln!(stdout, "{}", serde_json::to_string(&sent)?)?;
        }
        Task::Lines { count, size } => {
            let mut out = io::BufWriter::with_capacity(256 * 1024, stdout);
            numbers::write_lines(&mut out, count, size)?;
            out.flush()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
