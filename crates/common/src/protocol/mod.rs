//! The MQTT session as a state machine: bytes in and events out, requests in and bytes out.
//!
//! It does no I/O and reads no clock, so it is tested with scripted bytes and simulated
//! networks. Whoever drives it ([`crate::client`]) moves the bytes and tells it the time.
//!
//! ```
//! use std::time::Instant;
//!
//! use bytes::BytesMut;
//! use mqtools_common::protocol::{Connect, Event, ProtocolError, Session};
//!
//! let mut session = Session::new(Connect::default(), 100, None);
//! session.open(Instant::now())?;
//! // CONNECT waits to be written to the broker.
//! assert!(!session.output().is_empty());
//!
//! // The broker's CONNACK: accepted, no session present.
//! let mut bytes = BytesMut::from(&[0x20, 2, 0, 0][..]);
//! session.feed(&mut bytes, Instant::now())?;
//! assert!(matches!(session.next_event(), Some(Event::Connected(_))));
//! # Ok::<(), ProtocolError>(())
//! ```

mod aliases;
mod codec;
mod decode;
mod event;
mod handover;
mod in_flight;
mod keep_alive;
mod leftovers;
mod limits;
mod output;
mod packet;
mod properties;
mod received;
mod run;
mod session;

pub use event::{Event, PublishError, Trace, Verdict};
pub use output::Output;
pub use packet::{Accepted, Connect, Farewell, RetainHandling, Subscription};
pub use run::Run;
pub use session::{Most, Session};

use crate::reason::ReasonCode;

/// Why a session cannot go on over this connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The broker sent bytes that are no MQTT packet.
    #[error("the broker sent a malformed packet: {0}")]
    Malformed(String),
    /// The broker sent text that is not UTF-8.
    #[error("the broker sent a malformed packet: {0}")]
    NotUtf8(String),
    /// The broker named a topic by an alias that is not allowed or not known.
    #[error("the broker sent a PUBLISH whose Topic Alias is not valid: {0}")]
    TopicAlias(String),
    /// The broker sent a packet over our Maximum Packet Size.
    #[error("the broker sent {0}")]
    OverLimit(String),
    /// The broker sent a packet that has no place here.
    #[error("the broker sent {0} where the protocol does not allow it")]
    Unexpected(&'static str),
    /// Nothing came from the broker for one and a half times the Keep Alive.
    #[error("the broker did not answer a PINGREQ within the Keep Alive")]
    KeepAliveTimeout,
    /// A request cannot be put into a packet.
    #[error("cannot encode the packet: {0}")]
    Encoding(String),
}

impl ProtocolError {
    /// The Reason Code that a DISCONNECT gives for it (MQTT 5, section 3.14.2.1).
    fn reason(&self) -> ReasonCode {
        ReasonCode(match self {
            Self::Malformed(_) | Self::NotUtf8(_) => 0x81,
            Self::Unexpected(_) => 0x82,
            Self::KeepAliveTimeout => 0x8D,
            Self::TopicAlias(_) => 0x94,
            Self::OverLimit(_) => 0x95,
            Self::Encoding(_) => 0x80,
        })
    }
}
