//! `mqpasswd`: manages the password files of MQTT brokers.
//!
//! [`cli`] says what was asked for, `passwords` gets the passwords, [`edits`] are pure functions
//! from the old text of a file to the new one, `actions` puts them together, and this file
//! tells the user, and the broker, what was done.

mod access;
mod actions;
mod bulk;
mod changes;
pub mod cli;
pub mod edits;
mod import;
mod passwords;
mod prompt;
mod reload;
mod scheme;
mod survey;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;

use mqtools_common::exit::Exit;
use mqtools_common::report::{self, Report};
use mqtools_common::secret::{Secret, forbid_core_files};
use mqtools_common::stdio;
use mqtools_common::usage::Parsed;
use serde::Serialize;

use changes::Counts;
use cli::Request;

pub use access::NewFile;
pub use scheme::Hashing;

/// Runs the tool: `args` are those of the process, its name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let done = match cli::parse(args) {
        Ok(Parsed::Run(request)) => perform(request),
        Ok(Parsed::Show(text)) => return stdio::show(&text),
        Err(report) => Err(report),
    };
    match done {
        Ok(exit) => exit,
        Err(report) => report.end(false),
    }
}

/// What an action did to a file.
#[derive(Debug)]
struct Done {
    path: PathBuf,
    changed: bool,
    counts: Option<Counts>,
    /// A password that nobody has seen yet.
    generated: Option<Secret>,
}

/// The same for machines.
#[derive(Serialize)]
struct Outcome<'a> {
    file: &'a str,
    changed: bool,
    #[serde(flatten)]
    counts: Option<Counts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
}

fn perform(request: Request) -> Result<Exit, Report> {
    forbid_core_files();
    // Before anything is changed that it should hear of.
    let broker = request.reload.as_deref().map(reload::find).transpose()?;
    let done = match actions::perform(
        request.tool,
        request.action,
        request.if_changed,
        request.json,
    )? {
        actions::Performed::Change(done) => done,
        actions::Performed::Answer(exit) => return Ok(exit),
    };
    let generated = done.generated.as_ref().map(Secret::reveal);
    let unknown = |report: Report| match generated {
        Some(_) => report.note("the password is set, and nobody knows it: set another one"),
        None => report,
    };
    if request.json {
        print_json(&Outcome {
            file: &done.path.to_string_lossy(),
            changed: done.changed,
            counts: done.counts,
            password: generated.and_then(|password| std::str::from_utf8(password).ok()),
        })
        .map_err(unknown)?;
    } else if let Some(password) = generated {
        print(&[password, b"\n"].concat()).map_err(unknown)?;
    } else if request.if_changed {
        let word = if done.changed {
            "changed\n"
        } else {
            "unchanged\n"
        };
        print(word.as_bytes())?;
    }
    if done.changed {
        match broker {
            Some(pid) => reload::signal(pid, &done.path)?,
            None if io::stderr().is_terminal() => report::hint(
                "a running broker reads the file again on SIGHUP, which --reload PIDFILE sends",
            ),
            None => {}
        }
    }
    Ok(Exit::SUCCESS)
}

fn print_json(value: &impl Serialize) -> Result<(), Report> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|error| Report::new(Exit::PASSWD_FAILED, "cannot write JSON").cause(error))?;
    text.push(b'\n');
    print(&text)
}

fn print(bytes: &[u8]) -> Result<(), Report> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|error| Report::new(Exit::PASSWD_FAILED, "cannot write to stdout").cause(error))
}

/// A line for a person, beside the data.
fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
