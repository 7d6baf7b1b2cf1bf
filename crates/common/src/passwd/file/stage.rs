//! The new file, written beside the old one, and what is left of it after a crash.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{
    FlockOperation, Gid, Mode, OFlags, Uid, XattrFlags, fchown, fgetxattr, fgetxattr_query,
    flistxattr, flistxattr_query, flock, fremovexattr, fsetxattr, open,
};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use super::Access;
use super::lock::folder;

const PREFIX: &str = ".mqpasswd-";

/// Bytes that are written at once, at least.
const BUFFER: usize = 64 * 1024;

/// How many random letters and digits follow the prefix.
const RANDOM: usize = 6;

/// Writes the content of a file that is not there yet to the disk.
pub(super) fn new_file(target: &Path, content: &[u8], access: Access) -> io::Result<NamedTempFile> {
    let new = write(target, [content])?;
    if access.owner.is_some() || access.group.is_some() {
        fchown(new.as_file(), access.user_id(), access.group_id())?;
    }
    if let Some(mode) = access.mode {
        new.as_file()
            .set_permissions(fs::Permissions::from_mode(mode))?;
    }
    new.as_file().sync_all()?;
    Ok(new)
}

/// Writes the content that follows that of `old` to the disk; the new file has everything else
/// from `old`.
pub(super) fn successor<'a>(
    target: &Path,
    content: impl IntoIterator<Item = &'a [u8]>,
    old: &File,
) -> io::Result<NamedTempFile> {
    let new = write(target, content)?;
    keep_owner_and_mode(new.as_file(), &old.metadata()?)?;
    keep_attributes(new.as_file(), old)?;
    new.as_file().sync_all()?;
    Ok(new)
}

/// Removes what runs that were killed left in a folder. A file that is still being written is
/// locked by who writes it.
pub(super) fn sweep(folder: &Path) {
    // What cannot be listed, opened or removed is not ours to clean.
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if is_name(&entry.file_name().to_string_lossy()) {
            let _ = remove_if_left(&entry.path());
        }
    }
}

fn is_name(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|random| {
        random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn remove_if_left(path: &Path) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() {
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Writes the pieces of a content into a new file in the same folder that vanishes when it is dropped. It
/// has mode 0600 from its first moment, and is locked.
fn write<'a>(
    target: &Path,
    content: impl IntoIterator<Item = &'a [u8]>,
) -> io::Result<NamedTempFile> {
    let new = loop {
        let new = tempfile::Builder::new()
            .prefix(PREFIX)
            .rand_bytes(RANDOM)
            .tempfile_in(folder(target))?;
        rustix::io::retry_on_intr(|| flock(new.as_file(), FlockOperation::LockExclusive))?;
        // Before the lock somebody may have taken it for one that a crash left.
        if new.as_file().metadata()?.nlink() > 0 {
            break new;
        }
    };
    // Small pieces are gathered, large ones go to the system as they are.
    let mut buffer = BufWriter::with_capacity(BUFFER, new.as_file());
    for piece in content {
        buffer.write_all(piece)?;
    }
    buffer.flush()?;
    drop(buffer);
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

/// Access control lists, security labels and whatever else is attached to the old file.
fn keep_attributes(new: &File, old: &File) -> io::Result<()> {
    let wanted = names(old)?;
    for name in names(new)? {
        // A list that the folder gives to new files.
        if name == b"system.posix_acl_access" && !wanted.contains(&name) {
            fremovexattr(new, name.as_slice())?;
        }
    }
    for name in wanted {
        // Measurements of the content by the kernel, which makes new ones.
        if [&b"security.ima"[..], b"security.evm"].contains(&name.as_slice()) {
            continue;
        }
        let value = value(old, &name)?;
        if value.is_some() && value != self::value(new, &name)? {
            fsetxattr(
                new,
                name.as_slice(),
                &value.unwrap_or_default(),
                XattrFlags::empty(),
            )?;
        }
    }
    Ok(())
}

/// The names of all extended attributes that the file system shows.
fn names(file: &File) -> io::Result<Vec<Vec<u8>>> {
    loop {
        let size = match flistxattr_query(file) {
            Ok(0) | Err(Errno::NOTSUP) => return Ok(Vec::new()),
            other => other?,
        };
        let mut list = vec![0; size];
        match flistxattr(file, list.as_mut_slice()) {
            Ok(size) => {
                let list = list.get(..size).unwrap_or_default();
                let names = list.split(|&byte| byte == 0);
                return Ok(names
                    .filter(|name| !name.is_empty())
                    .map(<[u8]>::to_vec)
                    .collect());
            }
            // It grew in between.
            Err(Errno::RANGE) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn value(file: &File, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
    loop {
        let size = match fgetxattr_query(file, name) {
            Err(Errno::NODATA | Errno::NOTSUP) => return Ok(None),
            other => other?,
        };
        if size == 0 {
            return Ok(Some(Vec::new()));
        }
        let mut value = vec![0; size];
        match fgetxattr(file, name, value.as_mut_slice()) {
            Ok(size) => {
                value.truncate(size);
                return Ok(Some(value));
            }
            Err(Errno::RANGE) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
