//! From bytes to packets: what a broker sends.
//!
//! The tests hold this reader, and the writer in `codec`, against `rumqttc`'s wherever that is right.

use bytes::{Buf as _, Bytes, BytesMut};

use super::ProtocolError;
use super::packet::{Accepted, Ack, AckKind, Incoming};
use super::properties::{Body, REASON_STRING, Value};
use crate::message::{Message, Qos, Receipt};
use crate::property::PublishProperties;
use crate::reason::{ReasonCode, Refusal, Version};
use crate::topic::{TopicError, TopicName};

const PUBLISH: u8 = 3;

/// The longest body of a packet without a payload that is waited for, in bytes. What a broker has
/// to say takes a few hundred; a SUBACK for as many Topic Filters as there can be, less than this.
const MOST_OF_OTHERS: usize = 1024 * 1024;

/// A packet that lies as a whole at the front of the input.
#[derive(Debug)]
pub(super) struct Frame {
    /// Its type and flags.
    first: u8,
    /// Where its body begins.
    header: usize,
    end: usize,
}

impl Frame {
    /// The next packet of `input`; none when it is not there as a whole yet. `maximum` is the largest
    /// one allowed, in bytes.
    pub(super) fn find(
        version: Version,
        input: &[u8],
        maximum: u32,
    ) -> Result<Option<Self>, ProtocolError> {
        let Some(first) = input.first().copied() else {
            return Ok(None);
        };
        // Before the rest is there: the length that something else than MQTT seems to announce
        // may never come.
        if !begins_packet(version, first) {
            return Err(ProtocolError::Malformed(format!(
                "a packet that begins with 0x{first:02X} is none a broker may send"
            )));
        }
        let Some((header, length)) = frame_length(input)? else {
            return Ok(None);
        };
        let end = header + length;
        // Before it is there: it may never fit into memory.
        if u32::try_from(end).is_ok_and(|end| end > maximum) {
            return Err(ProtocolError::OverLimit(format!(
                "a packet of {end} bytes, and our Maximum Packet Size is {maximum}"
            )));
        }
        if first >> 4 != PUBLISH && length > MOST_OF_OTHERS {
            return Err(ProtocolError::Malformed(format!(
                "a packet of {end} bytes that is no PUBLISH"
            )));
        }
        Ok((end <= input.len()).then_some(Self { first, header, end }))
    }

    pub(super) fn is_publish(&self) -> bool {
        self.first >> 4 == PUBLISH
    }

    /// Cuts a PUBLISH out of `input`; `connection` marks its receipt.
    pub(super) fn publish(
        &self,
        version: Version,
        input: &mut BytesMut,
        connection: u64,
    ) -> Result<Message, ProtocolError> {
        publish(
            version,
            input.split_to(self.end).freeze(),
            self.header,
            connection,
        )
    }

    /// Takes any other packet out of `input`. A malformed one stays where it is.
    pub(super) fn other(
        &self,
        version: Version,
        input: &mut BytesMut,
    ) -> Result<Incoming, ProtocolError> {
        let body = input.get(self.header..self.end).unwrap_or_default();
        let packet = match self.first >> 4 {
            2 => connack(version, body),
            4 => ack(version, AckKind::Puback, body),
            5 => ack(version, AckKind::Pubrec, body),
            6 => ack(version, AckKind::Pubrel, body),
            7 => ack(version, AckKind::Pubcomp, body),
            9 => suback(version, body),
            11 => unsuback(version, body),
            13 => Body::new("PINGRESP", body)
                .end()
                .map(|()| Incoming::Pingresp),
            14 => disconnect(body),
            _ => Err(ProtocolError::Unexpected("AUTH")),
        }?;
        input.advance(self.end);
        Ok(packet)
    }
}

/// The length of an acknowledgement that says nothing but its identifier, in bytes.
pub(super) const PLAIN_ACK: usize = 4;

/// Such an acknowledgement at the front of the input, which means success in all versions (MQTT 5,
/// section 3.4.2.1); anything else is for [`Frame`].
#[inline]
pub(super) fn plain_ack(input: &[u8]) -> Option<(AckKind, u16)> {
    let [first, 2, high, low, ..] = *input else {
        return None;
    };
    let kind = match first {
        0x40 => AckKind::Puback,
        0x50 => AckKind::Pubrec,
        0x62 => AckKind::Pubrel,
        0x70 => AckKind::Pubcomp,
        _ => return None,
    };
    let packet_id = u16::from_be_bytes([high, low]);
    (packet_id != 0).then_some((kind, packet_id))
}

