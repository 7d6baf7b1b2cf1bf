//! The same cases for our tools and, with `MQ_UNDER_TEST=mosquitto`, for mosquitto's: exit codes,
//! stdout, what arrived and what the broker saw. Where ours differ on purpose, the case says both
//! with `expect(ours, theirs)`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code, helpers included, fails by a panic"
)]

mod bind;
mod client_id;
mod command_line;
mod count;
mod credentials;
mod debug_and_quiet;
mod exit_after;
mod exit_codes;
mod filter_out;
mod format;
mod host_and_port;
mod json;
mod keep_alive;
mod lines;
mod max_inflight;
mod names;
mod not_yet;
mod options_file;
mod output;
mod passwd;
mod payload;
mod properties;
mod property;
mod proxy;
mod psk;
mod qos;
mod random_filter;
mod repeat;
mod retain;
mod retained;
mod script;
mod session;
mod signals;
mod subscribe;
mod support;
mod tls;
mod topic;
mod unix;
mod url;
mod version;
mod will;
