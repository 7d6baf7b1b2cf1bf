//! From a host and a port to one byte stream: resolve, dial, then TLS where asked for.

mod dial;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use crate::report::Report;
use crate::tls::{Tls, handshake_failed};

/// What a session runs over, whatever lies below.
pub trait ByteStream: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> ByteStream for T {}

/// A connected stream.
pub type Stream = Pin<Box<dyn ByteStream>>;

/// Where the broker listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A DNS name or an IP address.
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
}

impl fmt::Display for Address {
    /// `host:port`, an IPv6 address in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Connects to the broker. It does not limit its time: whoever calls it does.
///
/// # Errors
/// No such host, or nobody there.
pub async fn dial(address: &Address) -> Result<Stream, Report> {
    Ok(Box::pin(dial::tcp(address).await?))
}

/// Puts TLS over a connection. It does not limit its time: whoever calls it does.
///
/// # Errors
/// A handshake that failed, explained.
pub async fn secure(stream: Stream, tls: &Tls, address: &Address) -> Result<Stream, Report> {
    let connector = TlsConnector::from(Arc::clone(&tls.config));
    match connector.connect(tls.server_name.clone(), stream).await {
        Ok(stream) => Ok(Box::pin(stream)),
        Err(why) => Err(handshake_failed(&address.to_string(), &tls.trust, &why)),
    }
}
