//! Ports on loopback: free, refusing, silent, or not answering at all.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType};

/// Keeps a port in its state until dropped.
#[derive(Debug)]
pub struct PortGuard {
    port: u16,
    _held: Vec<OwnedFd>,
}

impl PortGuard {
    /// Its number.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `-h localhost -p PORT`.
    #[must_use]
    pub fn args(&self) -> Vec<String> {
        host_and_port("localhost", self.port)
    }
}

/// A port for a server of another program, free a moment ago on 127.0.0.1 and, where there is one,
/// on ::1. Whoever binds it must be ready to try again.
///
/// It is none of those that Linux gives out by itself: a scripted broker that asks for any port never
/// gets one that a client still expects somebody else at, and neither does an outgoing connection
/// while a broker restarts. No port is given out twice by one process: whoever still tries to reach a
/// broker that is gone would end up at somebody else's.
#[must_use]
pub fn free_port() -> u16 {
    const LOWEST: u16 = 10_000;
    static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let given_out = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse().ok())
        .filter(|first| *first > LOWEST + 1000)
        .unwrap_or(32_768);
    for _ in 0..1000 {
        // RandomState is seeded at random, and differs from call to call.
        let random = RandomState::new().hash_one(());
        let offset = random % u64::from(given_out - LOWEST);
        let port = LOWEST + u16::try_from(offset).expect("less than a port");
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let binds = |host: IpAddr| TcpListener::bind((host, port)).is_ok();
        if taken.insert(port)
            && binds(Ipv4Addr::LOCALHOST.into())
            && (!has_ipv6() || binds(Ipv6Addr::LOCALHOST.into()))
        {
            return port;
        }
    }
    panic!("found no free port between {LOWEST} and {given_out}");
}

/// A port that refuses connections: it is taken, and nothing listens on it.
#[must_use]
pub fn unused_port() -> PortGuard {
    on_both_loopbacks(|address| {
        let socket = tcp_socket(address)?;
        rustix::net::bind(&socket, &address)?;
        let bound = rustix::net::getsockname(&socket)?;
        let bound = SocketAddr::try_from(bound)?;
        Ok((socket, bound.port()))
    })
}

/// A port that accepts connections and never sends a byte.
#[must_use]
pub fn silent_port() -> PortGuard {
    on_both_loopbacks(listen)
}

/// A port that does not answer connection attempts, neither with yes nor with no. It is on
/// 127.0.0.1 only.
#[must_use]
pub fn unanswering_port() -> PortGuard {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let socket = tcp_socket(address).expect("make a socket");
    rustix::net::bind(&socket, &address).expect("bind a free port");
    rustix::net::listen(&socket, 0).expect("listen");
    let address = rustix::net::getsockname(&socket).expect("ask for the port");
    let address = SocketAddr::try_from(address).expect("an IP address");
    // With its queue of accepted connections full, Linux ignores further attempts.
    let mut held = vec![socket];
    for _ in 0..16 {
        match TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
            Ok(stream) => held.push(stream.into()),
            Err(_) => {
                return PortGuard {
                    port: address.port(),
                    _held: held,
                };
            }
        }
    }
    panic!("a full queue still accepts connections");
}

pub(crate) fn host_and_port(host: &str, port: u16) -> Vec<String> {
    ["-h", host, "-p", &port.to_string()]
        .map(str::to_owned)
        .to_vec()
}

fn listen(address: SocketAddr) -> std::io::Result<(OwnedFd, u16)> {
    let listener = TcpListener::bind(address)?;
    let port = listener.local_addr()?.port();
    Ok((listener.into(), port))
}

/// `localhost` names both loopback addresses, so both must be in the same state.
fn on_both_loopbacks(open: impl Fn(SocketAddr) -> std::io::Result<(OwnedFd, u16)>) -> PortGuard {
    let ipv6 = has_ipv6();
    for _ in 0..50 {
        let (first, port) = open((Ipv4Addr::LOCALHOST, 0).into()).expect("bind a free port");
        if !ipv6 {
            return PortGuard {
                port,
                _held: vec![first],
            };
        }
        if let Ok((second, _)) = open((Ipv6Addr::LOCALHOST, port).into()) {
            return PortGuard {
                port,
                _held: vec![first, second],
            };
        }
    }
    panic!("found no port that is free on both 127.0.0.1 and ::1");
}

fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

fn tcp_socket(address: SocketAddr) -> std::io::Result<OwnedFd> {
    let family = if address.is_ipv6() {
        AddressFamily::INET6
    } else {
        AddressFamily::INET
    };
    let flags = rustix::net::SocketFlags::CLOEXEC;
    Ok(rustix::net::socket_with(
        family,
        SocketType::STREAM,
        flags,
        None,
    )?)
}
