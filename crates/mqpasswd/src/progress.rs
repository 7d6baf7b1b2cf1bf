//! The progress bar of long work.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on stderr, shown only on a terminal and only when the work takes longer than a
/// second. It vanishes when dropped. Any number of threads may report to it.
#[derive(Debug)]
pub(crate) struct Progress {
    all: usize,
    done: AtomicUsize,
    started: Instant,
    bar: OnceLock<ProgressBar>,
}

impl Progress {
    /// Work of `all` steps begins.
    pub(crate) fn of(all: usize) -> Self {
        Self {
            all,
            done: AtomicUsize::new(0),
            started: Instant::now(),
            bar: OnceLock::new(),
        }
    }

    /// One more step is done.
    pub(crate) fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.started.elapsed() > Duration::from_secs(1) {
            let bar = self.bar.get_or_init(|| {
                let bar = ProgressBar::new(self.all as u64);
                if let Ok(style) =
                    ProgressStyle::with_template("hashing {wide_bar} {pos}/{len} {eta}")
                {
                    bar.set_style(style);
                }
                bar
            });
            bar.set_position(done as u64);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}
