//! Tests of `mqpasswd` as its users run it: one file per option or behaviour.

// A panic is how a test fails; clippy.toml allows it in test functions, but not in helpers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod bad_input;
mod broker;
mod color;
mod command_line;
mod completions;
mod create;
mod delete;
mod dependencies;
mod file;
mod generate;
mod hash_plain;
mod if_changed;
mod import;
mod killed;
mod manual;
mod many;
mod original;
mod passwords;
mod places;
mod prompt;
mod reload;
mod schemes;
mod scrub;
mod set;
mod support;
mod survey;
mod target;
mod verify;
