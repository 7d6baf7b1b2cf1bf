//! The one table of exit codes. Anything that ends a tool picks its code here.
//!
//! A file that cannot be read or written is [`Exit::OS_ERROR`], whatever option names it; only a
//! certificate, a key or an authority (`--cafile`, `--capath`, `--cert`, `--key`) is
//! [`Exit::TLS`], as with mosquitto's clients.

/// How a tool ends, as the number its caller sees in `$?`.
///
/// The numbers are those of the mosquitto library, so that scripts written for its
/// clients keep working; a CONNACK's or PUBACK's own code passes through unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit(u8);

impl Exit {
    /// Everything that was asked for is done.
    pub const SUCCESS: Self = Self(0);
    /// The command line (or an options file) is wrong.
    pub const USAGE: Self = Self(1);
    /// `mqpub`: a line of its input is no message.
    pub const BAD_INPUT: Self = Self(1);
    /// `mqpasswd`: something failed. It has one number for everything, as its predecessor.
    pub const PASSWD_FAILED: Self = Self(1);
    /// `mqpasswd`: the two typed passwords differ.
    pub const PASSWORD_MISMATCH: Self = Self(2);
    /// `mqpasswd --verify`: the user is not in the file.
    pub const NO_SUCH_USER: Self = Self(3);
    /// An operation needed a connection and there was none.
    pub const NOT_CONNECTED: Self = Self(4);
    /// The broker closed the connection before it sent a CONNACK.
    pub const CONNECTION_REFUSED: Self = Self(5);
    /// The connection was lost, or messages stayed unacknowledged.
    pub const CONNECTION_LOST: Self = Self(7);
    /// TLS could not be set up: an unreadable or unusable certificate, key or option.
    pub const TLS: Self = Self(8);
    /// The message is larger than MQTT allows.
    pub const PAYLOAD_TOO_LARGE: Self = Self(9);
    /// A failure that has no number of its own.
    pub const UNKNOWN: Self = Self(13);
    /// The operating system refused: connection refused, unreachable, no such file.
    pub const OS_ERROR: Self = Self(14);
    /// The host name could not be resolved.
    pub const NAME_RESOLUTION: Self = Self(15);
    /// The proxy is not there, or did not connect to the broker.
    pub const PROXY: Self = Self(16);
    /// The broker sent text that is not UTF-8.
    pub const MALFORMED_UTF8: Self = Self(18);
    /// The broker did not answer within the Keep Alive.
    pub const KEEP_ALIVE: Self = Self(19);
    /// The broker sent something that is not MQTT.
    pub const MALFORMED_PACKET: Self = Self(21);
    /// The TLS handshake failed.
    pub const TLS_HANDSHAKE: Self = Self(23);
    /// The broker does not support the QoS that was asked for.
    pub const QOS_NOT_SUPPORTED: Self = Self(24);
    /// The packet is larger than the broker's Maximum Packet Size.
    pub const OVERSIZE_PACKET: Self = Self(25);
    /// `-W` elapsed.
    pub const TIMEOUT: Self = Self(27);
    /// The broker does not support retained messages.
    pub const RETAIN_NOT_SUPPORTED: Self = Self(28);

    /// A process that the signal with this number has ended, as a shell shows it.
    #[must_use]
    pub const fn from_signal(number: u8) -> Self {
        Self(128 + number)
    }

    /// A code the broker chose: a CONNACK Return Code (1 to 5) or a Reason Code (128 and up).
    #[must_use]
    pub const fn from_broker(code: u8) -> Self {
        Self(code)
    }

    /// The broker ended the session with this Reason Code (MQTT 5 DISCONNECT). Below 128 it
    /// complains of nothing, and still the connection was lost before the work was done.
    #[must_use]
    pub const fn from_disconnect(code: u8) -> Self {
        if code >= 0x80 {
            Self(code)
        } else {
            Self::CONNECTION_LOST
        }
    }

    /// The number as the shell shows it.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}
