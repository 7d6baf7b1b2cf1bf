//! The password file as a whole: read under a lock, replaced in one step, never half written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Gid, Uid, fchown, flock};
use tempfile::NamedTempFile;

use crate::exit::Exit;
use crate::report::Report;

/// What [`edit`] and [`create`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There was no file; now there is one, readable and writable by its owner only.
    Created,
    /// The file has a new content.
    Replaced,
    /// The new content is the old one, and the file was not touched.
    Unchanged,
}

/// Reads a password file.
///
/// # Errors
/// A [`Report`] when it is missing, not a regular file, or not readable.
pub fn read(path: &Path) -> Result<Vec<u8>, Report> {
    regular_file(path)?;
    fs::read(path).map_err(|error| failed("open", path, &error))
}

/// Replaces the content of an existing password file by what `change` makes of it.
///
/// Any number of processes may do this to one file at once: each change sees the result of
/// the one before. Everybody else sees either the old file or the new one, also after a
/// crash. Owner, group and mode stay, and a symbolic link stays one: its target is replaced.
///
/// # Errors
/// A [`Report`] from `change`, or about what the system refused; the file is as it was.
pub fn edit(
    path: &Path,
    mut change: impl FnMut(&[u8]) -> Result<Vec<u8>, Report>,
) -> Result<Outcome, Report> {
    replace(path, |old| {
        change(old.ok_or_else(|| failed("open", path, &rustix::io::Errno::NOENT.into()))?)
    })
}

/// Makes a password file, or replaces the whole content of an existing one as [`edit`] does.
///
/// # Errors
/// A [`Report`] about what the system refused; what was there is as it was.
pub fn create(path: &Path, content: &[u8]) -> Result<Outcome, Report> {
    replace(path, |_| Ok(content.to_vec()))
}

