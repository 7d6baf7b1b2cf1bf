//! `mqpub` publishes messages: `Args -> Config -> Source -> Publisher -> Outcome -> exit code`.

mod books;
pub mod cli;
mod config;
mod exchange;
mod probe;
mod progress;
mod publisher;
mod request;
mod source;
mod stop;

use std::ffi::OsString;

use mqtools_common::args::TalkArgs;
use mqtools_common::client::Client;
use mqtools_common::exit::Exit;
use mqtools_common::report::Report;
use mqtools_common::runtime::{self, aside};
use mqtools_common::signals::Signals;
use mqtools_common::{summary, usage};

use crate::books::Summary;
use crate::cli::Args;
use crate::config::{Config, Task};
use crate::progress::Progress;
use crate::publisher::End;

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
            let config = match Config::new(*args).map(Box::new) {
                // No run that could be summed up.
                Err(report) if report.exit() == Exit::USAGE => return report.end(talk.quiet),
                config => config,
            };
            let ended = config.and_then(|config| runtime::block_on(publish(config, &mut summary)));
            end(ended, summary, talk)
        },
    )
}

async fn publish(config: Box<Config>, summary: &mut Summary) -> Result<End, Report> {
    let message = &config.message;
    match &config.task {
        Task::Publish => {}
        Task::Request(request) => {
            let source = config.messages.open(None)?;
            let message = message.publication();
            return aside(|| request::run(&config.connect, source, message, request))
                .await
                .map(|()| End::Done);
        }
        Task::Probe(probe) => {
            return aside(|| probe::run(&config.connect, message.publication(), probe))
                .await
                .map(|()| End::Done);
        }
    }
    let mut progress = config.progress.map(Progress::new);
    // Before connecting: a file that is not there should cost no connection.
    let source = config.messages.open(progress.as_ref())?;
    if let (Some(progress), Some(bytes)) = (&mut progress, source.single_length()) {
        progress.is_long(bytes);
    }
    let client = Client::connect(&config.connect).await?;
    // Up to here, and for a single message, a signal simply ends the process.
    let signals = source.is_long().then(Signals::listen).transpose()?;
    publisher::run(client, source, config.message, signals, progress, summary).await
}

fn end(ended: Result<End, Report>, mut summary: Summary, talk: TalkArgs) -> Exit {
    let (exit, signal) = match ended {
        Ok(End::Done) => (Exit::SUCCESS, None),
        Ok(End::Stopped(signal)) => (signal.exit(), Some(signal)),
        Ok(End::Cut(signal, report)) => {
            let _ = report.end(talk.quiet);
            (signal.exit(), Some(signal))
        }
        Err(report) => (report.end(talk.quiet), None),
    };
    if talk.json_summary {
        summary.exit_code = exit.code();
        summary::print(&summary);
    }
    match signal {
        Some(signal) => signal.end_process(),
        None => exit,
    }
}
