//! The MQTT session against scripted bytes and simulated networks; no sockets, no clock.

#![allow(
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "all of it is test code, helpers included: to fail is to panic"
)]

mod acknowledgements;
mod cuts;
mod driver;
mod encoding;
mod handover;
mod handshake;
mod hostile;
mod keep_alive;
mod lines;
mod packets;
mod properties;
mod receiving;
mod reconnect;
mod runs;
mod simulation;
mod unheard;
mod wire;
