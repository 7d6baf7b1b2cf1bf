//! `mqpub` publishes messages: `Args -> Config -> Source -> Publisher -> Outcome -> exit code`.

pub mod cli;
mod config;
mod publisher;
mod source;

use std::ffi::OsString;

use clap::CommandFactory as _;
use mqtools_common::client::Client;
use mqtools_common::exit::Exit;
use mqtools_common::report::Report;
use mqtools_common::usage::{self, Parsed};
use mqtools_common::{runtime, stdio};

use crate::cli::Args;
use crate::config::Config;

/// Runs the tool with a command line and gives the code it ends with.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let args = match usage::parse::<Args>(Args::command(), arguments) {
        Ok(Parsed::Run(args)) => args,
        Ok(Parsed::Show(text)) => return stdio::show(&text),
        Err(report) => return report.end(false),
    };
    let quiet = args.talk.quiet;
    let outcome = Config::new(args).and_then(|config| runtime::block_on(publish(config)));
    match outcome {
        Ok(()) => Exit::SUCCESS,
        Err(report) => report.end(quiet),
    }
}

async fn publish(config: Config) -> Result<(), Report> {
    // Before connecting: a file that is not there should cost no connection.
    let source = config.source.open()?;
    let client = Client::connect(&config.connect).await?;
    publisher::run(client, source, config.message).await
}
