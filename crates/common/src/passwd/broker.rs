//! Which mosquitto release reads which hash.

use super::hash::{PasswordHash, Scheme};

/// A line of mosquitto releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerVersion {
    /// 1.6, and what was before it.
    V1_6,
    /// 2.0.
    V2_0,
    /// 2.1, and what follows.
    V2_1,
}

impl BrokerVersion {
    /// All of them, the oldest first.
    pub const ALL: [Self; 3] = [Self::V1_6, Self::V2_0, Self::V2_1];

    /// The number.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V1_6 => "1.6",
            Self::V2_0 => "2.0",
            Self::V2_1 => "2.1",
        }
    }

    /// The best scheme that every build of this release reads: one without libargon2 does not
    /// know Argon2id.
    #[must_use]
    pub fn scheme(self) -> Scheme {
        match self {
            Self::V1_6 => Scheme::Sha512,
            Self::V2_0 | Self::V2_1 => Scheme::default(),
        }
    }

    /// Whether it reads what we write with this scheme.
    #[must_use]
    pub fn knows(self, scheme: Scheme) -> bool {
        match scheme {
            Scheme::Sha512 => true,
            Scheme::Sha512Pbkdf2 { .. } => self != Self::V1_6,
            Scheme::Argon2id(_) => self == Self::V2_1,
        }
    }

    /// Whether it reads this hash: up to 2.0 a salt has 12 bytes.
    #[must_use]
    pub fn reads(self, hash: &PasswordHash) -> bool {
        self.knows(hash.scheme()) && (self == Self::V2_1 || hash.salt_length() == 12)
    }
}
