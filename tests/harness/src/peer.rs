//! A client that is neither ours nor mosquitto's: it publishes, and it sees every bit of what
//! arrives. It speaks MQTT 5 or 3.1.1 to any broker on this machine.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use crate::fake_broker::{Conn, Packet, Publish, encode};

/// A connected client. Whatever it waits for must come within 60 s, or it panics; dropped, it
/// cuts its connection.
#[derive(Debug)]
pub struct Peer {
    conn: Conn,
    is_v5: bool,
    next_id: u16,
    /// Messages that came while something else was awaited.
    early: VecDeque<Publish>,
    /// Messages of QoS 2 that are not released yet.
    unreleased: VecDeque<Publish>,
}

impl Peer {
    /// Connects with MQTT 5 to a port of 127.0.0.1, without a session from before.
    #[must_use]
    #[track_caller]
    pub fn v5(port: u16, client_id: &str) -> Self {
        Self::connect(port, client_id, 5)
    }

    /// Connects with MQTT 3.1.1.
    #[must_use]
    #[track_caller]
    pub fn v311(port: u16, client_id: &str) -> Self {
        Self::connect(port, client_id, 4)
    }

    #[track_caller]
    fn connect(port: u16, client_id: &str, level: u8) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect(address).expect("connect to the broker");
        let is_v5 = level == 5;
        let mut peer = Self {
            conn: Conn::over(stream, is_v5),
            is_v5,
            next_id: 1,
            early: VecDeque::new(),
            unreleased: VecDeque::new(),
        };
        let mut body = Vec::new();
        encode::text(&mut body, b"MQTT");
        // Clean Session, and no Keep Alive: a slow test must not lose its witness.
        body.extend([level, 2, 0, 0]);
        if is_v5 {
            // Receive Maximum, so that the broker need not hold anything back.
            encode::properties(&mut body, &[0x21, 0xff, 0xff]);
        }
        encode::text(&mut body, client_id.as_bytes());
        peer.conn.send(&encode::packet(0x10, &body));
        let answer = peer.conn.expect_kind(2);
        assert_eq!(
            answer.body.get(1),
            Some(&0),
            "the broker refused {answer:?}"
        );
        peer
    }

    /// Subscribes to one Topic Filter and waits for the SUBACK. `options` is the whole byte:
    /// the QoS and, in MQTT 5, No Local (4) and Retain As Published (8).
    #[track_caller]
    pub fn subscribe(&mut self, filter: &str, options: u8) {
        self.subscribe_with(&[], &[(filter, options)]);
    }

    /// The same for several at once, with encoded properties (MQTT 5).
    #[track_caller]
    pub fn subscribe_with(&mut self, properties: &[u8], filters: &[(&str, u8)]) {
        let id = self.packet_id();
        let mut body = id.to_be_bytes().to_vec();
        if self.is_v5 {
            encode::properties(&mut body, properties);
        }
        for (filter, options) in filters {
            encode::text(&mut body, filter.as_bytes());
            body.push(*options);
        }
        self.conn.send(&encode::packet(0x82, &body));
        let answer = self.await_kind(9, id);
        let granted = &answer.body[answer.body.len() - filters.len()..];
        assert!(granted.iter().all(|code| *code < 0x80), "{answer:?}");
    }

    /// Publishes, and waits until the broker has it (QoS 1 and 2). The Packet Identifier is
    /// chosen here.
    #[track_caller]
    pub fn publish(&mut self, publish: &Publish) {
        let mut publish = publish.clone();
        publish.packet_id = (publish.qos > 0).then(|| self.packet_id());
        self.conn.publish(&publish);
        let Some(id) = publish.packet_id else {
            return;
        };
        if publish.qos == 1 {
            self.await_kind(4, id);
        } else {
            self.await_kind(5, id);
            self.conn.pubrel(id);
            self.await_kind(7, id);
        }
    }

    /// The next message, acknowledged.
    #[track_caller]
    pub fn receive(&mut self) -> Publish {
        loop {
            if let Some(publish) = self.early.pop_front() {
                return publish;
            }
            let packet = self.conn.read_packet();
            self.take(&packet);
        }
    }

    /// Every message up to one that this client publishes now, without it.
    ///
    /// The subscription must cover `end` with QoS 2: the broker keeps one order for what waits, and
    /// messages of QoS 0 do not wait.
    #[track_caller]
    pub fn receive_until_now(&mut self, end: &str) -> Vec<Publish> {
        self.publish(&Publish::new(end, "end", 2, 0));
        let mut seen = Vec::new();
        loop {
            let publish = self.receive();
            if publish.topic == end {
                return seen;
            }
            seen.push(publish);
        }
    }

    /// Says DISCONNECT and closes.
    #[track_caller]
    pub fn disconnect(mut self) {
        self.conn.send(&[0xe0, 0]);
    }

    fn packet_id(&mut self) -> u16 {
        let id = self.next_id;
        self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        id
    }

    #[track_caller]
    fn await_kind(&mut self, kind: u8, id: u16) -> Packet {
        loop {
            let packet = self.conn.read_packet();
            if packet.kind() == kind && packet.packet_id() == id {
                return packet;
            }
            self.take(&packet);
        }
    }

    #[track_caller]
    fn take(&mut self, packet: &Packet) {
        match packet.kind() {
            3 => {
                let publish = Publish::parse(packet, self.is_v5);
                match (publish.qos, publish.packet_id) {
                    (1, Some(id)) => {
                        self.conn.puback(id);
                        self.early.push_back(publish);
                    }
                    (2, Some(id)) => {
                        self.conn.pubrec(id);
                        self.unreleased.push_back(publish);
                    }
                    _ => self.early.push_back(publish),
                }
            }
            6 => {
                let id = packet.packet_id();
                self.conn.pubcomp(id);
                let position = self.unreleased.iter().position(|p| p.packet_id == Some(id));
                self.early
                    .extend(position.and_then(|index| self.unreleased.remove(index)));
            }
            _ => panic!("the broker sent {packet:?}"),
        }
    }
}
