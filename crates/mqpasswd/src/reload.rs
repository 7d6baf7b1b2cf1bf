//! Telling a running broker to read the password file again.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use mqtools_common::exit::Exit;
use mqtools_common::report::Report;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// The broker's process. `word` is its id, or the name of the file that it wrote it to.
///
/// # Errors
/// A [`Report`] when there is no such process, or it cannot be signalled: better known before
/// the file is changed.
pub(crate) fn find(word: &OsStr) -> Result<Pid, Report> {
    let failed = || {
        Report::new(
            Exit::PASSWD_FAILED,
            format!("cannot find the broker to reload by '{}'", word.display()),
        )
    };
    let text = word.to_str().unwrap_or_default();
    let text = if is_number(text) {
        text.to_owned()
    } else {
        fs::read_to_string(Path::new(word)).map_err(|error| {
            failed()
                .cause(error)
                .hint("it is a process id, or the pid_file of the broker's configuration")
        })?
    };
    let id = text.trim();
    // Process 1 is the broker in a container.
    let pid = Some(id)
        .filter(|id| is_number(id))
        .and_then(|id| id.parse().ok())
        .and_then(Pid::from_raw)
        .ok_or_else(|| failed().cause("there is no process id in it"))?;
    test_kill_process(pid).map_err(|error| failed().cause(what(pid, error)))?;
    Ok(pid)
}

/// Sends the signal.
///
/// # Errors
/// A [`Report`] that says that the file is changed all the same.
pub(crate) fn signal(pid: Pid, path: &Path) -> Result<(), Report> {
    kill_process(pid, Signal::HUP).map_err(|error| {
        Report::new(
            Exit::PASSWD_FAILED,
            format!("{} is changed, but the broker was not told", path.display()),
        )
        .cause(what(pid, error))
    })
}

fn what(pid: Pid, error: Errno) -> String {
    let pid = pid.as_raw_nonzero();
    match error {
        Errno::SRCH => format!("there is no process {pid}"),
        Errno::PERM => format!("process {pid} belongs to somebody else"),
        error => format!("process {pid}: {error}"),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
