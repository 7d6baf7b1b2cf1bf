//! Publishes what a source gives and keeps the books: nothing counts as done before the
//! broker has acknowledged it.

use bytes::Bytes;
use mqtools_common::client::{Client, ClientError};
use mqtools_common::exit::Exit;
use mqtools_common::message::{Publication, Qos};
use mqtools_common::protocol::{Event, PublishError};
use mqtools_common::reason::{Reason, ReasonCode};
use mqtools_common::report::{Report, warn};

use crate::config::Template;
use crate::source::Source;

/// How many bytes may wait to be sent before the source has to: enough for large writes.
const HIGH_WATER: usize = 256 * 1024;

/// How many bytes of unacknowledged messages are kept before the source has to wait, whatever
/// the window; one message more may go over it.
const BYTES_IN_FLIGHT: usize = 8 * 1024 * 1024;

/// Publishes everything from `source`, then disconnects.
///
/// # Errors
/// Anything that kept a message from arriving, or from being known to have arrived.
pub(crate) async fn run(client: Client, source: Source, template: Template) -> Result<(), Report> {
    if let Some(alias) = template.topic_alias
        && !template.quiet
    {
        let highest = client.session.limits().topic_alias_maximum;
        if highest == 0 {
            warn("the broker takes no Topic Alias: every message carries its topic");
        } else if alias > highest {
            warn(format_args!(
                "the broker takes Topic Aliases up to {highest}, not {alias}: every message carries its topic"
            ));
        }
    }
    let mut publisher = Publisher {
        client,
        source,
        message: Publication {
            topic: template.topic,
            payload: Bytes::new(),
            qos: template.qos,
            retain: template.retain,
            properties: template.properties,
            topic_alias: template.topic_alias,
        },
        exhausted: false,
        books: Books::default(),
    };
    match publisher.publish_all().await {
        Ok(()) => publisher.finish().await,
        Err(report) => {
            // Whatever stopped us, the Will must not go out unless the connection is gone.
            let _ = publisher.client.close(ReasonCode::SUCCESS).await;
            Err(report)
        }
    }
}

struct Publisher {
    client: Client,
    source: Source,
    message: Publication,
    /// Nothing more is published, at the end of the source or because it failed.
    exhausted: bool,
    books: Books,
}

/// What became of the messages.
#[derive(Debug, Default)]
struct Books {
    /// Handed to the session.
    sent: u64,
    /// QoS 1 and 2: the exchange ended well.
    acknowledged: u64,
    /// QoS 1 and 2: the broker said no.
    refused: u64,
    /// The first refusal.
    refusal: Option<Reason>,
}

impl Publisher {
    async fn publish_all(&mut self) -> Result<(), Report> {
        let mut next = None;
        // A message that cannot be published ends the run, but not before it is known what
        // became of those before it.
        let mut failure = None;
        loop {
            while !self.exhausted && self.has_room() {
                let Some(payload) = next.take().or_else(|| self.source.ready()) else {
                    break;
                };
                if let Err(report) = self.publish(payload) {
                    // The broker may have sent DISCONNECT, and that says more.
                    self.take_events()?;
                    failure = Some(report);
                    self.exhausted = true;
                }
            }
            if self.exhausted && self.is_settled() {
                return failure.map_or(Ok(()), Err);
            }
            let wants_more = !self.exhausted && next.is_none() && self.has_room();
            tokio::select! {
                biased;
                step = self.client.step() => {
                    let outcome = step;
                    self.take_events()?;
                    outcome.map_err(|why| self.client.lost(&why).note(self.balance()))?;
                }
                payload = self.source.next(), if wants_more => match payload {
                    Ok(Some(payload)) => next = Some(payload),
                    Ok(None) => self.exhausted = true,
                    Err(report) => {
                        failure = Some(report);
                        self.exhausted = true;
                    }
                },
            }
        }
    }

