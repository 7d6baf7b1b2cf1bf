//! `--exec`: a command for each message. So many run at a time, begun in the order in which the
//! messages came; a message is done when its command and those of all before it have ended.

mod child;

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::process::ExitStatus;

use mqtools_common::exit::Exit;
use mqtools_common::message::Message;
use mqtools_common::report::{self, Report};
use mqtools_common::signals::Notices;
use mqtools_common::topic::TopicName;
use rustix::process::Signal;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub(crate) use self::child::CommandLine;

/// What `--exec` asks for.
#[derive(Debug)]
pub(crate) struct Exec {
    pub(crate) command: CommandLine,
    /// `--jobs`: how many run at a time, at least 1.
    pub(crate) jobs: usize,
    /// `--exit-on-error`: a failure is the end.
    pub(crate) strict: bool,
    pub(crate) quiet: bool,
}

/// Runs the commands.
#[derive(Debug)]
pub(crate) struct Runner {
    exec: Exec,
    /// Of the last message, executed or not.
    number: u64,
    /// Those without a command yet.
    waiting: VecDeque<(u64, Message)>,
    running: JoinSet<Ended>,
    /// What [`wake`](Self::wake) waited for.
    ended: Option<Ended>,
    /// Those that are not done, from the first on.
    open: VecDeque<Open>,
    /// Of those that are done, and not yet asked for.
    failed: BTreeSet<u64>,
    succeeded: u64,
    failures: u64,
    /// No command is begun any more.
    is_stopped: bool,
    /// Asks those that run to end.
    quit: watch::Sender<bool>,
    /// Changes when a command has ended; none before the first is begun.
    ends: Option<watch::Receiver<()>>,
}

/// A message whose command has not ended, or which waits for one before it.
#[derive(Debug)]
struct Open {
    number: u64,
    /// Its batch of what is printed of the messages, too.
    batch: u64,
    has_ended: bool,
}

#[derive(Debug)]
struct Ended {
    number: u64,
    topic: TopicName,
    status: io::Result<ExitStatus>,
}

impl Runner {
    pub(crate) fn new(exec: Exec) -> Self {
        Self {
            exec,
            number: 0,
            waiting: VecDeque::new(),
            running: JoinSet::new(),
            ended: None,
            open: VecDeque::new(),
            failed: BTreeSet::new(),
            succeeded: 0,
            failures: 0,
            is_stopped: false,
            quit: watch::Sender::new(false),
            ends: None,
        }
    }

    /// Takes in a message, which is in that batch of the printed ones.
    ///
    /// # Errors
    /// There is no use in going on.
    pub(crate) fn take(&mut self, message: &Message, batch: u64) -> Result<(), Report> {
        self.number += 1;
        let number = self.number;
        self.open.push_back(Open {
            number,
            batch,
            has_ended: false,
        });
        self.waiting.push_back((number, message.clone()));
        self.begin()
    }

    /// Counts a message that is not executed.
    pub(crate) fn pass(&mut self) {
        self.number += 1;
    }

    /// Of the last message.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// All messages below this number are done, as far as they are printed.
    pub(crate) fn done(&self) -> u64 {
        self.open
            .front()
            .map_or(self.number + 1, |open| open.number)
    }

    /// The batches of printed messages below this number are written.
    pub(crate) fn printed(&mut self, written: u64) {
        while let Some(open) = self.open.front()
            && open.has_ended
            && open.batch < written
        {
            self.open.pop_front();
        }
    }

    /// Whether the command of a message that is done has failed.
    pub(crate) fn has_failed(&self, number: u64) -> bool {
        self.failed.contains(&number)
    }

    /// Nobody asks for messages below this number any more.
    pub(crate) fn forget(&mut self, number: u64) {
        if !self.failed.is_empty() {
            self.failed = self.failed.split_off(&number);
        }
    }

