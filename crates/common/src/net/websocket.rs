//! MQTT over WebSocket (RFC 6455; MQTT 5, section 6): binary frames below, a stream of bytes
//! above. Bytes are handed on as they come, so that neither a large frame nor a message in many
//! frames is ever held as a whole.

mod handshake;

use std::io::{self, Cursor, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BufMut as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};

use super::Stream;

pub(super) use handshake::open;

/// How much is read at once, in bytes; more than a header and a control frame.
const INPUT: usize = 64 * 1024;

/// The most payload in one frame that is sent, in bytes.
const MAX_FRAME: usize = 128 * 1024;

/// The most payload in a control frame (RFC 6455, section 5.5).
const MAX_CONTROL: u64 = 125;

/// The client's side of a WebSocket whose handshake is done.
struct WebSocket {
    inner: Stream,
    /// What was read and not looked at is `input[start..end]`.
    input: Box<[u8]>,
    start: usize,
    end: usize,
    /// Payload of the present data frame that is still to come.
    remaining: u64,
    /// The present message goes on in another frame.
    is_fragmented: bool,
    /// Nothing more is read: the end in good order, or what is wrong.
    ended: Option<Result<(), String>>,
    /// Whole frames that are still to be sent.
    output: BytesMut,
    /// The answer to the last ping; earlier ones need none (RFC 6455, section 5.5.3).
    pong: Option<Vec<u8>>,
    /// Something was written below and not flushed there.
    is_unflushed: bool,
    /// Our close frame is among the output or already sent.
    is_closed: bool,
}

impl WebSocket {
    /// `early` came together with the answer to the handshake.
    fn new(inner: Stream, early: &[u8]) -> Self {
        let mut input = vec![0; INPUT.max(early.len())];
        for (to, from) in input.iter_mut().zip(early) {
            *to = *from;
        }
        Self {
            inner,
            input: input.into_boxed_slice(),
            start: 0,
            end: early.len(),
            remaining: 0,
            is_fragmented: false,
            ended: None,
            output: BytesMut::new(),
            pong: None,
            is_unflushed: false,
            is_closed: false,
        }
    }

    fn buffered(&self) -> &[u8] {
        self.input.get(self.start..self.end).unwrap_or_default()
    }

    /// Copies payload that is there; false if there is none, or no room for it.
    fn hand_out(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let room = u64::try_from(buffer.remaining()).unwrap_or(u64::MAX);
        let wanted = usize::try_from(self.remaining.min(room)).unwrap_or(usize::MAX);
        let payload = self.buffered();
        let payload = payload.get(..wanted.min(payload.len())).unwrap_or_default();
        buffer.put_slice(payload);
        let count = payload.len();
        self.start += count;
        self.remaining -= count as u64;
        count > 0
    }

