//! What standard output shows of the messages: each of them, their rate, or the latest of each
//! topic.

use mqtools_common::message::Message;
use mqtools_common::protocol::Run;
use mqtools_common::report::Report;

use crate::config::Display;
use crate::filter::Filter;
use crate::format::{Format, Printed};
use crate::rate::Rate;
use crate::sink::{Sink, SinkError};
use crate::watch::Watch;

/// Takes the messages in.
#[derive(Debug)]
pub(crate) enum Screen {
    Messages {
        format: Format,
        sink: Sink,
    },
    Rate {
        rate: Rate,
        sink: Sink,
    },
    Watch(Box<Watch>),
    /// Something else is done with the messages.
    Nothing,
}

impl Screen {
    /// Prepares it; nothing is written yet.
    ///
    /// # Errors
    /// A standard output that is not fit for it.
    pub(crate) fn new(display: Display) -> Result<Self, Report> {
        Ok(match display {
            Display::Messages(format) => Self::Messages {
                format,
                sink: Sink::stdout()?,
            },
            Display::Rate => Self::Rate {
                rate: Rate::new(),
                sink: Sink::stdout()?,
            },
            Display::Watch {
                format,
                order,
                has_columns,
            } => Self::Watch(Box::new(Watch::new(format, order, has_columns)?)),
            Display::Nothing => Self::Nothing,
        })
    }

    /// The connection is up.
    pub(crate) fn start(&mut self) -> Result<(), SinkError> {
        match self {
            Self::Messages { .. } | Self::Nothing => Ok(()),
            Self::Rate { rate, .. } => {
                *rate = Rate::new();
                Ok(())
            }
            Self::Watch(watch) => Ok(watch.open()?),
        }
    }

    /// Whether there is a connection now, which [`wake`](Self::wake) waits to show where nothing
    /// else tells the user.
    pub(crate) fn set_connected(&mut self, is_connected: bool) {
        if let Self::Watch(watch) = self {
            watch.set_connected(is_connected);
        }
    }

    /// Takes in one message.
    pub(crate) fn write(&mut self, message: &Message) -> Result<Printed, SinkError> {
        Ok(match self {
            Self::Messages { format, sink } => sink.print(format, message)?,
            Self::Rate { rate, .. } => {
                rate.count();
                Printed::Yes
            }
            Self::Watch(watch) => watch.take(message)?,
            Self::Nothing => Printed::Yes,
        })
    }

    /// Whether [`print_run`](Self::print_run) does what [`write`](Self::write) does with each message.
    pub(crate) fn prints_runs(&self) -> bool {
        matches!(self, Self::Messages { format, .. } if format.is_sure())
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
        match self {
            Self::Messages { format, sink } => sink.print_run(format, run, most, filter, count),
            Self::Rate { .. } | Self::Watch(_) | Self::Nothing => Ok(()),
        }
    }

    /// The number of the batch that the last message is a part of.
    pub(crate) fn batch(&self) -> u64 {
        match self {
            Self::Messages { sink, .. } => sink.batch(),
            Self::Rate { .. } | Self::Watch(_) | Self::Nothing => 0,
        }
    }

    /// The messages of all batches below this number are safe. Those that are only counted, or
    /// may be gone with the next picture, are so once they are taken in.
    pub(crate) fn written(&self) -> u64 {
        match self {
            Self::Messages { sink, .. } => sink.written(),
            Self::Rate { .. } | Self::Watch(_) | Self::Nothing => 1,
        }
    }

    /// No message should be taken in before [`flush`](Self::flush) has made room.
    pub(crate) fn is_full(&self) -> bool {
        match self {
            Self::Messages { sink, .. } => sink.is_full(),
            Self::Rate { .. } | Self::Watch(_) | Self::Nothing => false,
        }
    }

    /// Whether everything that was flushed is written.
    pub(crate) fn is_idle(&self) -> bool {
        match self {
            Self::Messages { sink, .. } | Self::Rate { sink, .. } => sink.is_idle(),
            Self::Watch(_) | Self::Nothing => true,
        }
    }

    /// Writes what was taken in, or begins to.
    pub(crate) fn flush(&mut self) -> Result<(), SinkError> {
        match self {
            Self::Messages { sink, .. } => sink.flush(),
            Self::Rate { .. } | Self::Nothing => Ok(()),
            Self::Watch(watch) => Ok(watch.draw_if_due()?),
        }
    }

    /// Waits until there is something to do without a message; then call
    /// [`woken`](Self::woken). Safe to drop and to call again.
    pub(crate) async fn wake(&mut self) {
        match self {
            Self::Messages { sink, .. } => sink.wake().await,
            Self::Rate { rate, sink } => tokio::select! {
                () = rate.second() => {}
                () = sink.wake() => {}
            },
            Self::Watch(watch) => watch.wake().await,
            Self::Nothing => std::future::pending().await,
        }
    }

    /// Does what [`wake`](Self::wake) waited for.
    pub(crate) fn woken(&mut self) -> Result<(), SinkError> {
        match self {
            Self::Messages { sink, .. } => sink.woken(),
            Self::Rate { rate, sink } => {
                if let Some(count) = rate.due() {
                    sink.line(count)?;
                }
                sink.flush()
            }
            Self::Watch(watch) => Ok(watch.woken()?),
            Self::Nothing => Ok(()),
        }
    }

    /// No more messages come. Nothing is left to write once it [is idle](Self::is_idle).
    pub(crate) fn finish(&mut self) -> Result<(), SinkError> {
        match self {
            Self::Messages { sink, .. } => sink.flush(),
            Self::Rate { rate, sink } => {
                if let Some(count) = rate.rest() {
                    sink.line(count)?;
                }
                sink.flush()
            }
            Self::Watch(watch) => {
                // It fails when the terminal has hung up: nobody is left to look at it.
                let _ = watch.finish();
                Ok(())
            }
            Self::Nothing => Ok(()),
        }
    }
}
