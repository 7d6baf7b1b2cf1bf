//! The demo's broker: `rumqttd` inside, in front of it TLS and a password file that our own
//! code reads. Loopback only, for minutes only: for anything else there are real brokers.

mod engine;
mod front;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Parser;
use mqtools_common::passwd;
use mqtools_common::secret::Secret;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;

/// A small MQTT broker on a free port of 127.0.0.1, for `cargo xtask demo`
#[derive(Debug, Parser)]
struct Args {
    /// The server's certificate (PEM)
    #[arg(long)]
    certfile: PathBuf,
    /// Its private key (PEM)
    #[arg(long)]
    keyfile: PathBuf,
    /// Who may connect
    #[arg(long)]
    password_file: PathBuf,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let users = std::fs::read(&args.password_file).context("cannot read the password file")?;
    let certificates =
        CertificateDer::pem_file_iter(&args.certfile)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(&args.keyfile)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;

    let engine = engine::start(move |user, password| {
        passwd::admits(&users, user.as_bytes(), &Secret::from(password))
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        writeln!(
            std::io::stdout(),
            "listening on port {}",
            listener.local_addr()?.port()
        )?;
        front::serve(&listener, tls, engine).await
    })
}
