//! What `mqsub` does, and the pair of `mqpub` and `mqsub`, against a real mosquitto broker.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "test code, helpers included, fails by a panic"
)]

mod big;
mod changed_only;
mod color;
mod completions;
mod connection;
mod count;
mod credentials;
mod cuts;
mod end_of_connection;
mod end_of_output;
mod environment;
mod exec;
mod exit_after_subscribe;
mod filter_out;
mod format;
mod garbage;
mod generate;
#[path = "../groups.rs"]
mod groups;
mod help;
mod idle_timeout;
mod interop;
mod json;
mod keep_alive;
mod manual;
mod message_rate;
mod options_file;
mod original_name;
mod output;
mod payload_as;
mod properties;
mod qos;
mod random_filter;
mod reconnect;
mod refused_subscriptions;
mod remove_retained;
mod restarts;
mod retained;
mod save_dir;
mod session;
mod share;
mod signals;
mod stalled_reader;
mod stats;
mod support;
mod terminal;
mod timeout;
mod tls;
mod together;
mod tutorial;
mod unsubscribe;
mod until;
mod usage;
mod watch;
mod websocket;
mod will;
