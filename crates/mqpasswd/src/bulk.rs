//! Many passwords at once, on all cores.

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use mqtools_common::passwd::hash::{self, HashError, Scheme};
use mqtools_common::progress::Progress;
use mqtools_common::secret::Secret;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// A password that is to be hashed, unless `stored` already is its hash.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    pub(crate) password: &'a Secret,
    pub(crate) scheme: Scheme,
    /// The hash to keep if it is one of this password.
    pub(crate) stored: Option<&'a [u8]>,
}

/// Hashes all of them, in their order; `None` for one whose stored hash stays. The error comes
/// with the place of the job that failed.
pub(crate) fn hash_all(jobs: &[Job<'_>]) -> Result<Vec<Option<String>>, (usize, HashError)> {
    let progress = Progress::new("hashing");
    let count = AtomicU64::new(0);
    let run = |(at, job): (usize, &Job<'_>)| {
        let done = job.run().map_err(|error| (at, error));
        let count = count.fetch_add(1, Ordering::Relaxed) + 1;
        let all = jobs.len() as u64;
        progress.show(count, Some(all), |elapsed| {
            let left = elapsed.as_secs_f64() / count as f64 * all.saturating_sub(count) as f64;
            format!("{count}/{all} {left:.0} s")
        });
        done
    };
    match threads(jobs.len()) {
        Some(threads) => threads.install(|| jobs.par_iter().enumerate().map(run).collect()),
        None => jobs.iter().enumerate().map(run).collect(),
    }
}

/// As many threads as there are cores and jobs; `None` where this one is enough, or where a
/// limit allows no more (rayon's own threads would be a panic then).
fn threads(jobs: usize) -> Option<ThreadPool> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let count = cores.min(jobs);
    let builder = || ThreadPoolBuilder::new().num_threads(count);
    (count > 1).then(|| builder().build().ok())?
}

impl Job<'_> {
    fn run(&self) -> Result<Option<String>, HashError> {
        match self.stored {
            Some(stored) if hash::verify(self.password, stored) == Ok(true) => Ok(None),
            _ => hash::hash(self.scheme, self.password).map(Some),
        }
    }
}
