//! Who is at the other end of a connection, and whether the way there leaves this machine.

use std::net::IpAddr;

use super::{Address, Route};

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// In words, for messages.
    pub name: String,
    /// Nothing leaves this machine: a loopback address, or a Unix domain socket.
    pub is_here: bool,
}

impl Peer {
    /// `ip` is the address that answered; none for a socket, and where a proxy made the
    /// connection. Through a proxy only a name or an address that means loopback everywhere counts
    /// as such.
    pub(super) fn new(route: &Route, ip: Option<IpAddr>) -> Self {
        let is_here = match (&route.address, ip) {
            (Address::Unix(_), _) => true,
            (_, Some(ip)) => ip.to_canonical().is_loopback(),
            (Address::Tcp { host, .. }, None) => means_loopback(host),
            (Address::Service(_), None) => false,
        };
        Self {
            name: route.to_string(),
            is_here,
        }
    }
}

/// An address of loopback, or a name that is kept for it (RFC 6761, section 6.3).
fn means_loopback(host: &str) -> bool {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return ip.to_canonical().is_loopback();
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_here(host: &str, ip: Option<&str>) -> bool {
        let route = Route {
            address: Address::Tcp {
                host: host.to_owned(),
                port: 1883,
            },
            bind: None,
            proxy: None,
            websocket: false,
        };
        Peer::new(&route, ip.map(|ip| ip.parse().unwrap())).is_here
    }

    #[test]
    fn the_address_that_answered_decides() {
        for ip in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(is_here("broker.example", Some(ip)), "{ip}");
        }
        for ip in ["10.0.0.1", "128.0.0.1", "::", "fe80::1", "::ffff:10.0.0.1"] {
            assert!(!is_here("localhost", Some(ip)), "{ip}");
        }
    }

    #[test]
    fn through_a_proxy_only_what_means_loopback_everywhere_does() {
        for host in ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "::1"] {
            assert!(is_here(host, None), "{host}");
        }
        for host in ["broker", "localhost.example", "mylocalhost", "10.0.0.1", ""] {
            assert!(!is_here(host, None), "{host}");
        }
    }

    #[test]
    fn a_socket_is_here() {
        let route = Route {
            address: Address::Unix("/run/mqtt".into()),
            bind: None,
            proxy: None,
            websocket: true,
        };
        assert!(Peer::new(&route, None).is_here);
    }
}
