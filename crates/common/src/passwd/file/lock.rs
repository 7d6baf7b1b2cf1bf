//! The lock on a password file, and where the file is.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// Opens the file and takes the lock on it; `None` when there is no file.
///
/// The lock lies on the password file itself. A lock file beside it would be litter, and a
/// lock on the folder could be held for ever by anybody who may read the folder. The price:
/// whoever waited may wake up with the lock on a file that was replaced meanwhile, and must
/// begin again with the new one.
pub(super) fn open_locked(path: &Path) -> io::Result<Option<File>> {
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

/// The file that a path leads to, which need not exist.
pub(super) fn follow_links(path: &Path) -> io::Result<PathBuf> {
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

/// The folder that a file is in.
pub(super) fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
