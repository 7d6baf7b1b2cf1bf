//! What became of the messages, in numbers.

use mqtools_common::exit::Exit;
use mqtools_common::message::Qos;
use mqtools_common::reason::{Reason, ReasonCode};
use mqtools_common::report::Report;
use serde::Serialize;

/// What the broker promises about the messages of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promise {
    /// All are QoS 0.
    Nothing,
    /// All are QoS 1 or 2.
    Acknowledgement,
    /// Each has a QoS of its own.
    Mixed,
}

impl Promise {
    pub(crate) fn of(qos: Qos) -> Self {
        match qos {
            Qos::AtMostOnce => Self::Nothing,
            _ => Self::Acknowledgement,
        }
    }
}

/// The messages of one run.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// Handed to the session.
    pub(crate) sent: u64,
    /// Of these, those at QoS 0; counted where the others are not.
    pub(crate) at_qos_0: u64,
    /// QoS 1 and 2: the exchange ended well.
    pub(crate) acknowledged: u64,
    /// The broker said no, or its limits did.
    pub(crate) refused: u64,
    /// The first refusal.
    pub(crate) refusal: Option<Reason>,
    /// QoS 0: went out over a connection that was lost, or not at all, and may not have arrived.
    pub(crate) in_doubt: u64,
    /// QoS 2: sent once more after the broker had forgotten the session, each time counted.
    pub(crate) may_be_double: u64,
}

/// What `--json-summary` prints, once, at the end.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Summary {
    sent: u64,
    acknowledged: u64,
    refused: u64,
    unknown: u64,
    may_be_lost: u64,
    may_be_duplicates: u64,
    reconnects: u64,
    /// Only where bad records are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) skipped: Option<u64>,
    pub(crate) exit_code: u8,
}

impl Books {
    /// Grows with each message that leaves, and with each answer.
    pub(crate) fn progress(&self) -> u64 {
        self.sent + self.acknowledged + self.refused
    }

    pub(crate) fn refused(&mut self, reason: Reason) {
        self.refused += 1;
        self.refusal.get_or_insert(reason);
    }

    /// QoS 0: there is no connection any more for what has not surely arrived; if it is not known
    /// what that is, it may be anything.
    pub(crate) fn give_up(&mut self, in_doubt: Option<u64>) {
        let all = match self.at_qos_0 {
            0 => self.sent,
            some => some,
        };
        self.in_doubt = in_doubt.map_or(all, |more| self.in_doubt + more);
    }

    /// What went wrong although everything was sent; `unknown` messages have no answer.
    pub(crate) fn failure(&self, promise: Promise, unknown: usize) -> Option<Report> {
        let report = if let Some(reason) = &self.refusal {
            Report::new(
                Exit::from_broker(reason.code.0),
                format!(
                    "the broker refused {} of {}",
                    self.refused,
                    messages(self.sent)
                ),
            )
            .cause(reason)
            .hint(if reason.code == ReasonCode::NOT_AUTHORIZED {
                "the broker's access control decides what this user may publish to"
            } else {
                "the broker's log may say more"
            })
        } else if self.in_doubt > 0 {
            Report::new(
                Exit::CONNECTION_LOST,
                format!(
                    "{} of {} may be lost",
                    self.in_doubt,
                    messages(self.sent)
                ),
            )
            .cause("the connection was lost while they were on their way, and at QoS 0 the broker acknowledges nothing")
            .hint("publish with -q 1: what is not acknowledged is sent again")
        } else {
            return None;
        };
        Some(report.note(self.balance(promise, unknown)))
    }

    /// The books in one sentence.
    pub(crate) fn balance(&self, promise: Promise, unknown: usize) -> String {
        let Self {
            sent,
            at_qos_0,
            acknowledged,
            refused,
            in_doubt,
            may_be_double,
            ..
        } = *self;
        let mut balance = match promise {
            Promise::Nothing if in_doubt > 0 || refused > 0 => format!(
                "of {} sent at QoS 0, {refused} refused, {in_doubt} may be lost",
                messages(sent)
            ),
            Promise::Nothing => format!(
                "{} {} sent at QoS 0; the last may be lost",
                messages(sent),
                if sent == 1 { "was" } else { "were" }
            ),
            Promise::Mixed => format!(
                "of {} sent, {at_qos_0} at QoS 0, {acknowledged} {} acknowledged, {refused} refused, {unknown} {} unknown, {in_doubt} at QoS 0 may be lost",
                messages(sent),
                if acknowledged == 1 { "was" } else { "were" },
                if unknown == 1 { "is" } else { "are" }
            ),
            Promise::Acknowledgement => format!(
                "of {} sent, {acknowledged} {} acknowledged, {refused} refused, {unknown} {} unknown",
                messages(sent),
                if acknowledged == 1 { "was" } else { "were" },
                if unknown == 1 { "is" } else { "are" }
            ),
        };
        if may_be_double > 0 {
            balance.push_str(&format!(
                "; up to {may_be_double} duplicates may have arrived"
            ));
        }
        balance
    }

    pub(crate) fn summary(&self, unknown: usize, reconnects: u64) -> Summary {
        Summary {
            sent: self.sent,
            acknowledged: self.acknowledged,
            refused: self.refused,
            unknown: unknown as u64,
            may_be_lost: self.in_doubt,
            may_be_duplicates: self.may_be_double,
            reconnects,
            skipped: None,
            exit_code: 0,
        }
    }
}

pub(crate) fn messages(count: u64) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} message{plural}")
}
