//! How long ago a topic's last message came, and how often they come.

use std::time::Duration;

use tokio::time::Instant;

/// How far the rate looks back, in seconds: older messages count for less and less.
const MEMORY: f64 = 10.0;

/// Of one topic.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pulse {
    first: Instant,
    last: Instant,
    /// Messages for each second, the first one not counted, as they were at the last.
    weight: f64,
}

impl Pulse {
    /// The first message came.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            first: now,
            last: now,
            weight: 0.0,
        }
    }

    /// Another message came.
    pub(super) fn beat(&mut self, now: Instant) {
        self.weight = self.weight * faded(now - self.last) + 1.0 / MEMORY;
        self.last = now;
    }

    /// The columns in front of a row: age and rate.
    pub(super) fn columns(&self, now: Instant) -> String {
        format!("{:>4} {:>7}  ", age(now - self.last), rate(self.rate(now)))
    }

    /// Messages for each second.
    fn rate(&self, now: Instant) -> f64 {
        // How much of the memory there has been yet.
        let known = 1.0 - faded(now - self.first);
        if known > 0.0 {
            self.weight * faded(now - self.last) / known
        } else {
            0.0
        }
    }
}

/// e to the power of -time/MEMORY, as near as anybody sees. The real one is in the library for
/// mathematics, which every start of the program would have to load for it.
fn faded(time: Duration) -> f64 {
    (1.0 - time.as_secs_f64() / MEMORY / 1024.0)
        .max(0.0)
        .powi(1024)
}

fn age(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", (seconds / 86_400).min(999)),
    }
}

/// For a second or, when they are few, for a minute.
fn rate(per_second: f64) -> String {
    let (number, unit) = if per_second >= 1.0 {
        (per_second, "s")
    } else {
        (per_second * 60.0, "m")
    };
    match number {
        0.0..0.05 => String::new(),
        0.0..100.0 => format!("{number:.1}/{unit}"),
        _ => format!("{:.0}/{unit}", number.min(99_999.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_units_and_four_columns() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3599, "59m"),
            (3600, "1h"),
            (86_399, "23h"),
            (86_400, "1d"),
            (86_400_000_000, "999d"),
        ] {
            assert_eq!(age(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn rates_have_units_and_seven_columns() {
        for (per_second, text) in [
            (0.0, ""),
            (0.0001, ""),
            (0.01, "0.6/m"),
            (0.5, "30.0/m"),
            (1.0, "1.0/s"),
            (99.94, "99.9/s"),
            (1234.5, "1234/s"),
            (1e9, "99999/s"),
        ] {
            assert_eq!(rate(per_second), text);
        }
    }

    #[test]
    fn a_steady_rate_is_told_from_the_second_message_on() {
        let start = Instant::now();
        let mut pulse = Pulse::new(start);
        assert!(pulse.rate(start).abs() < 1e-9);
        for number in 1..=100 {
            let now = start + Duration::from_millis(500 * number);
            pulse.beat(now);
            let rate = pulse.rate(now);
            assert!((1.9..2.1).contains(&rate), "{number}: {rate}");
        }
        // And fades when they stop.
        let later = start + Duration::from_secs(50 + 60);
        assert!(pulse.rate(later) < 0.01);
        assert_eq!(pulse.columns(later), "  1m   0.3/m  ");
        assert_eq!(
            pulse.columns(later + Duration::from_secs(100)),
            "  2m          "
        );
    }
}
