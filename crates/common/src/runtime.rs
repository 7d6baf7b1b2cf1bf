//! The async runtime of a tool: one thread, nothing started that a run does not need.

use std::pin::{Pin, pin};

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
    // Here, and not in the several places that it would be moved to.
    let mut work = pin!(work);
    let outcome = runtime.block_on(work.as_mut());
    // Who comes to this end is about to exit, and the system takes back what is open faster. A name
    // look-up that hangs in the system's resolver must not hold that up either.
    std::mem::forget(runtime);
    outcome
}

/// Makes a future that few runs come to, on the heap. Whoever awaits it as it is has room for it on the
/// stack, where each page that is touched costs as much as several system calls.
// Inlined, it would be made on the stack and moved from there; without `dyn` its own variables would
// lie among those of whoever awaits it.
#[inline(never)]
pub fn aside<'a, F: Future + 'a>(
    make: impl FnOnce() -> F,
) -> Pin<Box<dyn Future<Output = F::Output> + 'a>> {
    Box::pin(make())
}
