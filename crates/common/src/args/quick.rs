//! The options about the connection that nearly everybody types, read without clap: to define some
//! eighty options takes longer than to publish a message.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::ValueEnum as _;

use super::{ConnectionArgs, VersionArg, port};

impl ConnectionArgs {
    /// Takes one of them with its value, as clap would; none where it is another or something is
    /// wrong, which clap is to look at.
    pub fn take(&mut self, option: &[u8], value: &OsStr) -> Option<()> {
        let text = || value.to_str();
        match option {
            b"-h" | b"--host" => self.host = Some(text()?.to_owned()),
            b"-p" | b"--port" => self.port = Some(port(text()?).ok()?),
            b"-i" | b"--id" => self.id = Some(text()?.to_owned()),
            b"-u" | b"--username" => self.username = Some(text()?.to_owned()),
            b"-V" => self.protocol_version = Some(VersionArg::from_str(text()?, false).ok()?),
            // clap takes no empty path.
            b"--cafile" if !value.is_empty() => self.tls.cafile = Some(PathBuf::from(value)),
            _ => return None,
        }
        Some(())
    }
}
