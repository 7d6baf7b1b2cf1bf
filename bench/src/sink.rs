//! `bench sink`: a broker that acknowledges at once, discards what it gets, and counts it.

use std::io::{self, Read, Write};
use std::ops::AddAssign;
use std::thread;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::greeting::Client;
use crate::listen::{ListenArgs, Listener, is_end};
use crate::numbers::{DIGITS, Number};
use crate::packet::{
    Header, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, Publish, malformed, push_ack,
};

/// What came: printed as one line of JSON when the sink ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    pub connections: u64,
    pub messages: u64,
    pub payload_bytes: u64,
    /// QoS 2 messages whose PUBREL came.
    pub released: u64,
    /// The first message of a connection that had not the number it should have, counted from 1; 0 if
    /// there was none.
    pub first_wrong: u64,
}

/// Serves as many connections as `args` say; with `numbered` it looks at the payloads' numbers.
///
/// # Errors
/// Those of the system, and packets that cannot be read.
pub fn run(args: &ListenArgs, numbered: bool) -> Result<Received> {
    let listener = Listener::open(args)?;
    let mut all = Received::default();
    let mut threads = Vec::new();
    for _ in 0..args.connections {
        let mut wire = listener.accept()?;
        if args.parallel {
            threads.push(thread::spawn(move || {
                let served = serve(&mut wire, numbered);
                wire.close();
                served
            }));
        } else {
            all += serve(&mut wire, numbered)?;
            wire.close();
        }
    }
    for thread in threads {
        let served = thread.join();
        all += served.map_err(|_| anyhow::anyhow!("a connection's thread failed"))??;
    }
    Ok(all)
}

/// Serves one connection until DISCONNECT or its end.
///
/// # Errors
/// Those of the connection, and packets that cannot be read.
pub fn serve(wire: &mut (impl Read + Write), numbered: bool) -> io::Result<Received> {
    let mut sink = Sink {
        numbers: numbered.then(Number::first),
        ..Sink::default()
    };
    // Half of a second-level cache: larger reads are not faster, smaller ones cost system calls.
    let mut buffer = vec![0; 256 * 1024];
    let mut filled = 0;
    let mut out = Vec::new();
    // A broker closes on DISCONNECT; clients wait for that.
    while !sink.client.gone {
        let room = buffer.get_mut(filled..).unwrap_or_default();
        let count = match wire.read(room) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if is_end(&error) => break,
            Err(error) => return Err(error),
        };
        filled += count;
        let used = sink.take(buffer.get(..filled).unwrap_or_default(), &mut out)?;
        buffer.copy_within(used..filled, 0);
        filled -= used;
        if !out.is_empty() {
            match wire.write_all(&out).and_then(|()| wire.flush()) {
                Err(error) if is_end(&error) => break,
                result => result?,
            }
            out.clear();
        }
    }
    if filled > 0 || sink.skip > 0 {
        return Err(malformed("the connection ended within a packet"));
    }
    Ok(Received {
        connections: 1,
        ..sink.received
    })
}

#[derive(Debug, Default)]
struct Sink {
    client: Client,
    received: Received,
    numbers: Option<Number>,
    /// What is left of a payload that is passed over, in bytes.
    skip: usize,
    /// What to acknowledge when its payload is over: the kind of the answer and the identifier.
    then: Option<(u8, u16)>,
}

impl Sink {
    /// Takes what can be taken of `bytes`, and gives how much that was.
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<usize> {
        let mut at = 0;
        loop {
            let bytes = bytes.get(at..).unwrap_or_default();
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                at += skipped;
                if self.skip > 0 {
                    return Ok(at);
                }
                self.acknowledge(out);
                continue;
            }
            let Some(header) = Header::read(bytes)? else {
                return Ok(at);
            };
            if header.kind() == PUBLISH {
                let Some(publish) = Publish::read(bytes, &header, self.client.version)? else {
                    return Ok(at);
                };
                let size = header.total() - publish.payload;
                let payload = bytes.get(publish.payload..).unwrap_or_default();
                if payload.len() < size.min(DIGITS) {
                    return Ok(at);
                }
                self.publish(&publish, payload, size);
                at += publish.payload;
                self.skip = size;
                if size == 0 {
                    self.acknowledge(out);
                }
            } else {
                let Some(rest) = bytes.get(header.start..header.total()) else {
                    return Ok(at);
                };
                self.other(&header, rest, out)?;
                at += header.total();
            }
        }
    }

    #[inline]
    fn publish(&mut self, publish: &Publish, payload: &[u8], size: usize) {
        let received = &mut self.received;
        received.messages += 1;
        received.payload_bytes += size as u64;
        if let Some(number) = &mut self.numbers {
            if received.first_wrong == 0 && !number.is_at_start_of(payload, size) {
                received.first_wrong = received.messages;
            }
            number.advance();
        }
        self.then = match publish.qos {
            0 => None,
            1 => Some((PUBACK, publish.id)),
            _ => Some((PUBREC, publish.id)),
        };
    }

    #[inline]
    fn acknowledge(&mut self, out: &mut Vec<u8>) {
        if let Some((kind, id)) = self.then.take() {
            push_ack(out, kind, id);
        }
    }

    fn other(&mut self, header: &Header, rest: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        if header.kind() != PUBREL {
            return self.client.answer(header, rest, out);
        }
        let id = crate::packet::read_u16(rest, 0).ok_or_else(|| malformed("PUBREL"))?;
        self.received.released += 1;
        push_ack(out, PUBCOMP, id);
        Ok(())
    }
}

impl AddAssign for Received {
    fn add_assign(&mut self, other: Self) {
        self.connections += other.connections;
        self.messages += other.messages;
        self.payload_bytes += other.payload_bytes;
        self.released += other.released;
        if self.first_wrong == 0 {
            self.first_wrong = other.first_wrong;
        }
    }
}
