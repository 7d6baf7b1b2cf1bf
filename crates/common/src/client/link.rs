//! The connection of the moment: up, being made, waited for, or gone for good. What was lost is
//! made again here, as far as the user wants that.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep, sleep_until};

use super::{Client, ClientError};
use crate::connect::{ConnectConfig, name_variable};
use crate::net::{self, Limit, Peer, Stream};
use crate::protocol::ProtocolError;
use crate::report::Report;
use crate::retry::{Attempts, Delays};

/// A connection that lasts so long was a good one.
const GOOD: Duration = Duration::from_secs(10);

/// Two clients with one identifier throw each other out as often as their delays let them, which are
/// at most half of this.
const FIGHT: Duration = Duration::from_secs(60);

/// After so many connections in a row that a broker closed without a word, there is a reason that
/// another one does not mend.
const MOST_CLOSED: u32 = 5;

/// Where the connection stands.
pub(super) enum Link {
    /// CONNACK came.
    Up,
    /// CONNECT is out; the end of the time for CONNACK.
    Greeting(Pin<Box<Sleep>>, f64),
    /// The stream is being opened.
    Dialing(Limit, Pin<Box<dyn Future<Output = Dialed>>>),
    /// The next attempt is later.
    Waiting(Pin<Box<Sleep>>),
    /// There is none, and there will be none.
    Gone,
}

type Dialed = Result<(Stream, Peer), Report>;

impl Link {
    pub(super) fn greeting(limit: &Limit) -> Self {
        let end = sleep_until(limit.deadline());
        Self::Greeting(Box::pin(end), limit.seconds())
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self, Self::Up)
    }
}

/// What is known about losses so far.
pub(super) struct Redial {
    /// None where no other connection is made.
    config: Option<Arc<ConnectConfig>>,
    /// Since the last good connection.
    delays: Option<Delays>,
    /// Attempts that failed in a row.
    failed: u32,
    /// When the last connection that came up did so.
    up_since: Option<Instant>,
    /// What the session had achieved by then.
    achieved: u64,
    /// When it was lost.
    lost_at: Instant,
    /// Connections in a row that were closed soon.
    closed_soon: u32,
    reconnects: u64,
}

impl Redial {
    pub(super) fn new(config: &ConnectConfig) -> Self {
        let again = config.retry.again != Attempts::NONE;
        Self {
            config: again.then(|| Arc::new(config.clone())),
            delays: None,
            failed: 0,
            up_since: None,
            achieved: 0,
            lost_at: Instant::now(),
            closed_soon: 0,
            reconnects: 0,
        }
    }

    pub(super) fn reconnects(&self) -> u64 {
        self.reconnects
    }

    pub(super) fn give_up(&mut self) {
        self.config = None;
    }

    /// How long ago the last connection that came up did so.
    fn age(&self) -> Duration {
        self.up_since.map_or(Duration::MAX, |since| since.elapsed())
    }

    fn delay(&mut self) -> Duration {
        self.delays.get_or_insert_with(Delays::new).next()
    }
}

/// Opens a stream to the broker.
pub(super) async fn dial(config: &ConnectConfig, limit: &Limit) -> Dialed {
    net::open(&config.route, config.tls.as_ref(), limit)
        .await
        .map_err(|report| name_variable(report, config.ca_variable && config.tls.is_some()))
}

/// The report of the attempt that was the last, after `failed` others.
pub(super) fn after(report: Report, failed: u32) -> Report {
    if failed == 0 {
        return report;
    }
    let attempts = u64::from(failed) + 1;
    report.note(format!("{attempts} attempts in a row failed"))
}

/// Tells with `--debug` how an attempt went.
pub(super) fn trace_failure(config: &ConnectConfig, report: &Report, delay: Duration) {
    if let Some(trace) = config.trace {
        let seconds = delay.as_secs_f64();
        let line = report.in_one_line();
        trace(format_args!("{line}; next attempt in {seconds:.1} s"));
    }
}

impl ClientError {
    /// Whether another connection may do better.
    fn may_heal(&self) -> bool {
        match self {
            Self::Closed | Self::NotTaken | Self::Io(_) => true,
            Self::Ended(reason) => reason.may_heal(),
            Self::Protocol(why) => *why == ProtocolError::KeepAliveTimeout,
            Self::ClosedAgain { .. } | Self::NotBack(_) | Self::Unreadable(_) => false,
        }
    }
}

