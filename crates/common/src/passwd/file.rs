//! The password file as a whole: read under a lock, replaced in one step, never half written.
//!
//! There are two ways to write. The usual one writes a new file beside the old one and renames
//! it (`stage`). Where that is not possible, because the folder cannot be written or the file is
//! a mount point of its own, the old file is overwritten, with a `journal` in its tail
//! from which the next run finishes what a crash interrupted.

mod in_place;
mod journal;
mod lock;
mod stage;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Gid, Uid};
use rustix::io::Errno;
use signal_hook::consts::SIGXFSZ;

use super::patch::Patch;
use crate::exit::Exit;
use crate::report::Report;

use lock::{folder, follow_links, open_locked};

/// What [`edit`] and [`create`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There was no file; now there is one.
    Created,
    /// The file has a new content.
    Replaced,
    /// The new content is the old one, and the file was not touched.
    Unchanged,
}

/// Whose a new file is, and who may do what with it. Unless told otherwise it belongs to who
/// runs the tool, and has mode 0600.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Access {
    /// The user id of its owner.
    pub owner: Option<u32>,
    /// The id of its group.
    pub group: Option<u32>,
    /// Its permission bits, up to 0o7777.
    pub mode: Option<u32>,
}

/// Reads a password file, as it is or as the next change will find it after a crash.
///
/// # Errors
/// A [`Report`] when it is missing, not a regular file, or not readable.
pub fn read(path: &Path) -> Result<Vec<u8>, Report> {
    regular_file(path)?;
    let text = fs::read(path).map_err(|error| failed("open", path, &error))?;
    Ok(match journal::recover(&text) {
        Some(whole) => whole,
        None => text,
    })
}

/// Whether a change of the file was interrupted by a crash, which the next change repairs.
///
/// # Errors
/// As [`read`].
pub fn is_interrupted(path: &Path) -> Result<bool, Report> {
    regular_file(path)?;
    let text = fs::read(path).map_err(|error| failed("open", path, &error))?;
    Ok(journal::recover(&text).is_some())
}

/// Changes the content of an existing password file as `change` says.
///
/// Any number of processes may do this to one file at once: each change sees the result of
/// the one before. Everybody else sees either the old file or the new one, also after a
/// crash. Owner, group, mode and extended attributes stay, and a symbolic link stays one: its
/// target is replaced.
///
/// # Errors
/// A [`Report`] from `change`, or about what the system refused; the file is as it was.
pub fn edit(
    path: &Path,
    mut change: impl FnMut(&[u8]) -> Result<Patch, Report>,
) -> Result<Outcome, Report> {
    replace(path, Access::default(), |old| {
        change(old.ok_or_else(|| failed("open", path, &Errno::NOENT.into()))?)
    })
}

/// Makes a password file, or replaces the whole content of an existing one as [`edit`] does.
/// An existing file keeps its owner and mode, whatever `access` says.
///
/// # Errors
/// A [`Report`] about what the system refused; what was there is as it was.
pub fn create(path: &Path, access: Access, content: &[u8]) -> Result<Outcome, Report> {
    replace(path, access, |old| {
        Ok(Patch::whole(old.map_or(0, <[u8]>::len), content))
    })
}

/// Makes a password file where there is none.
///
/// # Errors
/// A [`Report`] about what the system refused, or that there is a file.
pub fn create_new(path: &Path, access: Access, content: &[u8]) -> Result<(), Report> {
    replace(path, access, |old| match old {
        None => Ok(Patch::whole(0, content)),
        Some(_) => Err(exists(path)),
    })
    .map(drop)
}

/// A file that shall not be overwritten is there.
#[must_use]
pub fn exists(path: &Path) -> Report {
    Report::new(
        Exit::PASSWD_FAILED,
        format!("{} is there already", path.display()),
    )
    .hint("without --no-clobber it is overwritten")
}

