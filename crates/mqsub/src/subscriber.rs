//! Subscribes, prints what arrives, and acknowledges a message once it is printed.

use mqtools_common::client::{Client, ClientError};
use mqtools_common::exit::Exit;
use mqtools_common::message::{Message, Receipt};
use mqtools_common::protocol::{Event, PublishError};
use mqtools_common::reason::{Reason, ReasonCode};
use mqtools_common::report::Report;
use mqtools_common::topic::TopicFilter;

use crate::config::Config;
use crate::filter::Verdict;
use crate::format::Printed;
use crate::sink::{Sink, SinkError};
use crate::stop::{End, Stop};
use crate::warn;

/// Prints messages until there is a reason to stop, then disconnects.
///
/// # Errors
/// A connection or an output that was lost, subscriptions that were all refused.
pub(crate) async fn run(
    client: Client,
    sink: Sink,
    config: Config,
    stop: Stop,
) -> Result<Exit, Report> {
    let mut subscriber = Subscriber {
        client,
        sink,
        config,
        printed: 0,
        unanswered: 0,
        receipts: Vec::new(),
    };
    let ended = match subscriber.request() {
        Ok(()) => subscriber.receive(stop).await,
        // The broker may have sent DISCONNECT right behind its CONNACK, and that says more.
        Err(report) => subscriber.take_events().and(Err(report)),
    };
    let farewell = match ended {
        // As mosquitto_sub does: who is stopped from outside leaves a Will (MQTT 5).
        Ok(End::Interrupted | End::TimedOut) => ReasonCode::WITH_WILL,
        _ => ReasonCode::SUCCESS,
    };
    // What was printed is acknowledged before the DISCONNECT; what was not stays the broker's.
    let _ = subscriber.client.close(farewell).await;
    Ok(ended?.exit())
}

struct Subscriber {
    client: Client,
    sink: Sink,
    config: Config,
    printed: u64,
    /// SUBSCRIBE and UNSUBSCRIBE packets without their answer.
    unanswered: usize,
    /// Of messages in the sink's buffer: acknowledged once that is written.
    receipts: Vec<Receipt>,
}

impl Subscriber {
    fn request(&mut self) -> Result<(), Report> {
        let session = &mut self.client.session;
        let properties = &self.config.connect.properties;
        if !self.config.subscriptions.is_empty() {
            session
                .subscribe(&self.config.subscriptions, &properties.subscribe)
                .map_err(|why| not_requested("subscribe", &why))?;
            self.unanswered += 1;
        }
        if !self.config.unsubscribes.is_empty() {
            session
                .unsubscribe(&self.config.unsubscribes, &properties.unsubscribe)
                .map_err(|why| not_requested("unsubscribe", &why))?;
            self.unanswered += 1;
        }
        Ok(())
    }

    async fn receive(&mut self, mut stop: Stop) -> Result<End, Report> {
        loop {
            let step = tokio::select! {
                biased;
                end = stop.requested() => return Ok(end),
                step = self.client.step() => step,
            };
            let ended = self.take_events();
            match self.write_out() {
                Ok(()) => {}
                Err(SinkError::ReaderGone) => return Ok(End::Done),
                Err(SinkError::Io(why)) => return Err(unwritable(&why)),
            }
            if let Some(end) = ended? {
                return Ok(end);
            }
            step.map_err(|why| self.client.lost(&why))?;
        }
    }

    /// Handles all that a step brought; gives the end once there is one.
    fn take_events(&mut self) -> Result<Option<End>, Report> {
        while let Some(event) = self.client.session.next_event() {
            let ended = match event {
                Event::Message(message) => self.message(&message)?,
                Event::Subscribed {
                    codes,
                    reason_string,
                    ..
                } => self.subscribed(&codes, reason_string)?,
                Event::Unsubscribed {
                    codes,
                    reason_string,
                    ..
                } => self.unsubscribed(&codes, reason_string.as_deref()),
                Event::Closed {
                    reason,
                    reason_string,
                } => {
                    return Err(self.client.lost(&ClientError::Ended(Reason {
                        code: reason,
                        words: reason_string,
                    })));
                }
                _ => None,
            };
            if ended.is_some() {
                return Ok(ended);
            }
        }
        Ok(None)
    }