    /// Everything is published: says good-bye and draws the balance.
    async fn finish(&mut self) -> Result<(), Report> {
        let closed = self.client.close(ReasonCode::SUCCESS).await;
        if let Some(reason) = &self.books.refusal {
            return Err(Report::new(
                Exit::from_broker(reason.code.0),
                format!(
                    "the broker refused {} of {} messages",
                    self.books.refused, self.books.sent
                ),
            )
            .cause(reason));
        }
        match closed {
            // Acknowledged messages are safe, however the connection ends.
            Err(why) if self.message.qos == Qos::AtMostOnce => {
                Err(self.client.lost(&why).note(self.balance()))
            }
            _ => Ok(()),
        }
    }

    fn publish(&mut self, payload: Bytes) -> Result<(), Report> {
        self.message.payload = payload;
        self.client
            .session
            .publish(&self.message)
            .map_err(|why| self.not_publishable(&why))?;
        self.books.sent += 1;
        Ok(())
    }

    fn has_room(&mut self) -> bool {
        let session = &mut self.client.session;
        session.output().len() < HIGH_WATER
            && (self.message.qos == Qos::AtMostOnce
                || session.has_room() && session.unacknowledged_bytes() < BYTES_IN_FLIGHT)
    }

    /// Whether nothing is left to send and every answer is there.
    fn is_settled(&mut self) -> bool {
        let session = &mut self.client.session;
        session.output().is_empty() && session.unacknowledged() == 0
    }

    fn take_events(&mut self) -> Result<(), Report> {
        while let Some(event) = self.client.session.next_event() {
            match event {
                Event::Published {
                    reason,
                    reason_string,
                    ..
                } if reason.is_failure() => {
                    self.books.refused += 1;
                    self.books.refusal.get_or_insert(Reason {
                        code: reason,
                        words: reason_string,
                    });
                }
                Event::Published { .. } => self.books.acknowledged += 1,
                // The last acknowledgement came before it: nothing is lost.
                Event::Closed { .. }
                    if self.message.qos != Qos::AtMostOnce
                        && self.exhausted
                        && self.client.session.unacknowledged() == 0 => {}
                Event::Closed {
                    reason,
                    reason_string,
                } => {
                    return Err(self
                        .client
                        .lost(&ClientError::Ended(Reason {
                            code: reason,
                            words: reason_string,
                        }))
                        .note(self.balance()));
                }
                // mqpub subscribes to nothing; what an old session still delivers is not for it.
                _ => {}
            }
        }
        Ok(())
    }

    fn not_publishable(&self, why: &PublishError) -> Report {
        let exit = match why {
            PublishError::TooLarge { .. } => Exit::PAYLOAD_TOO_LARGE,
            PublishError::OverBrokerMaximum { .. } => Exit::OVERSIZE_PACKET,
            PublishError::QosNotSupported { .. } => Exit::QOS_NOT_SUPPORTED,
            PublishError::RetainNotSupported => Exit::RETAIN_NOT_SUPPORTED,
            PublishError::NotConnected => Exit::NOT_CONNECTED,
            PublishError::WindowFull | PublishError::Protocol(_) => Exit::UNKNOWN,
        };
        let report = Report::new(
            exit,
            format!("cannot publish message {}", self.books.sent + 1),
        )
        .cause(why);
        match why {
            PublishError::QosNotSupported { maximum } => {
                report.hint(format!("publish with -q {}", maximum.level()))
            }
            PublishError::RetainNotSupported => report.hint("publish without -r"),
            _ => report,
        }
    }

    fn balance(&self) -> String {
        let Books {
            sent,
            acknowledged,
            refused,
            ..
        } = self.books;
        match self.message.qos {
            Qos::AtMostOnce => format!("{sent} messages were sent at QoS 0; the last may be lost"),
            _ => format!(
                "of {sent} messages sent, {acknowledged} were acknowledged, {refused} refused, {} are unknown",
                self.client.session.unacknowledged()
            ),
        }
    }
}
