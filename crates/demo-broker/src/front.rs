//! TLS in front of the engine. It passes bytes on, and does the two things the engine does
//! not: it serves both MQTT versions on one port, and it answers a refused CONNECT with a
//! CONNACK (the engine closes the connection without a word).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, split};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::engine::Engine;

/// Where a CONNECT of at most 127 bytes says its protocol level (MQTT 5, section 3.1.2).
/// A longer one has up to three more length bytes before it.
const LEVEL_AT_LEAST: usize = 9;

pub(crate) async fn serve(listener: &TcpListener, tls: ServerConfig, engine: Engine) -> Result<()> {
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    loop {
        let (stream, _) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // A client that fails its handshake is that client's affair.
            if let Ok(stream) = acceptor.accept(stream).await {
                let _ = pass(stream, engine).await;
            }
        });
    }
}

/// Serves one connection to its end.
async fn pass(mut client: TlsStream<TcpStream>, engine: Engine) -> io::Result<()> {
    let mut start = Vec::new();
    let level = loop {
        if client.read_buf(&mut start).await? == 0 {
            return Ok(());
        }
        if let Some(level) = protocol_level(&start) {
            break level;
        }
    };
    let address = if level == 5 { engine.v5 } else { engine.v311 };
    let mut server = reach(address).await?;
    server.write_all(&start).await?;

    let mut answer = [0; 1024];
    let length = server.read(&mut answer).await.unwrap_or(0);
    if length == 0 {
        // CONNACK: not authorised, with the code and shape of the client's version.
        let refusal: &[u8] = if level == 5 {
            &[0x20, 3, 0, 0x87, 0]
        } else {
            &[0x20, 2, 0, 5]
        };
        client.write_all(refusal).await?;
        return client.shutdown().await;
    }
    client
        .write_all(answer.get(..length).unwrap_or_default())
        .await?;
    client.flush().await?;

    let (mut from_client, mut to_client) = split(client);
    let (mut from_server, mut to_server) = server.split();
    tokio::select! {
        done = copy(&mut from_client, &mut to_server) => done?,
        done = copy(&mut from_server, &mut to_client) => done?,
    };
    to_client.shutdown().await
}

/// The protocol level of the CONNECT that `start` begins with; none while it is too short.
fn protocol_level(start: &[u8]) -> Option<u8> {
    let length_bytes = 1 + start
        .iter()
        .skip(1)
        .take(3)
        .take_while(|byte| **byte >= 0x80)
        .count();
    start.get(LEVEL_AT_LEAST - 2 + length_bytes).copied()
}

/// The engine needs a moment to start listening.
async fn reach(address: std::net::SocketAddr) -> io::Result<TcpStream> {
    let mut attempts = 0;
    loop {
        match TcpStream::connect(address).await {
            Err(_) if attempts < 600 => attempts += 1,
            outcome => return outcome,
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::protocol_level;

    #[test]
    fn the_level_is_found_behind_any_length() {
        assert_eq!(protocol_level(b"\x10\x0c\0\x04MQTT\x05\x02"), Some(5));
        assert_eq!(protocol_level(b"\x10\x8c\x01\0\x04MQTT\x04\x02"), Some(4));
        assert_eq!(protocol_level(b"\x10\x8c\x01\0\x04MQTT"), None);
        assert_eq!(protocol_level(b"\x10"), None);
    }
}
