//! A connection that messages go both ways over, one step at a time and with a limit.

use std::time::Duration;

use mqtools_common::client::{Client, ClientError};
use mqtools_common::connect::ConnectConfig;
use mqtools_common::exit::Exit;
use mqtools_common::message::{Message, Publication, Qos};
use mqtools_common::protocol::{Event, RetainHandling, Subscription};
use mqtools_common::reason::{Reason, ReasonCode};
use mqtools_common::report::Report;
use mqtools_common::topic::{TopicFilter, TopicName};
use tokio::time::{Instant, timeout_at};

/// Until when everything has to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    end: Option<(Instant, Duration)>,
}

impl Limit {
    /// From now on; none for ever.
    pub(crate) fn new(time: Option<Duration>) -> Self {
        let end = time.and_then(|time| Some((Instant::now().checked_add(time)?, time)));
        Self { end }
    }

    /// Waits for `work`, but not longer; `what` is missing then.
    pub(crate) async fn wait<T>(
        self,
        what: &str,
        work: impl Future<Output = Result<T, Report>>,
    ) -> Result<T, Report> {
        let Some((end, time)) = self.end else {
            return work.await;
        };
        timeout_at(end, work).await.unwrap_or_else(|_| {
            Err(
                Report::new(Exit::TIMEOUT, format!("the time is over: {what}"))
                    .cause(format!("-W allows {} s", time.as_secs_f64())),
            )
        })
    }
}

pub(crate) struct Exchange {
    client: Box<Client>,
    /// Why the connection ended; what came before is told first.
    lost: Option<ClientError>,
}

impl Exchange {
    /// Connects. There is no second connection: it would know nothing of the subscription.
    pub(crate) async fn open(config: &ConnectConfig) -> Result<Self, Report> {
        let client = Client::connect(config).await?;
        Ok(Self { client, lost: None })
    }

    /// Subscribes to this topic alone, without what the broker retains (where it can be asked for
    /// that), and waits for the answer.
    pub(crate) async fn subscribe(
        &mut self,
        config: &ConnectConfig,
        topic: &TopicName,
        qos: Qos,
    ) -> Result<(), Report> {
        let cannot = || format!("cannot subscribe to {:?}", topic.as_str());
        let filter = TopicFilter::new(topic.as_str())
            .map_err(|why| Report::new(Exit::UNKNOWN, cannot()).cause(why))?;
        let subscription = Subscription {
            retain_handling: RetainHandling::Never,
            ..Subscription::new(filter, qos)
        };
        self.client
            .session
            .subscribe(&[subscription], &config.properties.subscribe)
            .map_err(|why| Report::new(why.exit(), cannot()).cause(&why))?;
        loop {
            if let Event::Subscribed {
                codes,
                reason_string: words,
                ..
            } = self.event().await?
            {
                return match codes.first() {
                    Some(&code) if code.is_failure() => {
                        let error = format!(
                            "the broker refused the subscription to {:?}",
                            topic.as_str()
                        );
                        Err(Report::new(Exit::from_broker(code.0), error)
                            .cause(Reason { code, words })
                            .hint("the broker's access control decides what this user may subscribe to"))
                    }
                    _ => Ok(()),
                };
            }
        }
    }

    /// Hands a message to the session; what becomes of it, events tell.
    pub(crate) fn publish(&mut self, message: &Publication) -> Result<(), Report> {
        self.client
            .session
            .publish(message)
            .map(drop)
            .map_err(|why| Report::new(why.exit(), "cannot publish the message").cause(&why))
    }

    /// Whether all that was handed over has gone out, and is acknowledged if it had to be.
    pub(crate) fn is_settled(&self) -> bool {
        self.client.session.is_settled()
    }

    /// Waits for what happens next: an event, or none when bytes moved. Safe to drop.
    pub(crate) async fn progress(&mut self) -> Result<Option<Event>, Report> {
        if let Some(event) = self.client.session.next_event() {
            return self.checked(event).map(Some);
        }
        if self.lost.is_none() {
            self.lost = self.client.step().await.err();
        }
        match (self.client.session.next_event(), &self.lost) {
            (Some(event), _) => self.checked(event).map(Some),
            (None, None) => Ok(None),
            (None, Some(why)) => Err(self.client.lost(why)),
        }
    }

    /// Says good-bye.
    pub(crate) async fn close(mut self) -> Result<(), Report> {
        let closed = self.client.close(ReasonCode::SUCCESS).await;
        closed.map_err(|why| self.client.lost(&why))
    }

    async fn event(&mut self) -> Result<Event, Report> {
        loop {
            if let Some(event) = self.progress().await? {
                return Ok(event);
            }
        }
    }

    /// Acknowledges messages, and takes a refusal of ours as the end.
    fn checked(&mut self, event: Event) -> Result<Event, Report> {
        match event {
            Event::Published {
                reason: code,
                reason_string: words,
                ..
            } if code.is_failure() => Err(Report::new(
                Exit::from_broker(code.0),
                "the broker refused the message",
            )
            .cause(Reason { code, words })
            .hint("the broker's access control decides what this user may publish to")),
            Event::Message(message) => {
                if let Some(receipt) = message.receipt {
                    self.client.session.acknowledge(receipt);
                }
                Ok(Event::Message(message))
            }
            event => Ok(event),
        }
    }
}

/// A message that arrived just now, if the event is one.
pub(crate) fn live(event: Option<Event>) -> Option<Message> {
    match event {
        Some(Event::Message(message)) if !message.retain => Some(message),
        _ => None,
    }
}
