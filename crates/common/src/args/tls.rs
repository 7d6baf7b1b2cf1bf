//! The options that turn TLS on and say how to do it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::tls::{LowestVersion, Pin};

/// How the connection is secured.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// Trust the certificates in this PEM file (authorities, or the server's own); turns TLS on
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub cafile: Option<PathBuf>,

    /// Trust the certificates in all PEM files of this folder; turns TLS on
    #[arg(long, value_name = "DIR", allow_hyphen_values = true)]
    pub capath: Option<PathBuf>,

    /// Trust the operating system's certificates; turns TLS on
    #[arg(long, conflicts_with_all = ["cafile", "capath"])]
    pub tls_use_os_certs: bool,

    /// The client's certificate in a PEM file, for brokers that ask for one (needs --key)
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub cert: Option<PathBuf>,

    /// The private key of --cert in a PEM file, not encrypted
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub key: Option<PathBuf>,

    /// The lowest TLS version allowed [default: tlsv1.2]
    #[arg(long, value_name = "VERSION", value_enum)]
    pub tls_version: Option<TlsVersionArg>,

    /// Offer this protocol name in the TLS handshake (ALPN): 1 to 255 bytes
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, value_parser = protocol_name)]
    pub tls_alpn: Option<String>,

    /// Do not verify the broker's certificate: anyone may pose as the broker
    #[arg(long)]
    pub insecure: bool,

    /// Trust only a broker with this public key (SHA-256 of its DER form, 64 hexadecimal digits), whatever else its certificate says; with --cafile, --capath or --tls-use-os-certs both must hold; repeatable; turns TLS on
    #[arg(long, value_name = "HEX", conflicts_with = "insecure")]
    pub pin_sha256: Vec<Pin>,

    /// Refuse certificates that are old in form: X.509 version 1, no subjectAltName, marked as an authority
    #[arg(long, conflicts_with = "insecure")]
    pub tls_strict: bool,

    /// Ignore all TLS options, and that port 8883 is for TLS
    #[arg(long)]
    pub no_tls: bool,
}

/// The versions of `--tls-version`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum TlsVersionArg {
    /// TLS 1.2 and newer
    #[value(name = "tlsv1.2")]
    Tls12,
    /// TLS 1.3
    #[value(name = "tlsv1.3")]
    Tls13,
}

impl From<TlsVersionArg> for LowestVersion {
    fn from(version: TlsVersionArg) -> Self {
        match version {
            TlsVersionArg::Tls12 => Self::Tls12,
            TlsVersionArg::Tls13 => Self::Tls13,
        }
    }
}

fn protocol_name(text: &str) -> Result<String, String> {
    match text.len() {
        1..=255 => Ok(text.to_owned()),
        _ => Err("a protocol name has 1 to 255 bytes".to_owned()),
    }
}
