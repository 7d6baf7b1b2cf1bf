//! Publishes what a source gives and keeps the books: nothing counts as done before the
//! broker has acknowledged it.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use mqtools_common::client::{Client, ClientError};
use mqtools_common::exit::Exit;
use mqtools_common::message::{Publication, Qos};
use mqtools_common::protocol::{Event, PublishError};
use mqtools_common::reason::{Reason, ReasonCode};
use mqtools_common::report::{Report, warn};
use mqtools_common::signals::{Signal, Signals};
use tokio::time::{Instant, sleep_until};

use crate::config::Template;
use crate::source::Source;

/// How long after a signal a broker may do nothing before it is given up.
const GRACE: Duration = Duration::from_secs(5);

/// How many bytes may wait to be sent before the source has to: enough for large writes.
const HIGH_WATER: usize = 256 * 1024;

/// How many bytes of unacknowledged messages are kept before the source has to wait, whatever
/// the window; one message more may go over it.
const BYTES_IN_FLIGHT: usize = 8 * 1024 * 1024;

/// How a run that nothing went wrong with came to its end.
#[derive(Debug)]
pub(crate) enum End {
    /// The source was exhausted.
    Done,
    /// A signal stopped the source; what was read arrived.
    Stopped(Signal),
    /// A second signal: it is not known what became of everything.
    Cut(Signal, Report),
}

/// Publishes everything from `source`, then disconnects. The first of `signals` stops the
/// source, the second one everything.
///
/// # Errors
/// Anything that kept a message from arriving, or from being known to have arrived.
pub(crate) async fn run(
    client: Client,
    source: Source,
    template: Template,
    signals: Option<Signals>,
) -> Result<End, Report> {
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
        next: None,
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
        stop: Stop::new(signals),
    };
    match publisher.publish_all().await {
        Ok(None) => publisher.finish().await,
        Ok(Some(second)) => {
            let report = publisher.unfinished(second, "it came again, which means at once");
            Ok(End::Cut(second, report))
        }
        Err(report) => {
            // Whatever stopped us, the Will must not go out unless the connection is gone.
            let _ = publisher.close().await;
            Err(report)
        }
    }
}

struct Publisher {
    client: Client,
    source: Source,
    /// Taken from the source, and there was no room for it yet.
    next: Option<Bytes>,
    message: Publication,
    /// Nothing more is published, at the end of the source or because it failed.
    exhausted: bool,
    books: Books,
    stop: Stop,
}

/// How far the end that signals ask for has come.
struct Stop {
    signals: Option<Signals>,
    first: Option<Signal>,
    /// When patience ends, after the first signal.
    deadline: Instant,
    /// What was seen of the broker's work: messages settled, bytes left to send.
    progress: (u64, usize),
}

/// What calls for a reaction.
enum Call {
    Signal(Signal),
    /// The time after the first signal.
    GraceOver(Signal),
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

impl Books {
    /// Grows with each message that leaves, and with each answer.
    fn progress(&self) -> u64 {
        self.sent + self.acknowledged + self.refused
    }
}

impl Stop {
    fn new(signals: Option<Signals>) -> Self {
        Self {
            signals,
            first: None,
            deadline: Instant::now(),
            progress: (0, usize::MAX),
        }
    }

    fn begin(&mut self, signal: Signal) {
        self.first = Some(signal);
        self.progress = (0, usize::MAX);
        self.deadline = Instant::now() + GRACE;
    }

    /// Gives the broker more time if it did something. A Keep Alive exchange is nothing: it
    /// settles no message and leaves no fewer bytes than there were.
    fn saw(&mut self, settled: u64, unsent: usize) {
        let (before, least) = self.progress;
        if settled > before || unsent < least {
            self.progress = (settled, unsent.min(least));
            self.deadline = Instant::now() + GRACE;
        }
    }

