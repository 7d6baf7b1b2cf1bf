//! TLS with a pre-shared key, by the system's OpenSSL, because rustls has none.
//!
//! Invariants, so that only a broker that has the key is ever spoken to:
//! - TLS 1.2 offers no cipher suite but those that authenticate by a pre-shared key and encrypt.
//! - No certificate is trusted: in TLS 1.3 a broker without the key may show one.
//! - When the handshake is done, it must have used the key, and no certificate may have been shown.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::ssl::{
    ErrorCode, Ssl, SslContext, SslContextBuilder, SslMethod, SslOptions, SslRef, SslVerifyMode,
    SslVersion,
};
use rustls::pki_types::ServerName;
use tokio_openssl::SslStream;

use super::key_log::KeyLogFile;
use super::{LowestVersion, SharedKey, TlsOptions, Trace};
use crate::exit::Exit;
use crate::net::Stream;
use crate::report::Report;
use crate::usage::misuse;

/// Suites of TLS 1.2 that a pre-shared key authenticates, those with forward secrecy first.
const SUITES: &str = "kECDHEPSK:kDHEPSK:kPSK";

/// What is never offered, whatever `--ciphers` says: suites without encryption, and those that are
/// authenticated by a certificate or by nothing.
const NEVER: &str = "!eNULL:!aNULL:!aRSA:!aECDSA:!aDSS:!kRSAPSK";

/// Why OpenSSL gave up, by its number: SSL_R_* of sslerr.h; for an alert of the broker 1000 and
/// the alert's number.
const CERTIFICATE_VERIFY_FAILED: i32 = 134;
const WRONG_VERSION_NUMBER: i32 = 267;
const ALERTS: i32 = 1000;
const PROTOCOL_VERSION: i32 = ALERTS + 70;

/// A TLS configuration with a pre-shared key.
#[derive(Clone)]
pub(super) struct Connector {
    context: SslContext,
    /// For SNI; none for an address.
    host: Option<String>,
    trace: Option<Trace>,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// The version of OpenSSL that is in use.
pub(super) fn library() -> &'static str {
    openssl::version::version()
}

impl Connector {
    pub(super) fn new(
        shared: &SharedKey,
        options: &TlsOptions,
        key_log: Option<KeyLogFile>,
        server_name: &ServerName<'_>,
    ) -> Result<Self, Report> {
        let failed =
            |why: ErrorStack| Report::new(Exit::TLS, "cannot set up TLS with --psk").cause(why);
        let mut context = SslContext::builder(SslMethod::tls_client()).map_err(failed)?;
        context.set_verify_callback(SslVerifyMode::PEER, |_, _| false);
        // The packets say where MQTT ends; many brokers close without a close_notify.
        context.set_options(SslOptions::IGNORE_UNEXPECTED_EOF);
        let lowest = match options.lowest {
            LowestVersion::Tls12 => SslVersion::TLS1_2,
            LowestVersion::Tls13 => SslVersion::TLS1_3,
        };
        context
            .set_min_proto_version(Some(lowest))
            .map_err(failed)?;
        limit_suites(&mut context, shared.ciphers.as_deref())?;
        if let Some(name) = &options.alpn {
            let mut protocols = vec![u8::try_from(name.len()).unwrap_or(u8::MAX)];
            protocols.extend_from_slice(name.as_bytes());
            context.set_alpn_protos(&protocols).map_err(failed)?;
        }
        if let Some(file) = key_log {
            context.set_keylog_callback(move |_, line| file.append(line));
        }
        let shared = Arc::new(shared.clone());
        context.set_psk_client_callback(move |_, _, identity, key| {
            Ok(fill(&shared, identity, key).unwrap_or(0))
        });
        Ok(Self {
            context: context.build(),
            host: match server_name {
                ServerName::DnsName(name) => Some(name.as_ref().to_owned()),
                _ => None,
            },
            trace: options.trace,
        })
    }

    /// Puts TLS over a connection.
    pub(super) async fn secure(&self, stream: Stream, peer: &str) -> Result<Stream, Report> {
        let failed = |why: ErrorStack| handshake_failed(peer).cause(why);
        let mut ssl = Ssl::new(&self.context).map_err(failed)?;
        if let Some(host) = &self.host {
            ssl.set_hostname(host).map_err(failed)?;
        }
        let mut stream = SslStream::new(ssl, stream).map_err(failed)?;
        let done = Pin::new(&mut stream).connect().await;
        done.map_err(|why| diagnose(peer, &why))?;
        if !used_the_key(stream.ssl()) {
            return Err(certificate_shown(peer));
        }
        if let Some(trace) = self.trace {
            describe(stream.ssl(), trace);
        }
        Ok(Box::pin(stream))
    }
}