/// Makes a password file where there is none.
///
/// # Errors
/// A [`Report`] about what the system refused, or that there is a file.
pub fn create_new(path: &Path, content: &[u8]) -> Result<(), Report> {
    replace(path, |old| match old {
        None => Ok(content.to_vec()),
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
    mut change: impl FnMut(Option<&[u8]>) -> Result<Vec<u8>, Report>,
) -> Result<Outcome, Report> {
    let target = follow_links(path).map_err(|error| failed("open", path, &error))?;
    loop {
        regular_file(&target)?;
        let old = open_locked(&target).map_err(|error| failed("open", path, &error))?;
        let Some(mut old) = old else {
            let content = change(None)?;
            let made = stage(&target, &content, None).and_then(|new| {
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
        let after = change(Some(&before))?;
        if after == before {
            return Ok(Outcome::Unchanged);
        }
        stage(&target, &after, Some(&old))
            .and_then(|new| new.persist(&target).map_err(|unmade| unmade.error))
            .map_err(|error| failed_to_write("replace", path, &target, &error))?;
        sync_folder(path, &target)?;
        return Ok(Outcome::Replaced);
    }
}

/// Opens the file and takes the lock on it; `None` when there is no file.
///
/// The lock lies on the password file itself. A lock file beside it would be litter, and a
/// lock on the folder could be held for ever by anybody who may read the folder. The price:
/// whoever waited may wake up with the lock on a file that was replaced meanwhile, and must
/// begin again with the new one.
fn open_locked(path: &Path) -> io::Result<Option<File>> {
    loop {
        // Network file systems grant an exclusive lock only to those who can write; on a
        // file that we cannot write but may replace, a reader's lock does as well.
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .or_else(|_| File::open(path));
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        rustix::io::retry_on_intr(|| flock(&file, FlockOperation::LockExclusive))?;
        let locked = file.metadata()?;
        match fs::metadata(path) {
            Ok(now) if (now.dev(), now.ino()) == (locked.dev(), locked.ino()) => {
                return Ok(Some(file));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes the content to the disk, into a new file in the same folder that vanishes when it
/// is dropped. It has mode 0600 from its first moment; owner and mode of `old` come last.
fn stage(target: &Path, content: &[u8], old: Option<&File>) -> io::Result<NamedTempFile> {
    let mut new = tempfile::Builder::new()
        .prefix(".mqpasswd-")
        .tempfile_in(folder(target))?;
    new.write_all(content)?;
    if let Some(old) = old {
        keep_owner_and_mode(new.as_file(), &old.metadata()?)?;
    }
    new.as_file().sync_all()?;
    Ok(new)
}

fn keep_owner_and_mode(new: &File, old: &fs::Metadata) -> io::Result<()> {
    let now = new.metadata()?;
    // Only what differs is asked for: a member of the group may set the group.
    let owner = (now.uid() != old.uid()).then(|| Uid::from_raw(old.uid()));
    let group = (now.gid() != old.gid()).then(|| Gid::from_raw(old.gid()));
    if owner.is_some() || group.is_some() {
        fchown(new, owner, group)?;
    }
    new.set_permissions(fs::Permissions::from_mode(old.mode() & 0o7777))
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

/// The file that a path leads to, which need not exist.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    // As many as Linux follows.
    for _ in 0..40 {
        match fs::read_link(&target) {
            Ok(next) => target = folder(&target).join(next),
            // No link, or nothing there, or no way to it: whoever opens it will tell.
            Err(_) => return Ok(target),
        }
    }
    Err(rustix::io::Errno::LOOP.into())
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

fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Report {
    Report::new(
        Exit::PASSWD_FAILED,
        format!("cannot {what} {}", path.display()),
    )
    .cause(reason(error))
}

/// Like [`failed`], and explains why the folder matters.
fn failed_to_write(what: &str, path: &Path, target: &Path, error: &io::Error) -> Report {
    let folder = folder(target).display();
    let report = failed(what, path, error);
    match error.kind() {
        io::ErrorKind::NotFound => report.hint(format!("does the folder {folder} exist?")),
        io::ErrorKind::PermissionDenied => report.hint(format!(
            "the new file is written beside the old one and takes its owner: this needs the \
             right to write in the folder {folder}, and to give the file its owner"
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn put(text: &str) -> impl FnMut(Option<&[u8]>) -> Result<Vec<u8>, Report> {
        move |_| Ok(text.as_bytes().to_vec())
    }

    #[test]
    fn a_new_file_is_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passwd");
        let outcome = replace(&path, |old| {
            assert_eq!(old, None);
            Ok(b"a:b\n".to_vec())
        });
        assert_eq!(outcome, Ok(Outcome::Created));
        assert_eq!(fs::read(&path).unwrap(), b"a:b\n");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(names(dir.path()), ["passwd"]);
    }

    #[test]
    fn a_missing_file_is_created_only_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passwd");
        let report = edit(&path, |_| Ok(Vec::new())).unwrap_err();
        assert_eq!(
            report.to_string(),
            format!(
                "error: cannot open {}\ncause: No such file or directory\n",
                path.display()
            )
        );
        assert!(names(dir.path()).is_empty());
        assert_eq!(create(&path, b"1"), Ok(Outcome::Created));
        assert_eq!(create(&path, b"2"), Ok(Outcome::Replaced));
        assert_eq!(read(&path), Ok(b"2".to_vec()));
    }

    #[test]
    fn the_mode_of_an_old_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passwd");
        fs::write(&path, "old").unwrap();
        for mode in [0o640, 0o644, 0o400] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(
                replace(&path, put(&format!("{mode}"))),
                Ok(Outcome::Replaced)
            );
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, mode);
        }
    }

    #[test]
    fn an_unchanged_file_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passwd");
        fs::write(&path, "same").unwrap();
        let before = fs::metadata(&path).unwrap();
        assert_eq!(replace(&path, put("same")), Ok(Outcome::Unchanged));
        let after = fs::metadata(&path).unwrap();
        assert_eq!(
            (before.ino(), before.ctime_nsec()),
            (after.ino(), after.ctime_nsec())
        );
    }

    #[test]
    fn a_change_that_fails_leaves_everything_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passwd");
        let refuse = |_: Option<&[u8]>| Err(Report::new(Exit::PASSWD_FAILED, "no"));
        assert!(replace(&path, refuse).is_err());
        assert!(names(dir.path()).is_empty());
        fs::write(&path, "old").unwrap();
        assert!(replace(&path, refuse).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(dir.path()), ["passwd"]);
    }

    #[test]
    fn links_stay_and_their_target_changes() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("inner");
        fs::create_dir(&inner).unwrap();
        symlink("second", inner.join("first")).unwrap();
        symlink("inner/first", dir.path().join("outer")).unwrap();
        // Dangling at first: the file is made where the chain of links ends.
        assert_eq!(
            replace(&dir.path().join("outer"), put("1")),
            Ok(Outcome::Created)
        );
        assert_eq!(
            replace(&dir.path().join("outer"), put("2")),
            Ok(Outcome::Replaced)
        );
        assert_eq!(fs::read(inner.join("second")).unwrap(), b"2");
        assert!(dir.path().join("outer").is_symlink() && inner.join("first").is_symlink());
        assert_eq!(names(&inner), ["first", "second"]);
    }

    #[test]
    fn links_in_a_circle_are_an_error() {
        let dir = tempfile::tempdir().unwrap();
        symlink("b", dir.path().join("a")).unwrap();
        symlink("a", dir.path().join("b")).unwrap();
        let report = replace(&dir.path().join("a"), put("")).unwrap_err();
        assert!(report.to_string().contains("symbolic links"), "{report}");
    }

    #[test]
    fn what_is_not_a_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let report = replace(dir.path(), put("")).unwrap_err();
        assert!(report.to_string().contains("it is a folder"), "{report}");
        let report = replace(Path::new("/dev/null"), put("")).unwrap_err();
        assert!(
            report.to_string().contains("not a regular file"),
            "{report}"
        );
        let report = read(Path::new("/dev/null")).unwrap_err();
        assert!(
            report.to_string().contains("not a regular file"),
            "{report}"
        );
    }

    #[test]
    fn a_missing_folder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("missing/passwd");
        let report = replace(&path, put("")).unwrap_err();
        let folder = dir.path().join("missing");
        assert_eq!(
            report.to_string(),
            format!(
                "error: cannot create {}\ncause: No such file or directory\n\
                 hint: does the folder {} exist?\n",
                path.display(),
                folder.display()
            )
        );
    }

    #[test]
    fn every_one_of_many_changes_at_once_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passwd");
        // No file at the start: the first ones race to create it.
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for round in 0..20 {
                        let line = format!("{thread}-{round}\n");
                        replace(path, |old| {
                            Ok([old.unwrap_or_default(), line.as_bytes()].concat())
                        })
                        .unwrap();
                    }
                });
            }
        });
        let text = fs::read_to_string(&path).unwrap();
        let mut lines: Vec<_> = text.lines().collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), 160, "{text}");
        assert_eq!(names(dir.path()), ["passwd"]);
    }
}
