//! Many passwords at once, on all cores.

use mqtools_common::passwd::hash::{self, HashError, Scheme};
use mqtools_common::secret::Secret;
use rayon::prelude::*;

use crate::progress::Progress;

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
    // One alone is not worth a thread.
    if let [job] = jobs {
        return job.run().map(|hash| vec![hash]).map_err(|error| (0, error));
    }
    let progress = Progress::of(jobs.len());
    jobs.par_iter()
        .enumerate()
        .map(|(at, job)| {
            let done = job.run().map_err(|error| (at, error));
            progress.step();
            done
        })
        .collect()
}

impl Job<'_> {
    fn run(&self) -> Result<Option<String>, HashError> {
        match self.stored {
            Some(stored) if hash::verify(self.password, stored) == Ok(true) => Ok(None),
            _ => hash::hash(self.scheme, self.password).map(Some),
        }
    }
}
