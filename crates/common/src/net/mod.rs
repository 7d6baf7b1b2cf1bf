//! From an address to one byte stream: resolve, dial, then TLS where asked for.

mod dial;

use std::fmt;
use std::path::PathBuf;
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
pub enum Address {
    /// A TCP port.
    Tcp {
        /// A DNS name or an IP address.
        host: String,
        /// 1 to 65535.
        port: u16,
    },
    /// A Unix domain socket, by its path.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    /// `host:port`, an IPv6 address in brackets; `the socket PATH`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "the socket {}", path.display()),
        }
    }
}

/// Connects to the broker, from the local address `bind` (or a name of one) where that is given
/// and the way is TCP. It does not limit its time: whoever calls it does.
///
/// # Errors
/// No such host, no such socket, or nobody there.
pub async fn dial(address: &Address, bind: Option<&str>) -> Result<Stream, Report> {
    match address {
        Address::Tcp { host, port } => Ok(Box::pin(dial::tcp(host, *port, bind).await?)),
        Address::Unix(path) => Ok(Box::pin(dial::unix(path).await?)),
    }
}

/// Puts TLS over a connection. It does not limit its time: whoever calls it does.
///
/// # Errors
/// A handshake that failed, explained.
pub async fn secure(stream: Stream, tls: &Tls, address: &Address) -> Result<Stream, Report> {
    let connector = TlsConnector::from(Arc::clone(&tls.config));
    match connector.connect(tls.server_name.clone(), stream).await {
        Ok(stream) => {
            tls.warn_of_old_certificate();
            Ok(Box::pin(stream))
        }
        Err(why) => Err(handshake_failed(&address.to_string(), &tls.trust, &why)),
    }
}
