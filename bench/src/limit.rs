//! The limit: the least that a client can do, in blocking loops without a runtime. What the tools
//! reach of it is how good they are.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use crate::packet::{
    CONNACK, CONNECT, DISCONNECT, Header, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, Publish,
    SUBACK, SUBSCRIBE, Version, malformed, push_ack, push_packet, push_publish, push_string,
    read_u16,
};

/// What a minimal client is to do.
#[derive(Debug, Clone)]
pub struct Task {
    /// Of a broker on the IPv4 loopback address.
    pub port: u16,
    pub version: Version,
    /// 0 to 2.
    pub qos: u8,
    pub topic: String,
    /// The most unacknowledged messages.
    pub window: u16,
    /// How many messages to receive.
    pub count: u64,
}

impl Default for Task {
    fn default() -> Self {
        Self {
            port: 1883,
            version: Version::V311,
            qos: 0,
            topic: "bench".to_owned(),
            window: 100,
            count: 1,
        }
    }
}

/// How much is read and written at a time, in bytes: with more, the other side waits for it and the
/// cache does not hold it.
const BLOCK: usize = 128 * 1024;

/// Publishes one message.
///
/// # Errors
/// Those of the connection, and answers that do not fit.
pub fn once(task: &Task, message: &[u8]) -> io::Result<()> {
    let mut connection = Connection::open(task)?;
    connection.append(task, message);
    connection.finish()
}

/// Publishes each line of `lines`; gives their number.
///
/// # Errors
/// As [`once`], and those of `lines`.
pub fn publish(task: &Task, mut lines: impl Read) -> io::Result<u64> {
    let mut connection = Connection::open(task)?;
    connection.input.buffer.resize(ACKS, 0);
    let mut buffer = vec![0; BLOCK];
    let mut filled = 0;
    let mut published = 0;
    loop {
        if filled == buffer.len() {
            buffer.resize(2 * filled, 0);
        }
        let count = lines.read(buffer.get_mut(filled..).unwrap_or_default())?;
        filled += count;
        let text = buffer.get(..filled).unwrap_or_default();
        let mut start = 0;
        let last = (count == 0 && text.last().is_some_and(|&byte| byte != b'\n')).then_some(filled);
        for end in memchr::memchr_iter(b'\n', text).chain(last) {
            while task.qos > 0 && connection.in_flight == task.window {
                connection.send()?;
                connection.receive_acks()?;
            }
            connection.append(task, text.get(start..end).unwrap_or_default());
            start = end + 1;
            published += 1;
            if connection.out.len() >= BLOCK {
                connection.send()?;
            }
        }
        let used = start.min(filled);
        buffer.copy_within(used..filled, 0);
        filled -= used;
        if count == 0 {
            break;
        }
    }
    connection.finish()?;
    Ok(published)
}

/// Receives messages, and writes their payloads as lines.
///
/// # Errors
/// As [`once`], and those of `lines`.
pub fn subscribe(task: &Task, mut lines: impl Write) -> io::Result<()> {
    let mut connection = Connection::open(task)?;
    connection.input.buffer.resize(BLOCK, 0);
    let mut subscribe = vec![0, 1];
    if task.version == Version::V5 {
        subscribe.push(0);
    }
    push_string(&mut subscribe, &task.topic);
    subscribe.push(task.qos);
    push_packet(&mut connection.out, SUBSCRIBE << 4 | 2, &subscribe);
    connection.send()?;
    let mut left = task.count;
    let mut text = Vec::with_capacity(2 * BLOCK);
    while left > 0 {
        let Connection { input, out, .. } = &mut connection;
        input.packets(|header, packet| {
            match header.kind() {
                PUBLISH if left > 0 => {
                    let publish = Publish::read(packet, &header, task.version)?
                        .ok_or_else(|| malformed("PUBLISH"))?;
                    let payload = packet.get(publish.payload..).unwrap_or_default();
                    if payload.len() >= BLOCK {
                        lines.write_all(&text)?;
                        text.clear();
                        lines.write_all(payload)?;
                    } else {
                        text.extend_from_slice(payload);
                    }
                    text.push(b'\n');
                    match publish.qos {
                        0 => {}
                        1 => push_ack(out, PUBACK, publish.id),
                        _ => push_ack(out, PUBREC, publish.id),
                    }
                    // At QoS 2 a message is over with its PUBREL.
                    if publish.qos < 2 {
                        left -= 1;
                    }
                }
                PUBREL => {
                    push_ack(out, PUBCOMP, id(&header, packet)?);
                    left -= 1;
                }
                PUBLISH | SUBACK => {}
                _ => return Err(malformed("neither PUBLISH nor SUBACK")),
            }
            Ok(())
        })?;
        lines.write_all(&text)?;
        text.clear();
        connection.send()?;
        if left > 0 {
            connection.receive()?;
        }
    }
    connection.close()
}

