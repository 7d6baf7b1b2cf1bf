//! Subscribes, prints what arrives, and acknowledges (or removes) a message once it is printed.

mod wording;

use std::time::Duration;

use mqtools_common::client::{Client, ClientError};
use mqtools_common::exit::Exit;
use mqtools_common::message::{Message, Receipts};
use mqtools_common::protocol::Event;
use mqtools_common::reason::{Reason, ReasonCode};
use mqtools_common::report::{self, Report};
use mqtools_common::topic::TopicFilter;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use self::wording::{not_requested, undecoded, unwritten, warn_of_refused};
use crate::config::Config;
use crate::enough::Idle;
use crate::filter::Verdict;
use crate::format::Printed;
use crate::output::Output;
use crate::receipts::Pending;
use crate::remover::Remover;
use crate::sink::SinkError;
use crate::stop::{End, Stop};
use crate::warn;

/// How long the broker may take for its next answer to `--remove-retained`, once somebody waits
/// for the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// What `--json-summary` prints, once, at the end.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Summary {
    /// Messages that arrived, whether they were printed or not.
    received: u64,
    printed: u64,
    reconnects: u64,
    /// Of `--exec`.
    #[serde(skip_serializing_if = "Option::is_none")]
    commands_failed: Option<u64>,
    pub(crate) exit_code: u8,
}

/// Prints messages until there is a reason to stop, then disconnects.
///
/// # Errors
/// A connection or an output that was lost, subscriptions that were all refused, retained
/// messages that could not be removed.
pub(crate) async fn run(
    client: Box<Client>,
    output: Output,
    config: Config,
    mut stop: Stop,
    summary: &mut Summary,
) -> Result<Exit, Report> {
    let prints_runs = output.prints_runs()
        && config.filter.is_simple()
        && config.removal.is_none()
        && config.enough.left(0).is_some();
    let mut subscriber = Subscriber {
        client,
        output,
        prints_runs,
        remover: config.removal.map(Remover::new),
        idle: Idle::new(config.idle_timeout),
        config,
        finishing: false,
        received: 0,
        printed: 0,
        unanswered: 0,
        resumed: 0,
        told: 0,
        has_backlog: false,
        receipts: Pending::default(),
    };
    subscriber.resumed = subscriber.client.reconnects();
    let ended = match subscriber.request() {
        Ok(()) => subscriber.receive(&mut stop).await,
        // The broker may have sent DISCONNECT right behind its CONNACK, and that says more.
        Err(report) => subscriber.take_events().and(Err(report)),
    };
    // What is left to do is worth no other connection, which may be long in coming.
    subscriber.client.give_up_when_lost();
    let ended = subscriber.drain(ended, &mut stop).await;
    let ended = subscriber.settle(ended, &mut stop).await;
    let ended = subscriber.with_failures(ended);
    let farewell = match ended {
        // As mosquitto_sub does: who is stopped from outside leaves a Will (MQTT 5).
        Ok(End::Interrupted | End::TimedOut) => ReasonCode::WITH_WILL,
        _ => ReasonCode::SUCCESS,
    };
    // What was printed is acknowledged before the DISCONNECT; what was not stays the broker's.
    let _ = subscriber.client.close(farewell).await;
    subscriber.output.print_stats();
    *summary = Summary {
        received: subscriber.received,
        printed: subscriber.printed,
        reconnects: subscriber.client.reconnects(),
        commands_failed: subscriber.output.failures(),
        exit_code: 0,
    };
    Ok(ended?.exit())
}

struct Subscriber {
    client: Box<Client>,
    output: Output,
    /// All that is done with a message is to print it, or not.
    prints_runs: bool,
    config: Config,
    /// With `--remove-retained`.
    remover: Option<Remover>,
    idle: Idle,
    /// All is printed that was wanted; only the remover is still busy.
    finishing: bool,
    received: u64,
    /// What `-C` counts.
    printed: u64,
    /// SUBSCRIBE and UNSUBSCRIBE packets without their answer.
    unanswered: usize,
    /// Of the connections that were made again, the last one over which the broker was asked for
    /// what it may not know any more.
    resumed: u64,
    /// Of those, the one whose events are taken: a reader that stalls keeps them behind.
    told: u64,
    /// The session has events for which the output had no room.
    has_backlog: bool,
    /// Acknowledged once the messages are written.
    receipts: Pending,
}

