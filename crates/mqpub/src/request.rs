//! `--wait-response`: publishes one message, and prints what comes back.

use std::io::{self, Write as _};
use std::time::Duration;

use bytes::Bytes;
use mqsub::Printer;
use mqtools_common::connect::ConnectConfig;
use mqtools_common::exit::Exit;
use mqtools_common::message::{Message, Publication};
use mqtools_common::property::{Properties, Property};
use mqtools_common::reason::Version;
use mqtools_common::report::{Report, warn};
use mqtools_common::topic::TopicName;
use tokio::time::Instant;
use uuid::Uuid;

use crate::exchange::{Exchange, Limit, live};
use crate::source::messages::Messages;

/// What is expected back.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) response_topic: TopicName,
    pub(crate) count: u64,
    pub(crate) printer: Printer,
    pub(crate) latency: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) quiet: bool,
}

/// Publishes the one message of `source`; `message` is what it has besides its payload.
///
/// # Errors
/// Whatever keeps the message from arriving, and answers that do not come.
pub(crate) async fn run(
    config: &ConnectConfig,
    mut source: Messages,
    mut message: Publication,
    request: &Request,
) -> Result<(), Report> {
    let limit = Limit::new(request.timeout);
    let opened = limit.wait("there is no connection", Exchange::open(config));
    let mut exchange = opened.await?;
    let asked = ask(
        config,
        &mut exchange,
        limit,
        &mut source,
        &mut message,
        request,
    )
    .await;
    // Whatever it was, the Will must not go out.
    let closed = exchange.close().await;
    asked.and(closed)
}

async fn ask(
    config: &ConnectConfig,
    exchange: &mut Exchange,
    limit: Limit,
    source: &mut Messages,
    message: &mut Publication,
    request: &Request,
) -> Result<(), Report> {
    let topic = &request.response_topic;
    let subscribed = exchange.subscribe(config, topic, message.qos);
    limit
        .wait("no answer to the subscription", subscribed)
        .await?;
    source.next(message).await?;
    let correlation = (config.connect.version == Version::V5).then(|| {
        let correlation = Bytes::from(Uuid::new_v4().simple().to_string());
        let added: Properties = [
            Property::ResponseTopic(topic.as_str().to_owned()),
            Property::CorrelationData(correlation.clone()),
        ]
        .into_iter()
        .collect();
        message.properties = message.properties.followed_by(&added);
        correlation
    });
    exchange.publish(message)?;
    let sent = Instant::now();
    let mut answers = 0;
    while answers < request.count {
        let what = format!("{answers} of {} answers came", request.count);
        let progress = limit.wait(&what, exchange.progress()).await;
        let progress = progress.map_err(|report| {
            if report.exit() == Exit::TIMEOUT {
                report.hint(format!(
                    "does anybody answer on the topic {:?}?",
                    topic.as_str()
                ))
            } else {
                report
            }
        })?;
        let Some(answer) = live(progress).filter(|m| is_answer(m, topic, correlation.as_ref()))
        else {
            continue;
        };
        answers += 1;
        if request.latency {
            let took = sent.elapsed().as_secs_f64() * 1000.0;
            // Whoever closed stderr does not want to know.
            let _ = writeln!(io::stderr(), "latency: {took:.3} ms");
        }
        if !request.print(&answer)? {
            break;
        }
    }
    // Somebody may have answered before the broker has acknowledged the message, or another one.
    while !exchange.is_settled() {
        let progress = limit.wait("the message is not acknowledged", exchange.progress());
        progress.await?;
    }
    Ok(())
}

/// Somebody else may use the topic, too. Who answers without Correlation Data is believed.
fn is_answer(message: &Message, topic: &TopicName, correlation: Option<&Bytes>) -> bool {
    let properties = message.properties.as_deref();
    let theirs = properties.and_then(|properties| properties.correlation_data.as_ref());
    message.topic == *topic
        && match (theirs, correlation) {
            (Some(theirs), Some(ours)) => theirs == ours,
            _ => true,
        }
}

impl Request {
    /// False when nobody reads any more.
    fn print(&self, answer: &Message) -> Result<bool, Report> {
        let mut stdout = io::stdout().lock();
        let printed = self
            .printer
            .print(answer, &mut stdout)
            .and_then(|printed| stdout.flush().map(|()| printed));
        match printed {
            Ok(None) => Ok(true),
            Ok(Some(why)) => {
                if !self.quiet {
                    warn(format_args!("an answer cannot be printed: {why}"));
                }
                Ok(true)
            }
            Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(why) => {
                Err(Report::new(Exit::OS_ERROR, "cannot write to standard output").cause(why))
            }
        }
    }
}