/// Fixed header and remaining length of the packet at the front, in bytes; none while the
/// header is not there as a whole (MQTT 5, section 2.1.4).
pub(super) fn frame_length(input: &[u8]) -> Result<Option<(usize, usize)>, ProtocolError> {
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

/// Whether a broker's packet can begin with this byte: the type and its fixed flags
/// (MQTT 5, sections 2.1.2 and 2.1.3).
fn begins_packet(version: Version, first: u8) -> bool {
    match first {
        0x20 | 0x30..=0x3F | 0x40 | 0x50 | 0x62 | 0x70 | 0x90 | 0xB0 | 0xD0 => true,
        0xE0 | 0xF0 => version == Version::V5,
        _ => false,
    }
}

fn connack(version: Version, body: &[u8]) -> Result<Incoming, ProtocolError> {
    let mut body = Body::new("CONNACK", body);
    let flags = body.byte()?;
    let code = body.byte()?;
    let mut accepted = Accepted {
        session_present: flags & 1 == 1,
        ..Accepted::default()
    };
    let mut reason_string = None;
    let mut broken_limit = false;
    // A broker that does not speak MQTT 5 refuses with the two bytes of 3.1.1.
    if version == Version::V5 && !body.is_empty() {
        body.properties(|id, value| match (id, value) {
            (0x12, Value::Text(text)) => accepted.assigned_client_id = Some(text.to_owned()),
            (0x1A, Value::Text(text)) => accepted.response_information = Some(text.to_owned()),
            (0x22, Value::Number(n)) => {
                accepted.topic_alias_maximum = u16::try_from(n).unwrap_or(u16::MAX);
            }
            (0x13, Value::Number(n)) => accepted.server_keep_alive = u16::try_from(n).ok(),
            (REASON_STRING, Value::Text(text)) => reason_string = Some(text.to_owned()),
            (0x21, Value::Number(n)) => {
                accepted.receive_maximum = u16::try_from(n).unwrap_or(u16::MAX);
                broken_limit |= n == 0;
            }
            (0x24, Value::Number(n)) => {
                accepted.maximum_qos = if n == 0 {
                    Qos::AtMostOnce
                } else {
                    Qos::AtLeastOnce
                };
                broken_limit |= n > 1;
            }
            (0x25, Value::Number(n)) => {
                accepted.retain_available = n != 0;
                broken_limit |= n > 1;
            }
            (0x27, Value::Number(n)) => {
                accepted.maximum_packet_size = n;
                broken_limit |= n == 0;
            }
            _ => {}
        })?;
    }
    body.end()?;
    if code != 0 {
        return Ok(Incoming::Refused(Refusal {
            code,
            reason_string,
        }));
    }
    if broken_limit {
        return Err(body.malformed("a limit in it is out of range"));
    }
    accepted.reason_string = reason_string;
    Ok(Incoming::Accepted(accepted))
}

fn publish(
    version: Version,
    mut frame: Bytes,
    header: usize,
    connection: u64,
) -> Result<Message, ProtocolError> {
    let first = frame.first().copied().unwrap_or_default();
    let mut body = Body::new("PUBLISH", frame.get(header..).unwrap_or_default());
    let Some(qos) = Qos::from_level(first >> 1 & 3) else {
        return Err(body.malformed("its QoS is 3"));
    };
    let topic = TopicName::from_packet(&frame, body.binary()?).map_err(|why| match why {
        TopicError::NotUtf8 => body.not_utf8("its topic"),
        _ => body.malformed(&format!("its topic is no Topic Name: {why}")),
    })?;
    let receipt = match qos {
        Qos::AtMostOnce => None,
        _ => Some(Receipt {
            packet_id: body.packet_id()?,
            qos,
            connection,
        }),
    };
    let mut properties: Option<Box<PublishProperties>> = None;
    if version == Version::V5 {
        body.properties(|id, value| {
            publish_property(properties.get_or_insert_default(), &frame, id, value);
        })?;
    }
    let payload_length = body.rest().len();
    frame.advance(frame.len() - payload_length);
    Ok(Message {
        topic,
        payload: frame,
        qos,
        retain: first & 1 != 0,
        dup: first & 8 != 0,
        properties,
        receipt,
    })
}

fn publish_property(into: &mut PublishProperties, frame: &Bytes, id: u8, value: Value<'_>) {
    match (id, value) {
        (0x01, Value::Number(n)) => into.payload_format_indicator = u8::try_from(n).ok(),
        (0x02, Value::Number(n)) => into.message_expiry_interval = Some(n),
        (0x03, Value::Text(text)) => into.content_type = Some(text.to_owned()),
        (0x08, Value::Text(text)) => into.response_topic = Some(text.to_owned()),
        (0x09, Value::Binary(bytes)) => into.correlation_data = Some(frame.slice_ref(bytes)),
        (0x0B, Value::Number(n)) => into.subscription_identifiers.push(n),
        (0x23, Value::Number(n)) => into.topic_alias = u16::try_from(n).ok(),
        (0x26, Value::Pair(key, value)) => {
            into.user_properties
                .push((key.to_owned(), value.to_owned()));
        }
        // Not a PUBLISH's.
        _ => {}
    }
}

fn ack(version: Version, kind: AckKind, body: &[u8]) -> Result<Incoming, ProtocolError> {
    let mut body = Body::new(kind.name(), body);
    let packet_id = body.packet_id()?;
    let (reason, reason_string) = reason(version, &mut body)?;
    Ok(Incoming::Ack(
        kind,
        Ack {
            packet_id,
            reason,
            reason_string,
        },
    ))
}

fn disconnect(body: &[u8]) -> Result<Incoming, ProtocolError> {
    let (reason, reason_string) = reason(Version::V5, &mut Body::new("DISCONNECT", body))?;
    Ok(Incoming::Disconnect {
        reason,
        reason_string,
    })
}

/// Reason Code and properties at the end of a packet; both, or the properties alone, may be
/// left out (MQTT 5, sections 3.4.2.1 and 3.14.2.1).
fn reason(
    version: Version,
    body: &mut Body<'_>,
) -> Result<(ReasonCode, Option<String>), ProtocolError> {
    let mut reason = ReasonCode::SUCCESS;
    let mut reason_string = None;
    if version == Version::V5 && !body.is_empty() {
        reason = ReasonCode(body.byte()?);
        if !body.is_empty() {
            reason_string = body.reason_string()?;
        }
    }
    body.end()?;
    Ok((reason, reason_string))
}

fn suback(version: Version, body: &[u8]) -> Result<Incoming, ProtocolError> {
    let mut body = Body::new("SUBACK", body);
    let packet_id = body.packet_id()?;
    let reason_string = match version {
        Version::V31 | Version::V311 => None,
        Version::V5 => body.reason_string()?,
    };
    Ok(Incoming::Suback {
        packet_id,
        codes: codes(&body),
        reason_string,
    })
}

fn unsuback(version: Version, body: &[u8]) -> Result<Incoming, ProtocolError> {
    let mut body = Body::new("UNSUBACK", body);
    let packet_id = body.packet_id()?;
    let reason_string = match version {
        Version::V31 | Version::V311 => {
            body.end()?;
            None
        }
        Version::V5 => body.reason_string()?,
    };
    Ok(Incoming::Unsuback {
        packet_id,
        codes: codes(&body),
        reason_string,
    })
}

/// The rest of a SUBACK or UNSUBACK: one code for each filter.
fn codes(body: &Body<'_>) -> Vec<ReasonCode> {
    body.rest().iter().copied().map(ReasonCode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_ack_is_what_its_frame_says() {
        for version in [Version::V31, Version::V311, Version::V5] {
            for first in 0..=u8::MAX {
                for (length, id) in [(2, 1), (2, 0xABCD), (2, 0), (3, 1)] {
                    let [high, low] = u16::to_be_bytes(id);
                    let packet = [first, length, high, low, 0xD0, 0];
                    let mut input = BytesMut::from(&packet[..]);
                    let frame = Frame::find(version, &input, u32::MAX).ok().flatten();
                    let slowly = frame.filter(|frame| !frame.is_publish()).and_then(|frame| {
                        let packet = frame.other(version, &mut input).ok()?;
                        Some((packet, input.len()))
                    });
                    match plain_ack(&packet) {
                        Some((kind, packet_id)) => {
                            let ack = Ack {
                                packet_id,
                                reason: ReasonCode::SUCCESS,
                                reason_string: None,
                            };
                            let left = packet.len() - PLAIN_ACK;
                            assert_eq!(
                                slowly,
                                Some((Incoming::Ack(kind, ack), left)),
                                "{packet:?}"
                            );
                        }
                        None if length == 2 => {
                            let is_ack = matches!(slowly, Some((Incoming::Ack(..), _)));
                            assert!(!is_ack, "{packet:?}");
                        }
                        None => {}
                    }
                }
            }
        }
        assert_eq!(plain_ack(&[0x40, 2, 0]), None);
    }
}
