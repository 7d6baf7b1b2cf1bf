//! Tests of `mqpub` as its users run it, and of all bad input at connecting: one file per
//! behaviour.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code, helpers included, fails by a panic"
)]

mod acknowledgements;
mod addresses;
mod bind;
mod broker_limits;
mod ciphers;
mod client_certificate;
mod color;
mod command_line;
mod completions;
mod connack;
mod cuts;
mod environment;
mod every;
mod file;
mod garbage;
mod generate;
#[path = "../groups.rs"]
mod groups;
mod help;
mod json_lines;
mod json_summary;
mod keep_alive;
mod key_forms;
mod key_passphrase_file;
mod keylog;
mod lines;
mod lost;
mod manual;
mod message;
mod mqtt31;
mod null_data;
mod options_file;
mod original_name;
mod password_options;
mod payload_is;
mod plain_text_warning;
mod probe;
mod progress;
mod properties;
mod proxy;
mod psk;
mod qos_and_retain;
mod rate;
mod reconnect;
mod repeat;
mod replay;
mod retry;
mod scrub;
mod secrets;
mod session_expiry;
mod signals;
mod srv;
mod stdin;
mod support;
mod taken_over;
mod template;
mod tls;
mod tls_options;
mod topic;
mod topic_separator;
mod unix;
mod url;
mod wait_response;
mod websocket;
mod window;
