//! `-w`: the latest message of each topic on a line of its own, updated in place, behind its age and
//! the rate of its topic.

mod board;
mod pulse;

use std::io::{self, Write};
use std::time::Duration;

use mqtools_common::message::Message;
use mqtools_common::report::Report;
use tokio::time::{Instant, sleep_until};

use self::board::{Board, Line};
use crate::format::{Format, Printed};
use crate::terminal::{BEGIN, Change, Changes, END, NOT_CONNECTED, Terminal, put, text};

pub(crate) use self::board::Order;

/// The shortest time between two pictures: more a person cannot read.
const FRAME: Duration = Duration::from_millis(50);

/// How much is kept of what is printed of one message, in bytes: no terminal is wider.
const KEPT: usize = 4096;

/// How often ages are drawn anew.
const SECOND: Duration = Duration::from_secs(1);

/// A narrower window has no room for columns in front of the messages.
const ROOM_FOR_COLUMNS: usize = 40;

/// Shows messages on the terminal that standard output is.
#[derive(Debug)]
pub(crate) struct Watch {
    format: Format,
    board: Board,
    /// Age and rate stand in front of each message.
    has_columns: bool,
    terminal: Terminal,
    /// When the next picture may be drawn.
    next: Instant,
    /// Something has changed since the last picture.
    is_stale: bool,
    is_connected: bool,
    changes: Changes,
    /// What [`Watch::wake`] waited for.
    woken_by: Option<WokenBy>,
}

#[derive(Debug, Clone, Copy)]
enum WokenBy {
    Change(Change),
    Frame,
}

impl Watch {
    /// # Errors
    /// Standard output is no terminal that can be drawn on.
    pub(crate) fn new(format: Format, order: Order, has_columns: bool) -> Result<Self, Report> {
        Ok(Self {
            format,
            board: Board::new(order),
            has_columns,
            terminal: Terminal::of_stdout()?,
            next: Instant::now(),
            is_stale: true,
            is_connected: true,
            changes: Changes::listen()?,
            woken_by: None,
        })
    }

    pub(crate) fn open(&mut self) -> io::Result<()> {
        self.terminal.open()?;
        self.draw()
    }

    pub(crate) fn take(&mut self, message: &Message) -> io::Result<Printed> {
        let mut head = Head(Vec::with_capacity(128));
        let printed = self.format.write(message, &mut head)?;
        if !matches!(printed, Printed::No(_)) {
            let text = text::harmless(&head.0);
            self.board.set(&message.topic, text, Instant::now());
            self.is_stale = true;
        }
        Ok(printed)
    }

    pub(crate) fn set_connected(&mut self, is_connected: bool) {
        self.is_stale |= is_connected != self.is_connected;
        self.is_connected = is_connected;
    }

    pub(crate) fn draw_if_due(&mut self) -> io::Result<()> {
        if self.is_stale && Instant::now() >= self.next {
            self.draw()?;
        }
        Ok(())
    }

    pub(crate) async fn wake(&mut self) {
        let frame = async {
            if self.is_stale {
                sleep_until(self.next).await;
            } else if self.has_columns && !self.board.is_empty() {
                sleep_until(self.next + SECOND).await;
            } else {
                std::future::pending().await
            }
        };
        let by = tokio::select! {
            change = self.changes.next() => WokenBy::Change(change),
            () = frame => WokenBy::Frame,
        };
        self.woken_by = Some(by);
    }

    pub(crate) fn woken(&mut self) -> io::Result<()> {
        match self.woken_by.take() {
            Some(WokenBy::Change(Change::Suspended)) => self.terminal.suspend(),
            Some(WokenBy::Change(Change::Continued)) => self.open(),
            Some(WokenBy::Change(Change::Resized) | WokenBy::Frame) => self.draw(),
            None => Ok(()),
        }
    }

    /// Gives the terminal back, with the last picture left on it.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        if !self.terminal.is_open() {
            return Ok(());
        }
        self.terminal.close()?;
        let size = self.terminal.size();
        let picture = self.board.picture(size.lines);
        let mut out = Vec::new();
        let now = Instant::now();
        for line in picture.lines {
            let line = row(&line, now, self.has_columns, size.columns);
            out.extend_from_slice(line.0.as_bytes());
            out.push(b'\n');
        }
        if picture.hidden > 0 {
            writeln!(out, "{}", not_shown(picture.hidden))?;
        }
        self.terminal.write(&out)
    }

    /// Draws all of it: what others wrote on the terminal, such as another job, is gone then.
    fn draw(&mut self) -> io::Result<()> {
        let now = Instant::now();
        self.next = now + FRAME;
        if !self.terminal.is_open() {
            return Ok(());
        }
        if !self.terminal.has_room() {
            // It is stopped (Ctrl-S); the connection must not wait for it as well.
            self.is_stale = true;
            return Ok(());
        }
        let size = self.terminal.size();
        // The warning is kept back until the end, and old values look like new ones.
        let status = (!self.is_connected && size.lines > 1).then_some(NOT_CONNECTED);
        let room = size.lines - usize::from(status.is_some());
        let picture = self.board.picture(room);
        let mut out = Vec::with_capacity(4096);
        out.extend_from_slice(BEGIN);
        let mut last = 0;
        for line in &picture.lines {
            last += 1;
            write!(out, "\x1b[{last};1H")?;
            let line = row(line, now, self.has_columns, size.columns);
            put(line, size.columns, &mut out);
        }
        if last < size.lines {
            write!(out, "\x1b[{};1H\x1b[J", last + 1)?;
        }
        if picture.hidden > 0 && room > last {
            put_status(room, &not_shown(picture.hidden), size.columns, &mut out)?;
        }
        if let Some(status) = status {
            put_status(size.lines, status, size.columns, &mut out)?;
        }
        write!(out, "\x1b[{};1H", size.lines)?;
        out.extend_from_slice(END);
        self.terminal.write(&out)?;
        self.is_stale = false;
        Ok(())
    }
}

/// A row as the window has room for it, and how many columns it takes.
fn row(line: &Line<'_>, now: Instant, has_columns: bool, columns: usize) -> (String, usize) {
    if !has_columns || columns < ROOM_FOR_COLUMNS {
        return text::cut(line.text, columns);
    }
    let mut row = line.pulse.columns(now);
    let room = columns.saturating_sub(row.len());
    let (text, width) = text::cut(line.text, room);
    let width = row.len() + width;
    row += &text;
    (row, width)
}

fn put_status(line: usize, text: &str, columns: usize, out: &mut Vec<u8>) -> io::Result<()> {
    write!(out, "\x1b[{line};1H\x1b[7m")?;
    out.extend_from_slice(text::cut(text, columns).0.as_bytes());
    out.extend_from_slice(b"\x1b[0m");
    Ok(())
}

fn not_shown(topics: usize) -> String {
    let plural = if topics == 1 { "" } else { "s" };
    format!("{topics} more topic{plural} not shown")
}

/// Keeps the first bytes, and takes the rest without keeping it.
struct Head(Vec<u8>);

impl Write for Head {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = KEPT.saturating_sub(self.0.len());
        self.0.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
