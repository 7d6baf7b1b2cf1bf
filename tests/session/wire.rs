//! The broker's side of the wire as raw bytes: builders for what a broker sends and a strict
//! reader of what a client sends. Shares no code with the crate's codec or `rumqttc`.

use std::collections::BTreeMap;

use mqtools_common::reason::Version;

pub const PUBACK: u8 = 0x40;
pub const PUBREC: u8 = 0x50;
pub const PUBREL: u8 = 0x62;
pub const PUBCOMP: u8 = 0x70;

/// A packet from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromClient {
    Connect(Connect),
    Publish(Publish),
    /// PUBACK, PUBREC, PUBREL or PUBCOMP, named by its first byte.
    Ack {
        kind: u8,
        id: u16,
        reason: u8,
    },
    Subscribe {
        id: u16,
        filters: Vec<(String, u8)>,
    },
    Unsubscribe {
        id: u16,
        filters: Vec<String>,
    },
    Pingreq,
    Disconnect,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    pub flags: u8,
    pub keep_alive: u16,
    pub properties: Vec<u8>,
    pub client_id: String,
    /// Will topic, Will payload, user name and password, as far as the flags name them.
    pub rest: Vec<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    pub dup: bool,
    pub qos: u8,
    pub retain: bool,
    pub topic: String,
    pub id: u16,
    pub payload: Vec<u8>,
    /// The Topic Alias, which must be the first property.
    pub alias: Option<u16>,
    /// Whether the topic was there, and not its alias alone.
    pub is_named: bool,
    /// All properties but the alias, encoded.
    pub properties: Vec<u8>,
    /// Size of the whole packet in bytes.
    pub size: usize,
}

/// Collects a stream and cuts it into packets.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// Where the next packet begins in them.
    start: usize,
    /// How many bytes the packets so far had.
    taken: usize,
}

impl Frames {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole packet: its first byte, its body, and its size.
    pub fn next(&mut self) -> Option<(u8, Vec<u8>, usize)> {
        let mut length = 0;
        let rest = &self.bytes[self.start..];
        for (index, byte) in rest.iter().skip(1).enumerate() {
            assert!(index < 4, "a length field does not end");
            length |= usize::from(byte & 0x7F) << (7 * index);
            if byte & 0x80 == 0 {
                assert!(
                    index == 0 || *byte != 0,
                    "a length field longer than needed"
                );
                let size = 2 + index + length;
                if rest.len() < size {
                    return None;
                }
                let packet = (rest[0], rest[2 + index..size].to_vec(), size);
                self.start += size;
                self.taken += size;
                return Some(packet);
            }
        }
        None
    }
}

/// Reads what a client sends; panics at anything MQTT does not allow a client.
#[derive(Debug)]
pub struct ClientReader {
    version: Version,
    frames: Frames,
    aliases: BTreeMap<u16, String>,
}

impl ClientReader {
    pub fn new(version: Version) -> Self {
        Self {
            version,
            frames: Frames::default(),
            aliases: BTreeMap::new(),
        }
    }

    /// The topic that a PUBLISH means.
    fn topic(&mut self, named: &str, alias: Option<u16>) -> String {
        let Some(alias) = alias else {
            return named.to_owned();
        };
        assert_ne!(alias, 0, "Topic Alias 0");
        if !named.is_empty() {
            self.aliases.insert(alias, named.to_owned());
        }
        match self.aliases.get(&alias) {
            Some(topic) => topic.clone(),
            None => panic!("Topic Alias {alias} stands for nothing over this connection"),
        }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.frames.push(bytes);
    }

    /// How many bytes the packets so far had.
    pub fn taken(&self) -> usize {
        self.frames.taken
    }

    pub fn next(&mut self) -> Option<FromClient> {
        let (first, body, size) = self.frames.next()?;
        let mut body = Cursor(&body);
        let v5 = self.version == Version::V5;
        let packet = match first {
            0x10 => {
                let (name, level) = match self.version {
                    Version::V31 => (&b"MQIsdp"[..], 3),
                    Version::V311 => (&b"MQTT"[..], 4),
                    Version::V5 => (&b"MQTT"[..], 5),
                };
                assert_eq!((body.binary(), body.byte()), (name, level));
                let flags = body.byte();
                assert_eq!(flags & 1, 0, "the reserved flag");
                let keep_alive = body.u16();
                let properties = if v5 { body.properties() } else { Vec::new() };
                let client_id = body.string();
                let mut rest = Vec::new();
                if flags & 0x04 == 0 {
                    assert_eq!(flags & 0x38, 0, "Will flags without a Will");
                } else {
                    assert_ne!(flags & 0x18, 0x18, "Will QoS 3");
                    if v5 {
                        assert!(body.properties().is_empty());
                    }
                    rest.push(body.string().into_bytes());
                    rest.push(body.binary().to_vec());
                }
                if flags & 0x80 != 0 {
                    rest.push(body.string().into_bytes());
                }
                if flags & 0x40 != 0 {
                    rest.push(body.binary().to_vec());
                }
                FromClient::Connect(Connect {
                    flags,
                    keep_alive,
                    properties,
                    client_id,
                    rest,
                })
            }
            0x30..=0x3F => {
                let qos = first >> 1 & 3;
                assert_ne!(qos, 3, "QoS 3");
                let named = body.string();
                let id = if qos == 0 { 0 } else { body.id() };
                let mut properties = if v5 { body.properties() } else { Vec::new() };
                let alias = take_alias(&mut properties);
                let topic = self.topic(&named, alias);
                assert!(!topic.is_empty() && !topic.contains(['+', '#', '\0']));
                FromClient::Publish(Publish {
                    dup: first & 8 != 0,
                    qos,
                    retain: first & 1 != 0,
                    topic,
                    id,
                    payload: std::mem::take(&mut body.0).to_vec(),
                    alias,
                    is_named: !named.is_empty(),
                    properties,
                    size,
                })
            }
            PUBACK | PUBREC | PUBREL | PUBCOMP => {
                let id = body.id();
                let reason = if v5 && !body.0.is_empty() {
                    body.byte()
                } else {
                    0
                };
                FromClient::Ack {
                    kind: first,
                    id,
                    reason,
                }
            }
            0x82 => {
                let id = body.id();
                if v5 {
                    assert!(body.properties().is_empty());
                }
                let mut filters = Vec::new();
                while !body.0.is_empty() {
                    filters.push((body.string(), body.byte()));
                }
                assert!(!filters.is_empty());
                FromClient::Subscribe { id, filters }
            }
            0xA2 => {
                let id = body.id();
                if v5 {
                    assert!(body.properties().is_empty());
                }
                let mut filters = Vec::new();
                while !body.0.is_empty() {
                    filters.push(body.string());
                }
                assert!(!filters.is_empty());
                FromClient::Unsubscribe { id, filters }
            }
            0xC0 => FromClient::Pingreq,
            0xE0 => FromClient::Disconnect,
            _ => panic!("a client sent a packet that begins with {first:#04x}"),
        };
        assert!(body.0.is_empty(), "{packet:?} is too long");
        Some(packet)
    }
}

