//! The broker's codes in words: CONNACK Return Codes (3.1.1) and Reason Codes (5).

use std::fmt;

/// The MQTT version a session speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// MQTT 3.1, protocol level 3.
    V31,
    /// MQTT 3.1.1, protocol level 4.
    #[default]
    V311,
    /// MQTT 5, protocol level 5.
    V5,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V31 => "MQTT 3.1",
            Self::V311 => "MQTT 3.1.1",
            Self::V5 => "MQTT 5",
        })
    }
}

/// A code by which the broker answers a request. 0 to 127 is success, 128 and up is failure;
/// in a 3.1.1 CONNACK 1 to 5 are failures too, see [`Refusal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReasonCode(pub u8);

impl ReasonCode {
    /// Plain success.
    pub const SUCCESS: Self = Self(0);
    /// In a DISCONNECT: the Will goes out nevertheless.
    pub const WITH_WILL: Self = Self(0x04);
    /// "Packet Identifier in use": answers a PUBLISH whose exchange has begun already.
    pub const PACKET_ID_IN_USE: Self = Self(0x91);
    /// "Packet Identifier not found": answers a PUBREL nobody waits for.
    pub const PACKET_ID_NOT_FOUND: Self = Self(0x92);
    /// The user may not do that.
    pub const NOT_AUTHORIZED: Self = Self(0x87);
    /// Another client has connected with the same client identifier.
    pub const SESSION_TAKEN_OVER: Self = Self(0x8E);

    /// Whether the request failed (MQTT 5, section 2.4).
    #[must_use]
    pub const fn is_failure(self) -> bool {
        self.0 >= 0x80
    }
}

impl fmt::Display for ReasonCode {
    /// What the code means, as the middle of a sentence (MQTT 5, section 2.4, table 2-6).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            // Shown only when a DISCONNECT comes too early; elsewhere it is "success".
            0x00 => "normal disconnection",
            0x04 => "disconnected, and the Will goes out",
            0x10 => "no matching subscribers",
            0x11 => "no subscription existed",
            0x80 => "unspecified error",
            0x81 => "malformed packet",
            0x82 => "protocol error",
            0x83 => "implementation specific error",
            0x84 => "unsupported protocol version",
            0x85 => "client identifier not valid",
            0x86 => "bad user name or password",
            0x87 => "not authorised",
            0x88 => "server unavailable",
            0x89 => "server busy",
            0x8A => "banned",
            0x8B => "server shutting down",
            0x8C => "bad authentication method",
            0x8D => "keep alive timeout",
            0x8E => "session taken over by another client with the same client identifier",
            0x8F => "topic filter invalid",
            0x90 => "topic name invalid",
            0x91 => "packet identifier in use",
            0x92 => "packet identifier not found",
            0x93 => "receive maximum exceeded",
            0x94 => "topic alias invalid",
            0x95 => "packet too large",
            0x96 => "message rate too high",
            0x97 => "quota exceeded",
            0x98 => "administrative action",
            0x99 => "payload format invalid",
            0x9A => "retain not supported",
            0x9B => "QoS not supported",
            0x9C => "use another server",
            0x9D => "server moved",
            0x9E => "shared subscriptions not supported",
            0x9F => "connection rate exceeded",
            0xA0 => "maximum connect time",
            0xA1 => "subscription identifiers not supported",
            0xA2 => "wildcard subscriptions not supported",
            code => return write!(f, "unknown reason {code} (0x{code:02X})"),
        })
    }
}

/// A Reason Code with the broker's own words, where it gave any (MQTT 5, Reason String).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The code.
    pub code: ReasonCode,
    /// The words.
    pub words: Option<String>,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        quote(self.words.as_deref(), f)?;
        write!(f, ", code {}", self.code.0)
    }
}

impl Reason {
    /// Whether a DISCONNECT with it leaves hope for another connection that does the same.
    #[must_use]
    pub const fn may_heal(&self) -> bool {
        match self.code.0 {
            // Someone or something else was at fault, or the moment: an unspecified error, an
            // implementation's own, busy, shutting down, Keep Alive, rates, quotas, an
            // administrator, the longest time for a connection.
            0x80 | 0x83 | 0x89 | 0x8B | 0x8D | 0x96 | 0x97 | 0x98 | 0x9F | 0xA0 => true,
            code => code < 0x80,
        }
    }
}

/// A CONNACK that says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The Return Code (1 to 5 in 3.1.1) or Reason Code (128 and up).
    pub code: u8,
    /// The broker's own words, where it gave any (MQTT 5).
    pub reason_string: Option<String>,
}

impl Refusal {
    /// Whether the same CONNECT may be accepted later.
    #[must_use]
    pub const fn may_heal(&self) -> bool {
        // Server unavailable and busy, errors that are not explained, a quota, a rate.
        matches!(self.code, 3 | 0x80 | 0x83 | 0x88 | 0x89 | 0x97 | 0x9F)
    }

    /// What the user can do about it, where anything can be said.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self.code {
            1 | 0x84 => Some("try another version: -V mqttv5, -V mqttv311 or -V mqttv31"),
            2 | 0x85 => Some("give another client identifier with -i"),
            3 | 0x88 | 0x89 => {
                Some("the broker is up but does not take clients now; try again later")
            }
            4 | 5 | 0x86 | 0x87 => Some(
                "check the user name (-u) and the password (-P); a broker rereads its password file only on SIGHUP",
            ),
            0x9F => Some("connect less often"),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            // MQTT 3.1.1, section 3.2.2.3, table 3.1.
            1 => f.write_str("unacceptable protocol version")?,
            2 => f.write_str("client identifier rejected")?,
            3 => f.write_str("server unavailable")?,
            4 => f.write_str("bad user name or password")?,
            5 => f.write_str("not authorised")?,
            code => ReasonCode(code).fmt(f)?,
        }
        quote(self.reason_string.as_deref(), f)?;
        write!(f, ", code {}", self.code)
    }
}

/// A broker's words come from outside: control characters in them are shown, not obeyed.
fn quote(words: Option<&str>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match words {
        Some(words) => write!(f, " (\"{}\")", words.escape_debug()),
        None => Ok(()),
    }
}
