//! `--probe`: a message to oneself, as a health check.

use std::io::{self, Write as _};
use std::time::Duration;

use bytes::Bytes;
use mqtools_common::connect::ConnectConfig;
use mqtools_common::exit::Exit;
use mqtools_common::message::Publication;
use mqtools_common::report::Report;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::exchange::{Exchange, Limit, live};

/// How a probe is made.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) timeout: Duration,
    pub(crate) json: bool,
}

/// The steps that are done, with the milliseconds that each took.
#[derive(Debug, Default)]
struct Steps(Vec<(&'static str, f64)>);

/// What `--json` prints.
#[derive(Serialize)]
struct Outcome<'a> {
    ok: bool,
    #[serde(flatten)]
    steps: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    exit_code: u8,
}

const STEPS: [&str; 5] = ["connect", "subscribe", "publish", "receive", "disconnect"];

/// Goes through the steps; `message` says where, at which QoS and with which properties.
///
/// # Errors
/// That of the step that failed.
pub(crate) async fn run(
    config: &ConnectConfig,
    mut message: Publication,
    probe: &Probe,
) -> Result<(), Report> {
    let mut steps = Steps::default();
    message.payload = Bytes::from(Uuid::new_v4().to_string()).into();
    let outcome = go(config, &message, probe, &mut steps).await;
    let failed = STEPS.get(steps.0.len()).copied().unwrap_or_default();
    let outcome = outcome.map_err(|report| report.note(format!("the probe failed at: {failed}")));
    let line = if probe.json {
        let error = outcome.as_ref().err().map(Report::in_one_line);
        let outcome = Outcome {
            ok: outcome.is_ok(),
            steps: steps.members(),
            failed: outcome.is_err().then_some(failed),
            error: error.as_deref(),
            exit_code: outcome
                .as_ref()
                .err()
                .map_or(0, |report| report.exit().code()),
        };
        serde_json::to_string(&outcome).ok()
    } else {
        outcome.is_ok().then(|| steps.to_string())
    };
    let printed = line.map_or(Ok(()), |line| writeln!(io::stdout(), "{line}"));
    // A probe that nobody reads is for its exit code.
    match printed {
        Err(why) if outcome.is_ok() && why.kind() != io::ErrorKind::BrokenPipe => {
            Err(Report::new(Exit::OS_ERROR, "cannot write to standard output").cause(why))
        }
        _ => outcome,
    }
}

async fn go(
    config: &ConnectConfig,
    message: &Publication,
    probe: &Probe,
    steps: &mut Steps,
) -> Result<(), Report> {
    let limit = Limit::new(Some(probe.timeout));
    let begun = Instant::now();
    let mut exchange = limit
        .wait("there is no connection", Exchange::open(config))
        .await?;
    steps.done("connect", begun);
    let back = round_trip(config, message, &mut exchange, limit, steps).await;
    let begun = Instant::now();
    // Whatever it was, the Will must not go out.
    let closed = limit
        .wait("the connection does not end", exchange.close())
        .await;
    back.and(closed)?;
    steps.done("disconnect", begun);
    Ok(())
}

async fn round_trip(
    config: &ConnectConfig,
    message: &Publication,
    exchange: &mut Exchange,
    limit: Limit,
    steps: &mut Steps,
) -> Result<(), Report> {
    let is_ours = |event| live(event).is_some_and(|m| Some(&m.payload) == message.payload.bytes());
    let begun = Instant::now();
    let subscribed = exchange.subscribe(config, &message.topic, message.qos);
    limit
        .wait("no answer to the subscription", subscribed)
        .await?;
    steps.done("subscribe", begun);
    let begun = Instant::now();
    exchange.publish(message)?;
    let mut is_back = false;
    while !exchange.is_settled() {
        let progress = limit.wait("the message is not acknowledged", exchange.progress());
        is_back |= is_ours(progress.await?);
    }
    steps.done("publish", begun);
    while !is_back {
        let progress = limit.wait("the message does not come back", exchange.progress());
        is_back |= is_ours(progress.await?);
    }
    // From the sending on: it may come back before it is acknowledged.
    steps.done("receive", begun);
    Ok(())
}

impl Steps {
    fn done(&mut self, step: &'static str, begun: Instant) {
        // To the microsecond.
        let took = (begun.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        self.0.push((step, took));
    }

    fn members(&self) -> Map<String, Value> {
        let steps = self.0.iter();
        steps
            .map(|(step, took)| (format!("{step}_ms"), json!(took)))
            .collect()
    }
}

impl std::fmt::Display for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (step, took)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{step} {took:.3} ms")?;
        }
        Ok(())
    }
}
