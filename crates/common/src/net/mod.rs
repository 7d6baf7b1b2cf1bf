//! From an address to one byte stream: look up, dial, through a proxy where there is one, then
//! TLS and WebSocket where asked for.

mod dial;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod open;
mod peer;
mod prompt;
mod proxy;
mod srv;
mod websocket;

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};

pub use open::{Limit, open};
pub use peer::Peer;
pub use proxy::Proxy;
pub use srv::{Service, dns_server};

/// What a session runs over, whatever lies below.
pub trait ByteStream: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> ByteStream for T {}

/// A connected stream.
pub type Stream = Pin<Box<dyn ByteStream>>;

/// Where the broker is, and which way leads there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Where the broker listens.
    pub address: Address,
    /// The local address, or a name of one, to connect from; none for the system's choice. Of no
    /// use for a Unix domain socket.
    pub bind: Option<String>,
    /// Who makes the connection for us; not for a Unix domain socket.
    pub proxy: Option<Proxy>,
    /// MQTT goes over a WebSocket.
    pub websocket: bool,
}

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
    /// Whichever hosts and ports the DNS names for a service.
    Service(Service),
}

impl Address {
    /// What the Host field of an HTTP request says.
    fn http_host(&self) -> String {
        match self {
            Self::Tcp { .. } => self.to_string(),
            Self::Unix(_) => "localhost".to_owned(),
            Self::Service(service) => service.host.clone(),
        }
    }
}

impl fmt::Display for Address {
    /// `host:port`, an IPv6 address in brackets; `the socket PATH`; `the service NAME`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "the socket {}", path.display()),
            Self::Service(service) => write!(f, "the service {}", service.name()),
        }
    }
}

impl fmt::Display for Route {
    /// The address and what is special about the way: `host:port over WebSocket through the
    /// proxy host:port`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)?;
        if self.websocket {
            f.write_str(" over WebSocket")?;
        }
        match &self.proxy {
            Some(proxy) => write!(f, " through the proxy {}", proxy.address()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_names_the_whole_way_and_no_password() {
        let mut route = Route {
            address: Address::Tcp {
                host: "::1".to_owned(),
                port: 9001,
            },
            bind: None,
            proxy: None,
            websocket: false,
        };
        assert_eq!(route.to_string(), "[::1]:9001");
        route.websocket = true;
        assert_eq!(route.to_string(), "[::1]:9001 over WebSocket");
        let url = crate::secret::Secret::from("socks5h://user:hunter2@gate".to_owned());
        route.proxy = Some(Proxy::parse(&url).unwrap());
        assert_eq!(
            route.to_string(),
            "[::1]:9001 over WebSocket through the proxy gate:1080"
        );
        assert!(!format!("{route:?}").contains("hunter2"));
        route.address = Address::Unix("/run/mqtt".into());
        route.proxy = None;
        assert_eq!(route.to_string(), "the socket /run/mqtt over WebSocket");
    }
}