/// What [`edit`] and [`create`] share. `change` gets `None` when there is no file, and is
/// called again when a file appeared meanwhile.
fn replace(
    path: &Path,
    access: Access,
    mut change: impl FnMut(Option<&[u8]>) -> Result<Patch, Report>,
) -> Result<Outcome, Report> {
    let target = follow_links(path).map_err(|error| failed("open", path, &error))?;
    survive_size_limits();
    loop {
        regular_file(&target)?;
        let old = open_locked(&target).map_err(|error| failed("open", path, &error))?;
        stage::sweep(folder(&target));
        let Some(mut old) = old else {
            let content = change(None)?;
            let made = stage::new_file(&target, &content.apply(b""), access).and_then(|new| {
                new.persist_noclobber(&target)
                    .map_err(|unmade| unmade.error)
            });
            match made {
                Ok(_) => {}
                // Somebody else was faster: there is a file to lock and to change now.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(failed_to_write("create", path, &target, &error)),
            }
            sync_folder(path, &target)?;
            return Ok(Outcome::Created);
        };

        let mut before = Vec::new();
        old.read_to_end(&mut before)
            .map_err(|error| failed("read", path, &error))?;
        if let Some(whole) = journal::recover(&before) {
            if in_place::repair(&old, &whole).is_err() {
                let whole = Patch::whole(before.len(), whole);
                write(path, &target, &old, &before, &whole)?;
            }
            continue;
        }
        let patch = change(Some(&before))?;
        if !patch.changes(&before) {
            return Ok(Outcome::Unchanged);
        }
        write(path, &target, &old, &before, &patch)?;
        return Ok(Outcome::Replaced);
    }
}

/// Applies `patch` to the locked file `old`, which holds `before`.
fn write(
    path: &Path,
    target: &Path,
    old: &File,
    before: &[u8],
    patch: &Patch,
) -> Result<(), Report> {
    let renamed = stage::successor(target, patch.pieces(before), old)
        .and_then(|new| new.persist(target).map_err(|unmade| unmade.error));
    let error = match renamed {
        Ok(_) => return sync_folder(path, target),
        Err(error) => error,
    };
    if !in_place_may_help(&error) {
        return Err(failed_to_write("replace", path, target, &error));
    }
    in_place::write(old, before, &patch.apply(before)).map_err(|in_place| {
        match in_place.raw_os_error() {
            // The file is open for reading only, because it cannot be written.
            Some(code) if code == Errno::BADF.raw_os_error() => {
                failed_to_write("replace", path, target, &error)
            }
            _ => failed("write", path, &in_place),
        }
    })
}

/// Makes a write beyond the limit of `ulimit -f` an error like that of a full disk: its signal
/// would end the process, and what it has written so far would stay.
fn survive_size_limits() {
    // The flag is nobody's; a handler that cannot be set leaves things as they are.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
}

/// Whether what stopped the usual way is something that overwriting does not need: to write in
/// the folder, to rename over a mount point, to give a file another owner or a label.
fn in_place_may_help(error: &io::Error) -> bool {
    // By kind: the numbers do not get through tempfile.
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::ResourceBusy
            | io::ErrorKind::CrossesDevices
            | io::ErrorKind::Unsupported
    )
}

/// Makes the rename itself durable.
fn sync_folder(path: &Path, target: &Path) -> Result<(), Report> {
    match File::open(folder(target)).and_then(|folder| folder.sync_all()) {
        Ok(()) => Ok(()),
        // A folder that cannot be read, or a file system that does not flush folders:
        // nothing more can be done there, and nothing is wrong.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied
                    | io::ErrorKind::InvalidInput
                    | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        Err(error) => Err(Report::new(
            Exit::PASSWD_FAILED,
            format!(
                "{} was changed, but the change may not survive a power failure",
                path.display()
            ),
        )
        .cause(reason(&error))),
    }
}

/// Refuses what is there and is not a file: opening a pipe would wait for ever.
fn regular_file(path: &Path) -> Result<(), Report> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(metadata) => {
            let what = if metadata.is_dir() {
                "it is a folder"
            } else {
                "it is not a regular file"
            };
            Err(Report::new(
                Exit::PASSWD_FAILED,
                format!("{} cannot be a password file", path.display()),
            )
            .cause(what))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("open", path, &error)),
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Report {
    let report = Report::new(
        Exit::PASSWD_FAILED,
        format!("cannot {what} {}", path.display()),
    )
    .cause(reason(error));
    match error.kind() {
        io::ErrorKind::FileTooLarge => {
            report.hint("no file of this process may be so long: ulimit -f shows the limit")
        }
        _ => report,
    }
}

/// Like [`failed`], and explains why the folder matters.
fn failed_to_write(what: &str, path: &Path, target: &Path, error: &io::Error) -> Report {
    let folder = folder(target).display();
    let report = failed(what, path, error);
    match error.kind() {
        io::ErrorKind::NotFound => report.hint(format!("does the folder {folder} exist?")),
        io::ErrorKind::PermissionDenied => report.hint(format!(
            "this needs the right to write the file itself, or to write in the folder {folder} \
             and to give the new file its owner"
        )),
        _ => report,
    }
}

/// The system's words for an error, without its number and without the name of a temporary file.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}

impl Access {
    fn user_id(&self) -> Option<Uid> {
        self.owner.map(Uid::from_raw)
    }

    fn group_id(&self) -> Option<Gid> {
        self.group.map(Gid::from_raw)
    }
}
