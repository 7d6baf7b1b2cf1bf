//! What is done with a message: it is shown and, as asked, saved.

use mqtools_common::message::Message;
use mqtools_common::report::Report;

use crate::config::{Config, Display};
use crate::format::Printed;
use crate::saver::Saver;
use crate::screen::Screen;
use crate::sink::SinkError;

/// Takes the messages in.
#[derive(Debug)]
pub(crate) struct Output {
    screen: Screen,
    saver: Option<Box<Saver>>,
    exit_on_error: bool,
}

impl Output {
    /// Prepares it; nothing is written yet.
    ///
    /// # Errors
    /// A standard output that is not fit for it, or no folder to save to.
    pub(crate) fn new(display: Display, config: &Config) -> Result<Self, Report> {
        let saver = match &config.save_dir {
            Some(folder) => Some(Box::new(Saver::new(folder)?)),
            None => None,
        };
        Ok(Self {
            screen: Screen::new(display)?,
            saver,
            exit_on_error: config.exit_on_error,
        })
    }

    /// The connection is up.
    pub(crate) fn start(&mut self) -> Result<(), SinkError> {
        self.screen.start()
    }

    /// Whether there is a connection now, which [`wake`](Self::wake) waits to show where nothing
    /// else tells the user.
    pub(crate) fn set_connected(&mut self, is_connected: bool) {
        self.screen.set_connected(is_connected);
    }

    /// Takes in one message.
    pub(crate) fn write(&mut self, message: &Message) -> Result<Printed, SinkError> {
        let printed = self.screen.write(message)?;
        if matches!(printed, Printed::No(_)) && self.exit_on_error {
            return Ok(printed);
        }
        if let Some(saver) = &mut self.saver {
            saver.save(message).map_err(SinkError::NotSaved)?;
        }
        Ok(printed)
    }

    /// The number of the batch that the last message is a part of.
    pub(crate) fn batch(&self) -> u64 {
        self.screen.batch()
    }

    /// The messages of all batches below this number are safe.
    pub(crate) fn written(&self) -> u64 {
        self.screen.written()
    }

    /// No message should be taken in before [`flush`](Self::flush) has made room.
    pub(crate) fn is_full(&self) -> bool {
        self.screen.is_full()
    }

    /// Whether everything that was flushed is written.
    pub(crate) fn is_idle(&self) -> bool {
        self.screen.is_idle()
    }

    /// Writes what was taken in, or begins to.
    pub(crate) fn flush(&mut self) -> Result<(), SinkError> {
        self.screen.flush()
    }

    /// Waits until there is something to do without a message; then call
    /// [`woken`](Self::woken). Safe to drop and to call again.
    pub(crate) async fn wake(&mut self) {
        self.screen.wake().await;
    }

    /// Does what [`wake`](Self::wake) waited for.
    pub(crate) fn woken(&mut self) -> Result<(), SinkError> {
        self.screen.woken()
    }

    /// No more messages come. Nothing is left to write once it [is idle](Self::is_idle).
    pub(crate) fn finish(&mut self) -> Result<(), SinkError> {
        self.screen.finish()
    }
}
