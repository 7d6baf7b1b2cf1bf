//! What has to hold after each step, and at the end of a schedule.

use mqtools_common::message::Qos;

use super::World;
use crate::simulation::monitor::payload;

impl World<'_> {
    /// What the session counts of its QoS 0 messages is what the bytes say.
    pub(super) fn check_at_most_once(&mut self) {
        if !self.plan.keeping {
            return;
        }
        let left_out = self.monitor.left_out();
        assert_eq!(left_out.len(), std::mem::take(&mut self.refused));
        for number in left_out {
            assert!(payload(number).len() + 30 > self.monitor.maximum_packet_size);
            assert_eq!(self.ends.insert(number, 0x95), None);
        }
        let known = &self.monitor.at_most_once;
        let in_doubt = known.waiting() + known.in_doubt();
        assert_eq!(self.session.in_doubt(), Some(in_doubt as u64), "{known:?}");
        assert_eq!(self.session.awaits_proof(), known.awaits_proof());
        let settled = self.watched == 0 && self.by_id.is_empty() && known.waiting() == 0;
        assert_eq!(self.session.is_settled(), settled);
        let achieved = self.achieved + known.proven.len();
        assert_eq!(self.session.achieved(), achieved as u64);
    }

    pub(super) fn check_end(&self) {
        let mut duplicates = 0;
        for (number, qos) in self.plan.ours.iter().enumerate() {
            let arrivals = self.broker.arrivals[number];
            let refused = self.broker.refused[number];
            match (qos, self.ends.get(&number)) {
                (Qos::AtMostOnce, end) => self.check_end_at_most_once(number, end.copied()),
                (_, None) => panic!("message {number} has no end"),
                (_, Some(0x95)) => {}
                (_, Some(code)) if *code >= 0x80 => assert!(refused, "{number}: {code:#04x}"),
                (Qos::AtLeastOnce, _) => assert!(arrivals >= 1, "{number} is lost"),
                (Qos::ExactlyOnce, _) => {
                    let most = self.monitor.doubts.get(&number).copied().unwrap_or(0)
                        + self.broker.forgotten_late;
                    assert!(arrivals >= 1, "{number} is lost");
                    assert!(arrivals <= 1 + most, "{number} arrived {arrivals} times");
                    duplicates += arrivals as usize - 1;
                }
            }
        }
        assert!(
            duplicates <= self.told || self.broker.forgotten_late > 0,
            "{duplicates} and told {}",
            self.told
        );
        for (number, qos) in self.plan.theirs.iter().enumerate() {
            let times = self.seen.get(&number).copied().unwrap_or_default();
            assert!(*qos == Qos::AtMostOnce || times > 0, "{number} is lost");
        }
        // Nothing is left of what is over.
        let left = format!("{:?}", self.session);
        assert!(
            left.contains("slots: []") && left.contains("received: {}"),
            "{left}"
        );
    }

    fn check_end_at_most_once(&self, number: usize, end: Option<u8>) {
        let arrivals = self.broker.arrivals[number];
        let known = &self.monitor.at_most_once;
        assert!(arrivals <= 1, "{number} arrived {arrivals} times");
        if end.is_some() {
            assert_eq!(arrivals, 0, "{number} was refused");
        } else if self.plan.keeping {
            let in_vain = known.in_vain.contains(&number);
            assert!(arrivals == 1 || in_vain, "{number} is lost");
        }
        assert!(arrivals == 1 || !known.proven.contains(&number));
    }
}