fn describe(ssl: &SslRef, trace: Trace) {
    let suite = ssl.current_cipher().map_or("", |cipher| cipher.name());
    let version = ssl.version_str().replace("TLSv", "TLS ");
    match ssl.selected_alpn_protocol().map(String::from_utf8_lossy) {
        Some(name) => trace(format_args!(
            "{version}, {suite}, ALPN {name}, pre-shared key"
        )),
        None => trace(format_args!("{version}, {suite}, no ALPN, pre-shared key")),
    }
}

/// Whether the handshake was authenticated by the key, and by nothing else.
fn used_the_key(ssl: &SslRef) -> bool {
    let by_key = match ssl.version2() {
        // There an external key is resumed like a session's (RFC 8446, section 4.2.11).
        Some(SslVersion::TLS1_3) => ssl.session_reused(),
        Some(SslVersion::TLS1_2) => ssl
            .current_cipher()
            .is_some_and(|cipher| cipher.name().contains("PSK")),
        _ => false,
    };
    by_key && ssl.peer_certificate().is_none()
}

/// Writes identity and key to where OpenSSL wants them; none if they do not fit.
fn fill(shared: &SharedKey, identity: &mut [u8], key: &mut [u8]) -> Option<usize> {
    let name = shared.identity.as_bytes();
    let (place, rest) = identity.split_at_mut_checked(name.len())?;
    place.copy_from_slice(name);
    // A C string; where it fills all its room, OpenSSL keeps one byte more for the end.
    if let Some(end) = rest.first_mut() {
        *end = 0;
    }
    let secret = shared.key.reveal();
    key.get_mut(..secret.len())?.copy_from_slice(secret);
    Some(secret.len())
}

fn limit_suites(context: &mut SslContextBuilder, wanted: Option<&str>) -> Result<(), Report> {
    let list = wanted.unwrap_or_default();
    let (of_13, of_12): (Vec<_>, Vec<_>) = list
        .split([':', ',', ' '])
        .filter(|name| !name.is_empty())
        .partition(|name| name.starts_with("TLS_"));
    let unusable = |why: &dyn std::fmt::Display| {
        misuse("cannot use the list given with --ciphers")
            .cause(why)
            .hint("with --psk it names suites like PSK-AES128-GCM-SHA256 (openssl ciphers PSK lists them) or TLS_AES_128_GCM_SHA256")
    };
    if list.contains('\0') || (wanted.is_some() && of_13.is_empty() && of_12.is_empty()) {
        return Err(unusable(&"it names no cipher suite"));
    }
    let suites = if of_12.is_empty() {
        SUITES.to_owned()
    } else {
        of_12.join(":")
    };
    context
        .set_cipher_list(&format!("{suites}:{NEVER}"))
        .map_err(|_| unusable(&"none of its suites is authenticated by a pre-shared key"))?;
    if !of_13.is_empty() {
        let set = context.set_ciphersuites(&of_13.join(":"));
        set.map_err(|why| unusable(&why))?;
        if of_12.is_empty() {
            let only_13 = context.set_min_proto_version(Some(SslVersion::TLS1_3));
            only_13.map_err(|why| unusable(&why))?;
        }
    }
    Ok(())
}

fn handshake_failed(peer: &str) -> Report {
    Report::new(
        Exit::TLS_HANDSHAKE,
        format!("the TLS handshake with {peer} failed"),
    )
}

fn certificate_shown(peer: &str) -> Report {
    Report::new(Exit::TLS, format!("{peer} does not have the key of --psk"))
        .cause("it shows a certificate instead of using the pre-shared key")
        .hint("check --psk-identity and the broker's psk_file; a listener with certificates needs --cafile instead of --psk")
}

fn diagnose(peer: &str, why: &openssl::ssl::Error) -> Report {
    let reasons = why.ssl_error().map(ErrorStack::errors).unwrap_or_default();
    let Some(first) = reasons.first() else {
        return match why.io_error() {
            Some(io) if !is_end(io) => handshake_failed(peer).cause(io),
            _ if why.code() == ErrorCode::SSL => handshake_failed(peer).cause(why),
            _ => handshake_failed(peer)
                .cause("the broker closed the connection in the middle of it")
                .hint("the port may speak plain MQTT: leave out --psk, or try -p 8883"),
        };
    };
    let report = match first.reason_code() {
        CERTIFICATE_VERIFY_FAILED => certificate_shown(peer),
        WRONG_VERSION_NUMBER => handshake_failed(peer)
            .cause("what the broker sent is not TLS")
            .hint("the port may speak plain MQTT: leave out --psk, or try -p 8883"),
        PROTOCOL_VERSION => handshake_failed(peer)
            .cause("the broker does not speak that version of TLS")
            .hint("the broker must allow TLS 1.2 or TLS 1.3"),
        ALERTS.. => handshake_failed(peer)
            .cause(format!(
                "the broker refused: {}",
                first.reason().unwrap_or("a TLS alert")
            ))
            .hint("check --psk-identity and --psk against the broker's psk_file; a listener with certificates needs --cafile instead of --psk"),
        _ => handshake_failed(peer).cause(first.reason().unwrap_or("OpenSSL gives no reason")),
    };
    report.lasting()
}

fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}
