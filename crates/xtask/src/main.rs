//! `cargo xtask`: the project's own commands. Which one was asked for is decided here, each
//! is in a module of its own.

mod bench;
mod demo;
mod dist;
mod faults;
mod generate;
mod node;
mod order;
mod parts;
mod python;
mod shell;
mod size;
mod tally;
mod test;

use std::process::ExitCode;

use clap::Parser;

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Measure the release builds beside mosquitto's tools, and print a table
    Bench(bench::BenchArgs),
    /// Build the tools and show a message travelling over TLS with a password
    Demo {
        /// A broker to use instead of a private one:
        /// mqtt(s)://[user:password@]host[:port]
        #[arg(long, value_name = "URL")]
        broker: Option<String>,
        /// Use the embedded broker even on a machine that has mosquitto
        #[arg(long, conflicts_with = "broker")]
        embedded: bool,
    },
    /// Build what is handed out, under target/dist: Debian packages, a tarball, checksums, and a
    /// list of what is in each program
    Dist {
        /// Also a tarball of programs that need no library
        #[arg(long = "static")]
        statically: bool,
    },
    /// Kill brokers while lines flow, and print what was lost and doubled, beside mosquitto_pub
    Faults {
        /// How many runs of each kind
        #[arg(default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
        runs: u32,
    },
    /// Write man/ and completions/ anew, from what the tools print
    Generate,
    /// Write crates/common/link/start.ld anew: which functions every start runs, for the linker
    Order,
    /// Install what the tests need, and nothing more
    Setup,
    /// Build the tools as they are released, and check how large they are
    Size,
    /// Publish and subscribe while the broker is restarted; fail on silent losses and growing memory
    Soak {
        /// For how long; fractions too
        #[arg(value_parser = minutes)]
        minutes: f64,
    },
    /// Install what the tests need, then build and run every test
    Test {
        /// Arguments for `cargo test`
        #[arg(last = true, value_name = "ARGS")]
        args: Vec<String>,
    },
}

fn main() -> ExitCode {
    let result = match Task::parse() {
        Task::Bench(args) => bench::measure(&args),
        Task::Demo { broker, embedded } => demo::run(broker.as_deref(), embedded),
        Task::Dist { statically } => dist::make(statically),
        Task::Faults { runs } => faults::table(runs).map(|()| ExitCode::SUCCESS),
        Task::Generate => generate::write().map(|()| ExitCode::SUCCESS),
        Task::Order => order::write().map(|()| ExitCode::SUCCESS),
        Task::Setup => test::setup().map(|()| ExitCode::SUCCESS),
        Task::Size => size::check(),
        Task::Soak { minutes } => faults::soak(minutes).map(|()| ExitCode::SUCCESS),
        Task::Test { args } => test::run(&args),
    };
    result.unwrap_or_else(|error| {
        shell::complain(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

fn minutes(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(minutes) if (0.05..=10_000.0).contains(&minutes) => Ok(minutes),
        _ => Err("it is 0.05 to 10000 minutes".to_owned()),
    }
}