    fn message(&mut self, message: &Message) -> Result<Option<End>, Report> {
        match self.config.filter.judge(message) {
            Verdict::Print => {
                let written = self.config.format.write(message, self.sink.writer());
                match written.map_err(SinkError::from) {
                    Ok(Printed::Yes) => self.printed += 1,
                    Ok(Printed::No(why)) => {
                        let topic = message.topic.as_str();
                        warn(
                            &self.config,
                            &format!("a payload on the topic {topic:?} is not JSON: {why}"),
                        );
                    }
                    // Before its receipt is taken: nobody has read this message.
                    Err(SinkError::ReaderGone) => return Ok(Some(End::Done)),
                    Err(SinkError::Io(why)) => return Err(unwritable(&why)),
                }
            }
            Verdict::Skip => {}
            Verdict::Finish => return Ok(Some(End::Done)),
        }
        self.receipts.extend(message.receipt);
        let enough = self.config.count.is_some_and(|count| self.printed >= count);
        Ok(enough.then_some(End::Done))
    }

    fn subscribed(
        &mut self,
        codes: &[ReasonCode],
        words: Option<String>,
    ) -> Result<Option<End>, Report> {
        let refused = || codes.iter().filter(|code| code.is_failure());
        if let Some(&code) = refused().next()
            && refused().count() == codes.len()
        {
            return Err(Report::new(
                Exit::from_broker(code.0),
                "the broker refused every subscription",
            )
            .cause(Reason { code, words })
            .hint("the broker's access control decides what this user may subscribe to"));
        }
        for (subscription, &code) in self.config.subscriptions.iter().zip(codes) {
            let filter = &subscription.filter;
            self.warn_if_refused("subscribe to", filter, code, words.as_deref());
        }
        Ok(self.answered())
    }

    fn unsubscribed(&mut self, codes: &[ReasonCode], words: Option<&str>) -> Option<End> {
        for (filter, &code) in self.config.unsubscribes.iter().zip(codes) {
            self.warn_if_refused("unsubscribe from", filter, code, words);
        }
        self.answered()
    }

    fn warn_if_refused(
        &self,
        what: &str,
        filter: &TopicFilter,
        code: ReasonCode,
        words: Option<&str>,
    ) {
        if code.is_failure() {
            let filter = filter.as_str();
            let words = words.map(str::to_owned);
            let reason = Reason { code, words };
            warn(
                &self.config,
                &format!("the broker refused to {what} {filter:?}: {reason}"),
            );
        }
    }

    fn answered(&mut self) -> Option<End> {
        self.unanswered = self.unanswered.saturating_sub(1);
        (self.config.exit_after_subscribe && self.unanswered == 0).then_some(End::Done)
    }

    /// Writes out what is printed, then lets the broker forget it.
    fn write_out(&mut self) -> Result<(), SinkError> {
        self.sink.flush()?;
        for receipt in self.receipts.drain(..) {
            self.client.session.acknowledge(receipt);
        }
        Ok(())
    }
}

fn not_requested(what: &str, why: &PublishError) -> Report {
    let exit = match why {
        PublishError::OverBrokerMaximum { .. } => Exit::OVERSIZE_PACKET,
        _ => Exit::UNKNOWN,
    };
    Report::new(exit, format!("cannot {what}")).cause(why)
}

fn unwritable(why: &std::io::Error) -> Report {
    Report::new(Exit::OS_ERROR, "cannot write to standard output")
        .cause(why)
        .hint("what was not written was not acknowledged either: with -c and -q 1 the broker keeps it")
}
