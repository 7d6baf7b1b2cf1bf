//! Publishes what a source gives and keeps the books: nothing counts as done before the
//! broker has acknowledged it.

use std::pin::pin;

use mqtools_common::client::{Client, ClientError};
use mqtools_common::exit::Exit;
use mqtools_common::message::{Publication, Qos};
use mqtools_common::protocol::{Event, Most, PublishError};
use mqtools_common::reason::{Reason, ReasonCode};
use mqtools_common::report::{Report, warn};
use mqtools_common::signals::{Signal, Signals};

use crate::books::{Books, Promise, Summary, messages};
use crate::config::Template;
use crate::progress::Progress;
use crate::source::messages::Messages;
use crate::stop::{Call, GRACE, Stop};

/// How many bytes may wait to be sent before the source has to: enough for large writes.
const HIGH_WATER: usize = 256 * 1024;

/// How many bytes make a write worth its price.
const LOW_WATER: usize = 64 * 1024;

/// How many bytes a new connection surely takes at once.
const FIRST_WRITE: usize = 4096;

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
/// source, the second one everything. The books are in `summary`, however it ends.
///
/// # Errors
/// Anything that kept a message from arriving, or from being known to have arrived.
pub(crate) async fn run(
    client: Box<Client>,
    source: Messages,
    template: Template,
    signals: Option<Signals>,
    progress: Option<Progress>,
    summary: &mut Summary,
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
        promise: source.promise(template.qos),
        source,
        has_next: false,
        message: template.publication(),
        exhausted: false,
        books: Books::default(),
        quiet: template.quiet,
        stop: Stop::new(signals),
        progress,
    };
    let end = match publisher.publish_all().await {
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
    };
    *summary = publisher.summary();
    end
}

struct Publisher {
    client: Box<Client>,
    source: Messages,
    /// The message was taken from the source, and there was no room for it yet.
    has_next: bool,
    message: Publication,
    promise: Promise,
    /// Nothing more is published, at the end of the source or because it failed.
    exhausted: bool,
    books: Books,
    quiet: bool,
    stop: Stop,
    progress: Option<Progress>,
}

