//! What the tools are to reach, as data, and whether they do.

use crate::results::Results;
use crate::usage::Metric::{self, Cpu, Instructions, LatencyP50, LatencyP99, PeakMemory, Wall};
use crate::usage::three_digits;

use Against::{Limit, Mosquitto, Most, Ours};

/// One thing to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    pub workload: &'static str,
    pub metric: Metric,
    pub against: Against,
    /// The least ratio, or the most of the figure.
    pub value: f64,
}

/// What ours is compared with. A ratio is the other's figure divided by ours: more is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    Mosquitto,
    Limit,
    /// Our own figure in another workload.
    Ours(&'static str),
    /// Nothing: ours must not be more than this.
    Most,
}

/// A goal with what was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict<'a> {
    pub goal: &'a Goal,
    /// The ratio, or our figure.
    pub reached: f64,
    /// The ratio that the limit reaches, of a goal against mosquitto.
    pub limit: Option<f64>,
}

impl Verdict<'_> {
    #[must_use]
    pub fn is_met(&self) -> bool {
        match self.goal.against {
            Most => self.reached <= self.goal.value,
            _ => self.reached >= self.goal.value,
        }
    }

    /// Whether not even the least that a client can do would meet the goal on this machine.
    #[must_use]
    pub fn is_out_of_reach(&self) -> bool {
        !self.is_met() && self.limit.is_some_and(|limit| limit < self.goal.value)
    }
}

impl Goal {
    /// What was reached; None where it was not measured.
    #[must_use]
    pub fn judge<'a>(&'a self, results: &Results) -> Option<Verdict<'a>> {
        let row = results.row(self.workload, self.metric)?;
        let ours = row.ours.as_ref()?.median;
        let reached = match self.against {
            Mosquitto => row.ratio(row.mosquitto.as_ref())?,
            Limit => row.ratio(row.limit.as_ref())?,
            Ours(other) => results.row(other, self.metric)?.ours.as_ref()?.median / ours,
            Most => ours,
        };
        let limit = match (self.against, &row.mosquitto, &row.limit) {
            (Mosquitto, Some(mosquitto), Some(limit)) => Some(mosquitto.median / limit.median),
            _ => None,
        };
        Some(Verdict {
            goal: self,
            reached,
            limit,
        })
    }

    /// As it stands in tables.
    #[must_use]
    pub fn show(&self) -> String {
        let value = self.value;
        match self.against {
            Mosquitto => format!("{value}x mosquitto"),
            Limit => format!("{value} of the limit"),
            Ours(other) => format!("{value} of “{other}”"),
            Most => format!("at most {}", self.metric.show(value)),
        }
    }
}

impl Verdict<'_> {
    /// What was reached, as it stands in tables.
    #[must_use]
    pub fn show(&self) -> String {
        match self.goal.against {
            Most => self.goal.metric.show(self.reached),
            _ => three_digits(self.reached),
        }
    }
}

const fn goal(workload: &'static str, metric: Metric, against: Against, value: f64) -> Goal {
    Goal {
        workload,
        metric,
        against,
        value,
    }
}

/// The payload of "200 MB" in MiB.
const BIG: f64 = 200e6 / (1024.0 * 1024.0);

/// All goals. A name that is no workload's is a mistake that a test finds.
pub const GOALS: &[Goal] = &[
    goal("one publish, QoS 0", Instructions, Mosquitto, 4.0),
    goal("one publish, QoS 0", Wall, Mosquitto, 1.8),
    goal("one publish, QoS 1", Wall, Mosquitto, 1.8),
    goal("one publish, QoS 0, TLS", Wall, Mosquitto, 1.0),
    goal("one publish, QoS 1, TLS", Wall, Mosquitto, 1.0),
    goal("-l, QoS 0", Wall, Mosquitto, 14.0),
    goal("-l, QoS 0", Cpu, Mosquitto, 30.0),
    goal("-l, QoS 0", Wall, Limit, 0.7),
    goal("-l, QoS 1", Wall, Mosquitto, 12.0),
    goal("-l, QoS 1", Wall, Limit, 0.7),
    goal("-l, QoS 2", Wall, Mosquitto, 12.0),
    goal("-l, QoS 2", Wall, Limit, 0.7),
    goal("-l, QoS 1, one processor", Wall, Mosquitto, 12.0),
    goal("-l, QoS 1, one processor", Wall, Limit, 0.7),
    goal("-l, QoS 2, one processor", Wall, Mosquitto, 12.0),
    goal("-l, QoS 2, one processor", Wall, Limit, 0.7),
    goal("-l, QoS 1, -M 1000", Wall, Mosquitto, 40.0),
    goal("-l, QoS 1, -M 1000", Wall, Limit, 0.7),
    goal("-l, QoS 2, -M 1000", Wall, Mosquitto, 40.0),
    goal("-l, QoS 2, -M 1000", Wall, Limit, 0.7),
    goal("receive, QoS 0", Wall, Mosquitto, 60.0),
    goal("receive, QoS 0", Cpu, Mosquitto, 60.0),
    goal("receive, QoS 0", Wall, Limit, 0.7),
    goal("receive, QoS 1", Wall, Mosquitto, 35.0),
    goal("receive, QoS 1", Wall, Limit, 0.7),
    goal("receive, QoS 0, -F %j", Wall, Mosquitto, 40.0),
    goal("-f, 200 MB", PeakMemory, Most, 12.0),
    goal("-f, 200 MB, TLS", PeakMemory, Most, 12.0),
    goal("receive 200 MB", PeakMemory, Most, 1.1 * BIG),
    goal("receive 200 MB, TLS", PeakMemory, Most, 1.1 * BIG),
    goal("latency", LatencyP50, Mosquitto, 1.0),
    goal("latency", LatencyP99, Mosquitto, 1.0),
    goal("-l, QoS 0, MQTT 5", Wall, Ours("-l, QoS 0"), 0.85),
    goal("-l, QoS 1, MQTT 5", Wall, Ours("-l, QoS 1"), 0.85),
    goal("-l, QoS 2, MQTT 5", Wall, Ours("-l, QoS 2"), 0.85),
    goal("receive, QoS 0, MQTT 5", Wall, Ours("receive, QoS 0"), 0.85),
    goal("receive, QoS 1, MQTT 5", Wall, Ours("receive, QoS 1"), 0.85),
    goal("receive, QoS 2, MQTT 5", Wall, Ours("receive, QoS 2"), 0.85),
    // Linear, and flat in memory: 0.8 is what the noise of a busy machine leaves.
    goal(
        "-l, 10,000,000 lines",
        Cpu,
        Ours("-l, 1,000,000 lines"),
        0.8,
    ),
    goal(
        "-l, 10,000,000 lines",
        PeakMemory,
        Ours("-l, 100,000 lines"),
        0.8,
    ),
    goal("receive 10,000,000", Cpu, Ours("receive 1,000,000"), 0.8),
    goal(
        "receive 10,000,000",
        PeakMemory,
        Ours("receive 100,000"),
        0.8,
    ),
];
