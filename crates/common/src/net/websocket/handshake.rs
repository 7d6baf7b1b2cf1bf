//! How a WebSocket begins: an HTTP request and its answer (RFC 6455, section 4.1).

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tungstenite::error::Error;
use tungstenite::handshake::client::{Response, generate_key, generate_request};
use tungstenite::handshake::derive_accept_key;
use tungstenite::handshake::machine::TryParse as _;
use tungstenite::http::{Request, StatusCode};

use super::WebSocket;
use crate::exit::Exit;
use crate::net::{Route, Stream};
use crate::report::Report;
use crate::tls::Tls;

/// Where brokers take WebSockets.
const PATH: &str = "/mqtt";

/// The subprotocol's name (MQTT 5, section 6).
const SUBPROTOCOL: &str = "mqtt";

/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 16 * 1024;

const NOT_A_WEBSOCKET: &str = "is that a broker's listener for WebSockets (mosquitto: `protocol websockets`)? without --ws it is plain MQTT";

/// Opens a WebSocket over a connection. It does not limit its time: whoever calls it does.
/// `tls` is what already secures it.
pub(in crate::net) async fn open(
    mut stream: Stream,
    route: &Route,
    tls: Option<&Tls>,
) -> Result<Stream, Report> {
    let key = generate_key();
    let request = request(route, &key)?;
    // In TLS 1.3, what the broker thinks of the client's certificate comes this late.
    let refused_by_tls = |why: Option<&std::io::Error>| {
        tls.and_then(|tls| tls.no_answer(&route.address.to_string(), why))
    };
    let lost = |why: std::io::Error| {
        refused_by_tls(Some(&why)).unwrap_or_else(|| {
            closed(route)
                .cause(format!("{why} before it answered the HTTP request"))
                .hint(NOT_A_WEBSOCKET)
        })
    };
    stream.write_all(&request).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    let mut answer = Vec::new();
    let (size, response) = loop {
        if let Some(parsed) = parse(route, &answer)? {
            break parsed;
        }
        answer.reserve(4096);
        if stream.read_buf(&mut answer).await.map_err(lost)? == 0 {
            return Err(refused_by_tls(None).unwrap_or_else(|| {
                closed(route)
                    .cause("it closed the connection before it answered the HTTP request")
                    .hint(NOT_A_WEBSOCKET)
            }));
        }
    };
    check(route, &response, &key)?;
    let early = answer.get(size..).unwrap_or_default();
    Ok(Box::pin(WebSocket::new(stream, early)))
}

fn closed(route: &Route) -> Report {
    Report::new(
        Exit::CONNECTION_REFUSED,
        format!("{} did not open a WebSocket", route.address),
    )
}

fn request(route: &Route, key: &str) -> Result<Vec<u8>, Report> {
    let host = route.address.http_host();
    Request::builder()
        .uri(PATH)
        .header("Host", &host)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", key)
        .header("Sec-WebSocket-Protocol", SUBPROTOCOL)
        .body(())
        .map_err(Error::from)
        .and_then(generate_request)
        .map(|(bytes, _)| bytes)
        .map_err(|why| {
            Report::new(
                Exit::USAGE,
                format!("cannot ask {host:?} for a WebSocket: no HTTP request can name it"),
            )
            .cause(why)
            .hint("check the name given with -h")
        })
}

/// The answer and its length, once it is complete.
fn parse(route: &Route, answer: &[u8]) -> Result<Option<(usize, Response)>, Report> {
    let what = match Response::try_parse(answer) {
        Ok(None) if answer.len() > MAX_ANSWER => "its answer to the HTTP request has no end",
        Ok(parsed) => return Ok(parsed),
        // A TLS alert record (RFC 8446, section 5.1).
        Err(_) if answer.first() == Some(&0x15) => {
            return Err(closed(route)
                .cause("it answers with TLS")
                .hint(
                    "name the broker's certificate authority with --cafile, or use wss:// with -L",
                )
                .lasting());
        }
        Err(_) => "what it answers is not HTTP",
    };
    Err(Report::new(
        Exit::MALFORMED_PACKET,
        format!("{} did not open a WebSocket", route.address),
    )
    .cause(what)
    .hint(NOT_A_WEBSOCKET)
    .lasting())
}

fn check(route: &Route, response: &Response, key: &str) -> Result<(), Report> {
    let status = response.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        return Err(refused(route, response));
    }
    let header = |name: &str| response.headers().get(name);
    let is_token = |name: &str, token: &str| {
        header(name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| {
                value
                    .split(',')
                    .any(|word| word.trim().eq_ignore_ascii_case(token))
            })
    };
    let wrong = |why: String| Err(closed(route).cause(why).hint(NOT_A_WEBSOCKET).lasting());
    if !is_token("Upgrade", "websocket") || !is_token("Connection", "upgrade") {
        return wrong("it changes to another protocol than WebSocket".to_owned());
    }
    let accept = derive_accept_key(key.as_bytes());
    if header("Sec-WebSocket-Accept").is_none_or(|value| value.as_bytes() != accept.as_bytes()) {
        return wrong("its answer does not belong to this request".to_owned());
    }
    if header("Sec-WebSocket-Extensions").is_some_and(|value| !value.is_empty()) {
        return wrong("it uses an extension that it was not offered".to_owned());
    }
    match header("Sec-WebSocket-Protocol") {
        Some(value) if value.as_bytes() == SUBPROTOCOL.as_bytes() => Ok(()),
        Some(value) => wrong(format!(
            "it chose the subprotocol {:?}, where {SUBPROTOCOL:?} was offered",
            String::from_utf8_lossy(value.as_bytes())
        )),
        None => wrong(format!(
            "it speaks WebSocket, but not the subprotocol {SUBPROTOCOL:?}"
        )),
    }
}

fn refused(route: &Route, response: &Response) -> Report {
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or("no known reason");
    let hint = match status.as_u16() {
        300..=399 => {
            let place = response.headers().get("Location");
            let place = place.map_or_else(
                || "another address".to_owned(),
                // What a server says must not steer the terminal.
                |place| format!("{:?}", String::from_utf8_lossy(place.as_bytes())),
            );
            format!("the server sends clients to {place}; give that host and port")
        }
        401 | 403 | 407 => {
            "the web server in front of the broker refuses access; its log says more".to_owned()
        }
        429 | 500..=599 => {
            "the broker behind that web server may be down; its log says more".to_owned()
        }
        _ => format!("{NOT_A_WEBSOCKET}; the path is {PATH}"),
    };
    let report = closed(route)
        .cause(format!("it answers HTTP {} ({reason})", status.as_u16()))
        .hint(hint);
    match status.as_u16() {
        429 | 500..=599 => report,
        _ => report.lasting(),
    }
}