    /// Takes the next frame's header, and the whole frame if it is a control frame; false if it
    /// is not there yet.
    fn next_frame(&mut self) -> Result<bool, String> {
        let mut cursor = Cursor::new(self.buffered());
        let header = FrameHeader::parse(&mut cursor).map_err(|why| broken(&why.to_string()))?;
        let Some((header, length)) = header else {
            return Ok(false);
        };
        let size = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
        if header.mask.is_some() {
            return Err(broken("a frame from a server is not masked"));
        }
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(broken("it uses an extension that was not agreed on"));
        }
        match header.opcode {
            OpCode::Data(kind) => {
                match (kind, self.is_fragmented) {
                    (Data::Binary, false) | (Data::Continue, true) => {}
                    (Data::Text, _) => {
                        return Err(
                            "the broker sent a text frame over the WebSocket, where MQTT is in binary ones"
                                .to_owned(),
                        );
                    }
                    _ => return Err(broken("a fragmented message is out of order")),
                }
                self.is_fragmented = !header.is_final;
                self.remaining = length;
                self.start += size;
                Ok(true)
            }
            OpCode::Control(kind) => {
                if length > MAX_CONTROL || !header.is_final {
                    return Err(broken("a control frame is too long or in fragments"));
                }
                let end = size + usize::try_from(length).unwrap_or(usize::MAX);
                let Some(payload) = self.buffered().get(size..end) else {
                    return Ok(false);
                };
                let payload = payload.to_vec();
                self.start += end;
                match kind {
                    Control::Ping => self.pong = Some(payload),
                    Control::Close => self.peer_closed(&payload)?,
                    _ => {}
                }
                Ok(true)
            }
        }
    }

    fn peer_closed(&mut self, payload: &[u8]) -> Result<(), String> {
        self.close();
        let (code, reason) = match payload {
            [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
            _ => (u16::from(CloseCode::Normal), payload),
        };
        match CloseCode::from(code) {
            CloseCode::Normal | CloseCode::Away => {
                self.ended = Some(Ok(()));
                Ok(())
            }
            _ => Err(format!(
                "the broker closed the WebSocket with code {code}{}",
                match (meaning(code), String::from_utf8_lossy(reason)) {
                    (meaning, reason) if reason.is_empty() => meaning.to_owned(),
                    (meaning, reason) => format!("{meaning}: {reason:?}"),
                }
            )),
        }
    }

    /// Reads more; the number of bytes is 0 at the end of the stream.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // What is left is less than a header or a control frame.
        self.input.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let mut buffer = ReadBuf::new(self.input.get_mut(self.end..).unwrap_or_default());
        ready!(self.inner.as_mut().poll_read(cx, &mut buffer))?;
        let count = buffer.filled().len();
        self.end += count;
        Poll::Ready(Ok(count))
    }

    fn poll_payload(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            if buffer.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            if self.hand_out(buffer) {
                continue;
            }
            if self.remaining == 0 && self.ended.is_none() {
                match self.next_frame() {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(why) => self.ended = Some(Err(why)),
                }
            }
            // What came before the end or a fault is the caller's first.
            if buffer.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
            if let Some(ended) = &self.ended {
                return Poll::Ready(ended.clone().map_err(io::Error::other));
            }
            if ready!(self.poll_fill(cx))? == 0 {
                self.ended = Some(Ok(()));
            }
        }
    }

    /// Adds a frame to the output.
    fn push(&mut self, opcode: OpCode, payload: &[IoSlice<'_>], length: usize) -> io::Result<()> {
        let mut key = [0; 4];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let header = FrameHeader {
            opcode,
            mask: Some(key),
            ..FrameHeader::default()
        };
        header
            .format(length as u64, &mut (&mut self.output).writer())
            .map_err(io::Error::other)?;
        let begin = self.output.len();
        let mut left = length;
        for piece in payload {
            let piece = piece.get(..left.min(piece.len())).unwrap_or_default();
            self.output.extend_from_slice(piece);
            left -= piece.len();
        }
        mask(self.output.get_mut(begin..).unwrap_or_default(), key);
        Ok(())
    }

    /// Says that nothing more will be sent.
    fn close(&mut self) {
        if !self.is_closed {
            self.is_closed = true;
            let code = u16::from(CloseCode::Normal).to_be_bytes();
            // Without it the other side sees the end of the connection alone.
            let _ = self.push(
                OpCode::Control(Control::Close),
                &[IoSlice::new(&code)],
                code.len(),
            );
        }
    }

    /// Writes everything that is to be sent.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.output.is_empty() {
                match self.pong.take() {
                    Some(payload) if !self.is_closed => self.push(
                        OpCode::Control(Control::Pong),
                        &[IoSlice::new(&payload)],
                        payload.len(),
                    )?,
                    _ => return Poll::Ready(Ok(())),
                }
            }
            let written = ready!(self.inner.as_mut().poll_write(cx, &self.output))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.output.advance(written);
            self.is_unflushed = true;
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        if self.is_unflushed {
            ready!(self.inner.as_mut().poll_flush(cx))?;
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for WebSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = this.poll_payload(cx, buffer);
        // Pings and a close frame are answered even when nobody writes. Should that fail, reading
        // tells of it.
        if this.pong.is_some() || !this.output.is_empty() {
            let _ = this.poll_send(cx);
        }
        read
    }
}

impl AsyncWrite for WebSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.is_closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        // One frame at a time: what is taken here is as good as sent to the caller.
        ready!(this.poll_drain(cx))?;
        let length = pieces.iter().map(|piece| piece.len()).sum::<usize>();
        let length = length.min(MAX_FRAME);
        if length > 0 {
            this.push(OpCode::Data(Data::Binary), pieces, length)?;
            if let Poll::Ready(Err(why)) = this.poll_drain(cx) {
                return Poll::Ready(Err(why));
            }
        }
        Poll::Ready(Ok(length))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_send(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.close();
        ready!(this.poll_send(cx))?;
        this.inner.as_mut().poll_shutdown(cx)
    }
}

fn mask(payload: &mut [u8], key: [u8; 4]) {
    let word = u32::from_ne_bytes(key);
    let (words, rest) = payload.as_chunks_mut::<4>();
    for bytes in words {
        *bytes = (u32::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key) {
        *byte ^= key;
    }
}

fn broken(why: &str) -> String {
    format!("the broker broke the WebSocket protocol: {why}")
}

/// What a close code stands for (RFC 6455, section 7.4.1), as the end of a sentence.
fn meaning(code: u16) -> &'static str {
    match CloseCode::from(code) {
        CloseCode::Protocol => " (protocol error)",
        CloseCode::Unsupported => " (this kind of data is not supported)",
        CloseCode::Invalid => " (data of the wrong kind)",
        CloseCode::Policy => " (policy violation)",
        CloseCode::Size => " (message too big)",
        CloseCode::Extension => " (an extension is missing)",
        CloseCode::Error => " (internal error)",
        CloseCode::Restart => " (service restart)",
        CloseCode::Again => " (try again later)",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
