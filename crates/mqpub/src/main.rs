//! `mqpub`: publishes MQTT messages.

use std::process::ExitCode;

fn main() -> ExitCode {
    mqpub::run(std::env::args_os()).into()
}
