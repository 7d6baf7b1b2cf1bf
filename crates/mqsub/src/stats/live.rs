//! What a terminal shows of the counts while messages come, anew each second: the whole table, or,
//! where others may write on it, a line.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use mqtools_common::report::{self, Report};
use mqtools_common::terminal::is_in_front;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::table::{Table, counted, decimal, per_second, size};
use crate::sink;
use crate::terminal::{BEGIN, Change, Changes, END, NOT_CONNECTED, Terminal, put, text};

const SECOND: Duration = Duration::from_secs(1);

/// Ends a line that is drawn over and over.
const CLEAR: &str = "\r\x1b[K";

#[derive(Debug)]
pub(super) struct Live {
    seconds: Interval,
    /// What [`Live::wake`] waited for.
    woken_by: Option<WokenBy>,
    /// How many messages there were at the last look, and when that was.
    messages: u64,
    at: Instant,
    place: Place,
    is_connected: bool,
}

#[derive(Debug, Clone, Copy)]
enum WokenBy {
    Second,
    Change(Change),
}

#[derive(Debug)]
enum Place {
    Line { is_drawn: bool },
    Window(Terminal, Box<Changes>),
}

/// What else appears on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    /// Nothing, unless standard output leads there.
    Output,
    /// What commands print.
    Commands,
    /// Nothing.
    Nothing,
}

impl Live {
    /// None without a terminal, and where it shows messages.
    pub(super) fn new(beside: Beside) -> Result<Option<Self>, Report> {
        let place = match beside {
            Beside::Output if io::stdout().is_terminal() => return Ok(None),
            // Whoever reads may print on this terminal.
            Beside::Output if !sink::takes_all(io::stdout()) => line(),
            Beside::Commands => line(),
            Beside::Output | Beside::Nothing => match Terminal::of_stderr() {
                Some(terminal) => Some(Place::Window(terminal, Box::new(Changes::listen()?))),
                None => line(),
            },
        };
        Ok(place.map(|place| {
            let mut seconds = interval(SECOND);
            seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
            Self {
                seconds,
                woken_by: None,
                messages: 0,
                at: Instant::now(),
                place,
                is_connected: true,
            }
        }))
    }

    /// The connection is up.
    pub(super) fn start(&mut self, table: Table<'_>) -> io::Result<()> {
        self.seconds.reset();
        self.at = Instant::now();
        match &mut self.place {
            Place::Line { .. } => {
                report::set_route(Some(Box::new(|bytes| {
                    report::write_through(&[CLEAR.as_bytes(), bytes].concat());
                })));
                Ok(())
            }
            Place::Window(terminal, _) => {
                terminal.open()?;
                self.draw(table)
            }
        }
    }

    pub(super) fn set_connected(&mut self, is_connected: bool) {
        self.is_connected = is_connected;
    }

    /// Waits until there is something to draw. Safe to drop and to call again.
    pub(super) async fn wake(&mut self) {
        let by = match &mut self.place {
            Place::Line { .. } => {
                self.seconds.tick().await;
                WokenBy::Second
            }
            Place::Window(_, changes) => tokio::select! {
                change = changes.next() => WokenBy::Change(change),
                _ = self.seconds.tick() => WokenBy::Second,
            },
        };
        self.woken_by = Some(by);
    }

    /// Does what [`wake`](Self::wake) waited for.
    pub(super) fn woken(&mut self, table: Table<'_>) -> io::Result<()> {
        let Some(by) = self.woken_by.take() else {
            return Ok(());
        };
        if let (Place::Window(terminal, _), WokenBy::Change(change)) = (&mut self.place, by) {
            match change {
                Change::Suspended => return terminal.suspend(),
                Change::Continued => terminal.open()?,
                Change::Resized => {}
            }
        }
        self.draw(table)
    }

    /// Gives the terminal back.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        match &mut self.place {
            Place::Line { is_drawn } => {
                report::set_route(None);
                if std::mem::take(is_drawn) {
                    report::write_through(CLEAR.as_bytes());
                }
                Ok(())
            }
            Place::Window(terminal, _) => terminal.close(),
        }
    }

    fn draw(&mut self, table: Table<'_>) -> io::Result<()> {
        let now = Instant::now();
        let new = table.all.messages - self.messages;
        let rate = decimal(per_second(new as f64, now - self.at));
        // A window that is resized is no second.
        if now - self.at >= SECOND / 2 {
            self.messages = table.all.messages;
            self.at = now;
        }
        match &mut self.place {
            Place::Line { is_drawn } if is_in_front(io::stderr()) => {
                *is_drawn = true;
                let text = format!(
                    "{}, {}, {}, {rate}/s",
                    counted(table.all.messages, "message"),
                    size(table.all.bytes as f64),
                    counted(table.topics.len() as u64, "topic"),
                );
                // What others write there begins where this does.
                report::write_through(format!("{CLEAR}{text}\r").as_bytes());
                Ok(())
            }
            Place::Line { .. } => Ok(()),
            Place::Window(terminal, _) => {
                if terminal.is_open() && terminal.has_room() {
                    let status = if self.is_connected {
                        format!("now: {rate} messages/s")
                    } else {
                        NOT_CONNECTED.to_owned()
                    };
                    terminal.write(&picture(table, &status, terminal)?)
                } else {
                    Ok(())
                }
            }
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.finish();
    }
}

fn picture(table: Table<'_>, status: &str, terminal: &Terminal) -> io::Result<Vec<u8>> {
    let window = terminal.size();
    let above = 1 + table.head().lines().count();
    let mut room = window.lines.saturating_sub(above);
    if table.topics.len() > room {
        // For telling how many there are besides.
        room = room.saturating_sub(1);
    }
    let text = table.text(room);
    let mut out = BEGIN.to_vec();
    let mut last = 0;
    for line in std::iter::once(status)
        .chain(text.lines())
        .take(window.lines)
    {
        last += 1;
        write!(out, "\x1b[{last};1H")?;
        put(text::cut(line, window.columns), window.columns, &mut out);
    }
    if last < window.lines {
        write!(out, "\x1b[{};1H\x1b[J", last + 1)?;
    }
    write!(out, "\x1b[{};1H", window.lines)?;
    out.extend_from_slice(END);
    Ok(out)
}

fn line() -> Option<Place> {
    io::stderr()
        .is_terminal()
        .then_some(Place::Line { is_drawn: false })
}
