//! The TLS laboratory: which certificates of real brokers are accepted, and with what sentence the
//! others are refused, each judged by mosquitto_pub as well.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code, helpers included, fails by a panic"
)]

mod client;
mod handshake;
mod old;
mod pins;
mod recipes;
mod refused;
mod support;
