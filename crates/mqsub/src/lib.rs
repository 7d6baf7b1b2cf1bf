//! `mqsub` prints messages, or does something else with them:
//! `Client events -> Filter -> Output (Screen: Formatter -> Sink, Saver, Runner, Stats) -> exit code`.

mod changed;
pub mod cli;
mod config;
mod enough;
mod exec;
mod filter;
mod format;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod output;
mod printer;
mod rate;
mod receipts;
mod remover;
mod saver;
mod screen;
mod sink;
mod stats;
mod stop;
mod subscriber;
mod terminal;
mod watch;

use std::ffi::OsString;

use mqtools_common::client::Client;
use mqtools_common::exit::Exit;
use mqtools_common::report::{self, Report};
use mqtools_common::{runtime, stdio, summary, usage};

use crate::cli::Args;
use crate::config::{Config, Display};
use crate::output::Output;
use crate::stop::Stop;
use crate::subscriber::Summary;

pub use printer::Printer;

/// Runs the tool with a command line and gives the code it ends with.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    usage::run(
        &cli::DEFINITION,
        cli::quick,
        arguments,
        |mut args: Box<Args>, variables| {
            args.connection.variables = variables;
            let talk = args.talk;
            let mut summary = Summary::default();
            let exit = Config::new(*args)
                .and_then(|(config, display)| {
                    runtime::block_on(subscribe(config, display, &mut summary))
                })
                .unwrap_or_else(|report| report.end(talk.quiet));
            if talk.json_summary {
                summary.exit_code = exit.code();
                summary::print(&summary);
            }
            exit
        },
    )
}

async fn subscribe(
    mut config: Config,
    display: Display,
    summary: &mut Summary,
) -> Result<Exit, Report> {
    if !matches!(display, Display::Nothing) && stdio::is_closed(std::io::stdout()) {
        warn(
            &config,
            "standard output is closed: messages are thrown away",
        );
    }
    let output = Output::new(display, &mut config)?;
    let mut stop = Stop::watch(config.timeout)?;
    let client = tokio::select! {
        biased;
        end = stop.requested() => return Ok(end.exit()),
        client = Client::connect(&config.connect) => client?,
    };
    subscriber::run(client, output, config, stop, summary).await
}

/// Tells the user something that ends nothing.
fn warn(config: &Config, text: &str) {
    if !config.quiet {
        report::warn(text);
    }
}
