//! The ports.

use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::time::Duration;

#[test]
fn an_unused_port_refuses() {
    let port = harness::unused_port();
    for host in ["127.0.0.1", "localhost"] {
        let error = TcpStream::connect((host, port.port())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
}

#[test]
fn a_silent_port_accepts_and_says_nothing() {
    let port = harness::silent_port();
    let mut stream = TcpStream::connect(("localhost", port.port())).unwrap();
    let limit = Duration::from_millis(50);
    stream.set_read_timeout(Some(limit)).unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

#[test]
fn an_unanswering_port_neither_accepts_nor_refuses() {
    let port = harness::unanswering_port();
    let address = ([127, 0, 0, 1], port.port()).into();
    let error = TcpStream::connect_timeout(&address, Duration::from_millis(500)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}
