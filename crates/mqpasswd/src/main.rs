//! The tool itself: its library does the work.

use std::process::ExitCode;

fn main() -> ExitCode {
    mqpasswd::run(std::env::args_os()).into()
}
