//! When messages are due: at a rate, at a beat, or as they were recorded.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// How late messages may be and still keep their times: what was held up for longer goes on from
/// where it is, and not in one burst.
const CATCH_UP: Duration = Duration::from_secs(1);

/// Further ahead than any run.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// What decides when the next message may go.
#[derive(Debug)]
pub(crate) enum Pace {
    Steady(Steady),
    Recorded(Recorded),
}

/// `--rate` and `--every`: always the same time from one message to the next, counted from the
/// first, so that no error adds up.
#[derive(Debug)]
pub(crate) struct Steady {
    /// In seconds.
    interval: f64,
    /// What was missed is left out; otherwise it is made up for, as far as [`CATCH_UP`] goes.
    skips: bool,
    first: Option<Instant>,
    /// Messages since the first.
    count: u64,
}

/// `--replay`: the times between the messages of a recording.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// 2 makes it take half the time.
    speed: f64,
    /// When the last message was recorded, and when it was due.
    last: Option<(Timestamp, Instant)>,
    due: Option<Instant>,
}

impl Pace {
    /// So many seconds from one message to the next.
    pub(crate) fn rate(interval: f64) -> Self {
        Self::Steady(Steady {
            interval,
            skips: false,
            first: None,
            count: 0,
        })
    }

    pub(crate) fn every(interval: Duration) -> Self {
        Self::Steady(Steady {
            interval: interval.as_secs_f64(),
            skips: true,
            first: None,
            count: 0,
        })
    }

    pub(crate) fn recorded(speed: f64) -> Self {
        Self::Recorded(Recorded {
            speed,
            last: None,
            due: None,
        })
    }

    /// When the next message is due; `now` if that was before.
    pub(crate) fn due(&mut self, now: Instant) -> Instant {
        match self {
            Self::Steady(steady) => steady.due(now),
            Self::Recorded(recorded) => recorded.due(now),
        }
        .max(now)
    }

    /// A message has gone.
    pub(crate) fn gone(&mut self) {
        if let Self::Steady(steady) = self {
            steady.count += 1;
        }
    }

    /// The next message was recorded at this time.
    pub(crate) fn next_was(&mut self, time: Timestamp) {
        if let Self::Recorded(recorded) = self {
            recorded.next_was(time);
        }
    }

    /// A recording begins again: its first message follows on the last one at once.
    pub(crate) fn begin_again(&mut self) {
        if let Self::Recorded(recorded) = self {
            recorded.last = recorded.last.map(|(_, due)| (Timestamp::MAX, due));
        }
    }
}

impl Steady {
    fn due(&mut self, now: Instant) -> Instant {
        let first = *self.first.get_or_insert(now);
        let due = later(first, self.interval * self.count as f64);
        let late = now.saturating_duration_since(due);
        if self.skips {
            self.count += (late.as_secs_f64() / self.interval) as u64;
            return later(first, self.interval * self.count as f64);
        }
        if late > CATCH_UP {
            self.first = Some(now);
            self.count = 0;
            return now;
        }
        due
    }
}

impl Recorded {
    fn next_was(&mut self, time: Timestamp) {
        let Some((before, due)) = self.last else {
            self.due = None;
            self.last = Some((time, Instant::now()));
            return;
        };
        // Negative where a recording begins again, or its clock was set back.
        let pause = Duration::try_from(time.duration_since(before)).unwrap_or_default();
        let due = later(due, pause.as_secs_f64() / self.speed);
        self.due = Some(due);
        self.last = Some((time, due));
    }

    fn due(&mut self, now: Instant) -> Instant {
        let Some(due) = self.due else {
            return now;
        };
        if now.saturating_duration_since(due) > CATCH_UP
            && let Some((time, _)) = self.last
        {
            self.due = Some(now);
            self.last = Some((time, now));
        }
        due
    }
}

fn later(time: Instant, seconds: f64) -> Instant {
    let duration = Duration::try_from_secs_f64(seconds).unwrap_or(FAR).min(FAR);
    time.checked_add(duration).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_rate_is_kept_though_each_message_is_late() {
        let mut pace = Pace::rate(1.0 / 3.0);
        let start = Instant::now();
        for number in 0..3_000_u32 {
            let due = pace.due(start);
            let expected = start + Duration::from_secs(number.into()) / 3;
            let error = due.max(expected) - due.min(expected);
            assert!(
                error < Duration::from_micros(1),
                "message {number}: {error:?}"
            );
            // Somebody looks at the clock later, and it changes nothing.
            assert_eq!(pace.due(due + 200 * MS), due + 200 * MS);
            pace.gone();
        }
    }

    #[test]
    fn a_stall_is_made_up_for_by_no_more_than_a_second() {
        let mut pace = Pace::rate(0.1);
        let start = Instant::now();
        assert_eq!(pace.due(start), start);
        pace.gone();
        // Nine messages are due by now.
        let after = start + 950 * MS;
        let mut burst = 0;
        while pace.due(after) == after {
            pace.gone();
            burst += 1;
        }
        assert_eq!(burst, 9);
        let much_later = start + 100_000 * MS;
        assert_eq!(pace.due(much_later), much_later);
        pace.gone();
        assert_eq!(pace.due(much_later), much_later + 100 * MS);
    }

    #[test]
    fn a_missed_beat_is_left_out_and_the_next_is_in_time() {
        let mut pace = Pace::every(1000 * MS);
        let start = Instant::now();
        assert_eq!(pace.due(start), start);
        pace.gone();
        assert_eq!(pace.due(start), start + 1000 * MS);
        // Three are due, and one of them goes.
        let late = start + 3_200 * MS;
        assert_eq!(pace.due(late), late);
        pace.gone();
        assert_eq!(pace.due(late), start + 4_000 * MS);
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn a_recording_keeps_its_times() {
        let mut pace = Pace::recorded(2.0);
        let early = Instant::now();
        pace.next_was(at(10_000));
        let start = Instant::now();
        assert_eq!(pace.due(early), early, "the first does not wait");
        pace.next_was(at(14_000));
        let due = pace.due(start);
        assert!(due >= early + 2_000 * MS && due <= start + 2_000 * MS);
        // The clock was set back, and the recording begins again.
        for _ in 0..2 {
            pace.next_was(at(13_000));
            assert_eq!(pace.due(start), due);
            pace.next_was(at(13_000));
            assert_eq!(pace.due(start), due);
            pace.begin_again();
        }
        pace.next_was(at(20_000));
        assert_eq!(pace.due(start), due);
        pace.next_was(at(20_100));
        assert_eq!(pace.due(start), due + 50 * MS);
        // Far too late: the next one keeps its distance from now on.
        let late = due + 60_000 * MS;
        assert_eq!(pace.due(late), late);
        pace.next_was(at(20_200));
        assert_eq!(pace.due(late), late + 50 * MS);
    }
}
