//! What is done with a message: it is shown and, as asked, saved and handed to a command.

use std::future::pending;
use std::time::Duration;

use mqtools_common::message::Message;
use mqtools_common::protocol::Run;
use mqtools_common::report::Report;

use crate::config::{Config, Display};
use crate::exec::Runner;
use crate::filter::Filter;
use crate::format::Printed;
use crate::saver::Saver;
use crate::screen::Screen;
use crate::sink::SinkError;
use crate::stats::{Beside, Stats};

/// How long the reader of standard output may take for what is left, once somebody waits for the
/// end; the same for commands that were asked to end.
const GRACE: Duration = Duration::from_secs(1);

/// How long commands may take until they are asked to end, once somebody waits for the end.
const GRACE_OF_COMMANDS: Duration = Duration::from_secs(5);

/// Takes the messages in.
#[derive(Debug)]
pub(crate) struct Output {
    screen: Screen,
    saver: Option<Box<Saver>>,
    runner: Option<Box<Runner>>,
    stats: Option<Box<Stats>>,
    exit_on_error: bool,
}

impl Output {
    /// Prepares it; nothing is written yet.
    ///
    /// # Errors
    /// A standard output that is not fit for it, or no folder to save to.
    pub(crate) fn new(display: Display, config: &mut Config) -> Result<Self, Report> {
        let saver = match &config.save_dir {
            Some(folder) => Some(Box::new(Saver::new(folder)?)),
            None => None,
        };
        let beside = match (&display, &config.exec) {
            (_, Some(_)) => Beside::Commands,
            (Display::Nothing, None) => Beside::Nothing,
            (_, None) => Beside::Output,
        };
        let stats = config.stats.then(|| Stats::new(beside)).transpose()?;
        Ok(Self {
            stats: stats.map(Box::new),
            screen: Screen::new(display)?,
            saver,
            runner: config.exec.take().map(|exec| Box::new(Runner::new(exec))),
            exit_on_error: config.exit_on_error,
        })
    }

    /// The connection is up.
    pub(crate) fn start(&mut self) -> Result<(), SinkError> {
        if let Some(stats) = &mut self.stats {
            stats.start();
        }
        self.screen.start()
    }

    /// Whether there is a connection now, which [`wake`](Self::wake) waits to show where nothing
    /// else tells the user.
    pub(crate) fn set_connected(&mut self, is_connected: bool) {
        self.screen.set_connected(is_connected);
        if let Some(stats) = &mut self.stats {
            stats.set_connected(is_connected);
        }
    }

    /// Takes in one message.
    pub(crate) fn write(&mut self, message: &Message) -> Result<Printed, SinkError> {
        let printed = self.screen.write(message)?;
        if matches!(printed, Printed::No(_)) && self.exit_on_error {
            return Ok(printed);
        }
        if let Some(stats) = &mut self.stats {
            stats.count(message);
        }
        if let Some(saver) = &mut self.saver {
            saver.save(message).map_err(SinkError::NotHandled)?;
        }
        if let Some(runner) = &mut self.runner {
            let taken = runner.take(message, self.screen.batch());
            taken.map_err(SinkError::NotHandled)?;
        }
        Ok(printed)
    }

    /// Whether messages are printed and nothing else is done with them, so that
    /// [`print_run`](Self::print_run) does what [`write`](Self::write) does with each.
    pub(crate) fn prints_runs(&self) -> bool {
        let is_all = self.saver.is_none() && self.runner.is_none() && self.stats.is_none();
        is_all && self.screen.prints_runs()
    }

    /// Takes in messages of a run while there is room, `most` at most, and shows and counts those that `filter`
    /// lets through.
    pub(crate) fn print_run(
        &mut self,
        run: &mut Run,
        most: u64,
        filter: Option<&Filter>,
        count: &mut u64,
    ) -> Result<(), SinkError> {
        self.screen.print_run(run, most, filter, count)
    }

    /// Takes note of a message with which nothing is done.
    pub(crate) fn pass(&mut self) {
        if let Some(runner) = &mut self.runner {
            runner.pass();
        }
    }

