//! The one seam to `rumqttc`'s packets: its `mqttbytes` turn into our types and back here,
//! and nothing else of the project names them.
//!
//! Frames are cut out of the stream here, so that an incomplete packet (wait for more) can
//! be told from a complete one that lies about its inner lengths (malformed). Gaps of the
//! crate that are closed here: text-only passwords, an MQTT 5 DISCONNECT or CONNACK without
//! properties, AUTH, a payload that is copied into its frame.

use bytes::{BufMut as _, Bytes, BytesMut};
use rumqttc::mqttbytes::v4;
use rumqttc::v5::mqttbytes::v5;

use super::ProtocolError;
use super::output::Output;
use super::packet::{Accepted, Ack, AckKind, Connect, Incoming, Subscription};
use crate::message::{MAX_REMAINING_LENGTH, Message, Publication, Qos, Receipt};
use crate::reason::{ReasonCode, Refusal, Version};
use crate::topic::{TopicFilter, TopicName};

/// From this size on a payload is sent from where it lies instead of being copied behind its
/// header: one more entry in a vectored write costs less than the copy.
const SHARE_PAYLOAD_FROM: usize = 8 * 1024;

/// Writes and reads the packets of one protocol version.
#[derive(Debug)]
pub(crate) struct Codec {
    version: Version,
    /// Reused for each PUBLISH, because its topic is a `String` that would be copied again
    /// for every message.
    publish: v4::Publish,
}

impl Codec {
    pub(crate) fn new(version: Version) -> Self {
        Self {
            version,
            publish: v4::Publish::new("", rumqttc::mqttbytes::QoS::AtMostOnce, Vec::new()),
        }
    }

    /// Cuts the next packet out of `input`; none when it is not there as a whole yet.
    ///
    /// `connection` marks the receipts of messages.
    pub(crate) fn decode(
        &self,
        input: &mut BytesMut,
        connection: u64,
    ) -> Result<Option<Incoming>, ProtocolError> {
        let Some((header, length)) = frame_length(input)? else {
            return Ok(None);
        };
        if input.len() < header + length {
            return Ok(None);
        }
        let frame = input.split_to(header + length);
        let first = frame.first().copied().unwrap_or_default();
        let mut body = Body(frame.get(header..).unwrap_or_default());
        match (first >> 4, first & 0x0F) {
            (2, 0) => match self.version {
                Version::V311 => body.connack().map(Some),
                Version::V5 => decode_connack_v5(body, &frame).map(Some),
            },
            (3, _) => self.decode_publish(frame, connection).map(Some),
            (4, 0) => self.decode_ack(AckKind::Puback, body, &frame),
            (5, 0) => self.decode_ack(AckKind::Pubrec, body, &frame),
            (6, 2) => self.decode_ack(AckKind::Pubrel, body, &frame),
            (7, 0) => self.decode_ack(AckKind::Pubcomp, body, &frame),
            (9, 0) => self.decode_suback(body, &frame).map(Some),
            (11, 0) => self.decode_unsuback(body, &frame).map(Some),
            (13, 0) if length == 0 => Ok(Some(Incoming::Pingresp)),
            (14, 0) if self.version == Version::V5 => decode_disconnect(body, &frame).map(Some),
            (15, _) => Err(ProtocolError::Unexpected("AUTH")),
            _ => Err(ProtocolError::Malformed(format!(
                "a packet that begins with 0x{first:02X} is none a broker may send"
            ))),
        }
    }

    fn decode_publish(
        &self,
        mut frame: BytesMut,
        connection: u64,
    ) -> Result<Incoming, ProtocolError> {
        let (topic, payload, qos, retain, dup, packet_id) = match self.version {
            Version::V311 => match v4::Packet::read(&mut frame, MAX_REMAINING_LENGTH) {
                Ok(v4::Packet::Publish(p)) => (
                    Bytes::from(p.topic),
                    p.payload,
                    p.qos as u8,
                    p.retain,
                    p.dup,
                    p.pkid,
                ),
                other => return Err(unread("PUBLISH", other)),
            },
            Version::V5 => match v5::Packet::read(&mut frame, None) {
                Ok(v5::Packet::Publish(p)) => {
                    // We announce no Topic Alias Maximum, so an alias is a protocol error
                    // (MQTT-3.3.2-9).
                    if p.properties
                        .as_ref()
                        .is_some_and(|p| p.topic_alias.is_some())
                    {
                        return Err(ProtocolError::Malformed(
                            "PUBLISH with a Topic Alias, though none was allowed".into(),
                        ));
                    }
                    (p.topic, p.payload, p.qos as u8, p.retain, p.dup, p.pkid)
                }
                other => return Err(unread("PUBLISH", other)),
            },
        };
        let topic = TopicName::from_wire(topic)
            .map_err(|why| ProtocolError::Malformed(format!("PUBLISH with a bad topic: {why}")))?;
        let qos = Qos::from_level(qos).unwrap_or_default();
        Ok(Incoming::Publish(Message {
            topic,
            payload,
            qos,
            retain,
            dup,
            receipt: (qos != Qos::AtMostOnce).then_some(Receipt {
                packet_id,
                qos,
                connection,
            }),
        }))
    }