fn take_alias(properties: &mut Vec<u8>) -> Option<u16> {
    match properties[..] {
        [0x23, high, low, ..] => {
            properties.drain(..3);
            Some(u16::from_be_bytes([high, low]))
        }
        _ => None,
    }
}

/// A whole packet from its first byte and body.
pub fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    let mut length = body.len();
    while length >= 0x80 {
        frame.push((length & 0x7F) as u8 | 0x80);
        length >>= 7;
    }
    frame.push(length as u8);
    frame.extend_from_slice(body);
    frame
}

/// A string or binary field with its two bytes of length.
pub fn field(bytes: &[u8]) -> Vec<u8> {
    let mut field = (bytes.len() as u16).to_be_bytes().to_vec();
    field.extend_from_slice(bytes);
    field
}

/// `properties` without their length (fewer than 128 bytes); left out in MQTT 3.1.1.
pub fn connack(version: Version, present: bool, code: u8, properties: &[u8]) -> Vec<u8> {
    let mut body = vec![u8::from(present), code];
    if version == Version::V5 {
        body.push(properties.len() as u8);
        body.extend_from_slice(properties);
    }
    frame(0x20, &body)
}

/// A PUBLISH; `id` only counts above QoS 0.
pub fn publish(
    version: Version,
    flags: (bool, u8),
    topic: &str,
    id: u16,
    payload: &[u8],
) -> Vec<u8> {
    publish_with(version, flags, topic, id, &[], payload)
}

/// The same with properties, encoded and without their length (fewer than 128 bytes).
pub fn publish_with(
    version: Version,
    (dup, qos): (bool, u8),
    topic: &str,
    id: u16,
    properties: &[u8],
    payload: &[u8],
) -> Vec<u8> {
    let mut body = field(topic.as_bytes());
    if qos > 0 {
        body.extend_from_slice(&id.to_be_bytes());
    }
    if version == Version::V5 {
        body.push(properties.len() as u8);
        body.extend_from_slice(properties);
    }
    body.extend_from_slice(payload);
    frame(0x30 | u8::from(dup) << 3 | qos << 1, &body)
}

/// An acknowledgement of two bytes, for success.
pub fn ack(kind: u8, id: u16) -> Vec<u8> {
    frame(kind, &id.to_be_bytes())
}

/// An acknowledgement with a Reason Code and nothing else (MQTT 5).
pub fn ack_reason(kind: u8, id: u16, reason: u8) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    frame(kind, &[high, low, reason])
}

/// An acknowledgement with a Reason Code and a Reason String (MQTT 5).
pub fn ack_words(kind: u8, id: u16, reason: u8, words: &str) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    let mut body = vec![high, low, reason, words.len() as u8 + 3, 0x1F];
    body.extend(field(words.as_bytes()));
    frame(kind, &body)
}

/// SUBACK (0x90) or UNSUBACK (0xB0).
pub fn codes(version: Version, first: u8, id: u16, codes: &[u8]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    if version == Version::V5 {
        body.push(0);
    }
    body.extend_from_slice(codes);
    frame(first, &body)
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        assert!(self.0.len() >= count, "a packet is too short");
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    fn id(&mut self) -> u16 {
        let id = self.u16();
        assert_ne!(id, 0, "Packet Identifier 0");
        id
    }

    fn binary(&mut self) -> &'a [u8] {
        let length = self.u16();
        self.take(length.into())
    }

    fn string(&mut self) -> String {
        String::from_utf8(self.binary().to_vec()).expect("a string is not UTF-8")
    }

    fn properties(&mut self) -> Vec<u8> {
        let length = self.byte();
        assert!(length < 0x80, "no test makes that many properties");
        self.take(length.into()).to_vec()
    }
}
