//! `mqpub` and `mqsub` while a real mosquitto is killed, frozen or restarted, and while connections
//! to it are cut, delayed or vanish.
//!
//! `MQ_FAULT_SEED=NUMBER` repeats the choices of a run; the moments at which things happen stay the
//! machine's.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "test code, helpers included, fails by a panic"
)]

mod cuts;
mod journal;
mod kills;
mod pauses;
mod soak;
mod support;