impl Subscriber {
    /// Subscribes once more where the broker has accepted the session again, perhaps without what
    /// it knew of it. This must not wait for [`Event::Connected`], which may stand behind messages
    /// that nobody reads: what is published meanwhile would be lost.
    fn resume(&mut self) -> Result<(), Report> {
        let reconnects = self.client.reconnects();
        let session = &self.client.session;
        if reconnects == self.resumed || !session.is_online() {
            return Ok(());
        }
        // A connection in between came and went before anything could be asked over it.
        let is_unasked = reconnects - self.resumed > 1;
        self.resumed = reconnects;
        // Requests without an answer went with the connection they were made over.
        let is_incomplete = std::mem::take(&mut self.unanswered) > 0;
        let is_known = session.limits().session_present && !session.may_be_new();
        if is_known && !is_incomplete && !is_unasked {
            return Ok(());
        }
        self.request()
    }

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

    async fn receive(&mut self, stop: &mut Stop) -> Result<End, Report> {
        if let Err(why) = self.output.start() {
            return unwritten(why);
        }
        // The connection's end is told after what came before it.
        let mut lost = None;
        loop {
            // What the broker sends waits at its side then, and takes no memory here.
            let is_full = self.is_full();
            self.client.pause_reading(is_full);
            let may_come =
                self.unanswered == 0 && !is_full && self.output.is_idle() && self.client.is_up();
            self.idle.look(self.received, may_come);
            tokio::select! {
                biased;
                end = stop.requested() => return Ok(end),
                () = self.output.wake() => {
                    if let Err(why) = self.output.woken() {
                        return unwritten(why);
                    }
                }
                step = self.client.step(), if lost.is_none() => lost = step.err(),
                () = self.idle.over() => return Ok(End::Done),
            }
            self.output
                .set_connected(lost.is_some() || self.client.is_up());
            let ended = self.resume().and_then(|()| self.take_events());
            if let Err(why) = self.write_out() {
                return unwritten(why);
            }
            if let Some(end) = ended? {
                return Ok(end);
            }
            self.remove();
            if self.finishing && self.is_settled() {
                return Ok(End::Done);
            }
            if let Some(why) = &lost
                && !self.has_backlog
            {
                return Err(self.client.lost(why));
            }
        }
    }

    /// Waits until everything that was taken in is written, so that it can be acknowledged; not
    /// for long when somebody waits for the end.
    async fn drain(
        &mut self,
        mut ended: Result<End, Report>,
        stop: &mut Stop,
    ) -> Result<End, Report> {
        let mut done = self.output.finish();
        let mut is_hurried = matches!(ended, Ok(End::Interrupted | End::TimedOut));
        let mut grace = std::pin::pin!(sleep(Duration::ZERO));
        if is_hurried {
            grace.as_mut().reset(Instant::now() + self.output.hurry());
        }
        let mut is_connected = self.client.session.is_online();
        self.client.pause_reading(true);
        while !self.output.is_idle() {
            tokio::select! {
                biased;
                () = self.output.wake() => done = done.and(self.output.woken()),
                end = stop.requested(), if !is_hurried => {
                    is_hurried = true;
                    ended = ended.and(Ok(end));
                    grace.as_mut().reset(Instant::now() + self.output.hurry());
                }
                () = &mut grace, if is_hurried => match self.output.quit() {
                    Some(time) => grace.as_mut().reset(Instant::now() + time),
                    None => break,
                },
                step = self.client.step(), if is_connected => is_connected = step.is_ok(),
            }
            self.acknowledge();
        }
        self.acknowledge();
        self.client.pause_reading(false);
        match (ended, done) {
            (Ok(_), Err(why @ (SinkError::Io(_) | SinkError::NotHandled(_)))) => unwritten(why),
            (ended, _) => ended,
        }
    }

    /// Waits until all is removed that has to be, and says so when it is not.
    async fn settle(
        &mut self,
        mut ended: Result<End, Report>,
        stop: &mut Stop,
    ) -> Result<End, Report> {
        let Some(remover) = &mut self.remover else {
            return ended;
        };
        remover.not_printed();
        let mut progress = remover.progress();
        let mut patience = std::pin::pin!(sleep(PATIENCE));
        let mut lost = None;
        loop {
            lost = lost.or(self.take_answers().err());
            self.remove();
            if lost.is_some() || self.is_settled() || !self.client.session.is_online() {
                break;
            }
            let is_hurried = !matches!(ended, Ok(End::Done));
            let step = tokio::select! {
                biased;
                end = stop.requested(), if !is_hurried => {
                    ended = Ok(end);
                    patience.as_mut().reset(Instant::now() + PATIENCE);
                    continue;
                }
                () = &mut patience, if is_hurried => break,
                step = self.client.step() => step,
            };
            if let Err(why) = step {
                // The broker's last words may be among the events, and say more.
                lost = Some(
                    self.take_answers()
                        .map_or_else(|told| told, |()| self.client.lost(&why)),
                );
            }
            let now = self.remover.as_ref().map_or(0, Remover::progress);
            if now != progress {
                progress = now;
                patience.as_mut().reset(Instant::now() + PATIENCE);
            }
        }
        self.removals(ended, lost)
    }

