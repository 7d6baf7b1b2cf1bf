//! The options that turn TLS on and say how to do it.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{Args, ValueEnum};

use crate::secret::Secret;
use crate::tls::{LowestVersion, Pin};

/// What trusts a broker for its certificate: a pre-shared key excludes it, because it would let in
/// one that does not have the key.
const CERTIFICATES: [&str; 3] = ["cafile", "capath", "tls_use_os_certs"];

/// How the connection is secured.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// Trust the certificates in this PEM file (authorities, or the server's own); turns TLS on
    /// [env: MQ_CAFILE]
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub cafile: Option<PathBuf>,

    /// Trust the certificates in all PEM files of this folder; turns TLS on
    #[arg(long, value_name = "DIR", allow_hyphen_values = true)]
    pub capath: Option<PathBuf>,

    /// Trust the operating system's certificates; turns TLS on
    #[arg(long)]
    pub tls_use_os_certs: bool,

    /// The client's certificate in a PEM file, for brokers that ask for one (needs --key)
    /// [env: MQ_CERT]
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub cert: Option<PathBuf>,

    /// The private key of --cert in a PEM file; for an encrypted one, the pass phrase is asked on
    /// the terminal [env: MQ_KEY]
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub key: Option<PathBuf>,

    /// Take the pass phrase of --key from the first line of this file
    #[arg(
        long,
        value_name = "FILE",
        requires = "key",
        allow_hyphen_values = true
    )]
    pub key_passphrase_file: Option<PathBuf>,

    /// A key that the broker has too, in hexadecimal digits, instead of certificates; turns TLS
    /// on
    #[arg(
        long,
        value_name = "HEX",
        allow_hyphen_values = true,
        hide = cfg!(not(feature = "psk")),
        conflicts_with_all = CERTIFICATES,
        value_parser = OsStringValueParser::new().map(super::secret)
    )]
    pub psk: Option<Secret>,

    /// The name that the broker has for the key of --psk
    #[arg(
        long,
        value_name = "NAME",
        allow_hyphen_values = true,
        hide = cfg!(not(feature = "psk")),
        conflicts_with_all = CERTIFICATES
    )]
    pub psk_identity: Option<String>,

    /// The form of --key: pem
    #[arg(
        long,
        value_name = "FORM",
        allow_hyphen_values = true,
        ignore_case = true,
        hide_possible_values = true
    )]
    pub keyform: Option<KeyFormArg>,

    /// The lowest TLS version allowed [default: tlsv1.2]
    #[arg(long, value_name = "VERSION", value_enum, ignore_case = true)]
    pub tls_version: Option<TlsVersionArg>,

    /// The cipher suites to offer, by OpenSSL's names with colons between, the preferred first;
    /// TLS 1.3 keeps its own unless one of them is named
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub ciphers: Option<String>,

    /// Offer this protocol name in the TLS handshake (ALPN): 1 to 255 bytes
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, value_parser = protocol_name)]
    pub tls_alpn: Option<String>,

    /// Append the connection's secrets to this file, for Wireshark and the like to decrypt it
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub tls_keylog: Option<PathBuf>,

    /// Do not verify the broker's certificate: anyone may pose as the broker
    #[arg(long)]
    pub insecure: bool,

    /// Trust only a broker with this public key (SHA-256 of its DER form, 64 hexadecimal digits), whatever else its certificate says; with --cafile, --capath or --tls-use-os-certs both must hold; repeatable; turns TLS on
    #[arg(long, value_name = "HEX", conflicts_with_all = ["insecure", "psk"])]
    pub pin_sha256: Vec<Pin>,

    /// Refuse certificates that are old in form: X.509 version 1, no subjectAltName, marked as an authority
    #[arg(long, conflicts_with = "insecure")]
    pub tls_strict: bool,

    /// Ignore all TLS options, and that port 8883 is for TLS
    #[arg(long)]
    pub no_tls: bool,

    // OpenSSL's alone: known only to say so.
    #[arg(long, value_name = "ENGINE", allow_hyphen_values = true, hide = true)]
    pub tls_engine: Option<String>,
    #[arg(long, value_name = "SHA1", allow_hyphen_values = true, hide = true)]
    pub tls_engine_kpass_sha1: Option<String>,
}

/// The forms of `--keyform`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyFormArg {
    /// A PEM file
    Pem,
    /// A key that an OpenSSL engine holds
    Engine,
}

/// The versions of `--tls-version`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum TlsVersionArg {
    /// TLS 1.2 and newer too: nothing older is spoken
    #[value(name = "tlsv1.1", hide = true)]
    Tls11,
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
            TlsVersionArg::Tls11 | TlsVersionArg::Tls12 => Self::Tls12,
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