struct Connection {
    stream: TcpStream,
    input: Input,
    out: Vec<u8>,
    last_id: u16,
    in_flight: u16,
}

impl Connection {
    /// Connects, and waits until the broker agrees.
    fn open(task: &Task) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", task.port))?;
        stream.set_nodelay(true)?;
        let mut connection = Self {
            stream,
            input: Input::default(),
            out: Vec::new(),
            last_id: 0,
            in_flight: 0,
        };
        let mut connect = Vec::with_capacity(16);
        push_string(&mut connect, "MQTT");
        // A clean session; Keep Alive 60 s.
        connect.extend_from_slice(&[task.version.level(), 2, 0, 60]);
        if task.version == Version::V5 {
            connect.push(0);
        }
        push_string(&mut connect, "");
        push_packet(&mut connection.out, CONNECT << 4, &connect);
        connection.send()?;
        let mut accepted = false;
        while !accepted {
            connection.receive()?;
            connection.input.packets(|header, packet| {
                accepted = header.kind() == CONNACK && packet.get(header.start + 1) == Some(&0);
                if accepted {
                    Ok(())
                } else {
                    Err(malformed("no CONNACK, or a refusal"))
                }
            })?;
        }
        Ok(connection)
    }

    #[inline]
    fn append(&mut self, task: &Task, payload: &[u8]) {
        if task.qos > 0 {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            self.in_flight += 1;
        }
        push_publish(
            &mut self.out,
            task.version,
            task.qos,
            &task.topic,
            self.last_id,
            payload.len(),
        );
        self.out.extend_from_slice(payload);
    }

    fn send(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            self.stream.write_all(&self.out)?;
            self.out.clear();
        }
        Ok(())
    }

    fn receive(&mut self) -> io::Result<()> {
        self.input.fill(&mut self.stream)
    }

    /// Reads once, and takes the acknowledgements; the answers of QoS 2 go with the next
    /// [`send`](Self::send).
    fn receive_acks(&mut self) -> io::Result<()> {
        self.receive()?;
        let Self {
            input,
            out,
            in_flight,
            ..
        } = self;
        input.packets(|header, packet| {
            match header.kind() {
                PUBACK | PUBCOMP => *in_flight = in_flight.saturating_sub(1),
                PUBREC => push_ack(out, PUBREL, id(&header, packet)?),
                _ => return Err(malformed("no acknowledgement")),
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Waits for the last acknowledgements, and says goodbye.
    fn finish(mut self) -> io::Result<()> {
        while self.in_flight > 0 {
            self.send()?;
            self.receive_acks()?;
        }
        self.close()
    }

    fn close(mut self) -> io::Result<()> {
        push_packet(&mut self.out, DISCONNECT << 4, &[]);
        self.send()
    }
}

#[derive(Default)]
struct Input {
    buffer: Vec<u8>,
    filled: usize,
}

impl Input {
    fn fill(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        if self.filled == self.buffer.len() {
            // What is larger than the buffer gets exactly the room that it needs.
            let packet = Header::read(&self.buffer)?.map_or(0, |header| header.total());
            self.buffer.resize(FIRST.max(packet), 0);
        }
        match stream.read(self.buffer.get_mut(self.filled..).unwrap_or_default())? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.filled += count;
                Ok(())
            }
        }
    }

    /// Gives each complete packet away.
    #[inline]
    fn packets(&mut self, mut take: impl FnMut(Header, &[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut at = 0;
        let bytes = self.buffer.get(..self.filled).unwrap_or_default();
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(header) = Header::read(rest)? else {
                break;
            };
            let Some(packet) = rest.get(..header.total()) else {
                break;
            };
            take(header, packet)?;
            at += header.total();
        }
        self.buffer.copy_within(at..self.filled, 0);
        self.filled -= at;
        Ok(())
    }
}

/// Room for a CONNACK, in bytes: a single publish needs no more.
const FIRST: usize = 256;

/// Room for acknowledgements, in bytes.
const ACKS: usize = 16 * 1024;

fn id(header: &Header, packet: &[u8]) -> io::Result<u16> {
    read_u16(packet, header.start).ok_or_else(|| malformed("a packet without identifier"))
}
