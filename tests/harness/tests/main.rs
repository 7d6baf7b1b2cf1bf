//! The harness holds what it promises: each of these tests fails when a promise is broken.

// Clippy counts only functions marked as tests as tests; their helpers here are, too.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod broker;
mod certs;
mod fake_broker;
mod ports;
mod pty;
mod python;
mod runner;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs what must panic and gives the panic's message.
fn panic_message(body: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(body)).expect_err("this had to panic");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => (*other.downcast::<&str>().unwrap()).to_owned(),
    }
}
