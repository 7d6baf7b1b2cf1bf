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
    /// preferred suite first. OpenSSL's words for all good suites stand for those of TLS 1.2, and
    /// `!` in front of a suite, or of a kind of suite that is not among ours, excludes it.
    ///
    /// # Errors
    /// The name that is not known; empty when the list leaves none at all.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut suites = Vec::new();
        let mut excluded = Vec::new();
        for name in list.split([':', ',', ' ']).filter(|name| !name.is_empty()) {
            if let Some(out) = name.strip_prefix('!') {
                match find(out) {
                    Some(suite) => excluded.push(suite),
                    None if is_one_of(&ABSENT, out) => {}
                    None => return Err(name.to_owned()),
                }
            } else if is_one_of(&ALL, name) {
                suites.extend(of_tls12());
            } else {
                suites.push(find(name).ok_or_else(|| name.to_owned())?);
            }
        }
        let mut wanted: Vec<CipherSuite> = Vec::new();
        for suite in suites {
            if !wanted.contains(&suite) && !excluded.contains(&suite) {
                wanted.push(suite);
            }
        }
        if wanted.is_empty() {
            return Err(String::new());
        }
        // `DEFAULT` is what is offered without a list: it limits nothing.
        let is_default = wanted.iter().copied().eq(of_tls12()) && !excluded.iter().any(is_of_tls13);
        Ok(Self(if is_default { Vec::new() } else { wanted }))
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

/// OpenSSL's words for more suites than one, which here are all the same: every suite of ours
/// has forward secrecy and authenticated encryption.
const ALL: [&str; 4] = ["DEFAULT", "ALL", "HIGH", "SECURE"];

/// OpenSSL's words for kinds of suites that are not among ours, as they follow `!`. Its `RSA` is
/// the key exchange, and its `SHA…` are those of suites with an HMAC.
const ABSENT: [&str; 44] = [
    "3DES",
    "ADH",
    "AECDH",
    "ARIA",
    "AESCCM",
    "AESCCM8",
    "CAMELLIA",
    "CBC",
    "COMPLEMENTOFALL",
    "COMPLEMENTOFDEFAULT",
    "DES",
    "DH",
    "DHE",
    "DSS",
    "EDH",
    "EXP",
    "EXPORT",
    "EXPORT40",
    "EXPORT56",
    "IDEA",
    "KRB5",
    "LOW",
    "MD5",
    "MEDIUM",
    "NULL",
    "PSK",
    "RC2",
    "RC4",
    "RSA",
    "SEED",
    "SHA",
    "SHA1",
    "SHA256",
    "SHA384",
    "SRP",
    "SSLv2",
    "SSLv3",
    "TLSv1",
    "TLSv1.0",
    "aDSS",
    "aNULL",
    "eNULL",
    "kDHE",
    "kRSA",
];

fn is_one_of(words: &[&str], name: &str) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(name))
}

fn of_tls12() -> impl Iterator<Item = CipherSuite> {
    let suites = SUITES.iter().map(|suite| suite.suite);
    suites.filter(|suite| !is_of_tls13(suite))
}

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
        fn no_list_panics_and_none_leaves_nothing_to_offer(list in "([A-Z0-9_, !-]{0,9}|!?HIGH|!?aNULL|!?TLS_AES_128_GCM_SHA256){0,4}(:[A-Z]{0,3})?") {
            if let Ok(ciphers) = Ciphers::parse(&list) {
                assert!(!ciphers.select(ALL_CIPHER_SUITES).is_empty());
            }
        }
    }
}