    /// The next thing to react to. Safe to drop and to call again.
    async fn call(&mut self) -> Call {
        let signal = next_signal(&mut self.signals);
        let grace_over = async {
            match self.first {
                Some(signal) => {
                    sleep_until(self.deadline).await;
                    signal
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            signal = signal => Call::Signal(signal),
            signal = grace_over => Call::GraceOver(signal),
        }
    }
}

async fn next_signal(signals: &mut Option<Signals>) -> Signal {
    match signals {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}

impl Publisher {
    /// Gives the second signal, if one came before everything was settled.
    async fn publish_all(&mut self) -> Result<Option<Signal>, Report> {
        // A message that cannot be published ends the run, but not before it is known what
        // became of those before it.
        let mut failure = None;
        loop {
            while !self.exhausted && self.has_room() {
                let Some(payload) = self.next.take().or_else(|| self.source.ready()) else {
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
                return failure.map_or(Ok(None), |report| Err(self.stopped(report)));
            }
            let wants_more = !self.exhausted && self.next.is_none() && self.has_room();
            tokio::select! {
                biased;
                // In front: a step that is always ready must not keep it waiting.
                call = self.stop.call() => match call {
                    Call::Signal(signal) if self.stop.first.is_none() => {
                        self.stop.begin(signal);
                        self.source.stop();
                    }
                    Call::Signal(signal) => return Ok(Some(signal)),
                    Call::GraceOver(signal) => {
                        let cause = format!("the broker did not answer within {} s", GRACE.as_secs());
                        return Err(self.unfinished(signal, &cause));
                    }
                },
                step = self.client.step() => {
                    let outcome = step;
                    self.take_events()?;
                    outcome.map_err(|why| self.client.lost(&why).note(self.balance()))?;
                    self.stop.saw(self.books.progress(), self.client.session.output().len());
                }
                payload = self.source.next(), if wants_more => match payload {
                    Ok(Some(payload)) => self.next = Some(payload),
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
    async fn finish(&mut self) -> Result<End, Report> {
        let closed = self.close().await;
        if let Some(reason) = &self.books.refusal {
            return Err(Report::new(
                Exit::from_broker(reason.code.0),
                format!(
                    "the broker refused {} of {}",
                    self.books.refused,
                    messages(self.books.sent)
                ),
            )
            .cause(reason)
            .hint(if reason.code == ReasonCode::NOT_AUTHORIZED {
                "the broker's access control decides what this user may publish to"
            } else {
                "the broker's log may say more"
            }));
        }
        match closed {
            // Acknowledged messages are safe, however the connection ends.
            Err(why) if self.message.qos == Qos::AtMostOnce => {
                Err(self.client.lost(&why).note(self.balance()))
            }
            _ => Ok(self.stop.first.map_or(End::Done, End::Stopped)),
        }
    }

    /// Says good-bye, unless a signal comes that is not the first.
    async fn close(&mut self) -> Result<(), ClientError> {
        let mut closed = pin!(self.client.close(ReasonCode::SUCCESS));
        loop {
            tokio::select! {
                biased;
                closed = &mut closed => return closed,
                signal = next_signal(&mut self.stop.signals) => {
                    if self.stop.first.replace(signal).is_some() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Not everything that was read has arrived, or is known to have.
    fn unfinished(&mut self, signal: Signal, cause: &str) -> Report {
        let error = format!("{} ended it before everything was delivered", signal.name());
        let report = Report::new(Exit::CONNECTION_LOST, error).cause(cause);
        let mut balance = self.balance();
        let left_over = self.source.left_over() + u64::from(self.next.is_some());
        if left_over > 0 {
            balance.push_str(&format!("; {left_over} more were read and not sent"));
        }
        report.note(balance)
    }

    /// Something ended the run that is no fault of the messages before it.
    fn stopped(&self, report: Report) -> Report {
        if self.books.sent == 0 {
            return report;
        }
        let balance = self.balance();
        report.note(format!("{balance}; the rest of the input was not sent"))
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
        let report = Report::new(
            why.exit(),
            format!("cannot publish message {}", self.books.sent + 1),
        )
        .cause(why);
        match why {
            PublishError::QosNotSupported { maximum } => {
                report.hint(format!("publish with -q {}", maximum.level()))
            }
            PublishError::RetainNotSupported => report.hint("publish without -r"),
            PublishError::TooLarge { .. } | PublishError::OverBrokerMaximum { .. } => {
                report.hint("send it in smaller parts")
            }
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
            Qos::AtMostOnce => format!(
                "{} {} sent at QoS 0; the last may be lost",
                messages(sent),
                if sent == 1 { "was" } else { "were" }
            ),
            _ => {
                let unknown = self.client.session.unacknowledged();
                format!(
                    "of {} sent, {acknowledged} {} acknowledged, {refused} refused, {unknown} {} unknown",
                    messages(sent),
                    if acknowledged == 1 { "was" } else { "were" },
                    if unknown == 1 { "is" } else { "are" }
                )
            }
        }
    }
}

fn messages(count: u64) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} message{plural}")
}
