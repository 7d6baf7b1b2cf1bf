//! `mqpasswd`: manages the password files of MQTT brokers.
//!
//! [`cli`] says what was asked for, `prompt` asks for what is missing, [`edits`] are pure
//! functions from the old text of a file to the new one, and this file puts them together.

pub mod cli;
pub mod edits;
mod progress;
mod prompt;

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use mqtools_common::exit::Exit;
use mqtools_common::passwd::file::{self, Outcome};
use mqtools_common::passwd::hash::{self, Scheme};
use mqtools_common::report::Report;
use mqtools_common::stdio;
use mqtools_common::usage::Parsed;

use cli::{Action, NewUser};
use edits::EditError;
use progress::Progress;

/// Runs the tool: `args` are those of the process, its name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let done = match cli::parse(args) {
        Ok(Parsed::Run((tool, action))) => perform(tool, action),
        Ok(Parsed::Show(text)) => return stdio::show(&text),
        Err(report) => Err(report),
    };
    match done {
        Ok(()) => Exit::SUCCESS,
        Err(report) => report.end(false),
    }
}

fn perform(tool: &str, action: Action) -> Result<(), Report> {
    match action {
        Action::Set(path, user) => set(tool, &path, user),
        Action::Create {
            path,
            overwrite,
            user,
        } => create(&path, overwrite, user),
        Action::Print(user) => print(&line_of(user)?),
        Action::Delete(path, user) => file::edit(&path, |text| {
            edits::delete_user(text, user.as_bytes()).map_err(|error| match error {
                EditError::NoSuchUser => Report::new(
                    Exit::PASSWD_FAILED,
                    format!("user '{}' is not in {}", user.display(), path.display()),
                ),
                error => refused(&path, &error),
            })
        })
        .map(drop),
        Action::HashPlain(path, scheme) => hash_plain(&path, scheme),
    }
}

fn set(tool: &str, path: &Path, user: NewUser) -> Result<(), Report> {
    // Whoever types a password should not learn afterwards that the file is missing or broken.
    let text = file::read(path).map_err(|report| match path.try_exists() {
        Ok(false) => report.hint(format!(
            "to make a new file: {tool} -c {} {}",
            path.display(),
            user.name.as_str()
        )),
        _ => report,
    })?;
    let with = |text: &[u8], hash: &str| {
        edits::set_user(text, &user.name, hash).map_err(|error| refused(path, &error))
    };
    with(&text, "")?;
    let hash = hash_of(&user)?;
    file::edit(path, |text| with(text, &hash)).map(drop)
}

fn create(path: &Path, overwrite: bool, user: NewUser) -> Result<(), Report> {
    // Before anybody types a password.
    if !overwrite && path.symlink_metadata().is_ok() {
        return Err(file::exists(path));
    }
    let text = line_of(user)?;
    let outcome = if overwrite {
        file::create(path, file::Access::default(), &text)?
    } else {
        file::create_new(path, file::Access::default(), &text)?;
        Outcome::Created
    };
    let by_root = || fs::metadata(path).is_ok_and(|file| file.uid() == 0);
    if outcome == Outcome::Created && by_root() {
        let path = path.display();
        tell(&format!(
            "hint: only root can read {path}; for a broker that runs as the user mosquitto: \
             chown mosquitto {path}"
        ));
    }
    Ok(())
}

fn hash_plain(path: &Path, scheme: Scheme) -> Result<(), Report> {
    let (mut hashed, mut kept) = (0, 0);
    file::edit(path, |text| {
        let mut progress = Progress::default();
        let new = edits::hash_plain(text, scheme, |done, all| progress.show(done, all))
            .map_err(|error| refused(path, &error))?;
        (hashed, kept) = (new.hashed, new.kept);
        Ok(new.text)
    })?;
    tell(&format!(
        "{}: {hashed} hashed, {kept} hashed already",
        path.display()
    ));
    Ok(())
}

/// The text of a file with this one user.
fn line_of(user: NewUser) -> Result<Vec<u8>, Report> {
    Ok(edits::new_file(&user.name, &hash_of(&user)?))
}

/// The hash of the password that was given, or else is asked for.
fn hash_of(user: &NewUser) -> Result<String, Report> {
    match &user.password {
        Some(password) => hash::hash(user.scheme, password),
        None => hash::hash(user.scheme, &prompt::new_password()?),
    }
    .map_err(|error| Report::new(Exit::PASSWD_FAILED, "cannot hash the password").cause(error))
}

/// Nothing was changed, because of a line of the file.
fn refused(path: &Path, error: &EditError) -> Report {
    Report::new(
        Exit::PASSWD_FAILED,
        format!("cannot change {}", path.display()),
    )
    .cause(error)
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
