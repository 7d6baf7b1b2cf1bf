//! `--ciphers`: which cipher suites are offered, in which order.

use std::fmt::Write as _;

use rustls::{CipherSuite, SupportedCipherSuite};

use super::LowestVersion;

/// The cipher suites a connection may use.
///
/// TLS 1.2 and TLS 1.3 share no suite. A list that names suites of one version only says nothing
/// about TLS 1.3 when it names TLS 1.2's, as with OpenSSL, whose list is about TLS 1.2 alone; it
/// leaves nothing for TLS 1.2 when it names TLS 1.3's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ciphers(Vec<CipherSuite>);

impl Ciphers {
    /// Reads a list of OpenSSL or IANA names, separated by colons, commas or spaces, the
    /// preferred suite first.
    ///
    /// # Errors
    /// The name that is not known; empty when the list holds none at all.
    pub fn parse(list: &str) -> Result<Self, String> {
        let names = list
            .split([':', ',', ' '])
            .filter(|name| !name.is_empty())
            .map(|name| find(name).ok_or_else(|| name.to_owned()));
        let mut suites = Vec::new();
        for suite in names {
            let suite = suite?;
            if !suites.contains(&suite) {
                suites.push(suite);
            }
        }
        if suites.is_empty() {
            return Err(String::new());
        }
        Ok(Self(suites))
    }

    /// OpenSSL's names of all suites there are.
    #[must_use]
    pub fn names() -> String {
        let mut names = String::new();
        for (at, suite) in SUITES.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            let _ = write!(names, "{comma}{}", suite.openssl);
        }
        names
    }

    /// Whether the user chose any.
    pub(super) fn are_chosen(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether a connection of at least this version never uses any of the suites named.
    #[must_use]
    pub fn are_idle(&self, lowest: LowestVersion) -> bool {
        lowest == LowestVersion::Tls13 && !self.0.is_empty() && !self.0.iter().any(is_of_tls13)
    }

    /// The suites to offer, of those that the TLS library has.
    pub(super) fn select(&self, all: &[SupportedCipherSuite]) -> Vec<SupportedCipherSuite> {
        let supported = |wanted: &CipherSuite| all.iter().find(|have| have.suite() == *wanted);
        let named = self.0.iter().filter_map(supported).copied();
        let leaves_13_alone = !self.0.iter().any(is_of_tls13);
        let rest = all
            .iter()
            .filter(|have| leaves_13_alone && have.tls13().is_some());
        if self.0.is_empty() {
            all.to_vec()
        } else {
            rest.copied().chain(named).collect()
        }
    }
}

struct Suite {
    openssl: &'static str,
    iana: &'static str,
    suite: CipherSuite,
}

/// All suites of rustls with ring, the preferred ones first.
const SUITES: [Suite; 9] = [
    Suite {
        openssl: "TLS_AES_256_GCM_SHA384",
        iana: "TLS_AES_256_GCM_SHA384",
        suite: CipherSuite::TLS13_AES_256_GCM_SHA384,
    },
    Suite {
        openssl: "TLS_AES_128_GCM_SHA256",
        iana: "TLS_AES_128_GCM_SHA256",
        suite: CipherSuite::TLS13_AES_128_GCM_SHA256,
    },
    Suite {
        openssl: "TLS_CHACHA20_POLY1305_SHA256",
        iana: "TLS_CHACHA20_POLY1305_SHA256",
        suite: CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    },
    Suite {
        openssl: "ECDHE-ECDSA-AES256-GCM-SHA384",
        iana: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        suite: CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    },
    Suite {
        openssl: "ECDHE-ECDSA-AES128-GCM-SHA256",
        iana: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        suite: CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    },
    Suite {
        openssl: "ECDHE-ECDSA-CHACHA20-POLY1305",
        iana: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        suite: CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    },
    Suite {
        openssl: "ECDHE-RSA-AES256-GCM-SHA384",
        iana: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        suite: CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    },
    Suite {
        openssl: "ECDHE-RSA-AES128-GCM-SHA256",
        iana: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        suite: CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    },
    Suite {
        openssl: "ECDHE-RSA-CHACHA20-POLY1305",
        iana: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        suite: CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    },
];

fn find(name: &str) -> Option<CipherSuite> {
    let is_it = |known: &str| known.eq_ignore_ascii_case(name);
    SUITES
        .iter()
        .find(|suite| is_it(suite.openssl) || is_it(suite.iana))
        .map(|suite| suite.suite)
}

fn is_of_tls13(suite: &CipherSuite) -> bool {
    matches!(
        suite,
        CipherSuite::TLS13_AES_256_GCM_SHA384
            | CipherSuite::TLS13_AES_128_GCM_SHA256
            | CipherSuite::TLS13_CHACHA20_POLY1305_SHA256
    )
}

#[cfg(test)]
mod tests {
    use rustls::crypto::ring::ALL_CIPHER_SUITES;

    use super::*;

    #[test]
    fn the_table_has_every_suite_of_the_library_and_no_other() {
        let table: Vec<_> = SUITES.iter().map(|suite| suite.suite).collect();
        let library: Vec<_> = ALL_CIPHER_SUITES.iter().map(|have| have.suite()).collect();
        assert_eq!(table, library);
        for have in ALL_CIPHER_SUITES {
            assert_eq!(is_of_tls13(&have.suite()), have.tls13().is_some());
        }
        for suite in &SUITES {
            let library = suite.suite.as_str().unwrap();
            assert_eq!(suite.iana, library.replace("TLS13_", "TLS_"));
        }
    }

    #[test]
    fn no_list_means_every_suite() {
        let all = Ciphers::default().select(ALL_CIPHER_SUITES);
        assert_eq!(all, ALL_CIPHER_SUITES);
    }

    proptest::proptest! {
        #[test]
        fn no_list_panics_and_none_leaves_nothing_to_offer(list in "[A-Z0-9_:, !-]{0,40}") {
            if let Ok(ciphers) = Ciphers::parse(&list) {
                assert!(!ciphers.select(ALL_CIPHER_SUITES).is_empty());
            }
        }
    }
}