    fn decode_ack(
        &self,
        kind: AckKind,
        mut body: Body<'_>,
        frame: &BytesMut,
    ) -> Result<Option<Incoming>, ProtocolError> {
        let packet_id = body.packet_id(kind.name())?;
        let mut reason = ReasonCode::SUCCESS;
        let mut reason_string = None;
        if self.version == Version::V5 && !body.0.is_empty() {
            reason = ReasonCode(body.byte(kind.name())?);
            // Reason Code and properties may both be left out (MQTT 5, section 3.4.2.1).
            if !body.0.is_empty() {
                reason_string = match v5::Packet::read(&mut frame.clone(), None) {
                    Ok(v5::Packet::PubAck(p)) => p.properties.and_then(|p| p.reason_string),
                    Ok(v5::Packet::PubRec(p)) => p.properties.and_then(|p| p.reason_string),
                    Ok(v5::Packet::PubRel(p)) => p.properties.and_then(|p| p.reason_string),
                    Ok(v5::Packet::PubComp(p)) => p.properties.and_then(|p| p.reason_string),
                    other => return Err(unread(kind.name(), other)),
                };
            }
        } else if !body.0.is_empty() {
            return Err(malformed(kind.name(), "it is too long"));
        }
        Ok(Some(Incoming::Ack(
            kind,
            Ack {
                packet_id,
                reason,
                reason_string,
            },
        )))
    }

    fn decode_suback(
        &self,
        mut body: Body<'_>,
        frame: &BytesMut,
    ) -> Result<Incoming, ProtocolError> {
        let packet_id = body.packet_id("SUBACK")?;
        let (count, reason_string) = match self.version {
            Version::V311 => (body.0.len(), None),
            Version::V5 => match v5::Packet::read(&mut frame.clone(), None) {
                Ok(v5::Packet::SubAck(p)) => (
                    p.return_codes.len(),
                    p.properties.and_then(|p| p.reason_string),
                ),
                other => return Err(unread("SUBACK", other)),
            },
        };
        let codes = body.last_codes(count);
        if codes.is_empty() {
            return Err(malformed("SUBACK", "it has no codes"));
        }
        Ok(Incoming::Suback {
            packet_id,
            codes,
            reason_string,
        })
    }

    fn decode_unsuback(
        &self,
        mut body: Body<'_>,
        frame: &BytesMut,
    ) -> Result<Incoming, ProtocolError> {
        let packet_id = body.packet_id("UNSUBACK")?;
        let count = match self.version {
            Version::V311 => 0,
            Version::V5 => match v5::Packet::read(&mut frame.clone(), None) {
                Ok(v5::Packet::UnsubAck(p)) => p.reasons.len(),
                other => return Err(unread("UNSUBACK", other)),
            },
        };
        Ok(Incoming::Unsuback {
            packet_id,
            codes: body.last_codes(count),
        })
    }

    pub(crate) fn connect(&self, connect: &Connect, out: &mut Output) -> Result<(), ProtocolError> {
        let mut frame = BytesMut::new();
        let written = match self.version {
            Version::V311 => v4::Connect {
                protocol: rumqttc::mqttbytes::Protocol::V4,
                keep_alive: connect.keep_alive,
                client_id: connect.client_id.clone(),
                clean_session: connect.clean_start,
                last_will: connect.will.as_ref().map(|will| v4::LastWill {
                    topic: will.topic.as_str().to_owned(),
                    message: will.payload.clone(),
                    qos: qos_v4(will.qos),
                    retain: will.retain,
                }),
                login: None,
            }
            .write(&mut frame)
            .map_err(encoding),
            Version::V5 => {
                let properties = v5::ConnectProperties {
                    session_expiry_interval: connect.session_expiry,
                    receive_maximum: connect.receive_maximum,
                    ..v5::ConnectProperties::new()
                };
                let will = connect.will.as_ref().map(|will| v5::LastWill {
                    topic: will.topic.to_bytes(),
                    message: will.payload.clone(),
                    qos: qos_v5(will.qos),
                    retain: will.retain,
                    properties: None,
                });
                v5::Connect {
                    keep_alive: connect.keep_alive,
                    client_id: connect.client_id.clone(),
                    clean_start: connect.clean_start,
                    properties: Some(properties),
                }
                .write(&will, &None, &mut frame)
                .map_err(encoding)
            }
        };
        written?;
        append_login(frame, connect, out.buffer())
    }