    /// The number of the batch that the last message is a part of. With commands each message is
    /// one.
    pub(crate) fn batch(&self) -> u64 {
        match &self.runner {
            None => self.screen.batch(),
            Some(runner) => runner.number(),
        }
    }

    /// All batches below this number are handled: their messages are safe, or
    /// [have failed](Self::has_failed).
    pub(crate) fn handled(&self) -> u64 {
        match &self.runner {
            None => self.screen.written(),
            Some(runner) => runner.done(),
        }
    }

    /// Whether a batch that is handled has failed, and must not be acknowledged.
    pub(crate) fn has_failed(&self, batch: u64) -> bool {
        let runner = self.runner.as_ref();
        runner.is_some_and(|runner| runner.has_failed(batch))
    }

    /// What became of the batches below this number is known to all.
    pub(crate) fn forget(&mut self, batch: u64) {
        if let Some(runner) = &mut self.runner {
            runner.forget(batch);
        }
    }

    /// No message should be taken in before [`flush`](Self::flush) has made room.
    pub(crate) fn is_full(&self) -> bool {
        self.screen.is_full() || self.runner.as_ref().is_some_and(|runner| runner.is_full())
    }

    /// Whether everything that was flushed is written, and no command runs.
    pub(crate) fn is_idle(&self) -> bool {
        self.screen.is_idle() && self.runner.as_ref().is_none_or(|runner| runner.is_idle())
    }

    /// Writes what was taken in, or begins to.
    pub(crate) fn flush(&mut self) -> Result<(), SinkError> {
        self.screen.flush()?;
        self.show_printed();
        Ok(())
    }

    /// Waits until there is something to do without a message; then call
    /// [`woken`](Self::woken). Safe to drop and to call again.
    pub(crate) async fn wake(&mut self) {
        match (&mut self.runner, &mut self.stats) {
            (None, None) => self.screen.wake().await,
            (runner, stats) => tokio::select! {
                () = self.screen.wake() => {}
                () = async { match runner {
                    Some(runner) => runner.wake().await,
                    None => pending().await,
                }} => {}
                () = async { match stats {
                    Some(stats) => stats.wake().await,
                    None => pending().await,
                }} => {}
            },
        }
    }

    /// Does what [`wake`](Self::wake) waited for.
    pub(crate) fn woken(&mut self) -> Result<(), SinkError> {
        self.screen.woken()?;
        if let Some(runner) = &mut self.runner {
            runner.woken().map_err(SinkError::NotHandled)?;
        }
        if let Some(stats) = &mut self.stats {
            stats.woken();
        }
        self.show_printed();
        Ok(())
    }

    /// No more messages come. Nothing is left to write once it [is idle](Self::is_idle).
    pub(crate) fn finish(&mut self) -> Result<(), SinkError> {
        self.screen.finish()?;
        self.show_printed();
        Ok(())
    }

    /// Somebody waits for the end: nothing new is begun. Gives how long what was begun may take;
    /// then call [`quit`](Self::quit).
    pub(crate) fn hurry(&mut self) -> Duration {
        match &mut self.runner {
            Some(runner) => {
                runner.stop();
                GRACE_OF_COMMANDS
            }
            None => GRACE,
        }
    }

    /// Asks what still runs to end; gives how long that may take, if it was not asked before.
    pub(crate) fn quit(&mut self) -> Option<Duration> {
        let runner = self.runner.as_mut()?;
        runner.quit().then_some(GRACE)
    }

    /// How many commands failed; none without commands.
    pub(crate) fn failures(&self) -> Option<u64> {
        self.runner.as_ref().map(|runner| runner.failures())
    }

    /// That commands failed, if any did.
    pub(crate) fn failure(&self) -> Option<Report> {
        self.runner.as_ref()?.failure()
    }

    /// Nothing more is done: what was counted is printed.
    pub(crate) fn print_stats(&mut self) {
        if let Some(stats) = &mut self.stats {
            stats.print();
        }
    }

    fn show_printed(&mut self) {
        if let Some(runner) = &mut self.runner {
            runner.printed(self.screen.written());
        }
    }
}
