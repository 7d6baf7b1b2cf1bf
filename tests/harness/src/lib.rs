//! What the tests share: a sealed runner for the tools, real and scripted brokers, a pseudo
//! terminal, certificates and ports. Each module says how it is used.

// Only tests call this crate: a panic with a clear message is how a test fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

mod broker;
pub mod certs;
pub mod completions;
pub mod fake_broker;
pub mod garbage;
pub mod generated;
pub mod lab;
mod locate;
pub mod manual;
mod output;
mod peer;
mod ports;
mod process;
pub mod pty;
mod python;
mod relay;
mod running;
mod services;
mod together;
mod tool;
mod websocket;

pub use broker::{Broker, BrokerBuilder};
pub use certs::{Authority, ServerCert, mkcert};
pub use fake_broker::{Conn, FakeBroker, Packet};
pub use locate::{demo_broker, original_under_test};
pub use output::Output;
pub use peer::Peer;
pub use ports::{PortGuard, free_port, silent_port, unanswering_port, unused_port};
pub use pty::Pty;
pub use python::python;
pub use relay::{Cut, Observer, Relay, Way, Weather};
pub use running::{Pattern, Running};
pub use services::{DnsServer, SocksProxy, TlsServer, WebServer};
pub use together::together;
pub use tool::{Tool, is_root, mqpasswd, mqpub, mqsub, namespace};
pub use websocket::WebSocketConn;
