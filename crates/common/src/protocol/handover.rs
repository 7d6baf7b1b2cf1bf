//! QoS 0 messages on their way to the socket. Nobody acknowledges them, so what became of them
//! when a connection breaks follows from how far the bytes got.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes};

use crate::message::Publication;
use crate::payload::Payload;

/// After how many bytes a PINGREQ is sent whose answer proves that those before it arrived: about
/// what the buffers of two sockets hold.
const BYTES_BETWEEN_PROOFS: u64 = 128 * 1024;

/// After how long it is sent at the latest, when something goes out.
const TIME_BETWEEN_PROOFS: Duration = Duration::from_secs(1);

/// The messages of one connection, counted from its beginning.
#[derive(Debug, Default)]
pub(super) struct Handover {
    /// The payloads of those that have not gone out whole, and of those before them in the same text: they can go out over another connection,
    /// because a broker does nothing with half a packet.
    waiting: VecDeque<Batch>,
    /// How many those are.
    count: usize,
    /// What so many of `waiting` have in common, without a payload: mostly it is the same for all,
    /// and a copy of it for each would cost more than the rest of publishing it.
    runs: VecDeque<(usize, Publication)>,
    /// Gone out whole.
    handed: u64,
    /// Of these, how many have surely arrived.
    proven: u64,
    /// For each PINGREQ without an answer, the messages before it.
    pings: VecDeque<u64>,
    /// Where the last PINGREQ was put, and when.
    last_ping: u64,
    last_pinged: Option<Instant>,
}

/// Messages that were written together.
#[derive(Debug)]
enum Batch {
    /// One, and where it ends in the output.
    One(u64, Payload),
    Lines(Box<Lines>),
}

/// The lines of a text, each of them a payload.
#[derive(Debug)]
pub(super) struct Lines {
    text: Bytes,
    /// What ends a line.
    cut: u8,
    /// Where the first packet begins in the output.
    begin: u64,
    /// Where each packet ends, counted from there.
    ends: Vec<usize>,
    /// How many have gone out whole.
    gone: usize,
}

impl Lines {
    pub(super) fn new(text: Bytes, cut: u8, begin: u64, ends: Vec<usize>) -> Self {
        Self {
            text,
            cut,
            begin,
            ends,
            gone: 0,
        }
    }

    /// Those that have not gone out whole.
    fn left(mut self) -> impl Iterator<Item = Payload> {
        let lines = std::iter::from_fn(move || {
            if self.text.is_empty() {
                return None;
            }
            let end = memchr::memchr(self.cut, &self.text);
            let line = self.text.split_to(end.unwrap_or(self.text.len()));
            // What ended it.
            self.text.advance(end.map_or(0, |_| 1));
            Some(line.into())
        });
        lines.skip(self.gone)
    }
}

impl Batch {
    /// Bytes went out, `gone` altogether. Gives how many messages more have gone out whole with them,
    /// and whether that were the last.
    fn sent(&mut self, gone: u64) -> (usize, bool) {
        match self {
            Self::One(end, _) => {
                let is_gone = *end <= gone;
                (usize::from(is_gone), is_gone)
            }
            Self::Lines(lines) => {
                let is_gone = |end: &usize| lines.begin.saturating_add(*end as u64) <= gone;
                let before = lines.gone;
                let now = if lines.ends.last().is_some_and(is_gone) {
                    lines.ends.len()
                } else {
                    lines.ends.partition_point(is_gone)
                };
                // Those that went out over a connection before have no place in this output.
                lines.gone = now.max(before);
                (lines.gone - before, lines.gone == lines.ends.len())
            }
        }
    }

    /// It has no place in the next connection's output until it is written to it.
    fn lost(&mut self) {
        match self {
            Self::One(end, _) => *end = u64::MAX,
            Self::Lines(lines) => lines.begin = u64::MAX,
        }
    }
}

impl Handover {
    /// A message was written, up to `end` of the output. Takes its payload.
    pub(super) fn written(&mut self, message: &mut Publication, end: u64) {
        let payload = std::mem::take(&mut message.payload);
        self.waiting.push_back(Batch::One(end, payload));
        self.count(message, 1);
    }

