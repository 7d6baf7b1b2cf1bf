//! The progress bar of long work.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on stderr, shown only on a terminal and only when the work takes longer than a
/// second. It vanishes when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    bar: Option<ProgressBar>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            bar: None,
        }
    }
}

impl Progress {
    /// Tells that `done` of `all` passwords are hashed.
    pub(crate) fn show(&mut self, done: usize, all: usize) {
        if self.bar.is_none() && self.started.elapsed() > Duration::from_secs(1) {
            let bar = ProgressBar::new(all as u64);
            if let Ok(style) = ProgressStyle::with_template("hashing {wide_bar} {pos}/{len} {eta}")
            {
                bar.set_style(style);
            }
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done as u64);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
