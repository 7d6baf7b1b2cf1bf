//! Writes the packets of a client, in each version: MQTT 3.1 is MQTT 3.1.1 under another name
//! (`MQIsdp`, level 3), MQTT 5 adds properties. What a broker sends is read in [`super::decode`].

use bytes::{BufMut as _, BytesMut};

use super::ProtocolError;
use super::aliases::Naming;
use super::decode::PLAIN_ACK;
use super::limits::publish_length;
use super::output::Output;
use super::packet::{AckKind, Connect, Subscription};
use crate::message::{MAX_REMAINING_LENGTH, Publication, Qos};
use crate::payload::Payload;
use crate::property::{Properties, Property, put_binary, put_variable_integer};
use crate::reason::{ReasonCode, Version};
use crate::secret::Secret;
use crate::topic::{MAX_STRING, TopicFilter};

/// From this size on a payload is sent from where it lies instead of being copied behind its
/// header: one more entry in a vectored write costs less than the copy.
pub(super) const SHARE_PAYLOAD_FROM: usize = 8 * 1024;

/// The longest fixed header, in bytes.
const MAX_HEADER: usize = 5;

/// Writes the packets of one protocol version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Codec {
    version: Version,
}

impl Codec {
    pub(crate) fn new(version: Version) -> Self {
        Self { version }
    }

    pub(crate) fn connect(self, connect: &Connect, out: &mut Output) -> Result<(), ProtocolError> {
        check_connect(connect)?;
        let mut body = BytesMut::new();
        let (name, level) = match self.version {
            Version::V31 => (&b"MQIsdp"[..], 3),
            Version::V311 => (&b"MQTT"[..], 4),
            Version::V5 => (&b"MQTT"[..], 5),
        };
        put_binary(&mut body, name);
        body.put_u8(level);
        body.put_u8(connect_flags(connect));
        body.put_u16(connect.keep_alive);
        if self.version == Version::V5 {
            put_connect_properties(connect, &mut body);
        }
        put_binary(&mut body, connect.client_id.as_bytes());
        if let Some(will) = &connect.will {
            self.put_properties(&mut body, &will.properties);
            put_binary(&mut body, will.topic.as_bytes());
            put_binary(&mut body, &will.payload);
        }
        if let Some(username) = &connect.username {
            put_binary(&mut body, username.as_bytes());
        }
        if let Some(password) = connect.password.as_ref().map(Secret::reveal) {
            put_binary(&mut body, password);
        }
        put_packet(0x10, &body, out.buffer())
    }

    /// Writes a PUBLISH, its topic as `naming` says; the session has checked its size.
    pub(crate) fn publish(
        self,
        message: &Publication,
        naming: Naming,
        packet_id: u16,
        dup: bool,
        out: &mut Output,
    ) -> Result<(), ProtocolError> {
        let payload = &message.payload;
        let remaining = publish_length(message, self.version, naming);
        let share = payload.len() >= SHARE_PAYLOAD_FROM;
        let buffer = out.buffer();
        buffer.reserve(MAX_HEADER + remaining - if share { payload.len() } else { 0 });
        buffer.put_u8(
            0x30 | u8::from(dup) << 3 | message.qos.level() << 1 | u8::from(message.retain),
        );
        put_remaining_length(buffer, remaining)?;
        put_binary(buffer, naming.topic(message));
        if message.qos != Qos::AtMostOnce {
            buffer.put_u16(packet_id);
        }
        if self.version == Version::V5 {
            let list = message.properties.as_bytes();
            put_variable_integer(buffer, naming.property_length() + list.len());
            naming.put_property(buffer);
            buffer.extend_from_slice(list);
        }
        match payload {
            Payload::Bytes(bytes) if !share => buffer.extend_from_slice(bytes),
            payload => out.share(payload.clone()),
        }
        Ok(())
    }

    /// Writes one of the four acknowledgements. A plain success has the same two-byte body
    /// in all versions (MQTT 5, section 3.4.2.1).
    pub(crate) fn ack(self, kind: AckKind, packet_id: u16, reason: ReasonCode, out: &mut Output) {
        if self.version != Version::V5 || reason == ReasonCode::SUCCESS {
            plain_acks(kind, std::iter::once(packet_id), 1, out);
            return;
        }
        let [high, low] = packet_id.to_be_bytes();
        let packet = [first_byte(kind), 3, high, low, reason.0];
        out.buffer().extend_from_slice(&packet);
    }

    pub(crate) fn subscribe(
        self,
        packet_id: u16,
        subscriptions: &[Subscription],
        properties: &Properties,
        out: &mut Output,
    ) -> Result<(), ProtocolError> {
        let mut body = BytesMut::new();
        body.put_u16(packet_id);
        self.put_properties(&mut body, properties);
        for subscription in subscriptions {
            put_binary(&mut body, subscription.filter.as_str().as_bytes());
            body.put_u8(self.subscription_options(subscription));
        }
        put_packet(0x82, &body, out.buffer())
    }

    pub(crate) fn unsubscribe(
        self,
        packet_id: u16,
        filters: &[TopicFilter],
        properties: &Properties,
        out: &mut Output,
    ) -> Result<(), ProtocolError> {
        let mut body = BytesMut::new();
        body.put_u16(packet_id);
        self.put_properties(&mut body, properties);
        for filter in filters {
            put_binary(&mut body, filter.as_str().as_bytes());
        }
        put_packet(0xA2, &body, out.buffer())
    }