    /// Lines were written, which have the rest of `message` in common.
    pub(super) fn written_lines(&mut self, message: &Publication, lines: Lines) {
        let count = lines.ends.len();
        self.waiting.push_back(Batch::Lines(Box::new(lines)));
        self.count(message, count);
    }

    /// So many messages more wait that are like this one.
    fn count(&mut self, message: &Publication, more: usize) {
        self.count += more;
        match self.runs.back_mut() {
            Some((count, common)) if common.is_same_but_for_payload(message) => *count += more,
            last => {
                if last.is_some_and(|(count, _)| *count == 0) {
                    self.runs.pop_back();
                }
                self.runs
                    .push_back((more, message.with_payload(Payload::default())));
            }
        }
    }

    /// Bytes went out, `gone` altogether.
    pub(super) fn sent(&mut self, gone: u64) {
        while let Some(batch) = self.waiting.front_mut() {
            let (count, is_over) = batch.sent(gone);
            self.handed += count as u64;
            self.count -= count;
            if let Some((left, _)) = self.runs.front_mut() {
                *left -= count;
                // The last run stays, because the next message is likely to belong to it.
                if *left == 0 && self.runs.len() > 1 {
                    self.runs.pop_front();
                }
            }
            if !is_over {
                return;
            }
            self.waiting.pop_front();
        }
    }

    /// Whether the broker should prove that it got what went out.
    pub(super) fn wants_proof(&mut self, gone: u64, now: Instant) -> bool {
        if self.in_doubt() == 0 || !self.pings.is_empty() {
            return false;
        }
        let since = *self.last_pinged.get_or_insert(now);
        gone.saturating_sub(self.last_ping) > BYTES_BETWEEN_PROOFS
            || now.saturating_duration_since(since) > TIME_BETWEEN_PROOFS
    }

    /// Whether an answer is due that proves something.
    pub(super) fn awaits_proof(&self) -> bool {
        self.pings
            .back()
            .is_some_and(|before| *before > self.proven)
    }

    /// PINGREQ was written; it ends at `end` of the output.
    pub(super) fn pinged(&mut self, end: u64, now: Instant) {
        self.pings.push_back(self.handed + self.count as u64);
        self.last_ping = end;
        self.last_pinged = Some(now);
    }

    /// PINGRESP came. Answers come in the order of the requests. Gives how many messages it proves.
    pub(super) fn answered(&mut self) -> u64 {
        let before = self.proven;
        if let Some(proven) = self.pings.pop_front() {
            // A broker may also answer what was not sent yet.
            self.proven = proven.min(self.handed).max(before);
        }
        self.proven - before
    }

    /// How many messages wait for the socket.
    pub(super) fn waiting(&self) -> usize {
        self.count
    }

    /// How many messages went out whole and have not surely arrived.
    pub(super) fn in_doubt(&self) -> u64 {
        self.handed.saturating_sub(self.proven)
    }

    /// The connection is gone. Gives how many messages went out over it and may not have arrived;
    /// what did not go out whole still waits.
    pub(super) fn lost(&mut self) -> u64 {
        let in_doubt = self.in_doubt();
        self.waiting.iter_mut().for_each(Batch::lost);
        *self = Self {
            waiting: std::mem::take(&mut self.waiting),
            count: self.count,
            runs: std::mem::take(&mut self.runs),
            ..Self::default()
        };
        in_doubt
    }

    /// Takes what waits out, to be written anew.
    pub(super) fn take(&mut self) -> Vec<Publication> {
        self.count = 0;
        let mut all = Vec::new();
        let mut runs = std::mem::take(&mut self.runs).into_iter();
        let (mut left, mut common) = (0, None);
        let mut add = |payload| {
            while left == 0
                && let Some((count, next)) = runs.next()
            {
                (left, common) = (count, Some(next));
            }
            left -= 1;
            all.extend(common.as_ref().map(|common| common.with_payload(payload)));
        };
        for batch in std::mem::take(&mut self.waiting) {
            match batch {
                Batch::One(_, payload) => add(payload),
                Batch::Lines(lines) => lines.left().for_each(&mut add),
            }
        }
        all
    }
}