    /// Writes a PUBLISH; the session has checked its size.
    pub(crate) fn publish(
        &mut self,
        message: &Publication,
        packet_id: u16,
        dup: bool,
        out: &mut Output,
    ) -> Result<(), ProtocolError> {
        if message.payload.len() < SHARE_PAYLOAD_FROM {
            return self.write_publish(
                message,
                message.payload.clone(),
                packet_id,
                dup,
                out.buffer(),
            );
        }
        // The frame without its payload, then its remaining length put right.
        let mut frame = BytesMut::new();
        self.write_publish(message, Bytes::new(), packet_id, dup, &mut frame)?;
        let (header, length) = frame_length(&frame)?.unwrap_or_default();
        let buffer = out.buffer();
        buffer.put_u8(frame.first().copied().unwrap_or_default());
        put_remaining_length(buffer, length + message.payload.len())?;
        buffer.extend_from_slice(frame.get(header..).unwrap_or_default());
        out.share(message.payload.clone());
        Ok(())
    }

    fn write_publish(
        &mut self,
        message: &Publication,
        payload: Bytes,
        packet_id: u16,
        dup: bool,
        buffer: &mut BytesMut,
    ) -> Result<(), ProtocolError> {
        match self.version {
            Version::V311 => {
                if self.publish.topic.as_bytes() != message.topic.as_bytes() {
                    self.publish.topic = message.topic.as_str().to_owned();
                }
                self.publish.dup = dup;
                self.publish.qos = qos_v4(message.qos);
                self.publish.retain = message.retain;
                self.publish.pkid = packet_id;
                self.publish.payload = payload;
                self.publish.write(buffer).map_err(encoding)?;
            }
            Version::V5 => {
                v5::Publish {
                    dup,
                    qos: qos_v5(message.qos),
                    retain: message.retain,
                    topic: message.topic.to_bytes(),
                    pkid: packet_id,
                    payload,
                    properties: None,
                }
                .write(buffer)
                .map_err(encoding)?;
            }
        }
        Ok(())
    }

    /// Writes one of the four acknowledgements. A plain success has the same two-byte body
    /// in both versions (MQTT 5, section 3.4.2.1).
    pub(crate) fn ack(&self, kind: AckKind, packet_id: u16, reason: ReasonCode, out: &mut Output) {
        let buffer = out.buffer();
        let with_reason = self.version == Version::V5 && reason != ReasonCode::SUCCESS;
        buffer.put_u8(match kind {
            AckKind::Puback => 0x40,
            AckKind::Pubrec => 0x50,
            AckKind::Pubrel => 0x62,
            AckKind::Pubcomp => 0x70,
        });
        buffer.put_u8(if with_reason { 3 } else { 2 });
        buffer.put_u16(packet_id);
        if with_reason {
            buffer.put_u8(reason.0);
        }
    }

    pub(crate) fn subscribe(
        &self,
        packet_id: u16,
        subscriptions: &[Subscription],
        out: &mut Output,
    ) -> Result<(), ProtocolError> {
        let buffer = out.buffer();
        match self.version {
            Version::V311 => {
                let mut packet = v4::Subscribe::new_many(subscriptions.iter().map(|s| {
                    v4::SubscribeFilter::new(s.filter.as_str().to_owned(), qos_v4(s.qos))
                }));
                packet.pkid = packet_id;
                packet.write(buffer).map_err(encoding)?;
            }
            Version::V5 => {
                let filters = subscriptions
                    .iter()
                    .map(|s| v5::Filter::new(s.filter.as_str(), qos_v5(s.qos)));
                let mut packet = v5::Subscribe::new_many(filters, None);
                packet.pkid = packet_id;
                packet.write(buffer).map_err(encoding)?;
            }
        }
        Ok(())
    }

