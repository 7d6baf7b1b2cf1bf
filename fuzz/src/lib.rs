//! Fuzz targets: whatever bytes come from outside, nothing panics, and what each target promises
//! beyond that holds. docs/fuzzing.md says how to run them.
//!
//! A target is a function of bytes. `tests/targets.rs` drives all of them on the stable toolchain,
//! `coverage/` with a coverage-guided engine.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of it is test code: to fail is to panic"
)]

mod command_line;
mod cursor;
mod format;
mod network;
mod packets;
mod passwd;
mod session;
mod stream;
mod tls;

/// What one reader, or one machine, is fed with.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name of its folder under `corpus/`.
    pub name: &'static str,
    /// Panics when a promise is broken.
    pub run: fn(&[u8]),
    /// Words that mean something there, for mutations.
    pub words: &'static [&'static [u8]],
    /// The most memory it may take at a time: so many bytes, and so many for each byte of input.
    pub memory: (usize, usize),
    /// How many mutated inputs `cargo test` tries.
    pub cases: u64,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    command_line::OPTIONS_FILE,
    command_line::PROPERTY,
    command_line::TOPIC,
    command_line::URL,
    format::FORMAT,
    network::SOCKS,
    network::SRV,
    network::WEBSOCKET,
    packets::ROUND_TRIP,
    passwd::PASSWORD_FILE,
    session::SESSION,
    stream::STREAM,
    tls::CERTIFICATE,
    tls::KEY,
];

/// The target with that name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// What is said to a person must not give the terminal a command: no line of it.
#[track_caller]
fn assert_harmless(text: &str) {
    use mqtools_common::escape::{Style, is_command};
    let bad = text.chars().find(|&c| is_command(c, Style::Line));
    assert_eq!(bad, None, "a terminal would obey it: {text:?}");
}

/// The same for a report of several lines.
#[track_caller]
fn assert_harmless_report(report: &mqtools_common::report::Report) {
    let text = report.to_string();
    assert!(text.lines().count() <= 4, "{text:?}");
    text.lines().for_each(assert_harmless);
}
