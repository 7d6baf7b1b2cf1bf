//! The one seam to `rumqttc`'s packets: our types turn into its `mqttbytes` here, and nothing
//! else that ships names them. What a broker sends is read in [`super::decode`].
//!
//! Gaps of the crate that are closed here: text-only passwords, a user name that is given but
//! empty, texts over 65,535 bytes (it cuts their length, not the text), a payload that is
//! copied into its frame.

use bytes::{BufMut as _, Bytes, BytesMut};
use rumqttc::mqttbytes::v4;
use rumqttc::v5::mqttbytes::v5;

use super::ProtocolError;
use super::decode::frame_length;
use super::output::Output;
use super::packet::{AckKind, Connect, Subscription};
use crate::message::{MAX_REMAINING_LENGTH, Publication, Qos};
use crate::reason::{ReasonCode, Version};
use crate::secret::Secret;
use crate::topic::{MAX_STRING, TopicFilter};

/// From this size on a payload is sent from where it lies instead of being copied behind its
/// header: one more entry in a vectored write costs less than the copy.
const SHARE_PAYLOAD_FROM: usize = 8 * 1024;

/// Writes the packets of one protocol version.
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

    pub(crate) fn connect(&self, connect: &Connect, out: &mut Output) -> Result<(), ProtocolError> {
        check_connect(connect)?;
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

    /// A normal DISCONNECT has the same bytes in both versions (MQTT 5, section 3.14.2.1).
    pub(crate) fn disconnect(&self, reason: ReasonCode, out: &mut Output) {
        if self.version == Version::V5 && reason != ReasonCode::SUCCESS {
            out.buffer().extend_from_slice(&[0xE0, 0x01, reason.0]);
        } else {
            out.buffer().extend_from_slice(&[0xE0, 0x00]);
        }
    }
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
    if connect.version == Version::V311 && connect.password.is_some() && connect.username.is_none()
    {
        return Err(ProtocolError::Encoding(
            "MQTT 3.1.1 has no password without a user name".into(),
        ));
    }
    Ok(())
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
    let password = connect.password.as_ref().map(Secret::reveal);
    let extra: usize = [username, password]
        .iter()
        .flatten()
        .map(|s| 2 + s.len())
        .sum();

    buffer.put_u8(0x10);
    put_remaining_length(buffer, length + extra)?;
    // Variable header: protocol name (2 + 4), level (1), then the Connect Flags.
    let Some((before, [flags, after @ ..])) = frame
        .get(header..)
        .and_then(|body| body.split_at_checked(7))
    else {
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
        // Cannot cut anything off: `check_connect` was here.
        buffer.put_u16(u16::try_from(text.len()).unwrap_or(u16::MAX));
        buffer.extend_from_slice(text);
    }
    Ok(())
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
