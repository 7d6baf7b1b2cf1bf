//! QoS 0 messages on their way to the socket. Nobody acknowledges them, so what became of them
//! when a connection breaks follows from how far the bytes got.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

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
    /// The payloads of those that have not gone out whole, and where each of them ends in the
    /// output: they can go out over another connection, because a broker does nothing with half a
    /// packet.
    waiting: VecDeque<(u64, Payload)>,
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

impl Handover {
    /// A message was written, up to `end` of the output. Takes its payload.
    pub(super) fn written(&mut self, message: &mut Publication, end: u64) {
        let payload = std::mem::take(&mut message.payload);
        self.waiting.push_back((end, payload));
        match self.runs.back_mut() {
            Some((count, common)) if common.is_same_but_for_payload(message) => *count += 1,
            last => {
                if last.is_some_and(|(count, _)| *count == 0) {
                    self.runs.pop_back();
                }
                self.runs
                    .push_back((1, message.with_payload(Payload::default())));
            }
        }
    }

    /// Bytes went out, `gone` altogether.
    pub(super) fn sent(&mut self, gone: u64) {
        while self.waiting.front().is_some_and(|(end, _)| *end <= gone) {
            self.waiting.pop_front();
            self.handed += 1;
            if let Some((count, _)) = self.runs.front_mut() {
                *count -= 1;
                // The last run stays, because the next message is likely to belong to it.
                if *count == 0 && self.runs.len() > 1 {
                    self.runs.pop_front();
                }
            }
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
        self.pings
            .push_back(self.handed + self.waiting.len() as u64);
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
        self.waiting.len()
    }

    /// How many messages went out whole and have not surely arrived.
    pub(super) fn in_doubt(&self) -> u64 {
        self.handed.saturating_sub(self.proven)
    }

    /// The connection is gone. Gives how many messages went out over it and may not have arrived;
    /// what did not go out whole still waits.
    pub(super) fn lost(&mut self) -> u64 {
        let in_doubt = self.in_doubt();
        // They have no place in the next connection's output until they are written to it.
        for (end, _) in &mut self.waiting {
            *end = u64::MAX;
        }
        *self = Self {
            waiting: std::mem::take(&mut self.waiting),
            runs: std::mem::take(&mut self.runs),
            ..Self::default()
        };
        in_doubt
    }

    /// Takes what waits out, to be written anew.
    pub(super) fn take(&mut self) -> Vec<Publication> {
        let mut payloads = std::mem::take(&mut self.waiting).into_iter();
        let mut all = Vec::new();
        for (count, common) in std::mem::take(&mut self.runs) {
            let run = payloads.by_ref().take(count);
            all.extend(run.map(|(_, payload)| common.with_payload(payload)));
        }
        all
    }
}
