//! TLS for a connection: which certificates are trusted, who the client is, and a
//! `ClientConfig` made of it.

mod ciphers;
mod danger_second_look;
mod diagnosis;
mod encrypted_key;
mod identity;
mod key_log;
mod pins;
#[cfg(feature = "psk")]
mod psk;
mod roots;
mod shared_key;
mod verifier;

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, SupportedProtocolVersion};
use tokio_rustls::TlsConnector;

use self::key_log::KeyLogFile;
use crate::exit::Exit;
use crate::net::Stream;
use crate::report::{Report, warn};

pub use ciphers::Ciphers;
pub use diagnosis::{alert_instead_of_connack, handshake_failed};
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
pub struct Tls {
    engine: Engine,
    /// For messages about a refused certificate.
    pub trust: Trust,
    /// None when no warnings are wanted.
    notice: Option<Arc<verifier::Notice>>,
}

#[derive(Debug, Clone)]
enum Engine {
    /// Certificates.
    Rustls {
        config: Arc<ClientConfig>,
        /// The name the server's certificate must be valid for.
        server_name: ServerName<'static>,
    },
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
        let notice = Arc::default();
        let engine = match &options.trust {
            #[cfg(feature = "psk")]
            Trust::SharedKey(key) => {
                let key_log = key_log(&options)?;
                Engine::OpenSsl(psk::Connector::new(key, &options, key_log, &server_name)?)
            }
            #[cfg(not(feature = "psk"))]
            Trust::SharedKey(_) => return Err(built_without_psk()),
            _ => Engine::Rustls {
                config: Arc::new(client_config(&options, &notice)?),
                server_name,
            },
        };
        Ok(Self {
            engine,
            notice: (!options.quiet).then_some(notice),
            trust: options.trust,
        })
    }

    /// Puts TLS over a connection to `peer` (for messages). It does not limit its time: whoever
    /// calls it does.
    ///
    /// # Errors
    /// A handshake that failed, explained.
    pub async fn secure(&self, stream: Stream, peer: &str) -> Result<Stream, Report> {
        match &self.engine {
            Engine::Rustls {
                config,
                server_name,
            } => {
                let connector = TlsConnector::from(Arc::clone(config));
                match connector.connect(server_name.clone(), stream).await {
                    Ok(stream) => {
                        if let Some(text) = self.notice.as_ref().and_then(|notice| notice.take()) {
                            warn(text);
                        }
                        Ok(Box::pin(stream))
                    }
                    Err(why) => Err(handshake_failed(peer, &self.trust, &why)),
                }
            }
            #[cfg(feature = "psk")]
            Engine::OpenSsl(connector) => connector.secure(stream, peer).await,
        }
    }
}

#[cfg(not(feature = "psk"))]
fn built_without_psk() -> Report {
    crate::usage::misuse("--psk is not in this build")
        .cause("rustls has no pre-shared keys, and OpenSSL, which has, is used only on demand")
        .hint("build with the feature psk: cargo install --path crates/mqpub --features psk (and crates/mqsub)")
}

fn client_config(
    options: &TlsOptions,
    notice: &Arc<verifier::Notice>,
) -> Result<ClientConfig, Report> {
    let failed = |why: rustls::Error| Report::new(Exit::TLS, "cannot set up TLS").cause(why);
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites = options.ciphers.select(&provider.cipher_suites);
    let provider = Arc::new(provider);
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions(options.lowest))
        .map_err(failed)?
        // "Dangerous" because the verifier is ours: it is webpki's, plus certificates that
        // are themselves in --cafile and old ones (see its invariants), unless --insecure asks
        // for none.
        .dangerous()
        .with_custom_certificate_verifier(verifier(options, Arc::clone(&provider), notice)?);
    let mut config = match &options.identity {
        None => builder.with_no_client_auth(),
        Some(files) => builder.with_client_cert_resolver(identity::read(files, &provider)?),
    };
    config.alpn_protocols = options
        .alpn
        .iter()
        .map(|name| name.clone().into_bytes())
        .collect();
    if let Some(file) = key_log(options)? {
        config.key_log = Arc::new(file);
    }
    Ok(config)
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

fn versions(lowest: LowestVersion) -> &'static [&'static SupportedProtocolVersion] {
    static FROM_12: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    static FROM_13: [&SupportedProtocolVersion; 1] = [&TLS13];
    match lowest {
        LowestVersion::Tls12 => &FROM_12,
        LowestVersion::Tls13 => &FROM_13,
    }
}

fn verifier(
    options: &TlsOptions,
    provider: Arc<CryptoProvider>,
    notice: &Arc<verifier::Notice>,
) -> Result<Arc<dyn ServerCertVerifier>, Report> {
    let demand = if options.insecure {
        verifier::Demand::DangerNothing
    } else if options.trust == Trust::Pins {
        verifier::Demand::Pin
    } else {
        verifier::Demand::Trust {
            strict: options.strict,
        }
    };
    let trusted = match &options.trust {
        Trust::Named {
            file,
            folder,
            system,
        } => {
            let mut trusted = roots::Trusted::none();
            if let Some(path) = file {
                trusted.extend(roots::from_file(path)?);
            }
            if let Some(path) = folder {
                trusted.extend(roots::from_folder(path)?);
            }
            if *system && !options.insecure {
                trusted.extend(roots::from_system()?);
            }
            trusted
        }
        Trust::Pins => roots::Trusted::none(),
        // Not looked at, and a machine without a store should not be in the way.
        Trust::System if options.insecure => roots::Trusted::none(),
        Trust::System => roots::from_system()?,
        Trust::SharedKey(_) => roots::Trusted::none(),
    };
    let pins = options.pins.clone();
    let verifier = verifier::Verifier::new(provider, trusted, demand, pins, Arc::clone(notice))
        .map_err(|why| Report::new(Exit::TLS, "cannot set up TLS").cause(why))?;
    Ok(Arc::new(verifier))
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
