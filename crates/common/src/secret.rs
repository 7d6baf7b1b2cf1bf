//! Bytes that must not be seen: passwords and pass phrases.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use zeroize::Zeroizing;

use crate::report::warn;

/// A secret. It is wiped from memory when dropped, and `Debug` shows only that it is there.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes ownership of the bytes, so that no second copy stays behind.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads a line without its ending, `\n` or `\r\n`: any bytes. Of one that is longer than
    /// `limit` bytes only so much is read that this shows. None when there is nothing left to read.
    ///
    /// # Errors
    /// Those of `input`.
    pub fn read_line(input: impl BufRead, limit: usize) -> io::Result<Option<Self>> {
        // All the room it can need: a vector that grows would leave parts of the secret behind.
        let mut line = Zeroizing::new(Vec::with_capacity(limit + 2));
        let count = input.take(limit as u64 + 2).read_until(b'\n', &mut line)?;
        if line.ends_with(b"\n") {
            line.pop();
            if line.ends_with(b"\r") {
                line.pop();
            }
        }
        Ok((count > 0).then_some(Self(line)))
    }

    /// The first line of a file, as [`Secret::read_line`] reads it, and the file for questions
    /// about it. Nothing behind the line is read: of a pipe it stays for whoever reads on.
    ///
    /// # Errors
    /// A file that cannot be opened or read.
    pub fn first_line(path: &Path, limit: usize) -> io::Result<(Option<Self>, File)> {
        let file = File::open(path)?;
        let line = Self::read_line(BufReader::with_capacity(1, &file), limit)?;
        Ok((line, file))
    }

    /// The secret itself. Its only uses are a CONNECT packet and a hash.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

/// Warns of a file with a secret that more than its owner can read. What is not a regular file, such
/// as a pipe, holds nothing that somebody else could read later.
pub fn warn_of_readers(file: &File, path: &Path) {
    let Some(found) = file.metadata().ok().filter(Metadata::is_file) else {
        return;
    };
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o044 != 0 {
        let path = path.display();
        warn(format_args!(
            "others can read {path} (mode {mode:03o}); mend it with: chmod 600 {path}"
        ));
    }
}

/// Keeps the memory of this process out of core files, because a secret is in it: sets the soft
/// limit of their size to 0, which `prlimit --core` can raise again.
///
/// Making the process undumpable instead (prctl(2), PR_SET_DUMPABLE) would take its /proc away
/// from its own user, and debuggers too.
pub fn forbid_core_files() {
    let limit = Rlimit {
        current: Some(0),
        ..getrlimit(Resource::Core)
    };
    // What is not possible is not needed: a limit can always be lowered.
    let _ = setrlimit(Resource::Core, limit);
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_secret() {
        let secret = Secret::from("hunter2".to_owned());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    fn read(text: &[u8]) -> Option<Vec<u8>> {
        Secret::read_line(text, 5)
            .unwrap()
            .map(|secret| secret.reveal().to_vec())
    }

    #[test]
    fn a_line_ends_before_its_line_end() {
        for (text, expected) in [
            (&b"ab\ncd"[..], &b"ab"[..]),
            (b"ab\r\ncd", b"ab"),
            (b"ab", b"ab"),
            (b"ab\r", b"ab\r"),
            (b"\nab", b""),
            (b"\0\xff\r\r\n", b"\0\xff\r"),
            (b"12345\r\n", b"12345"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected));
        }
        assert_eq!(read(b""), None);
    }

    #[test]
    fn a_line_that_is_too_long_shows_it() {
        for text in [&b"123456\n"[..], b"12345678901234567890"] {
            assert!(read(text).unwrap().len() > 5);
        }
    }
}