    pub(crate) fn unsubscribe(
        &self,
        packet_id: u16,
        filters: &[TopicFilter],
        out: &mut Output,
    ) -> Result<(), ProtocolError> {
        let buffer = out.buffer();
        let names = filters.iter().map(|f| f.as_str().to_owned()).collect();
        match self.version {
            Version::V311 => {
                let mut packet = v4::Unsubscribe::new("");
                packet.pkid = packet_id;
                packet.topics = names;
                packet.write(buffer).map_err(encoding)?;
            }
            Version::V5 => {
                let mut packet = v5::Unsubscribe::new("", None);
                packet.pkid = packet_id;
                packet.filters = names;
                packet.write(buffer).map_err(encoding)?;
            }
        }
        Ok(())
    }

    pub(crate) fn pingreq(&self, out: &mut Output) {
        out.buffer().extend_from_slice(&[0xC0, 0x00]);
    }

    /// A normal DISCONNECT, the same bytes in both versions (MQTT 5, section 3.14.2.1).
    pub(crate) fn disconnect(&self, out: &mut Output) {
        out.buffer().extend_from_slice(&[0xE0, 0x00]);
    }
}

/// Puts user name and password at the end of a CONNECT that was written without them, which
/// is where they belong (MQTT 5, section 3.1.3), whatever bytes they are.
fn append_login(
    frame: BytesMut,
    connect: &Connect,
    buffer: &mut BytesMut,
) -> Result<(), ProtocolError> {
    let (header, length) = frame_length(&frame)?.unwrap_or_default();
    let username = connect.username.as_deref().map(str::as_bytes);
    let password = connect.password.as_ref().map(crate::secret::Secret::reveal);
    let extra: usize = [username, password]
        .iter()
        .flatten()
        .map(|s| 2 + s.len())
        .sum();

    buffer.put_u8(0x10);
    put_remaining_length(buffer, length + extra)?;
    // Variable header: protocol name (2 + 4), level (1), then the Connect Flags.
    let (before, rest) = frame.get(header..).unwrap_or_default().split_at(7);
    let Some((flags, after)) = rest.split_first() else {
        return Err(ProtocolError::Encoding("CONNECT".into()));
    };
    buffer.extend_from_slice(before);
    buffer.put_u8(
        flags
            | if username.is_some() { 0x80 } else { 0 }
            | if password.is_some() { 0x40 } else { 0 },
    );
    buffer.extend_from_slice(after);
    for text in [username, password].into_iter().flatten() {
        let length = u16::try_from(text.len()).map_err(|_| {
            ProtocolError::Encoding("user name or password over 65535 bytes".into())
        })?;
        buffer.put_u16(length);
        buffer.extend_from_slice(text);
    }
    Ok(())
}

fn decode_connack_v5(mut body: Body<'_>, frame: &BytesMut) -> Result<Incoming, ProtocolError> {
    let flags = body.byte("CONNACK")?;
    let code = body.byte("CONNACK")?;
    // A broker that does not speak MQTT 5 refuses with the two bytes of 3.1.1.
    let properties = if body.0.is_empty() {
        None
    } else {
        match v5::Packet::read(&mut frame.clone(), None) {
            Ok(v5::Packet::ConnAck(packet)) => packet.properties,
            other => return Err(unread("CONNACK", other)),
        }
    };
    if code != 0 {
        return Ok(Incoming::Refused(Refusal {
            code,
            reason_string: properties.and_then(|p| p.reason_string),
        }));
    }
    let mut accepted = Accepted {
        session_present: flags & 1 == 1,
        ..Accepted::default()
    };
    if let Some(p) = properties {
        if p.receive_max == Some(0) || p.max_packet_size == Some(0) {
            return Err(malformed("CONNACK", "a limit of zero"));
        }
        accepted.assigned_client_id = p.assigned_client_identifier;
        accepted.server_keep_alive = p.server_keep_alive;
        accepted.receive_maximum = p.receive_max.unwrap_or(u16::MAX);
        accepted.maximum_packet_size = p.max_packet_size.unwrap_or(u32::MAX);
        accepted.maximum_qos = p
            .max_qos
            .and_then(Qos::from_level)
            .unwrap_or(Qos::ExactlyOnce);
        accepted.retain_available = p.retain_available != Some(0);
    }
    Ok(Incoming::Accepted(accepted))
}

