//! What one command took, and which figures are made of it.

use serde::{Deserialize, Serialize};

/// What a command took, over all the times it was run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// From before the start to after the end, in microseconds.
    pub wall_us: f64,
    /// User and system time, in microseconds.
    pub cpu_us: f64,
    /// The peak of the resident memory, in KiB.
    pub peak_kib: f64,
    /// Page faults without disk I/O.
    pub minor_faults: f64,
    /// The highest exit code; 128 for a signal.
    pub exit: i32,
}

/// What a figure says. Of each of them, less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Microseconds a message.
    Wall,
    /// User and system time, in microseconds a message.
    Cpu,
    /// In MiB.
    PeakMemory,
    /// Minor page faults a message.
    PageFaults,
    /// User-space instructions of the whole run.
    Instructions,
    /// User-space instructions a message, start-up not counted.
    InstructionsPerMessage,
    /// In microseconds.
    LatencyP50,
    /// In microseconds.
    LatencyP99,
    /// In bytes.
    BinarySize,
}

impl Metric {
    /// How tables call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Wall => "wall time",
            Self::Cpu => "CPU time",
            Self::PeakMemory => "peak memory",
            Self::PageFaults => "page faults",
            Self::Instructions => "instructions",
            Self::InstructionsPerMessage => "instructions a message",
            Self::LatencyP50 => "median",
            Self::LatencyP99 => "99th percentile",
            Self::BinarySize => "size",
        }
    }

    /// The figure of a run of `messages` messages; None for what no [`Usage`] holds.
    #[must_use]
    pub fn of(self, usage: &Usage, messages: u64) -> Option<f64> {
        let messages = messages as f64;
        match self {
            Self::Wall => Some(usage.wall_us / messages),
            Self::Cpu => Some(usage.cpu_us / messages),
            Self::PeakMemory => Some(usage.peak_kib / 1024.0),
            Self::PageFaults => Some(usage.minor_faults / messages),
            _ => None,
        }
    }

    /// A figure with its unit.
    #[must_use]
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Wall | Self::Cpu | Self::LatencyP50 | Self::LatencyP99 => match value {
                0.0..1.0 => format!("{:.0} ns", value * 1e3),
                1.0..1e3 => format!("{} µs", three_digits(value)),
                1e3..1e6 => format!("{} ms", three_digits(value / 1e3)),
                _ => format!("{} s", three_digits(value / 1e6)),
            },
            Self::PeakMemory => format!("{} MiB", three_digits(value)),
            Self::PageFaults | Self::InstructionsPerMessage => three_digits(value),
            Self::Instructions => format!("{} million", three_digits(value / 1e6)),
            Self::BinarySize => format!("{:.2} MB", value / 1e6),
        }
    }
}

/// Rounded to three digits, or to a whole number where it has more.
#[must_use]
pub fn three_digits(value: f64) -> String {
    match value {
        ..9.995 => format!("{value:.2}"),
        ..99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// The middle value, or the mean of both middle ones; None of nothing.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    percentile(values, 0.5)
}

/// The value below which this part of the values lies, between two of them in proportion.
#[must_use]
pub fn percentile(values: &[f64], part: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = part * (sorted.len().checked_sub(1)? as f64);
    let below = *sorted.get(place.floor() as usize)?;
    let above = *sorted.get(place.ceil() as usize)?;
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[1.0, 9.0, 2.0, 4.0]), Some(3.0));
        let hundred: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(percentile(&hundred, 0.99), Some(99.0));
    }

    #[test]
    fn figures_are_per_message_and_shown_with_their_unit() {
        let usage = Usage {
            wall_us: 120_000.0,
            cpu_us: 60_000.0,
            peak_kib: 5_120.0,
            minor_faults: 1_000.0,
            exit: 0,
        };
        let show = |metric: Metric| metric.show(metric.of(&usage, 1_000_000).unwrap());
        assert_eq!(show(Metric::Wall), "120 ns");
        assert_eq!(show(Metric::Cpu), "60 ns");
        assert_eq!(show(Metric::PeakMemory), "5.00 MiB");
        assert_eq!(
            Metric::Wall.show(Metric::Wall.of(&usage, 40).unwrap()),
            "3.00 ms"
        );
        assert_eq!(Metric::Instructions.show(868_000.0), "0.87 million");
        assert_eq!(Metric::BinarySize.of(&usage, 1), None);
    }
}
