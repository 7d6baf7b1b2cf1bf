//! What standard output shows of the messages: each of them, their rate, or the latest of each
//! topic.

use mqtools_common::message::Message;
use mqtools_common::report::Report;

use crate::config::Display;
use crate::format::{Format, Printed};
use crate::rate::Rate;
use crate::sink::{Sink, SinkError};
use crate::watch::Watch;

/// Takes the messages in.
#[derive(Debug)]
pub(crate) enum Output {
    Messages { format: Format, sink: Sink },
    Rate { rate: Rate, sink: Sink },
    Watch(Box<Watch>),
}

impl Output {
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
            Display::Watch(format) => Self::Watch(Box::new(Watch::new(format)?)),
        })
    }

    /// The connection is up.
    pub(crate) fn start(&mut self) -> Result<(), SinkError> {
        match self {
            Self::Messages { .. } => Ok(()),
            Self::Rate { rate, .. } => {
                *rate = Rate::new();
                Ok(())
            }
            Self::Watch(watch) => Ok(watch.open()?),
        }
    }

    /// Takes in one message, which is safe after the next [`flush`](Self::flush).
    pub(crate) fn write(&mut self, message: &Message) -> Result<Printed, SinkError> {
        Ok(match self {
            Self::Messages { format, sink } => format.write(message, sink.writer())?,
            Self::Rate { rate, .. } => {
                rate.count();
                Printed::Yes
            }
            Self::Watch(watch) => watch.take(message)?,
        })
    }

    pub(crate) fn flush(&mut self) -> Result<(), SinkError> {
        match self {
            Self::Messages { sink, .. } | Self::Rate { sink, .. } => sink.flush(),
            Self::Watch(watch) => Ok(watch.draw_if_due()?),
        }
    }

    /// Waits until there is something to do without a message; then call
    /// [`woken`](Self::woken). Safe to drop and to call again.
    pub(crate) async fn wake(&mut self) {
        match self {
            Self::Messages { .. } => std::future::pending().await,
            Self::Rate { rate, .. } => rate.second().await,
            Self::Watch(watch) => watch.wake().await,
        }
    }

    /// Does what [`wake`](Self::wake) waited for.
    pub(crate) fn woken(&mut self) -> Result<(), SinkError> {
        match self {
            Self::Messages { .. } => Ok(()),
            Self::Rate { rate, sink } => {
                rate.write(sink.writer())?;
                sink.flush()
            }
            Self::Watch(watch) => Ok(watch.woken()?),
        }
    }

    /// No more messages come.
    pub(crate) fn finish(&mut self) -> Result<(), SinkError> {
        match self {
            Self::Messages { sink, .. } => sink.flush(),
            Self::Rate { rate, sink } => {
                if rate.has_counted() {
                    rate.write(sink.writer())?;
                }
                sink.flush()
            }
            Self::Watch(watch) => {
                // It fails when the terminal has hung up: nobody is left to look at it.
                let _ = watch.finish();
                Ok(())
            }
        }
    }
}