    pub(crate) fn pingreq(self, out: &mut Output) {
        out.buffer().extend_from_slice(&[0xC0, 0x00]);
    }

    /// A normal DISCONNECT has the same bytes in all versions (MQTT 5, section 3.14.2.1).
    pub(crate) fn disconnect(
        self,
        reason: ReasonCode,
        properties: &Properties,
        out: &mut Output,
    ) -> Result<(), ProtocolError> {
        let mut body = BytesMut::new();
        let is_plain = reason == ReasonCode::SUCCESS && properties.is_empty();
        if self.version == Version::V5 && !is_plain {
            body.put_u8(reason.0);
            if !properties.is_empty() {
                self.put_properties(&mut body, properties);
            }
        }
        put_packet(0xE0, &body, out.buffer())
    }

    /// A list with its length, which only MQTT 5 has.
    fn put_properties(self, buffer: &mut BytesMut, properties: &Properties) {
        if self.version == Version::V5 {
            put_variable_integer(buffer, properties.as_bytes().len());
            buffer.extend_from_slice(properties.as_bytes());
        }
    }

    /// The byte behind a filter: its QoS, and what MQTT 5 adds (MQTT 5, section 3.8.3.1).
    fn subscription_options(self, subscription: &Subscription) -> u8 {
        let qos = subscription.qos.level();
        match self.version {
            Version::V31 | Version::V311 => qos,
            Version::V5 => {
                qos | u8::from(subscription.retain_as_published) << 3
                    | subscription.retain_handling.number() << 4
            }
        }
    }
}

/// Writes acknowledgements that say nothing but success, one for each of `count` identifiers.
pub(super) fn plain_acks(
    kind: AckKind,
    ids: impl Iterator<Item = u16>,
    count: usize,
    out: &mut Output,
) {
    let first = first_byte(kind);
    let buffer = out.buffer();
    let begin = buffer.len();
    buffer.resize(begin + count * PLAIN_ACK, 0);
    let packets = buffer.get_mut(begin..).unwrap_or_default();
    for (packet, id) in packets.as_chunks_mut::<PLAIN_ACK>().0.iter_mut().zip(ids) {
        let [high, low] = id.to_be_bytes();
        *packet = [first, 2, high, low];
    }
}

fn first_byte(kind: AckKind) -> u8 {
    match kind {
        AckKind::Puback => 0x40,
        AckKind::Pubrec => 0x50,
        AckKind::Pubrel => 0x62,
        AckKind::Pubcomp => 0x70,
    }
}

/// The Connect Flags (MQTT 5, section 3.1.2.3).
fn connect_flags(connect: &Connect) -> u8 {
    let mut flags = u8::from(connect.clean_start) << 1;
    if let Some(will) = &connect.will {
        flags |= 0x04 | will.qos.level() << 3 | u8::from(will.retain) << 5;
    }
    flags | u8::from(connect.password.is_some()) << 6 | u8::from(connect.username.is_some()) << 7
}

fn put_connect_properties(connect: &Connect, body: &mut BytesMut) {
    let limits: Properties = [
        connect.session_expiry.map(Property::SessionExpiryInterval),
        connect.receive_maximum.map(Property::ReceiveMaximum),
        connect.maximum_packet_size.map(Property::MaximumPacketSize),
        connect.topic_alias_maximum.map(Property::TopicAliasMaximum),
    ]
    .into_iter()
    .flatten()
    .collect();
    let others = connect.properties.as_bytes();
    put_variable_integer(body, limits.as_bytes().len() + others.len());
    body.extend_from_slice(limits.as_bytes());
    body.extend_from_slice(others);
}

/// Whether every field of a CONNECT fits into it.
fn check_connect(connect: &Connect) -> Result<(), ProtocolError> {
    for (what, length) in [
        ("client identifier", connect.client_id.len()),
        (
            "user name",
            connect.username.as_ref().map_or(0, String::len),
        ),
        (
            "password",
            connect.password.as_ref().map_or(0, |p| p.reveal().len()),
        ),
        (
            "Will payload",
            connect.will.as_ref().map_or(0, |w| w.payload.len()),
        ),
    ] {
        if length > MAX_STRING {
            return Err(ProtocolError::Encoding(format!(
                "the {what} has {length} bytes, and MQTT allows {MAX_STRING}"
            )));
        }
    }
    // MQTT-3.1.2-22 of MQTT 3.1.1.
    if connect.version != Version::V5 && connect.password.is_some() && connect.username.is_none() {
        return Err(ProtocolError::Encoding(format!(
            "{} has no password without a user name",
            connect.version
        )));
    }
    Ok(())
}

fn put_packet(first: u8, body: &[u8], buffer: &mut BytesMut) -> Result<(), ProtocolError> {
    buffer.reserve(MAX_HEADER + body.len());
    buffer.put_u8(first);
    put_remaining_length(buffer, body.len())?;
    buffer.extend_from_slice(body);
    Ok(())
}

fn put_remaining_length(buffer: &mut BytesMut, length: usize) -> Result<(), ProtocolError> {
    if length > MAX_REMAINING_LENGTH {
        return Err(ProtocolError::Encoding(format!(
            "it is over {MAX_REMAINING_LENGTH} bytes"
        )));
    }
    put_variable_integer(buffer, length);
    Ok(())
}
