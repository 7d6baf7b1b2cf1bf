//! The async runtime of a tool: one thread, nothing started that a run does not need.

use tokio::runtime::{Builder, LocalOptions};

use crate::exit::Exit;
use crate::report::Report;

/// Runs `work` to its end.
///
/// # Errors
/// Those of `work`, or a system that cannot give what a runtime needs.
pub fn block_on<T>(work: impl Future<Output = Result<T, Report>>) -> Result<T, Report> {
    // A local one: the other kind brings the scheduler with many threads along, and with it, for one
    // call, the library for mathematics, which every start would pay for.
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        // Room for more would be memory that is never used.
        .max_io_events_per_tick(64)
        .build_local(LocalOptions::default())
        .map_err(|why| Report::new(Exit::OS_ERROR, "cannot start").cause(why))?;
    let outcome = runtime.block_on(work);
    // A name look-up that hangs in the system's resolver must not hold up the exit.
    runtime.shutdown_background();
    outcome
}
