//! TLS for a connection: what the user wants of it, and the engine that does it.

mod certified;
mod ciphers;
mod danger_second_look;
mod describe;
mod diagnosis;
mod encrypted_key;
mod files;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod identity;
mod key_log;
mod pins;
#[cfg(feature = "psk")]
mod psk;
mod roots;
mod seen;
mod shared_key;
mod verifier;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::ServerName;

use self::key_log::KeyLogFile;
use crate::exit::Exit;
use crate::net::Stream;
use crate::report::{Report, warn};

pub use ciphers::Ciphers;
pub use describe::Trace;
pub use diagnosis::told_from_mqtt;
pub use identity::IdentityFiles;
pub use pins::Pin;
pub use shared_key::SharedKey;

/// Where trust comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// The certificates of a PEM file, of all files in a folder, or of both: authorities, or
    /// the server's own certificate.
    Named {
        /// `--cafile`.
        file: Option<PathBuf>,
        /// `--capath`.
        folder: Option<PathBuf>,
        /// The operating system's store as well.
        system: bool,
    },
    /// The operating system's store.
    System,
    /// Nothing but the pinned keys.
    Pins,
    /// No certificate: whoever has the same key.
    SharedKey(SharedKey),
}

/// The lowest version of TLS that may be spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LowestVersion {
    /// TLS 1.2 or 1.3.
    #[default]
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// What the user wants of TLS.
#[derive(Debug, Clone)]
pub struct TlsOptions {
    /// Which servers are trusted.
    pub trust: Trust,
    /// Trust every server, whatever certificate it shows.
    pub insecure: bool,
    /// Public keys of which the server must have one; any key when empty.
    pub pins: Vec<Pin>,
    /// Refuse old certificates even where they are safe.
    pub strict: bool,
    /// Who the client is, for servers that ask.
    pub identity: Option<IdentityFiles>,
    /// The lowest version to speak.
    pub lowest: LowestVersion,
    /// The cipher suites to offer.
    pub ciphers: Ciphers,
    /// The protocol name to offer (ALPN), 1 to 255 bytes.
    pub alpn: Option<String>,
    /// The file that the connection's secrets are appended to.
    pub key_log: Option<PathBuf>,
    /// No warnings.
    pub quiet: bool,
    /// Is told about connection and certificates (`--debug`).
    pub trace: Option<Trace>,
}

/// The TLS library, for `--version`. The release series is named and no more: which patch release
/// was taken is in Cargo.lock, which the code does not see.
#[must_use]
pub fn library() -> String {
    #[cfg(feature = "psk")]
    return format!("{RUSTLS}; for --psk {}", psk::library());
    #[cfg(not(feature = "psk"))]
    RUSTLS.to_owned()
}

const RUSTLS: &str = "rustls 0.23 with ring";

/// Everything a TLS connection needs, loaded and checked.
#[derive(Debug, Clone)]
pub struct Tls(Engine);

#[derive(Debug, Clone)]
enum Engine {
    /// Certificates.
    Rustls(Arc<certified::Connector>),
    /// A pre-shared key.
    #[cfg(feature = "psk")]
    OpenSsl(psk::Connector),
}

impl Tls {
    /// Loads what `options` names and prepares connections to `host` (a name or an address).
    ///
    /// # Errors
    /// A file that cannot be read or holds no certificate, a key that does not belong to its
    /// certificate, a system without a certificate store, a host that cannot be in a
    /// certificate, a pre-shared key in a build without them.
    pub fn new(options: TlsOptions, host: &str) -> Result<Self, Report> {
        let server_name = ServerName::try_from(host.to_owned()).map_err(|_| {
            Report::new(Exit::TLS, format!("cannot use TLS with the host {host:?}"))
                .cause("it is neither a DNS name nor an IP address, so no certificate can name it")
                .hint("give the broker's name with -h")
        })?;
        Ok(Self(match &options.trust {
            #[cfg(feature = "psk")]
            Trust::SharedKey(key) => {
                let key_log = key_log(&options)?;
                Engine::OpenSsl(psk::Connector::new(key, &options, key_log, &server_name)?)
            }
            #[cfg(not(feature = "psk"))]
            Trust::SharedKey(_) => return Err(built_without_psk()),
            _ => {
                let connector = certified::Connector::new(options, server_name)?;
                Engine::Rustls(Arc::new(connector))
            }
        }))
    }

    /// Puts TLS over a connection to `peer` (for messages). It does not limit its time: whoever
    /// calls it does.
    ///
    /// # Errors
    /// A handshake that failed, explained.
    pub async fn secure(&self, stream: Stream, peer: &str) -> Result<Stream, Report> {
        match &self.0 {
            Engine::Rustls(connector) => connector.secure(stream, peer).await,
            #[cfg(feature = "psk")]
            Engine::OpenSsl(connector) => connector.secure(stream, peer).await,
        }
    }

    /// Why the first bytes that went over TLS to `peer` have no answer, when TLS is why: in TLS 1.3
    /// the broker refuses a client's certificate when the handshake is done. `error` is what
    /// reading failed with; none for the end of the stream.
    #[must_use]
    pub fn no_answer(&self, peer: &str, error: Option<&io::Error>) -> Option<Report> {
        match &self.0 {
            Engine::Rustls(connector) => connector.no_answer(peer, error),
            #[cfg(feature = "psk")]
            Engine::OpenSsl(_) => None,
        }
    }
}

/// Whether reading failed because the broker sent a TLS alert, which says more than any failure to
/// write does.
#[must_use]
pub fn is_alert(error: &io::Error) -> bool {
    diagnosis::is_alert(error)
}

#[cfg(not(feature = "psk"))]
fn built_without_psk() -> Report {
    crate::usage::misuse("--psk is not in this build")
        .cause("rustls has no pre-shared keys, and OpenSSL, which has, is used only on demand")
        .hint("build with the feature psk: cargo install --path crates/mqpub --features psk (and crates/mqsub)")
}

/// Opens the file of `--tls-keylog`, and warns of it.
fn key_log(options: &TlsOptions) -> Result<Option<KeyLogFile>, Report> {
    let Some(path) = &options.key_log else {
        return Ok(None);
    };
    let file = KeyLogFile::open(path)?;
    if !options.quiet {
        let readers = if file.is_open_to_others() {
            ", and other users of this machine can read it"
        } else {
            ""
        };
        warn(format_args!(
            "--tls-keylog: whoever has {} can decrypt this connection{readers}",
            path.display()
        ));
    }
    Ok(Some(file))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_library_is_the_one_in_the_manifest() {
        let manifest = include_str!("../../../../Cargo.toml");
        let library = super::RUSTLS;
        let version = library.split(' ').nth(1).unwrap();
        let dependency = format!("\nrustls = {{ version = \"{version}\"");
        assert!(manifest.contains(&dependency), "{library}");
        let openssl = super::library().contains("OpenSSL");
        assert_eq!(openssl, cfg!(feature = "psk"));
    }
}
