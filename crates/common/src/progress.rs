//! A bar that tells a person how far long work is.

use std::io;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report;
use crate::terminal::is_in_front;

pub use indicatif::DecimalBytes;

/// Work that is done by then needs no bar.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// How often it is drawn, in times a second.
const HZ: u8 = 10;

/// Whether a bar would be shown: stderr is a terminal on which the cursor can be moved.
#[must_use]
pub fn is_possible() -> bool {
    !ProgressDrawTarget::stderr().is_hidden()
}

/// A bar on stderr, shown only on a terminal that belongs to us, and only when the work takes
/// longer than [`PATIENCE`]. It vanishes when dropped, and makes room for what is reported meanwhile. Any
/// number of threads may use it.
#[derive(Debug)]
pub struct Progress {
    template: &'static str,
    started: Instant,
    bar: OnceLock<ProgressBar>,
}

impl Progress {
    /// Work begins; `template` is indicatif's, for work whose end is known.
    #[must_use]
    pub fn new(template: &'static str) -> Self {
        Self {
            template,
            started: Instant::now(),
            bar: OnceLock::new(),
        }
    }

    /// So much of `all`, if that is known, is done; `message` is for the template, or for a line
    /// of its own.
    pub fn show(&self, done: u64, all: Option<u64>, message: impl FnOnce() -> String) {
        if self.started.elapsed() < PATIENCE || !is_in_front(io::stderr()) {
            return;
        }
        let message = message();
        let Some(bar) = self.bar.get() else {
            let _ = self.bar.set(self.bar(done, all, message));
            return;
        };
        if bar.length() != all {
            match all {
                Some(all) => bar.set_length(all),
                None => bar.unset_length(),
            }
            bar.set_style(self.style(all));
        }
        bar.set_message(message);
        bar.set_position(done);
    }

    fn style(&self, all: Option<u64>) -> ProgressStyle {
        let template = match all {
            Some(_) => self.template,
            None => "{wide_msg}",
        };
        // Templates are ours, and right.
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
    }

    fn bar(&self, done: u64, all: Option<u64>, message: String) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(all, ProgressDrawTarget::stderr_with_hz(HZ))
            .with_style(self.style(all))
            .with_position(done)
            .with_message(message);
        let beside = bar.clone();
        report::set_route(Some(Box::new(move |bytes| {
            if is_in_front(io::stderr()) {
                beside.suspend(|| report::write_through(bytes));
            } else {
                report::write_through(bytes);
            }
        })));
        bar.tick();
        bar
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.get() {
            report::set_route(None);
            bar.finish_and_clear();
        }
    }
}
