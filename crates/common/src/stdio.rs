//! The three standard streams.

use std::io::{self, Write as _};
use std::os::fd::AsFd;

use rustix::fs::{OFlags, fcntl_getfl, fstat, major, minor};

use crate::exit::Exit;
use crate::report::Report;

/// Writes help or a version to stdout and gives the exit code; a reader that has left
/// already has read enough.
#[must_use]
pub fn show(text: &str) -> Exit {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => {
            Report::new(Exit::OS_ERROR, "cannot write to standard output")
                .cause(why)
                .end(false)
        }
        _ => Exit::SUCCESS,
    }
}

/// Whether a standard stream was closed when the tool started (`<&-`, `>&-`).
///
/// The Rust runtime replaces a closed one by `/dev/null` opened for reading and writing before
/// `main` runs, and a redirection to `/dev/null` opens it for one of both. A parent that
/// opens it for both counts as having closed it: nothing comes from there either.
#[must_use]
pub fn is_closed(stream: impl AsFd) -> bool {
    let Ok(stat) = fstat(&stream) else {
        return true;
    };
    let is_null = major(stat.st_rdev) == 1 && minor(stat.st_rdev) == 3;
    is_null && fcntl_getfl(&stream).is_ok_and(|flags| flags.contains(OFlags::RDWR))
}
