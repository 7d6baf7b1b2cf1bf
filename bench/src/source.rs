//! `bench source`: a broker that sends messages as fast as they are taken, once its client has
//! subscribed.

use std::io::{self, ErrorKind, Read, Write};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::greeting::Client;
use crate::listen::{ListenArgs, Listener, Wire, is_end};
use crate::numbers::{Number, payload};
use crate::packet::{
    Header, PUBACK, PUBCOMP, PUBREC, PUBREL, Version, malformed, push_ack, push_publish, read_u16,
};

/// What to send to each connection.
#[derive(Debug, Clone, clap::Args)]
pub struct SourceArgs {
    /// How many messages
    #[arg(long, default_value_t = 1_000_000)]
    pub count: u64,
    /// Their QoS; it is lowered to what the client asked for
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub qos: u8,
    /// Bytes of payload; they begin with the message's number
    #[arg(long, default_value_t = 64)]
    pub size: usize,
    /// Their topics in turn
    #[arg(long = "topic", default_values_t = ["bench".to_owned()])]
    pub topics: Vec<String>,
    /// The most unacknowledged messages, under the client's Receive Maximum
    #[arg(long, default_value_t = 65_535, value_parser = clap::value_parser!(u16).range(1..))]
    pub window: u16,
}

/// What became of the messages: printed as one line of JSON when the source ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    pub connections: u64,
    pub messages: u64,
    /// PUBACKs, and at QoS 2 PUBCOMPs.
    pub acknowledged: u64,
}

/// Serves as many connections as `listen` says, one after the other.
///
/// # Errors
/// Those of the system, and packets that cannot be read.
pub fn run(listen: &ListenArgs, args: &SourceArgs) -> Result<Sent> {
    ensure!(!listen.parallel, "the source serves one client at a time");
    let listener = Listener::open(listen)?;
    let mut all = Sent::default();
    for _ in 0..listen.connections {
        let sent = serve(listener.accept()?, args)?;
        all.connections += 1;
        all.messages += sent.messages;
        all.acknowledged += sent.acknowledged;
    }
    Ok(all)
}

/// Serves one connection until the client ends it.
///
/// # Errors
/// Those of the system, and packets that cannot be read.
pub fn serve(mut wire: Wire, args: &SourceArgs) -> Result<Sent> {
    wire.do_not_wait()?;
    let mut source = Source::default();
    let mut block = None;
    let mut input = Input::new();
    let mut out = Vec::new();
    let mut written = 0;
    while !source.client.gone && !input.ended {
        let mut idle = !input.fill(&mut wire)?;
        let used = source.take(input.bytes())?;
        input.consume(used);
        if written == out.len() {
            out.clear();
            written = 0;
            out.append(&mut source.answers);
            if let Some(qos) = source.client.subscribed {
                let client = &source.client;
                let block = block
                    .get_or_insert_with(|| Block::new(args, client.version, qos.min(args.qos)));
                let window = args.window.min(client.receive_maximum);
                source.sent.messages += block.refill(&source.sent, args.count, window, &mut out);
            }
        }
        if written < out.len() {
            match wire.write(out.get(written..).unwrap_or_default()) {
                Ok(count) => {
                    written += count;
                    idle = false;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if is_end(&error) => break,
                Err(error) => return Err(error.into()),
            }
        } else {
            match wire.flush() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if is_end(&error) => break,
                result => result?,
            }
        }
        if idle {
            wire.wait(written < out.len())?;
        }
    }
    wire.close();
    Ok(source.sent)
}

#[derive(Debug, Default)]
struct Source {
    client: Client,
    sent: Sent,
    answers: Vec<u8>,
}

