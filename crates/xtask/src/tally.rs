//! Adds up what the test binaries say at their ends.

use std::fmt;
use std::ops::AddAssign;

/// Tests by outcome, over all test binaries.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Tally {
    /// Takes one line of `cargo test`'s output; only closing lines count.
    pub(crate) fn add_line(&mut self, line: &str) {
        let Some(counts) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
            .map(|(_, counts)| counts)
        else {
            return;
        };
        for count in counts.split("; ") {
            let Some((number, what)) = count.trim().split_once(' ') else {
                continue;
            };
            let number: usize = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn tally(output: &str) -> String {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.add_line(line));
        tally.to_string()
    }

    #[test]
    fn closing_lines_are_added_up_and_others_do_not_count() {
        let output = "\
running 3 tests
test a ... ok
test result: ok. 29 passed; 0 failed; 0 ignored; 0 measured; 4 filtered out; finished in 1.82s
error: test failed, to rerun pass `-p harness --test harness`
test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(tally(output), "39 passed, 2 failed");
    }

    #[test]
    fn skipped_tests_are_named_only_when_there_are_any() {
        let line = "test result: ok. 1 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out";
        assert_eq!(tally(line), "1 passed, 0 failed, 3 skipped");
        assert_eq!(tally(""), "0 passed, 0 failed");
    }
}
