//! Measures the tools beside mosquitto's, and beside the limit: what the wire and the kernel allow.
//!
//! `bench sink` and `bench source` are the counterparts, `bench-limit` the minimal clients. See
//! docs/benchmark.md.

pub mod goals;
pub mod greeting;
pub mod latency;
pub mod limit;
pub mod listen;
pub mod measure;
pub mod moving;
pub mod numbers;
pub mod output;
pub mod packet;
pub mod programs;
pub mod readme;
pub mod report;
pub mod results;
pub mod sink;
pub mod source;
pub mod usage;
pub mod workload;