impl Publisher {
    /// Gives the second signal, if one came before everything was settled.
    async fn publish_all(&mut self) -> Result<Option<Signal>, Report> {
        // A message that cannot be published ends the run, but not before it is known what
        // became of those before it.
        let mut failure = None;
        loop {
            while !self.exhausted && self.has_room() {
                if !self.has_next && self.publish_lines() {
                    continue;
                }
                if !std::mem::take(&mut self.has_next) && !self.source.ready(&mut self.message) {
                    if self.wants_more_at_once()
                        && let Some(next) = self.source.next_at_once(&mut self.message).await
                    {
                        self.took(next, &mut failure);
                        continue;
                    }
                    break;
                }
                if let Err(report) = self.publish() {
                    failure = Some(report);
                    self.exhausted = true;
                }
            }
            self.show_progress();
            let is_done = self.client.session.is_settled() || failure.is_none() && self.is_lone();
            if self.exhausted && is_done {
                return failure.map_or(Ok(None), |report| Err(self.stopped(report)));
            }
            // One ahead, so that the end of the source is known without a connection too.
            let wants_more = !self.exhausted && !self.has_next && !self.source.has_lines();
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
                        let what = if self.client.is_up() {
                            "the broker did not answer"
                        } else {
                            "there was no connection to the broker"
                        };
                        let cause = format!("{what} within {} s", GRACE.as_secs());
                        return Err(self.unfinished(signal, &cause));
                    }
                },
                step = self.client.step() => {
                    let outcome = step;
                    self.take_events();
                    match outcome {
                        // The last acknowledgement came before it: nothing is lost.
                        Err(_) if self.is_acknowledged() => {
                            self.client.session.lost();
                            continue;
                        }
                        outcome => outcome.map_err(|why| self.lost(&why))?,
                    }
                    self.stop.saw(self.books.progress(), self.client.session.output().len());
                }
                next = self.source.next(&mut self.message), if wants_more => {
                    self.took(next, &mut failure);
                }
            }
        }
    }

    /// Takes what the source gave: a message, its end, or why it failed.
    fn took(&mut self, next: Result<bool, Report>, failure: &mut Option<Report>) {
        match next {
            Ok(true) => self.has_next = true,
            Ok(false) => self.exhausted = true,
            Err(report) => {
                *failure = Some(report);
                self.exhausted = true;
            }
        }
    }

    /// Whether the source should be asked for more before what waits is written: it gives so much
    /// that there will be more, and so little waits that it would be a write of its own.
    fn wants_more_at_once(&mut self) -> bool {
        self.source.is_plentiful() && self.client.session.output().len() < LOW_WATER
    }

    /// Whether a short message at QoS 0 is all there is, and can go out with the DISCONNECT: each write wakes
    /// the broker.
    fn is_lone(&mut self) -> bool {
        let session = &mut self.client.session;
        self.books.sent == 1
            && self.promise == Promise::Nothing
            && session.is_online()
            && session.in_doubt().is_none()
            && session.output().len() < FIRST_WRITE
    }

    fn show_progress(&mut self) {
        if let Some(progress) = &self.progress {
            let session = &mut self.client.session;
            let (in_flight, unsent) = (session.unacknowledged(), session.output().len());
            progress.saw(self.books.sent, in_flight, unsent, self.client.is_up());
        }
    }

    /// Everything is published: says good-bye and draws the balance.
    async fn finish(&mut self) -> Result<End, Report> {
        let closed = if self.client.is_up() {
            self.close().await
        } else {
            // What the lost connection took is in the books.
            Ok(())
        };
        match closed {
            // Acknowledged messages are safe, however the connection ends.
            Err(why) if self.has_unanswered() => Err(self.lost(&why)),
            _ => match self.books.failure(self.promise, 0) {
                Some(report) => Err(report),
                None => Ok(self.stop.first.map_or(End::Done, End::Stopped)),
            },
        }
    }

    /// Says good-bye, unless a signal comes that is not the first.
    async fn close(&mut self) -> Result<(), ClientError> {
        let is_acknowledged = self.is_acknowledged();
        let mut closed = pin!(async {
            if is_acknowledged {
                self.client.leave().await
            } else {
                self.client.close(ReasonCode::SUCCESS).await
            }
        });
        loop {
            tokio::select! {
                biased;
                closed = &mut closed => return closed,
                signal = self.stop.signal() => {
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
        self.give_up();
        let mut balance = self.balance();
        let left_over = self.source.left_over() + u64::from(self.has_next);
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

    fn publish(&mut self) -> Result<(), Report> {
        self.client
            .session
            .publish_taking(&mut self.message)
            .map_err(|why| self.not_publishable(&why))?;
        self.books.sent += 1;
        self.exhausted = self.source.is_over();
        if self.promise == Promise::Mixed && self.message.qos == Qos::AtMostOnce {
            self.books.at_qos_0 += 1;
        }
        Ok(())
    }

    /// Publishes lines that were read, many at a time; false where the next message has to be
    /// published alone.
    fn publish_lines(&mut self) -> bool {
        let Some((lines, cut)) = self.source.lines() else {
            return false;
        };
        let session = &mut self.client.session;
        let most = Most {
            output: HIGH_WATER.saturating_sub(session.output().len()),
            unacknowledged: BYTES_IN_FLIGHT.saturating_sub(session.unacknowledged_bytes()),
        };
        let count = session.publish_lines(&self.message, lines, cut, most);
        self.books.sent += count;
        count > 0
    }

    fn has_room(&mut self) -> bool {
        let session = &mut self.client.session;
        session.is_online()
            && session.output().len() < HIGH_WATER
            && (self.promise == Promise::Nothing
                || session.has_room() && session.unacknowledged_bytes() < BYTES_IN_FLIGHT)
    }

    /// Whether every message was answered.
    fn is_acknowledged(&self) -> bool {
        !self.has_unanswered() && self.exhausted && self.client.session.unacknowledged() == 0
    }

    /// Whether messages were sent, or will be, that the broker does not acknowledge.
    fn has_unanswered(&self) -> bool {
        self.promise == Promise::Nothing || self.books.at_qos_0 > 0
    }

    fn take_events(&mut self) {
        loop {
            self.books.acknowledged += self.client.session.successes();
            let Some(event) = self.client.session.next_event() else {
                return;
            };
            match event {
                Event::Published {
                    reason: code,
                    reason_string: words,
                    ..
                } if code.is_failure() => self.books.refused(Reason { code, words }),
                Event::Published { .. } => self.books.acknowledged += 1,
                Event::MayBeLost(count) => self.books.in_doubt += count,
                Event::MayDuplicate(count) => self.may_duplicate(count as u64),
                // mqpub subscribes to nothing; what an old session still delivers is not for it.
                _ => {}
            }
        }
    }

    fn may_duplicate(&mut self, count: u64) {
        self.books.may_be_double += count;
        if !self.quiet {
            warn(format_args!(
                "the broker has forgotten the session: {} at QoS 2 may arrive twice",
                messages(count)
            ));
        }
    }

    fn lost(&mut self, why: &ClientError) -> Report {
        self.give_up();
        self.client.lost(why).note(self.balance())
    }

    /// What has not surely arrived will not any more.
    fn give_up(&mut self) {
        if self.has_unanswered() {
            self.books.give_up(self.client.session.in_doubt());
        }
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

    fn summary(&self) -> Summary {
        let unknown = self.client.session.unacknowledged();
        let mut summary = self.books.summary(unknown, self.client.reconnects());
        summary.skipped = self.source.skipped();
        summary
    }

    fn balance(&self) -> String {
        let unknown = self.client.session.unacknowledged();
        self.books.balance(self.promise, unknown)
    }
}
