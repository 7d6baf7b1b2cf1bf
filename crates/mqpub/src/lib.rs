//! `mqpub` publishes messages: `Args -> Config -> Source -> Publisher -> Outcome -> exit code`.

pub mod cli;
mod config;
mod publisher;
mod source;

use std::ffi::OsString;

use mqtools_common::client::Client;
use mqtools_common::exit::Exit;
use mqtools_common::report::Report;
use mqtools_common::signals::Signals;
use mqtools_common::tool::Tool;
use mqtools_common::{runtime, usage};

use crate::cli::Args;
use crate::config::Config;
use crate::publisher::End;

/// Runs the tool with a command line and gives the code it ends with.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    usage::run(
        Tool::MQPUB,
        cli::command,
        arguments,
        |mut args: Args, variables| {
            args.connection.variables = variables;
            let quiet = args.talk.quiet;
            Config::new(args)
                .and_then(|config| runtime::block_on(publish(config)))
                .map_or_else(|report| report.end(quiet), |end| end_of(end, quiet))
        },
    )
}

async fn publish(config: Config) -> Result<End, Report> {
    // Before connecting: a file that is not there should cost no connection.
    let source = config.source.open()?;
    let client = Client::connect(&config.connect).await?;
    // Up to here, and for a single message, a signal simply ends the process.
    let signals = source.is_long().then(Signals::listen).transpose()?;
    publisher::run(client, source, config.message, signals).await
}

fn end_of(end: End, quiet: bool) -> Exit {
    match end {
        End::Done => Exit::SUCCESS,
        End::Stopped(signal) => signal.end_process(),
        End::Cut(signal, report) => {
            let _ = report.end(quiet);
            signal.end_process()
        }
    }
}
