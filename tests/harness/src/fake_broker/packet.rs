//! The packets a scripted broker looks into, read and written independently of the tools.

/// A packet as it came: the first byte and what follows the Remaining Length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Type in the upper four bits, flags in the lower.
    pub first: u8,
    /// Everything after the fixed header.
    pub body: Vec<u8>,
}

/// A CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// `MQTT`, or `MQIsdp` in 3.1.
    pub protocol: String,
    /// 3 (3.1), 4 (3.1.1) or 5.
    pub level: u8,
    /// Clean Session, or Clean Start in 5.
    pub clean: bool,
    /// Seconds.
    pub keep_alive: u16,
    /// Encoded properties without their length; empty before 5.
    pub properties: Vec<u8>,
    /// May be empty.
    pub client_id: String,
    /// The Will, if any.
    pub will: Option<Will>,
    /// The User Name, if any.
    pub username: Option<String>,
    /// The Password, if any.
    pub password: Option<Vec<u8>>,
}

/// A Will inside a CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will {
    /// Where it is published.
    pub topic: String,
    /// What is published.
    pub payload: Vec<u8>,
    /// 0 to 2.
    pub qos: u8,
    /// Whether it is retained.
    pub retain: bool,
    /// Encoded properties without their length; empty before 5.
    pub properties: Vec<u8>,
}

/// A PUBLISH.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Publish {
    /// The Topic Name.
    pub topic: String,
    /// The message.
    pub payload: Vec<u8>,
    /// 0 to 2 (3 can be sent, to see it refused).
    pub qos: u8,
    /// The Packet Identifier; present with QoS 1 and 2.
    pub packet_id: Option<u16>,
    /// Whether it is sent again.
    pub dup: bool,
    /// Whether it is retained.
    pub retain: bool,
    /// Encoded properties without their length; empty before 5.
    pub properties: Vec<u8>,
}

/// A SUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// The Packet Identifier.
    pub packet_id: u16,
    /// Topic Filters, each with its options byte (its QoS, before 5).
    pub filters: Vec<(String, u8)>,
    /// Encoded properties without their length; empty before 5.
    pub properties: Vec<u8>,
}

impl Packet {
    /// The packet's type: 1 CONNECT to 15 AUTH.
    #[must_use]
    pub fn kind(&self) -> u8 {
        self.first >> 4
    }

    /// The Packet Identifier of a packet whose body begins with it.
    #[must_use]
    #[track_caller]
    pub fn packet_id(&self) -> u16 {
        Cursor(&self.body).u16()
    }
}

impl Connect {
    /// Reads it; panics when it is not a CONNECT or not well formed.
    #[must_use]
    #[track_caller]
    pub fn parse(packet: &Packet) -> Self {
        assert_eq!(packet.first, 0x10, "expected a CONNECT, got {packet:?}");
        let mut rest = Cursor(&packet.body);
        let protocol = rest.text();
        let level = rest.u8();
        let flags = rest.u8();
        let keep_alive = rest.u16();
        let properties = rest.properties(level == 5);
        let client_id = rest.text();
        let will = (flags & 0x04 != 0).then(|| Will {
            properties: rest.properties(level == 5),
            topic: rest.text(),
            payload: rest.binary(),
            qos: flags >> 3 & 3,
            retain: flags & 0x20 != 0,
        });
        let username = (flags & 0x80 != 0).then(|| rest.text());
        let password = (flags & 0x40 != 0).then(|| rest.binary());
        rest.end();
        Self {
            protocol,
            level,
            clean: flags & 0x02 != 0,
            keep_alive,
            properties,
            client_id,
            will,
            username,
            password,
        }
    }
}

impl Publish {
    /// A message to send; with QoS 1 and 2, `packet_id` is its Packet Identifier.
    #[must_use]
    pub fn new(topic: &str, payload: impl AsRef<[u8]>, qos: u8, packet_id: u16) -> Self {
        Self {
            topic: topic.to_owned(),
            payload: payload.as_ref().to_vec(),
            qos,
            packet_id: (qos > 0).then_some(packet_id),
            ..Self::default()
        }
    }

