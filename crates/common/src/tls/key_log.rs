//! `--tls-keylog`: the secrets of the connection, written down for whoever shall decrypt it.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustls::KeyLog;
use zeroize::Zeroizing;

use crate::exit::Exit;
use crate::report::{Report, warn};

/// A file in the format of NSS, which Wireshark reads: a label, the client's random and the
/// secret a line.
pub(super) struct KeyLogFile {
    file: File,
    path: PathBuf,
}

impl KeyLogFile {
    /// Opens the file to append to it; a new one is for its owner only.
    pub(super) fn open(path: &Path) -> Result<Self, Report> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(|why| {
                Report::new(
                    Exit::OS_ERROR,
                    format!("cannot use the --tls-keylog {}", path.display()),
                )
                .cause(why)
                .hint("give a file that can be created or appended to")
            })?;
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }

    /// Appends a line that is in the format already.
    #[cfg(feature = "psk")]
    pub(super) fn append(&self, line: &str) {
        let mut whole = Zeroizing::new(String::with_capacity(line.len() + 1));
        whole.push_str(line);
        whole.push('\n');
        self.write(&whole);
    }

    /// One write a line: several processes may append to the same file.
    fn write(&self, line: &str) {
        if let Err(why) = (&self.file).write_all(line.as_bytes()) {
            warn(format_args!(
                "cannot write to the --tls-keylog {}: {why}",
                self.path.display()
            ));
        }
    }

    /// Whether others than the owner may read it, who could then decrypt the traffic.
    pub(super) fn is_open_to_others(&self) -> bool {
        self.file
            .metadata()
            .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o044 != 0)
    }
}

impl KeyLog for KeyLogFile {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        // Room for all of it: a text that grows would leave parts of the secret behind.
        let length = label.len() + 2 * client_random.len() + 2 * secret.len() + 3;
        let mut line = Zeroizing::new(String::with_capacity(length));
        let _ = write!(line, "{label} {} {}", Hex(client_random), Hex(secret));
        line.push('\n');
        self.write(&line);
    }
}

impl fmt::Debug for KeyLogFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyLogFile").field(&self.path).finish()
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