    /// As many wait as run: it is of no use to take in more.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= self.exec.jobs
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty() && self.ended.is_none()
    }

    /// Waits for the end of a command. Safe to drop and to call again.
    pub(crate) async fn wake(&mut self) {
        if self.ended.is_some() {
            return;
        }
        loop {
            match self.running.join_next().await {
                Some(Ok(ended)) => {
                    self.ended = Some(ended);
                    return;
                }
                // A task ends by itself.
                Some(Err(_)) => {}
                None => return std::future::pending().await,
            }
        }
    }

    /// Does what [`wake`](Self::wake) waited for, and begins the next commands.
    ///
    /// # Errors
    /// There is no use in going on.
    pub(crate) fn woken(&mut self) -> Result<(), Report> {
        let mut judged = Ok(());
        if let Some(ended) = self.ended.take() {
            judged = judged.and(self.judge(ended));
        }
        while let Some(Ok(ended)) = self.running.try_join_next() {
            judged = judged.and(self.judge(ended));
        }
        judged.and_then(|()| self.begin())
    }

    /// Begins no more commands: somebody waits for the end.
    pub(crate) fn stop(&mut self) {
        self.is_stopped = true;
        self.waiting.clear();
    }

    /// Asks those that run to end; tells whether there are any that were not asked before.
    pub(crate) fn quit(&mut self) -> bool {
        !self.is_idle() && !self.quit.send_replace(true)
    }

    /// How many commands failed, and all; none if none did.
    pub(crate) fn failure(&self) -> Option<Report> {
        if self.failures == 0 {
            return None;
        }
        let all = self.succeeded + self.failures;
        let (failures, plural) = (self.failures, if all == 1 { "" } else { "s" });
        let error = format!("{failures} of {all} command{plural} failed");
        Some(Report::new(Exit::UNKNOWN, error).hint(
            "their messages were not acknowledged: with -c and -q 1 the broker sends them again",
        ))
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failures
    }

    fn begin(&mut self) -> Result<(), Report> {
        while !self.is_stopped
            && self.running.len() < self.exec.jobs
            && let Some((number, message)) = self.waiting.pop_front()
        {
            let topic = message.topic.clone();
            let ends = self.ends()?;
            match self.exec.command.spawn(&message) {
                Ok(child) => {
                    let quit = self.quit.subscribe();
                    self.running.spawn(async move {
                        let status = child::attend(child, message.payload, ends, quit).await;
                        Ended {
                            number,
                            topic,
                            status,
                        }
                    });
                }
                Err(why) if is_lasting(&why) => {
                    self.stop();
                    let program = self.exec.command.program();
                    return Err(Report::new(
                        Exit::OS_ERROR,
                        format!("cannot run the command {program:?}"),
                    )
                    .cause(why)
                    .hint("its message was not acknowledged"));
                }
                Err(why) => self.judge(Ended {
                    number,
                    topic,
                    status: Err(why),
                })?,
            }
        }
        Ok(())
    }

    fn ends(&mut self) -> Result<watch::Receiver<()>, Report> {
        if let Some(ends) = &self.ends {
            return Ok(ends.clone());
        }
        let mut notices = Notices::of(Signal::CHILD.as_raw()).map_err(|why| {
            Report::new(Exit::OS_ERROR, "cannot wait for the end of a command").cause(why)
        })?;
        let (sender, ends) = watch::channel(());
        tokio::spawn(async move {
            loop {
                notices.next().await;
                sender.send_replace(());
            }
        });
        Ok(self.ends.insert(ends).clone())
    }

    fn judge(&mut self, ended: Ended) -> Result<(), Report> {
        let is_success = matches!(&ended.status, Ok(status) if status.success());
        if !is_success && *self.quit.borrow() {
            // Our own doing: it stays open, and its message is not acknowledged.
            return Ok(());
        }
        let place = self.open.binary_search_by_key(&ended.number, |o| o.number);
        if let Some(open) = place.ok().and_then(|place| self.open.get_mut(place)) {
            open.has_ended = true;
        }
        if is_success {
            self.succeeded += 1;
            return Ok(());
        }
        self.failures += 1;
        self.failed.insert(ended.number);
        let why = match ended.status {
            Ok(status) => status.to_string(),
            Err(why) => why.to_string(),
        };
        let topic = ended.topic.as_str();
        let error = format!("the command for a message on the topic {topic:?} failed");
        if self.exec.strict {
            self.stop();
            return Err(Report::new(Exit::UNKNOWN, error)
                .cause(why)
                .hint("its message was not acknowledged"));
        }
        if !self.exec.quiet {
            report::warn(format!("{error}: {why}"));
        }
        Ok(())
    }
}

/// Whether no message will fare better.
fn is_lasting(why: &io::Error) -> bool {
    matches!(
        why.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
    )
}
