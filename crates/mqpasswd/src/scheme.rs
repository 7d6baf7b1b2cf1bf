//! How a password is hashed: as the command line says, or as it was before.

use mqtools_common::passwd::broker::BrokerVersion;
use mqtools_common::passwd::hash::{DEFAULT_ITERATIONS, Scheme};

/// What the command line says about hashing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hashing {
    /// The scheme, with its cost, that it names.
    pub chosen: Option<Scheme>,
    /// The release that has to read it.
    pub target: Option<BrokerVersion>,
}

impl Hashing {
    /// For a user whose present hash was made with `stored`, if there is one. The scheme stays;
    /// iterations below the default become the default.
    #[must_use]
    pub fn scheme(&self, stored: Option<Scheme>) -> Scheme {
        match (self.chosen, stored) {
            (Some(chosen), _) => chosen,
            (None, None) => Scheme::default(),
            (None, Some(Scheme::Sha512Pbkdf2 { iterations })) => Scheme::Sha512Pbkdf2 {
                iterations: iterations.max(DEFAULT_ITERATIONS),
            },
            (None, Some(scheme)) => scheme,
        }
    }

    /// Whether a hash that was made with `stored` is as the command line wants it.
    #[must_use]
    pub fn accepts(&self, stored: Scheme) -> bool {
        self.chosen.is_none_or(|chosen| chosen == stored)
    }

    /// The target, if it does not read what was chosen.
    #[must_use]
    pub fn unreadable(&self) -> Option<BrokerVersion> {
        let (target, chosen) = (self.target?, self.chosen?);
        (!target.knows(chosen)).then_some(target)
    }
}
