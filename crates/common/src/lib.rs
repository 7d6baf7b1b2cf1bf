//! What the three tools share.
//!
//! Arrows run one way: a tool's `main` calls its library, that calls [`client`], and that
//! calls [`protocol`] (no I/O, no clock) and [`net`] with [`tls`]. [`passwd`] stands
//! alone: it knows no sockets and builds without any network crate.

pub mod color;
pub mod escape;
pub mod exit;
pub mod generate;
#[cfg(feature = "progress")]
pub mod progress;
pub mod report;
pub mod scrub;
pub mod secret;
pub mod stdio;
pub mod terminal;
pub mod tool;
pub mod usage;

#[cfg(feature = "client")]
pub mod args;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "client")]
pub mod connect;
#[cfg(feature = "client")]
pub mod defaults;
#[cfg(feature = "fuzz")]
pub mod fuzz;
#[cfg(feature = "client")]
pub mod message;
#[cfg(feature = "client")]
pub mod net;
#[cfg(feature = "client")]
mod options_file;
#[cfg(feature = "client")]
pub mod payload;
#[cfg(feature = "client")]
pub mod property;
#[cfg(feature = "client")]
pub mod protocol;
#[cfg(feature = "client")]
pub mod reason;
#[cfg(feature = "client")]
pub mod retry;
#[cfg(feature = "client")]
pub mod runtime;
#[cfg(feature = "client")]
pub mod signals;
#[cfg(feature = "client")]
pub mod summary;
#[cfg(feature = "client")]
pub mod tls;
#[cfg(feature = "client")]
pub mod topic;
#[cfg(feature = "client")]
pub mod url;

#[cfg(feature = "passwd")]
pub mod passwd;
