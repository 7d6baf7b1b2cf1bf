//! What the fuzz targets reach of the network: readers of what proxies, web servers and name
//! servers answer.

use domain::base::Message;

use super::{Address, Proxy, Route, Stream};
use crate::report::Report;

/// Opens a WebSocket over a stream.
///
/// # Errors
/// As for a real one.
pub async fn open_websocket(stream: Stream) -> Result<Stream, Report> {
    let route = Route {
        address: Address::Tcp {
            host: "localhost".to_owned(),
            port: 80,
        },
        bind: None,
        proxy: None,
        websocket: true,
    };
    super::websocket::open(stream, &route, None).await
}

/// Negotiates with a SOCKS5 proxy at the other end of a stream.
///
/// # Errors
/// Cause and hint, as for a real one.
pub async fn negotiate(proxy: &Proxy, stream: Stream) -> Result<Stream, String> {
    let negotiated = proxy.negotiate(stream, ("localhost", 1883)).await;
    negotiated.map_err(|why| {
        let (cause, hint) = super::proxy::explain(&why, true);
        format!("{cause}\n{hint}")
    })
}

/// Reads a name server's answer, and gives its SRV records in the order of trying them, each as
/// text; none when it is no message of the DNS.
#[must_use]
pub fn srv_answer(bytes: &[u8]) -> Option<Vec<String>> {
    super::srv::targets_of(Message::from_slice(bytes).ok()?)
}
