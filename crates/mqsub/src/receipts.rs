//! Receipts of messages that are not safe yet, by the batch of the output that each message is in.

use std::collections::VecDeque;

use mqtools_common::message::{Receipt, Receipts};

/// How many messages may wait to be acknowledged before no more are taken in: no broker that
/// keeps to the protocol sends more without an answer (a Packet Identifier has 16 bits).
const MOST: usize = 65_535;

/// Oldest first.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    groups: VecDeque<(u64, Receipts)>,
    count: usize,
}

impl Pending {
    /// How many more may be added.
    pub(crate) fn room(&self) -> usize {
        MOST.saturating_sub(self.count)
    }

    /// Adds one of a message in this batch, which is not below that of the one before.
    pub(crate) fn add(&mut self, batch: u64, receipt: Receipt) {
        self.count += 1;
        let is_added = match self.groups.back_mut() {
            Some((last, receipts)) if *last == batch => receipts.add(receipt),
            _ => false,
        };
        if !is_added {
            self.groups.push_back((batch, receipt.into()));
        }
    }

    /// Adds those of messages in this batch.
    pub(crate) fn add_all(&mut self, batch: u64, receipts: Receipts) {
        self.count += receipts.len();
        self.groups.push_back((batch, receipts));
    }

    /// Takes out the oldest, if they are of a batch below `end`; gives the batch, too.
    pub(crate) fn take_below(&mut self, end: u64) -> Option<(u64, Receipts)> {
        let (batch, _) = self.groups.front()?;
        if *batch >= end {
            return None;
        }
        let (batch, receipts) = self.groups.pop_front()?;
        self.count -= receipts.len();
        Some((batch, receipts))
    }
}
