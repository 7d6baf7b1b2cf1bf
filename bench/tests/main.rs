//! The benchmark works: counterparts and limits count right and notice losses, every workload runs,
//! and `--check` fails below a goal.

// A panic with a clear message is how a test fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod counterparts;
mod judging;
mod readme;
mod workloads;

use std::path::{Path, PathBuf};

use bench::programs::Programs;

/// Programs of this build, the tools included.
fn programs() -> Programs {
    // They build the tools where cargo has not.
    let _ = (harness::mqpub(), harness::mqsub());
    let own: &Path = env!("CARGO_BIN_EXE_bench").as_ref();
    let own = own.parent().unwrap().to_owned();
    Programs {
        tools: own.clone(),
        own,
        pinned: false,
    }
}

fn limit() -> PathBuf {
    env!("CARGO_BIN_EXE_bench-limit").into()
}