fn decode_disconnect(mut body: Body<'_>, frame: &BytesMut) -> Result<Incoming, ProtocolError> {
    let mut reason = ReasonCode::SUCCESS;
    let mut reason_string = None;
    if !body.0.is_empty() {
        reason = ReasonCode(body.byte("DISCONNECT")?);
        if !body.0.is_empty() {
            reason_string = match v5::Packet::read(&mut frame.clone(), None) {
                Ok(v5::Packet::Disconnect(p)) => p.properties.and_then(|p| p.reason_string),
                other => return Err(unread("DISCONNECT", other)),
            };
        }
    }
    Ok(Incoming::Disconnect {
        reason,
        reason_string,
    })
}

/// What is left of a packet's body.
struct Body<'a>(&'a [u8]);

impl Body<'_> {
    fn byte(&mut self, packet: &str) -> Result<u8, ProtocolError> {
        let (first, rest) = self
            .0
            .split_first()
            .ok_or_else(|| malformed(packet, "it is too short"))?;
        self.0 = rest;
        Ok(*first)
    }

    fn packet_id(&mut self, packet: &str) -> Result<u16, ProtocolError> {
        let id = u16::from_be_bytes([self.byte(packet)?, self.byte(packet)?]);
        if id == 0 {
            return Err(malformed(packet, "its Packet Identifier is 0"));
        }
        Ok(id)
    }

    fn connack(&mut self) -> Result<Incoming, ProtocolError> {
        let flags = self.byte("CONNACK")?;
        let code = self.byte("CONNACK")?;
        if code != 0 {
            return Ok(Incoming::Refused(Refusal {
                code,
                reason_string: None,
            }));
        }
        Ok(Incoming::Accepted(Accepted {
            session_present: flags & 1 == 1,
            ..Accepted::default()
        }))
    }

    /// The codes at the end of a SUBACK or UNSUBACK, one for each filter.
    fn last_codes(&self, count: usize) -> Vec<ReasonCode> {
        let start = self.0.len().saturating_sub(count);
        self.0.iter().skip(start).copied().map(ReasonCode).collect()
    }
}

/// Fixed header and remaining length of the packet at the front, in bytes; none while the
/// header is not there as a whole (MQTT 5, section 2.1.4).
fn frame_length(input: &[u8]) -> Result<Option<(usize, usize)>, ProtocolError> {
    let mut length = 0;
    for (index, byte) in input.iter().skip(1).take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((index + 2, length)));
        }
    }
    if input.len() > 4 {
        return Err(ProtocolError::Malformed(
            "a packet's length field does not end".into(),
        ));
    }
    Ok(None)
}

fn put_remaining_length(buffer: &mut BytesMut, mut length: usize) -> Result<(), ProtocolError> {
    if length > MAX_REMAINING_LENGTH {
        return Err(ProtocolError::Encoding(
            "packet over 268435455 bytes".into(),
        ));
    }
    loop {
        let low = (length & 0x7F) as u8;
        length >>= 7;
        if length == 0 {
            buffer.put_u8(low);
            return Ok(());
        }
        buffer.put_u8(low | 0x80);
    }
}

fn malformed(packet: &str, what: &str) -> ProtocolError {
    ProtocolError::Malformed(format!("{packet}: {what}"))
}

/// What the crate made of a packet that it could not read as the kind its first byte names.
fn unread<P>(packet: &str, result: Result<P, impl std::fmt::Display>) -> ProtocolError {
    match result {
        Ok(_) => malformed(packet, "its first byte names another packet"),
        Err(error) => malformed(packet, &error.to_string()),
    }
}

fn encoding(error: impl std::fmt::Display) -> ProtocolError {
    ProtocolError::Encoding(error.to_string())
}

fn qos_v4(qos: Qos) -> rumqttc::mqttbytes::QoS {
    match qos {
        Qos::AtMostOnce => rumqttc::mqttbytes::QoS::AtMostOnce,
        Qos::AtLeastOnce => rumqttc::mqttbytes::QoS::AtLeastOnce,
        Qos::ExactlyOnce => rumqttc::mqttbytes::QoS::ExactlyOnce,
    }
}

fn qos_v5(qos: Qos) -> rumqttc::v5::mqttbytes::QoS {
    match qos {
        Qos::AtMostOnce => rumqttc::v5::mqttbytes::QoS::AtMostOnce,
        Qos::AtLeastOnce => rumqttc::v5::mqttbytes::QoS::AtLeastOnce,
        Qos::ExactlyOnce => rumqttc::v5::mqttbytes::QoS::ExactlyOnce,
    }
}