impl Client {
    /// One step of whatever the connection needs.
    pub(super) fn poll_link(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        loop {
            match &mut self.link {
                Link::Up => {
                    return match ready!(self.poll_step(cx)) {
                        Ok(()) => Poll::Ready(Ok(())),
                        Err(why) => Poll::Ready(self.went_down(why)),
                    };
                }
                Link::Greeting(..) => {
                    let step = self.poll_step(cx);
                    let is_pending = step.is_pending();
                    let error = match step {
                        Poll::Ready(Err(why)) => Some(why),
                        _ => None,
                    };
                    if self.session.is_accepted() {
                        self.came_up();
                        return Poll::Ready(match error {
                            // Right behind the CONNACK.
                            Some(why) => self.went_down(why),
                            None => Ok(()),
                        });
                    }
                    if let Some(report) = self.no_welcome(error.as_ref()) {
                        self.failed(report)?;
                    } else if is_pending && let Link::Greeting(end, seconds) = &mut self.link {
                        let seconds = *seconds;
                        ready!(end.as_mut().poll(cx));
                        let report = self.no_answer(seconds);
                        self.failed(report)?;
                    }
                }
                Link::Dialing(limit, dialing) => {
                    let limit = *limit;
                    match ready!(dialing.as_mut().poll(cx)) {
                        Ok((stream, peer)) => {
                            self.take_stream(stream, peer);
                            self.link = Link::greeting(&limit);
                            if let Err(report) = self.greet() {
                                self.failed(report)?;
                            }
                        }
                        Err(report) => self.failed(report)?,
                    }
                }
                Link::Waiting(end) => {
                    ready!(end.as_mut().poll(cx));
                    let Some(config) = self.redial.config.clone() else {
                        self.link = Link::Gone;
                        continue;
                    };
                    let limit = Limit::new(config.connect_timeout);
                    let dialing = async move { dial(&config, &limit).await };
                    self.link = Link::Dialing(limit, Box::pin(dialing));
                }
                Link::Gone => return Poll::Ready(Err(ClientError::Closed)),
            }
        }
    }

    /// The connection was lost: there will be another one, or it is the end.
    fn went_down(&mut self, why: ClientError) -> Result<(), ClientError> {
        self.link = Link::Gone;
        let Some(config) = self.redial.config.clone() else {
            return Err(why);
        };
        self.drop_stream();
        let why = self.count_closed(why, config.has_own_id);
        if !why.may_heal() {
            return Err(why);
        }
        let redial = &mut self.redial;
        redial.lost_at = Instant::now();
        if redial.age() >= GOOD {
            redial.delays = None;
        }
        let delay = redial.delay();
        config.warn(format_args!(
            "the connection to {} was lost: {why}; trying again",
            self.peer
        ));
        self.link = Link::Waiting(Box::pin(sleep(delay)));
        Ok(())
    }

    /// Counts connections that a broker closes without a word. Before MQTT 5 it has no other way to
    /// say that another client took the session over, or that it does not take what was sent.
    fn count_closed(&mut self, why: ClientError, has_own_id: bool) -> ClientError {
        let age = self.redial.age();
        let was_of_use = self.session.achieved() > self.redial.achieved;
        // A network that fails says nothing about other clients.
        let is_fight = has_own_id && age < FIGHT && matches!(why, ClientError::Closed);
        let is_refusal = age < GOOD
            && !was_of_use
            && self.session.awaits_answer()
            && matches!(why, ClientError::Closed | ClientError::Io(_));
        let redial = &mut self.redial;
        if !is_fight && !is_refusal {
            // Nor does it end a fight.
            if age >= FIGHT || !matches!(why, ClientError::Io(_)) {
                redial.closed_soon = 0;
            }
            return why;
        }
        redial.closed_soon += 1;
        if redial.closed_soon >= MOST_CLOSED {
            return ClientError::ClosedAgain {
                times: redial.closed_soon,
                has_own_id,
            };
        }
        why
    }

    /// An attempt has failed: there will be another one, or it is the end.
    fn failed(&mut self, report: Report) -> Result<(), ClientError> {
        self.link = Link::Gone;
        self.drop_stream();
        let redial = &mut self.redial;
        redial.closed_soon = 0;
        let last = |report| Err(ClientError::NotBack(Box::new(report)));
        // Of the first connection, whoever asked for it takes care.
        let was_up = redial.up_since.is_some();
        let Some(config) = redial.config.clone().filter(|_| was_up) else {
            return last(report);
        };
        if report.is_lasting() || !config.retry.again.allow(redial.failed + 1) {
            return last(after(report, redial.failed));
        }
        redial.failed += 1;
        let delay = redial.delay();
        trace_failure(&config, &report, delay);
        self.link = Link::Waiting(Box::pin(sleep(delay)));
        Ok(())
    }

    fn came_up(&mut self) {
        self.link = Link::Up;
        self.beginning = Vec::new();
        let redial = &mut self.redial;
        redial.achieved = self.session.achieved();
        redial.failed = 0;
        if redial.up_since.replace(Instant::now()).is_none() {
            return;
        }
        redial.reconnects += 1;
        if let Some(config) = &redial.config {
            config.tell_up(&self.peer, redial.lost_at);
        }
    }

    /// Closes the connection at once: to a broker that still has it, it would count as a second
    /// one beside the next.
    fn drop_stream(&mut self) {
        self.session.lost();
        self.stream = Box::pin(tokio::io::empty());
    }

    fn take_stream(&mut self, stream: Stream, peer: Peer) {
        self.stream = stream;
        self.peer = peer.name;
        self.input.clear();
        self.timer = None;
        self.unflushed = false;
        self.beginning.clear();
        self.write_error = None;
    }
}
