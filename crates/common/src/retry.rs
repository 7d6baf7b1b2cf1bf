//! When to try again to connect, and when to give up.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use crate::args;

/// How many failed attempts in a row are made up for by another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempts {
    /// So many; with 0 the first failure is the end.
    Count(u32),
    /// There is always another one.
    Forever,
}

impl Attempts {
    /// No second attempt.
    pub const NONE: Self = Self::Count(0);

    /// Reads the value of `--retry`.
    ///
    /// # Errors
    /// Neither a number of 32 bits nor `forever`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim() == "forever" {
            return Ok(Self::Forever);
        }
        args::number(text)
            .map(Self::Count)
            .ok_or_else(|| "it is 0 to 4294967295 attempts, or forever".to_owned())
    }

    /// Whether there is another attempt after `failed` ones.
    #[must_use]
    pub fn allow(self, failed: u32) -> bool {
        match self {
            Self::Count(most) => failed < most,
            Self::Forever => true,
        }
    }
}

/// How often to try.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// The first connection.
    pub first: Attempts,
    /// After a connection was lost.
    pub again: Attempts,
}

impl RetryPolicy {
    /// What the user asked for, for every connection. Unasked, a first connection that fails is
    /// an error, because the address may be wrong; one that was lost comes back one day.
    #[must_use]
    pub fn new(asked: Option<Attempts>) -> Self {
        Self {
            first: asked.unwrap_or(Attempts::NONE),
            again: asked.unwrap_or(Attempts::Forever),
        }
    }
}

/// How long to wait before each attempt: from about 1 s on, doubled each time, up to 30 s. A part
/// of it is random, so that the clients of a broker that was restarted do not come all at once.
#[derive(Debug)]
pub(crate) struct Delays(ExponentialBackoff);

impl Delays {
    const SHORTEST: Duration = Duration::from_secs(1);
    /// The random part is at most as long again.
    const LONGEST: Duration = Duration::from_secs(15);

    pub(crate) fn new() -> Self {
        Self(
            ExponentialBuilder::new()
                .with_min_delay(Self::SHORTEST)
                .with_max_delay(Self::LONGEST)
                .without_max_times()
                .with_jitter()
                .build(),
        )
    }

    pub(crate) fn next(&mut self) -> Duration {
        self.0.next().unwrap_or(Self::LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_half_a_minute_at_most() {
        let mut delays = Delays::new();
        for shortest in [1, 2, 4, 8, 15, 15, 15] {
            let delay = delays.next();
            let shortest = Duration::from_secs(shortest);
            assert!(delay >= shortest && delay <= 2 * shortest, "{delay:?}");
        }
    }

    #[test]
    fn two_clients_do_not_keep_step() {
        let all = |mut delays: Delays| [(); 5].map(|()| delays.next());
        assert_ne!(all(Delays::new()), all(Delays::new()));
    }

    #[test]
    fn attempts_are_read() {
        assert_eq!(Attempts::parse("0"), Ok(Attempts::NONE));
        assert_eq!(Attempts::parse(" 3 "), Ok(Attempts::Count(3)));
        assert_eq!(Attempts::parse("forever"), Ok(Attempts::Forever));
        for wrong in ["", "-1", "x", "4294967296", "Forever"] {
            Attempts::parse(wrong).unwrap_err();
        }
        assert!(Attempts::Count(2).allow(1) && !Attempts::Count(2).allow(2));
    }
}
