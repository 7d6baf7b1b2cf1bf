//! TLS with certificates, by rustls.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ProtocolVersion, SupportedProtocolVersion};
use tokio_rustls::TlsConnector;

use super::seen::{Seen, Watched};
use super::verifier::{Demand, Verifier};
use super::{
    LowestVersion, TlsOptions, Trace, Trust, describe, diagnosis, identity, key_log, roots,
};
use crate::exit::Exit;
use crate::net::Stream;
use crate::report::{Report, warn};

/// A TLS configuration, and all that explains why it does not suit a broker.
#[derive(Debug)]
pub(super) struct Connector {
    config: Arc<ClientConfig>,
    /// The name that the server's certificate must be valid for.
    pub(super) server_name: ServerName<'static>,
    pub(super) verifier: Arc<Verifier>,
    pub(super) seen: Arc<Seen>,
    pub(super) trust: Trust,
    pub(super) lowest: LowestVersion,
    pub(super) alpn: Option<String>,
    /// `--ciphers` was given.
    pub(super) has_own_suites: bool,
    /// `--cert`, and what is in it.
    pub(super) identity: Option<(PathBuf, Arc<CertifiedKey>)>,
    quiet: bool,
    trace: Option<Trace>,
}

impl Connector {
    pub(super) fn new(
        options: TlsOptions,
        server_name: ServerName<'static>,
    ) -> Result<Self, Report> {
        let failed = |why: rustls::Error| Report::new(Exit::TLS, "cannot set up TLS").cause(why);
        let mut provider = rustls::crypto::ring::default_provider();
        provider.cipher_suites = options.ciphers.select(&provider.cipher_suites);
        let provider = Arc::new(provider);
        let seen = Arc::<Seen>::default();
        let verifier = verifier(&options, Arc::clone(&provider), &seen)?;
        let identity = match &options.identity {
            None => None,
            Some(files) => {
                let pair = identity::read(files, &provider)?;
                Some((files.certificate.clone(), pair))
            }
        };
        let shown = identity.as_ref().map(|(_, pair)| Arc::clone(pair));
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions(options.lowest))
            .map_err(failed)?
            // "Dangerous" because the verifier is ours: it is webpki's, plus certificates that
            // are themselves in --cafile and old ones (see its invariants), unless --insecure
            // asks for none.
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as Arc<dyn ServerCertVerifier>)
            .with_client_cert_resolver(Arc::new(identity::Shown::new(shown, Arc::clone(&seen))));
        config.alpn_protocols = options
            .alpn
            .iter()
            .map(|name| name.clone().into_bytes())
            .collect();
        if let Some(file) = key_log(&options)? {
            config.key_log = Arc::new(file);
        }
        Ok(Self {
            config: Arc::new(config),
            server_name,
            verifier,
            seen,
            trust: options.trust,
            lowest: options.lowest,
            alpn: options.alpn,
            has_own_suites: options.ciphers.are_chosen(),
            identity,
            quiet: options.quiet,
            trace: options.trace,
        })
    }

    /// Puts TLS over a connection, and warns once when the certificate that was accepted is old.
    pub(super) async fn secure(&self, stream: Stream, peer: &str) -> Result<Stream, Report> {
        self.seen.begin();
        let stream = Watched::new(stream, Arc::clone(&self.seen));
        let connected = TlsConnector::from(Arc::clone(&self.config))
            .connect(self.server_name.clone(), stream)
            .await;
        if let Some(trace) = self.trace {
            if let Ok(stream) = &connected {
                describe::connection(stream.get_ref().1, trace);
            }
            describe::chain(&self.seen.sight().chain, trace);
        }
        let stream = connected.map_err(|why| diagnosis::handshake_failed(self, peer, &why))?;
        if stream.get_ref().1.protocol_version() == Some(ProtocolVersion::TLSv1_3) {
            self.seen.done_in_tls13();
        }
        if !self.quiet
            && let Some(text) = self.verifier.notice()
        {
            warn(text);
        }
        Ok(Box::pin(stream))
    }

    /// Why there is no answer to the first bytes that went over TLS, where TLS is why.
    pub(super) fn no_answer(&self, peer: &str, error: Option<&io::Error>) -> Option<Report> {
        diagnosis::no_answer(self, peer, error)
    }
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
    seen: &Arc<Seen>,
) -> Result<Arc<Verifier>, Report> {
    let demand = if options.insecure {
        Demand::DangerNothing
    } else if options.trust == Trust::Pins {
        Demand::Pin
    } else {
        Demand::Trust {
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
    let verifier = Verifier::new(provider, trusted, demand, pins, Arc::clone(seen))
        .map_err(|why| Report::new(Exit::TLS, "cannot set up TLS").cause(why))?;
    Ok(Arc::new(verifier))
}
