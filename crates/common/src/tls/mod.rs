//! TLS for a connection: which certificates are trusted, and a `ClientConfig` made of it.

mod diagnosis;
mod roots;
mod verifier;

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;

use crate::exit::Exit;
use crate::report::Report;

pub use diagnosis::handshake_failed;

/// Where trust comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// The certificates of one PEM file: authorities, or the server's own certificate.
    CaFile(PathBuf),
    /// The operating system's store.
    System,
}

/// Everything a TLS connection needs, loaded and checked.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The rustls configuration.
    pub config: Arc<ClientConfig>,
    /// The name the server's certificate must be valid for.
    pub server_name: ServerName<'static>,
    /// For messages about a refused certificate.
    pub trust: Trust,
}

impl Tls {
    /// Loads what `trust` names and prepares connections to `host` (a name or an address).
    ///
    /// # Errors
    /// A file that cannot be read or holds no certificate, a system without a certificate
    /// store, a host that cannot be in a certificate.
    pub fn new(trust: Trust, host: &str) -> Result<Self, Report> {
        let server_name = ServerName::try_from(host.to_owned()).map_err(|_| {
            Report::new(Exit::TLS, format!("cannot use TLS with the host {host:?}"))
                .cause("it is neither a DNS name nor an IP address, so no certificate can name it")
                .hint("give the broker's name with -h")
        })?;
        let certificates = match &trust {
            Trust::CaFile(path) => roots::from_file(path)?,
            Trust::System => roots::from_system()?,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = client_config(provider, certificates)
            .map_err(|why| Report::new(Exit::TLS, "cannot set up TLS").cause(why))?;
        Ok(Self {
            config: Arc::new(config),
            server_name,
            trust,
        })
    }
}

fn client_config(
    provider: Arc<CryptoProvider>,
    certificates: roots::Trusted,
) -> Result<ClientConfig, rustls::Error> {
    let verifier = verifier::Verifier::new(Arc::clone(&provider), certificates)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        // "Dangerous" because the verifier is ours: it is webpki's, plus certificates that
        // are themselves in --cafile (see its invariants).
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}