    /// Reads it; panics when it is not a PUBLISH or not well formed.
    #[must_use]
    #[track_caller]
    pub fn parse(packet: &Packet, is_v5: bool) -> Self {
        assert_eq!(packet.kind(), 3, "expected a PUBLISH, got {packet:?}");
        let qos = packet.first >> 1 & 3;
        let mut rest = Cursor(&packet.body);
        let topic = rest.text();
        let packet_id = (qos > 0).then(|| rest.u16());
        let properties = rest.properties(is_v5);
        Self {
            topic,
            payload: rest.0.to_vec(),
            qos,
            packet_id,
            dup: packet.first & 0x08 != 0,
            retain: packet.first & 0x01 != 0,
            properties,
        }
    }

    /// The packet's bytes.
    #[must_use]
    pub fn encode(&self, is_v5: bool) -> Vec<u8> {
        let mut body = Vec::new();
        encode::text(&mut body, self.topic.as_bytes());
        if let Some(id) = self.packet_id {
            body.extend(id.to_be_bytes());
        }
        if is_v5 {
            encode::properties(&mut body, &self.properties);
        }
        body.extend(&self.payload);
        let flags = u8::from(self.dup) << 3 | self.qos << 1 | u8::from(self.retain);
        encode::packet(0x30 | flags, &body)
    }
}

impl Subscribe {
    /// Reads it; panics when it is not a SUBSCRIBE or not well formed.
    #[must_use]
    #[track_caller]
    pub fn parse(packet: &Packet, is_v5: bool) -> Self {
        assert_eq!(packet.first, 0x82, "expected a SUBSCRIBE, got {packet:?}");
        let mut rest = Cursor(&packet.body);
        let packet_id = rest.u16();
        let properties = rest.properties(is_v5);
        let mut filters = Vec::new();
        while !rest.0.is_empty() {
            filters.push((rest.text(), rest.u8()));
        }
        Self {
            packet_id,
            filters,
            properties,
        }
    }
}

/// Writes the parts of packets.
pub mod encode {
    /// A whole packet: first byte, Remaining Length, body.
    #[must_use]
    pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        length(&mut bytes, body.len());
        bytes.extend(body);
        bytes
    }

    /// A Variable Byte Integer.
    pub fn length(bytes: &mut Vec<u8>, mut value: usize) {
        loop {
            let low = u8::try_from(value & 0x7f).expect("seven bits fit");
            value >>= 7;
            if value == 0 {
                bytes.push(low);
                return;
            }
            bytes.push(low | 0x80);
        }
    }

    /// Properties with their length before them.
    pub fn properties(bytes: &mut Vec<u8>, properties: &[u8]) {
        length(bytes, properties.len());
        bytes.extend(properties);
    }

    /// Text or binary data with its length of two bytes before it.
    pub fn text(bytes: &mut Vec<u8>, text: &[u8]) {
        let length = u16::try_from(text.len()).expect("at most 65535 bytes");
        bytes.extend(length.to_be_bytes());
        bytes.extend(text);
    }
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    #[track_caller]
    fn take(&mut self, count: usize) -> &[u8] {
        assert!(count <= self.0.len(), "the client's packet ends too early");
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    #[track_caller]
    fn u8(&mut self) -> u8 {
        self.take(1)[0]
    }

    #[track_caller]
    fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.u8(), self.u8()])
    }

    #[track_caller]
    fn binary(&mut self) -> Vec<u8> {
        let length = self.u16().into();
        self.take(length).to_vec()
    }

    #[track_caller]
    fn text(&mut self) -> String {
        String::from_utf8(self.binary()).expect("MQTT text is UTF-8")
    }

    #[track_caller]
    fn properties(&mut self, is_v5: bool) -> Vec<u8> {
        if !is_v5 {
            return Vec::new();
        }
        let mut length = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.u8();
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return self.take(length).to_vec();
            }
        }
        panic!("a property length of more than four bytes");
    }

    #[track_caller]
    fn end(&self) {
        assert!(
            self.0.is_empty(),
            "{} bytes too many in a packet",
            self.0.len()
        );
    }
}
