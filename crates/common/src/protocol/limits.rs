//! What a CONNACK and MQTT itself allow a client to send.

use super::event::PublishError;
use super::packet::Accepted;
use crate::message::{MAX_REMAINING_LENGTH, Publication, Qos};
use crate::reason::Version;

/// Whether the broker takes such a message.
pub(super) fn check_publish(
    message: &Publication,
    version: Version,
    limits: &Accepted,
) -> Result<(), PublishError> {
    if message.qos > limits.maximum_qos {
        return Err(PublishError::QosNotSupported {
            maximum: limits.maximum_qos,
        });
    }
    if message.retain && !limits.retain_available {
        return Err(PublishError::RetainNotSupported);
    }
    // MQTT 5: an empty property list.
    let properties = usize::from(version == Version::V5);
    let packet_id = if message.qos == Qos::AtMostOnce { 0 } else { 2 };
    check_size(
        2 + message.topic.as_bytes().len() + packet_id + properties + message.payload.len(),
        limits,
    )
}

/// Whether the broker takes a packet with that remaining length, in bytes.
pub(super) fn check_size(remaining: usize, limits: &Accepted) -> Result<(), PublishError> {
    if remaining > MAX_REMAINING_LENGTH {
        return Err(PublishError::TooLarge { size: remaining });
    }
    let length_bytes = match remaining {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    };
    let size = 1 + length_bytes + remaining;
    let maximum = limits.maximum_packet_size;
    if u32::try_from(size).is_ok_and(|size| size <= maximum) {
        Ok(())
    } else {
        Err(PublishError::OverBrokerMaximum { size, maximum })
    }
}
