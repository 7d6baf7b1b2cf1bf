//! `mqsub`: subscribes to MQTT topics and prints what arrives.

use std::process::ExitCode;

fn main() -> ExitCode {
    mqsub::run(std::env::args_os()).into()
}
