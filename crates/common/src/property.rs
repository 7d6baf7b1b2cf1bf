//! MQTT 5 properties of a received message (MQTT 5, section 3.3.2.3).

use bytes::Bytes;

/// What a PUBLISH says beside its topic and payload. Each is none, or empty, when it was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PublishProperties {
    /// Payload Format Indicator: 0 unspecified bytes, 1 UTF-8 text.
    pub payload_format_indicator: Option<u8>,
    /// Message Expiry Interval: how long the message is still good for, in seconds.
    pub message_expiry_interval: Option<u32>,
    /// Content Type: what the payload is, often a MIME type.
    pub content_type: Option<String>,
    /// Response Topic: where an answer is expected.
    pub response_topic: Option<String>,
    /// Correlation Data: what an answer has to bring back; any bytes.
    pub correlation_data: Option<Bytes>,
    /// Subscription Identifiers of the subscriptions that match, 1 to 268,435,455 each.
    pub subscription_identifiers: Vec<u32>,
    /// User Properties: keys with their values, in the order they were sent; keys may repeat.
    pub user_properties: Vec<(String, String)>,
}