    /// Of the answers to the remover alone: nothing more is printed.
    fn take_answers(&mut self) -> Result<(), Report> {
        while let Some(event) = self.client.session.next_event() {
            match event {
                Event::Published {
                    packet_id,
                    reason,
                    reason_string,
                } => self.removed(packet_id, reason, reason_string),
                Event::Closed {
                    reason,
                    reason_string,
                } => return Err(self.closed(reason, reason_string)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The end, with what became of the removals.
    fn removals(
        &mut self,
        ended: Result<End, Report>,
        lost: Option<Report>,
    ) -> Result<End, Report> {
        let is_settled = self.is_settled();
        let Some(remover) = &self.remover else {
            return ended;
        };
        match (ended, lost) {
            (Err(report), _) | (Ok(_), Some(report)) if !is_settled => {
                Err(report.note(remover.balance()))
            }
            (Ok(_), None) if !is_settled => {
                let open = remover.open();
                let error = format!("{open} retained messages may not be removed");
                Err(Report::new(Exit::CONNECTION_LOST, error)
                    .cause(if self.client.is_up() {
                        "the broker has not acknowledged it in time"
                    } else {
                        "the connection was lost"
                    })
                    .note(remover.balance()))
            }
            (Ok(end), _) => {
                if !self.config.quiet {
                    report::note(remover.count());
                }
                remover.failure().map_or(Ok(end), Err)
            }
            (Err(report), _) => Err(report),
        }
    }

    /// The end, with the commands that failed. Who stops it from outside gets his own code.
    fn with_failures(&self, ended: Result<End, Report>) -> Result<End, Report> {
        match (ended, self.output.failure()) {
            (Ok(End::Done), Some(failure)) => Err(failure),
            (Ok(end), Some(failure)) => {
                warn(&self.config, &failure.in_one_line());
                Ok(end)
            }
            (ended, _) => ended,
        }
    }

    fn is_settled(&mut self) -> bool {
        match &self.remover {
            Some(remover) => remover.is_settled(&mut self.client.session),
            None => true,
        }
    }

    fn remove(&mut self) {
        if let Some(remover) = &mut self.remover {
            for refused in remover.send(&mut self.client.session) {
                warn_of_refused(&self.config, &refused);
            }
        }
    }

    fn removed(&mut self, packet_id: u16, code: ReasonCode, words: Option<String>) {
        let remover = self.remover.as_mut();
        if let Some(refused) = remover.and_then(|r| r.answered(packet_id, code, words)) {
            warn_of_refused(&self.config, &refused);
        }
    }

    fn closed(&self, code: ReasonCode, words: Option<String>) -> Report {
        let reason = Reason { code, words };
        self.client.lost(&ClientError::Ended(reason))
    }

    /// Handles all that a step brought, as far as the output has room for it; gives the end once
    /// there is one.
    fn take_events(&mut self) -> Result<Option<End>, Report> {
        self.has_backlog = false;
        loop {
            if self.is_full() {
                if let Err(why) = self.write_out() {
                    return unwritten(why).map(Some);
                }
                if self.is_full() {
                    self.has_backlog = true;
                    return Ok(None);
                }
            }
            if let Some(ended) = self.print_run().transpose() {
                return ended.map(Some);
            }
            if self.is_full() {
                continue;
            }
            let Some(event) = self.client.session.next_event() else {
                return Ok(None);
            };
            let ended = match &event {
                Event::Message(message) => self.message(message)?,
                Event::Subscribed {
                    codes,
                    reason_string,
                    ..
                } => self.subscribed(codes, reason_string.as_deref())?,
                Event::Unsubscribed {
                    codes,
                    reason_string,
                    ..
                } => self.unsubscribed(codes, reason_string.as_deref()),
                Event::Connected(_) => {
                    self.told += 1;
                    None
                }
                Event::Published {
                    packet_id,
                    reason,
                    reason_string,
                } => {
                    self.removed(*packet_id, *reason, reason_string.clone());
                    None
                }
                _ => None,
            };
            if ended.is_some() {
                return Ok(ended);
            }
        }
    }

    /// Prints messages that need no look of their own, as far as there is room.
    fn print_run(&mut self) -> Result<Option<End>, Report> {
        if !self.prints_runs {
            return Ok(None);
        }
        let Some(run) = self.client.session.run() else {
            return Ok(None);
        };
        // At the last one it would have been the end.
        let left = self.config.enough.left(self.printed).unwrap_or_default();
        let most = left.min(self.receipts.room() as u64);
        let batch = self.output.batch();
        let filter = Some(&self.config.filter).filter(|filter| !filter.is_open());
        let mut printed = 0;
        let written = self.output.print_run(run, most, filter, &mut printed);
        let (received, mut receipts) = run.taken();
        if written.is_err() {
            // Nobody has read the last one.
            receipts = receipts.and_then(Receipts::without_last);
        }
        if let Some(receipts) = receipts {
            self.receipts.add_all(batch, receipts);
        }
        self.printed += printed;
        self.received += received;
        match written {
            Ok(()) => Ok((printed == left).then_some(End::Done)),
            Err(why) => unwritten(why).map(Some),
        }
    }

    /// Whether [`write_out`](Self::write_out) must come before the next message.
    fn is_full(&self) -> bool {
        self.output.is_full() || self.receipts.room() == 0
    }

    fn message(&mut self, message: &Message) -> Result<Option<End>, Report> {
        self.received += 1;
        let verdict = self.config.filter.judge(message);
        match verdict {
            Verdict::Print => {
                match self.output.write(message) {
                    Ok(Printed::Yes) => self.printed += 1,
                    Ok(Printed::Hex(why)) => {
                        self.printed += 1;
                        warn(&self.config, &undecoded(message, &why));
                    }
                    Ok(Printed::No(why)) if self.config.exit_on_error => {
                        return Err(Report::new(Exit::UNKNOWN, undecoded(message, &why)));
                    }
                    Ok(Printed::No(why)) => warn(&self.config, &undecoded(message, &why)),
                    // Before its receipt is taken: nobody has read this message.
                    Err(why) => return unwritten(why).map(Some),
                }
            }
            Verdict::Count => {
                self.output.pass();
                self.printed += 1;
            }
            Verdict::Skip | Verdict::Hide => self.output.pass(),
            // Our own empty messages come back as live ones, and a broker may send them before
            // it has sent all that it retains.
            Verdict::Finish if !self.is_settled() => {
                self.finishing = true;
                return Ok(None);
            }
            Verdict::Finish => return Ok(Some(End::Done)),
        }
        if let Some(remover) = &mut self.remover
            && verdict != Verdict::Skip
        {
            remover.note(message, self.output.batch());
        }
        if let Some(receipt) = message.receipt {
            self.receipts.add(self.output.batch(), receipt);
        }
        let counts = matches!(verdict, Verdict::Print | Verdict::Count);
        let is_last = counts && self.config.enough.is_reached(self.printed, message);
        Ok(is_last.then_some(End::Done))
    }

    fn subscribed(
        &mut self,
        codes: &[ReasonCode],
        words: Option<&str>,
    ) -> Result<Option<End>, Report> {
        let refused = || codes.iter().filter(|code| code.is_failure());
        if let Some(&code) = refused().next()
            && refused().count() == codes.len()
        {
            return Err(Report::new(
                Exit::from_broker(code.0),
                "the broker refused every subscription",
            )
            .cause(Reason {
                code,
                words: words.map(str::to_owned),
            })
            .hint("the broker's access control decides what this user may subscribe to"));
        }
        for (subscription, &code) in self.config.subscriptions.iter().zip(codes) {
            let filter = &subscription.filter;
            self.warn_if_refused("subscribe to", filter, code, words);
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
        if self.told != self.resumed {
            // Of a connection that is lost; the same was asked for again.
            return None;
        }
        self.unanswered = self.unanswered.saturating_sub(1);
        (self.config.exit_after_subscribe && self.unanswered == 0).then_some(End::Done)
    }

    /// Writes out what is printed, or begins to, and lets the broker forget what is written.
    fn write_out(&mut self) -> Result<(), SinkError> {
        self.output.flush()?;
        self.acknowledge();
        Ok(())
    }

    fn acknowledge(&mut self) {
        let handled = self.output.handled();
        while let Some((batch, receipts)) = self.receipts.take_below(handled) {
            if !self.output.has_failed(batch) {
                self.client.session.acknowledge_all(&receipts);
            }
        }
        if let Some(remover) = &mut self.remover {
            remover.printed(handled, |batch| !self.output.has_failed(batch));
        }
        self.output.forget(handled);
    }
}
