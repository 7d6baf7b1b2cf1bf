//! What `cargo xtask dist` makes: packages that Debian's own tools accept, a tarball, programs that
//! need no library, and lists of what is in them. Each module tests one of them.

// Only tests: a panic with a clear message is how one fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod components;
mod debian;
mod static_programs;
mod support;
mod tarball;
