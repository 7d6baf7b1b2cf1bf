//! Measures the tools beside mosquitto's, and beside the limit: what the wire and the kernel allow.
//!
//! `bench sink` and `bench source` are the counterparts, `bench-limit` the minimal clients. See
//! docs/benchmark.md.

pub mod greeting;
pub mod limit;
pub mod listen;
pub mod numbers;
pub mod packet;
pub mod sink;
pub mod source;