impl Source {
    /// Takes the complete packets at the beginning of `bytes`, and gives how long they were.
    fn take(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut at = 0;
        loop {
            let bytes = bytes.get(at..).unwrap_or_default();
            let Some(header) = Header::read(bytes)? else {
                return Ok(at);
            };
            let Some(rest) = bytes.get(header.start..header.total()) else {
                return Ok(at);
            };
            at += header.total();
            let id = || read_u16(rest, 0).ok_or_else(|| malformed("an acknowledgement"));
            match header.kind() {
                PUBACK | PUBCOMP => self.sent.acknowledged += 1,
                PUBREC => push_ack(&mut self.answers, PUBREL, id()?),
                _ => self.client.answer(&header, rest, &mut self.answers)?,
            }
        }
    }
}

/// Some packets in a row, which are sent over and over with other numbers.
#[derive(Debug)]
struct Block {
    bytes: Vec<u8>,
    packets: Vec<Place>,
    qos: u8,
    /// The packet that is next.
    next: usize,
    number: Number,
    id: u16,
}

/// Where things are in a block.
#[derive(Debug, Clone, Copy)]
struct Place {
    id: usize,
    number: usize,
    end: usize,
}

const BLOCK: usize = 256 * 1024;

impl Block {
    fn new(args: &SourceArgs, version: Version, qos: u8) -> Self {
        let mut block = Self {
            bytes: Vec::new(),
            packets: Vec::new(),
            qos,
            next: 0,
            number: Number::first(),
            id: 0,
        };
        let filler = payload(&block.number, args.size);
        // Whole rounds of the topics.
        while block.bytes.len() < BLOCK {
            for topic in &args.topics {
                push_publish(&mut block.bytes, version, qos, topic, 0, args.size);
                let number = block.bytes.len();
                // Before the payload are the identifier and, in MQTT 5, no properties.
                let id = number - if version == Version::V5 { 3 } else { 2 };
                block.bytes.extend_from_slice(&filler);
                let end = block.bytes.len();
                block.packets.push(Place { id, number, end });
            }
        }
        block
    }

    /// Appends as many of the packets as may be sent, and gives their number.
    fn refill(&mut self, sent: &Sent, count: u64, window: u16, out: &mut Vec<u8>) -> u64 {
        let mut most = count - sent.messages;
        if self.qos > 0 {
            most = most.min(u64::from(window).saturating_sub(sent.messages - sent.acknowledged));
        }
        let before = self
            .next
            .checked_sub(1)
            .and_then(|last| self.packets.get(last));
        let start = before.map_or(0, |place| place.end);
        let mut end = start;
        let mut taken = 0;
        for place in self.packets.iter().skip(self.next).take(most as usize) {
            if self.qos > 0 {
                self.id = self.id.checked_add(1).unwrap_or(1);
                overwrite(&mut self.bytes, place.id, &self.id.to_be_bytes());
            }
            let digits = self.number.digits(place.end - place.number);
            overwrite(&mut self.bytes, place.number, digits);
            self.number.advance();
            end = place.end;
            taken += 1;
        }
        out.extend_from_slice(self.bytes.get(start..end).unwrap_or_default());
        self.next += taken;
        if self.next == self.packets.len() {
            self.next = 0;
        }
        taken as u64
    }
}

#[inline]
fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + with.len()) {
        place.copy_from_slice(with);
    }
}

/// What came and is not taken yet.
#[derive(Debug)]
struct Input {
    buffer: Vec<u8>,
    filled: usize,
    ended: bool,
}

impl Input {
    fn new() -> Self {
        Self {
            buffer: vec![0; 64 * 1024],
            filled: 0,
            ended: false,
        }
    }

    fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }

    fn consume(&mut self, used: usize) {
        self.buffer.copy_within(used..self.filled, 0);
        self.filled -= used;
    }

    /// Reads once; whether anything came.
    fn fill(&mut self, wire: &mut Wire) -> io::Result<bool> {
        match wire.read(self.buffer.get_mut(self.filled..).unwrap_or_default()) {
            Ok(0) => self.ended = true,
            Ok(count) => self.filled += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) if is_end(&error) => self.ended = true,
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}
