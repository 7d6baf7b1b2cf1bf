//! What the fuzz targets reach of the private parts (feature `fuzz`). Nothing that ships turns
//! the feature on, and nothing here does more than call what ships.

use std::ffi::OsString;

use clap::Command;

pub use crate::net::fuzz::{negotiate, open_websocket, srv_answer};
pub use crate::tls::fuzz::{certificates, key, second_look};

/// The words of an option, and the line they are from, counted from 1.
pub type Words = (usize, Vec<OsString>);

/// Takes an options file apart. `command` is built.
///
/// # Errors
/// The first line that cannot be used, and why.
pub fn options_file(text: &[u8], command: &mut Command) -> Result<Vec<Words>, (usize, String)> {
    match crate::options_file::parse(text, command) {
        Ok(entries) => Ok(entries.into_iter().map(|it| (it.line, it.words)).collect()),
        Err(fault) => Err((fault.line, fault.what)),
    }
}
