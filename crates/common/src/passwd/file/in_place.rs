//! Overwriting a file that cannot be replaced, so that a crash leaves what can be repaired.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::journal;

/// Overwrites the content of `file`, which is `before`, with `after`.
///
/// # Errors
/// When the tail cannot be written, the file is as it was. Later, only a failing disk stops it
/// (the room is taken), and the next run finishes it.
pub(super) fn write(file: &File, before: &[u8], after: &[u8]) -> io::Result<()> {
    let tail = journal::tail(before, after);
    let length = before.len() as u64;
    let begun = file
        .write_all_at(&tail, length)
        .and_then(|()| file.sync_all());
    if let Err(error) = begun {
        let _ = file.set_len(length);
        return Err(error);
    }
    // Less to write is less to be seen half written by a broker that reads at this moment.
    let same = before
        .iter()
        .zip(after)
        .take_while(|(old, new)| old == new)
        .count();
    overwrite(file, after, same)
}

/// Gives a file that has the tail of an interrupted change the content that follows from it.
///
/// # Errors
/// Those of the system; the tail stays.
pub(super) fn repair(file: &File, content: &[u8]) -> io::Result<()> {
    overwrite(file, content, 0)
}

fn overwrite(file: &File, content: &[u8], from: usize) -> io::Result<()> {
    file.write_all_at(content.get(from..).unwrap_or_default(), from as u64)?;
    file.sync_all()?;
    file.set_len(content.len() as u64)?;
    file.sync_all()
}
