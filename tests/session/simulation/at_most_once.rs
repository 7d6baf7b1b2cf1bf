//! What is known about the QoS 0 messages from the bytes alone: which of them no connection has taken,
//! which surely arrived, and which may not have.

use std::collections::{BTreeSet, VecDeque};

#[derive(Debug, Default)]
pub struct AtMostOnce {
    /// No connection has taken these; they are to go out over the next one, in this order.
    kept: VecDeque<usize>,
    /// Those of them that were passed over.
    left_out: Vec<usize>,
    /// Written over this connection, and where each ends in its output.
    written: Vec<(usize, usize)>,
    /// How many bytes the socket has taken, and how many of `written` are among them.
    taken: usize,
    handed: usize,
    /// How many of `written` stand before each PINGREQ without an answer.
    pings: VecDeque<usize>,
    /// How many of `written` surely arrived.
    arrived: usize,
    /// Those of all connections that surely arrived.
    pub proven: BTreeSet<usize>,
    /// Handed over, and no proof came before the connection ended.
    pub in_vain: BTreeSet<usize>,
    /// How many went out over more than one connection, none of which had taken them before.
    pub again: usize,
}

impl AtMostOnce {
    /// A message was written, up to `end` of the output.
    pub fn written(&mut self, number: usize, end: usize) {
        if let Some(at) = self.kept.iter().position(|kept| *kept == number) {
            self.left_out.extend(self.kept.drain(..at));
            self.kept.pop_front();
            self.again += 1;
        }
        self.written.push((number, end));
    }

    /// The socket has taken this many bytes more.
    pub fn handed_over(&mut self, count: usize) {
        self.taken += count;
        self.handed = self.written.partition_point(|(_, end)| *end <= self.taken);
    }

    /// PINGREQ was written.
    pub fn asked(&mut self) {
        self.pings.push_back(self.written.len());
    }

    /// PINGRESP came.
    pub fn answered(&mut self) {
        self.arrived = self.pings.pop_front().expect("PINGRESP without PINGREQ");
        assert!(self.arrived <= self.handed);
        let proven = self.written[..self.arrived].iter();
        self.proven.extend(proven.map(|(number, _)| number));
    }

    /// The connection is gone; gives how many messages may be lost with it, and those that it did
    /// not take, which are kept if `keeping`.
    pub fn lost(&mut self, keeping: bool) -> (usize, Vec<usize>) {
        let lost = &self.written[self.arrived..self.handed];
        self.in_vain.extend(lost.iter().map(|(number, _)| number));
        let count = lost.len();
        let unsent = self.written.split_off(self.handed);
        let unsent: Vec<usize> = unsent.into_iter().map(|(number, _)| number).collect();
        assert!(self.kept.is_empty() || unsent.is_empty());
        if keeping {
            self.kept.extend(&unsent);
        }
        *self = Self {
            kept: std::mem::take(&mut self.kept),
            proven: std::mem::take(&mut self.proven),
            in_vain: std::mem::take(&mut self.in_vain),
            again: self.again,
            ..Self::default()
        };
        (count, unsent)
    }

    /// The session has taken up its work on this connection: gives those that it did not send again.
    pub fn left_out(&mut self) -> Vec<usize> {
        let mut all = std::mem::take(&mut self.left_out);
        all.extend(self.kept.drain(..));
        all
    }

    /// How many no connection has taken whole.
    pub fn waiting(&self) -> usize {
        self.kept.len() + self.written.len() - self.handed
    }

    /// How many this connection has taken without a proof.
    pub fn in_doubt(&self) -> usize {
        self.handed - self.arrived
    }

    /// Whether the answer to a PINGREQ will prove something.
    pub fn awaits_proof(&self) -> bool {
        self.pings
            .back()
            .is_some_and(|before| *before > self.arrived)
    }
}
