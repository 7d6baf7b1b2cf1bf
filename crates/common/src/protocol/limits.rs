//! What a CONNACK and MQTT itself allow a client to send.

use super::aliases::Naming;
use super::event::PublishError;
use super::packet::Accepted;
use crate::message::{MAX_REMAINING_LENGTH, Publication, Qos};
use crate::property::variable_integer_length;
use crate::reason::Version;

/// Whether the broker takes such a message, its topic named like that.
pub(super) fn check_publish(
    message: &Publication,
    version: Version,
    naming: Naming,
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
    check_size(publish_length(message, version, naming), limits)
}

/// The remaining length of a PUBLISH in bytes.
pub(super) fn publish_length(message: &Publication, version: Version, naming: Naming) -> usize {
    let packet_id = if message.qos == Qos::AtMostOnce { 0 } else { 2 };
    let properties = match version {
        Version::V31 | Version::V311 => 0,
        Version::V5 => list_length(naming.property_length() + message.properties.as_bytes().len()),
    };
    2 + naming.topic(message).len() + packet_id + properties + message.payload.len()
}

/// The length in a packet of properties that take `length` bytes.
pub(super) const fn list_length(length: usize) -> usize {
    variable_integer_length(length) + length
}

/// Whether the broker takes a packet with that remaining length, in bytes.
pub(super) fn check_size(remaining: usize, limits: &Accepted) -> Result<(), PublishError> {
    if remaining > MAX_REMAINING_LENGTH {
        return Err(PublishError::TooLarge { size: remaining });
    }
    let size = 1 + list_length(remaining);
    let maximum = limits.maximum_packet_size;
    if u32::try_from(size).is_ok_and(|size| size <= maximum) {
        Ok(())
    } else {
        Err(PublishError::OverBrokerMaximum { size, maximum })
    }
}
