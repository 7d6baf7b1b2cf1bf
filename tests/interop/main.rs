//! Our tools with brokers and clients other than mosquitto's, in each MQTT version that these
//! speak; and how the Topic Filters of our own are held against a broker's routing.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code, helpers included, fails by a panic"
)]

mod brokers;
mod messages;
#[path = "../parity/not_yet.rs"]
mod not_yet;
mod paho;
mod routing;
mod websocket;
