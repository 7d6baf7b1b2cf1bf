//! What stands between the network and the session: WebSocket frames, SOCKS5 replies, answers of
//! name servers.

use std::time::Duration;

use mqtools_common::fuzz::{negotiate, open_websocket, srv_answer};
use mqtools_common::net::{Proxy, Stream};
use mqtools_common::secret::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tungstenite::handshake::derive_accept_key;

use crate::cursor::Cursor;
use crate::{Target, assert_harmless, assert_harmless_report};

/// Whether credentials are offered, then what the proxy says.
pub(crate) const SOCKS: Target = Target {
    name: "socks",
    run: socks,
    words: &[
        b"\x05\x00",
        b"\x05\x02",
        b"\x01\x00",
        b"\x05\x00\x00\x01",
        b"\x05\x05\x00\x03",
        b"\xff",
    ],
    memory: (512 << 10, 64),
    cases: 4_000,
};

/// A message of the DNS.
pub(crate) const SRV: Target = Target {
    name: "srv",
    run: srv,
    words: &[
        b"\xc0\x0c",
        b"\x00\x21\x00\x01",
        b"\x00\x05\x00\x01",
        b"\x04host",
        b"\x00",
        b"\xc0\xff",
        b"\x3f",
    ],
    memory: (256 << 10, 1024),
    cases: 20_000,
};

/// Whether the request is agreed to, the size of a piece, then what the server says: frames, or
/// else its answer to the request.
pub(crate) const WEBSOCKET: Target = Target {
    name: "websocket",
    run: websocket,
    words: &[
        b"\x82\x01a",
        b"\x02\x00",
        b"\x80\x00",
        b"\x89\x00",
        b"\x88\x02\x03\xe8",
        b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x82\x7e\xff\xff",
        b"\x8a\x00",
        b"HTTP/1.1 101 X\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"Upgrade: websocket\r\n",
        b"Location: \x1b[2J\r\n",
    ],
    memory: (1 << 20, 512),
    cases: 3_000,
};

fn socks(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let url = if cursor.flag() {
        "socks5h://user:password@proxy"
    } else {
        "socks5h://proxy"
    };
    let proxy = Proxy::parse(&Secret::from(url.to_owned())).unwrap();
    let answer = cursor.rest();
    let (result, sent) = talk(answer, usize::MAX, |stream| async move {
        negotiate(&proxy, stream).await.map(drop)
    });
    // A greeting, credentials and a request; never more.
    assert!(sent <= 100, "{sent} bytes to a proxy");
    if let Err(why) = result {
        why.lines().for_each(assert_harmless);
    }
}

fn srv(input: &[u8]) {
    if let Some(targets) = srv_answer(input) {
        assert!(targets.len() <= input.len() / 11);
        assert!(targets.iter().all(|target| !target.starts_with(':')));
    }
}

fn websocket(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let agrees = cursor.flag();
    let step = usize::from(cursor.byte()) + 1;
    let said = cursor.rest();
    let (whole, sent) = frames(said, agrees, usize::MAX);
    // The request, and at most one pong for each ping and one close frame.
    assert!(sent <= 400 + 3 * said.len() + 8, "{sent} bytes to a server");
    if let Ok((payload, why)) = &whole {
        assert!(payload.len() <= said.len());
        if let Some(why) = why {
            assert_harmless(why);
        }
    }
    let (pieces, _) = frames(said, agrees, step);
    assert_eq!(pieces, whole, "in pieces of {step}");
}

/// What arrives, and what is wrong with what follows; or what is wrong with the answer.
type Arrived = Result<(Vec<u8>, Option<String>), String>;

fn frames(said: &[u8], agrees: bool, step: usize) -> (Arrived, usize) {
    let client = |stream: Stream| async move {
        let mut socket = open_websocket(stream).await.map_err(|report| {
            assert_harmless_report(&report);
            report.to_string()
        })?;
        let mut payload = Vec::new();
        let end = socket.read_to_end(&mut payload).await;
        Ok((payload, end.err().map(|why| why.to_string())))
    };
    if agrees {
        talk_after_agreeing(said, step, client)
    } else {
        talk(said, step, client)
    }
}

/// Runs a client against a peer that says this, in pieces, and leaves; gives also how much the
/// client said.
fn talk<T, F: Future<Output = T>>(
    said: &[u8],
    step: usize,
    client: impl FnOnce(Stream) -> F,
) -> (T, usize) {
    let (near, mut far) = duplex(ROOM);
    run(client(Box::pin(near)), async move {
        say(&mut far, said, step).await;
        count(&mut far).await
    })
}

/// The same, but the peer agrees to an HTTP request for a WebSocket first.
fn talk_after_agreeing<T, F: Future<Output = T>>(
    said: &[u8],
    step: usize,
    client: impl FnOnce(Stream) -> F,
) -> (T, usize) {
    let (near, mut far) = duplex(ROOM);
    run(client(Box::pin(near)), async move {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(far.read_u8().await.unwrap());
        }
        let text = String::from_utf8(request).unwrap();
        let key = text
            .lines()
            .find_map(|line| {
                line.strip_prefix("sec-websocket-key: ")
                    .or(line.strip_prefix("Sec-WebSocket-Key: "))
            })
            .unwrap();
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
            derive_accept_key(key.as_bytes())
        );
        far.write_all(answer.as_bytes()).await.unwrap();
        say(&mut far, said, step).await;
        text.len() + count(&mut far).await
    })
}

/// More than any test says, so that nobody waits for room.
const ROOM: usize = 1 << 22;

async fn say(far: &mut DuplexStream, said: &[u8], step: usize) {
    for piece in said.chunks(step.min(said.len().max(1))) {
        // The client may have left.
        if far.write_all(piece).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    let _ = far.shutdown().await;
}

async fn count(far: &mut DuplexStream) -> usize {
    let mut rest = Vec::new();
    far.read_to_end(&mut rest).await.unwrap()
}

fn run<T>(client: impl Future<Output = T>, server: impl Future<Output = usize>) -> (T, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    // Nothing here waits for anything but the other side: a minute is a hang.
    let both = async {
        tokio::time::timeout(Duration::from_secs(60), async {
            tokio::join!(client, server)
        })
        .await
    };
    runtime.block_on(both).expect("both sides wait for ever")
}
