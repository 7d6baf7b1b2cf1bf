//! The server's side of a WebSocket over a scripted connection, frame by frame.

use std::io::Write as _;

use tungstenite::handshake::derive_accept_key;

use crate::fake_broker::{Conn, Connect, Packet, encode};

/// A connection of a client that asked for a WebSocket.
#[derive(Debug)]
pub struct WebSocketConn {
    /// The connection below.
    pub conn: Conn,
    /// What the client asked for: the head of its HTTP request.
    pub request: String,
    /// Payload that came and was not taken.
    payload: Vec<u8>,
}

/// First bytes of whole frames.
const BINARY: u8 = 0x82;
const PONG: u8 = 0x8a;

impl WebSocketConn {
    /// Reads the request; nothing is answered yet.
    #[must_use]
    #[track_caller]
    pub fn asked(mut conn: Conn) -> Self {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.extend(conn.read_bytes(1));
        }
        Self {
            conn,
            request: String::from_utf8(request).expect("a request in UTF-8"),
            payload: Vec::new(),
        }
    }

    /// Reads the request and agrees.
    #[must_use]
    #[track_caller]
    pub fn accept(conn: Conn) -> Self {
        let mut this = Self::asked(conn);
        let answer = this.agreement();
        this.conn.send(answer.as_bytes());
        this
    }

    /// The answer that agrees.
    #[must_use]
    #[track_caller]
    pub fn agreement(&self) -> String {
        let key = self
            .field("Sec-WebSocket-Key")
            .expect("the request has a key");
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
            derive_accept_key(key.as_bytes())
        )
    }

    /// A field of the request.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.request.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// A whole frame as a server sends it; `first` is FIN and opcode.
    #[must_use]
    pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..=125 => frame.push(length as u8),
            length @ 126..=0xffff => {
                frame.push(126);
                frame.extend((length as u16).to_be_bytes());
            }
            length => {
                frame.push(127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.write_all(payload).expect("write to memory");
        frame
    }

    /// Sends bytes in one binary frame.
    pub fn send(&mut self, payload: &[u8]) {
        self.conn.send(&Self::frame(BINARY, payload));
    }

    /// Sends a frame with this first byte.
    pub fn send_frame(&mut self, first: u8, payload: &[u8]) {
        self.conn.send(&Self::frame(first, payload));
    }

    /// The next frame of the client, unmasked: its first byte and its payload.
    #[track_caller]
    pub fn read_frame(&mut self) -> (u8, Vec<u8>) {
        let head = self.conn.read_bytes(2);
        assert_ne!(head[1] & 0x80, 0, "a client masks its frames");
        let size = match head[1] & 0x7f {
            126 => 2,
            127 => 8,
            length => return (head[0], self.read_masked(length.into())),
        };
        let bytes = self.conn.read_bytes(size);
        let length = bytes
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        (head[0], self.read_masked(length))
    }

    /// The next MQTT packet; all frames must be binary ones.
    #[track_caller]
    pub fn read_packet(&mut self) -> Packet {
        loop {
            if let Some(packet) = self.take_packet() {
                return packet;
            }
            let (first, payload) = self.read_frame();
            assert_eq!(first, BINARY, "MQTT is in binary frames");
            self.payload.extend(payload);
        }
    }

    /// The next packet, which must be a CONNECT; it is accepted, in its version.
    #[track_caller]
    pub fn greet(&mut self) -> Connect {
        let connect = Connect::parse(&self.read_packet());
        let connack = if connect.level == 5 {
            encode::packet(0x20, &[0, 0, 0])
        } else {
            encode::packet(0x20, &[0, 0])
        };
        self.send(&connack);
        connect
    }

    /// The next frame, which must be this answer to a ping.
    #[track_caller]
    pub fn expect_pong(&mut self, payload: &[u8]) {
        assert_eq!(self.read_frame(), (PONG, payload.to_vec()));
    }

    /// The client's good-bye: DISCONNECT, a close frame with code 1000, the end.
    #[track_caller]
    pub fn expect_end(&mut self) {
        assert_eq!(self.read_packet().kind(), 14);
        assert_eq!(self.read_frame(), (0x88, vec![3, 0xe8]));
        self.conn.expect_close();
    }

    #[track_caller]
    fn read_masked(&mut self, length: usize) -> Vec<u8> {
        let key = self.conn.read_bytes(4);
        let mut payload = self.conn.read_bytes(length);
        for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
            *byte ^= key;
        }
        payload
    }

    fn take_packet(&mut self) -> Option<Packet> {
        let first = *self.payload.first()?;
        let mut length = 0;
        for at in 1..=4 {
            let byte = *self.payload.get(at)?;
            length |= usize::from(byte & 0x7f) << (7 * (at - 1));
            if byte & 0x80 == 0 {
                let end = at + 1 + length;
                let body = self.payload.get(at + 1..end)?.to_vec();
                self.payload.drain(..end);
                return Some(Packet { first, body });
            }
        }
        panic!("a Remaining Length of more than four bytes");
    }
}
