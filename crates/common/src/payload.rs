//! What a message says: bytes in memory, or a file that is read piece by piece as it is sent.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

/// How much of a file is in memory at a time, in bytes.
const PIECE: usize = 256 * 1024;

/// The payload of a message to publish; clones are cheap.
#[derive(Debug, Clone)]
pub enum Payload {
    /// It is in memory.
    Bytes(Bytes),
    /// It stays where it is until it is sent, and is read again should it be sent again.
    File(FilePart),
}

impl Payload {
    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::File(part) => part.left,
        }
    }

    /// The bytes, if they are in memory.
    #[must_use]
    pub fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::File(_) => None,
        }
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self::Bytes(Bytes::new())
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl PartialEq for Payload {
    /// Two files are never looked into: they are equal where they are one.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bytes(one), Self::Bytes(other)) => one == other,
            (Self::File(one), Self::File(other)) => {
                Arc::ptr_eq(&one.file, &other.file) && one.at == other.at
            }
            _ => false,
        }
    }
}

impl Eq for Payload {}

/// What is left to be sent of a file.
#[derive(Clone)]
pub struct FilePart {
    file: Arc<(File, PathBuf)>,
    at: u64,
    left: usize,
}

impl FilePart {
    /// The first `length` bytes of a file that can be read at any place, and has this name.
    #[must_use]
    pub fn new(file: File, name: PathBuf, length: usize) -> Self {
        Self {
            file: Arc::new((file, name)),
            at: 0,
            left: length,
        }
    }

    /// Reads the next piece; an empty one at the end. Waits for the disk.
    ///
    /// # Errors
    /// Those of reading, and a file that has become shorter.
    pub(crate) fn read(&mut self) -> Result<Bytes, Unreadable> {
        let mut piece = BytesMut::zeroed(self.left.min(PIECE));
        let (file, name) = &*self.file;
        file.read_exact_at(&mut piece, self.at)
            .map_err(|why| Unreadable {
                name: name.clone(),
                why,
            })?;
        self.at += piece.len() as u64;
        self.left -= piece.len();
        Ok(piece.freeze())
    }

    pub(crate) fn left(&self) -> usize {
        self.left
    }
}

impl fmt::Debug for FilePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilePart")
            .field("at", &self.at)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

/// A file that could not be read to the end of its message.
#[derive(Debug)]
pub struct Unreadable {
    /// Its name, as the user gave it.
    pub name: PathBuf,
    why: io::Error,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why.kind() {
            io::ErrorKind::UnexpectedEof => f.write_str("it became shorter while it was sent"),
            _ => self.why.fmt(f),
        }
    }
}

impl std::error::Error for Unreadable {}
