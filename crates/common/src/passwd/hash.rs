//! The three ways a broker stores a password: how each is computed, written, read and checked.
//!
//! | text | what it is |
//! |---|---|
//! | `$6$SALT$HASH` | SHA-512 of the password followed by the salt |
//! | `$7$ITERATIONS$SALT$HASH` | PBKDF2-HMAC-SHA512 with an output of 64 bytes |
//! | `$argon2id$v=19$m=…,t=…,p=…$SALT$HASH` | Argon2id (RFC 9106) as a PHC string |
//!
//! The first two use padded base64, the PHC string uses base64 without padding.

use std::fmt;

use argon2::Argon2;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use ctutils::CtEq as _;
use sha2::{Digest as _, Sha512};
use thiserror::Error;

use crate::secret::Secret;

/// The iterations of a new `$7$` hash when nothing else is asked for.
pub const DEFAULT_ITERATIONS: u32 = 1000;

/// The most iterations of a `$7$` hash: brokers keep the number in a C `int`.
pub const MAX_ITERATIONS: u32 = i32::MAX.unsigned_abs();

/// How a new hash is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `$6$`: fast, therefore weak; for brokers before mosquitto 2.0.
    Sha512,
    /// `$7$`: for mosquitto 2.0 and newer.
    Sha512Pbkdf2 {
        /// 1 to [`MAX_ITERATIONS`].
        iterations: u32,
    },
    /// `$argon2id$`: for mosquitto 2.1 and newer, built with libargon2.
    Argon2id(Cost),
}

impl Default for Scheme {
    fn default() -> Self {
        Self::Sha512Pbkdf2 {
            iterations: DEFAULT_ITERATIONS,
        }
    }
}

/// What an Argon2id hash costs who computes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// In KiB, 8 for each lane to 4 GiB.
    pub memory: u32,
    /// At least 1.
    pub passes: u32,
    /// At least 1.
    pub lanes: u32,
}

impl Cost {
    /// Reads `m=MEMORY,t=PASSES,p=LANES`.
    ///
    /// # Errors
    /// [`HashError::Parameter`] when a part is missing, or out of range.
    pub fn parse(text: &str) -> Result<Self, HashError> {
        let mut parts = text.split(',');
        let mut part = |name: &str| {
            let value = parts.next().and_then(|part| part.strip_prefix(name));
            number(value.ok_or(HashError::Parameter)?)
        };
        let cost = Self {
            memory: part("m=")?,
            passes: part("t=")?,
            lanes: part("p=")?,
        };
        if parts.next().is_some() {
            return Err(HashError::Parameter);
        }
        cost.check()
    }

    fn check(self) -> Result<Self, HashError> {
        if self.memory > MAX_ARGON2_MEMORY {
            return Err(HashError::Parameter);
        }
        self.params().map(|_| self)
    }

    fn params(self) -> Result<argon2::Params, HashError> {
        argon2::Params::new(self.memory, self.passes, self.lanes, None)
            .map_err(|_| HashError::Parameter)
    }
}

/// What mosquitto 2.1 asks for.
impl Default for Cost {
    fn default() -> Self {
        Self {
            memory: 47_104,
            passes: 1,
            lanes: 1,
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={},t={},p={}", self.memory, self.passes, self.lanes)
    }
}

/// Hashes a password with a fresh salt, as the text that goes behind the colon.
///
/// ```
/// use mqtools_common::passwd::hash::{HashError, Scheme, hash, verify};
/// use mqtools_common::secret::Secret;
///
/// let text = hash(Scheme::default(), &Secret::new(b"secret".to_vec()))?;
/// assert!(text.starts_with("$7$1000$"));
/// assert!(verify(&Secret::new(b"secret".to_vec()), text.as_bytes())?);
/// # Ok::<(), HashError>(())
/// ```
///
/// # Errors
/// [`HashError`] when the iterations are out of range, or the system has no random bytes, or
/// not enough memory for Argon2id.
pub fn hash(scheme: Scheme, password: &Secret) -> Result<String, HashError> {
    PasswordHash::create(scheme, password).map(|hash| hash.to_string())
}

/// Whether `password` is the one that the text of a hash was made from. The comparison takes
/// the same time wherever the difference is.
///
/// # Errors
/// [`HashError`] when the text is not a hash that brokers know.
pub fn verify(password: &Secret, text: &[u8]) -> Result<bool, HashError> {
    PasswordHash::parse(text)?.verify(password)
}

/// Whether a value claims to be a hash: such a value is never taken for a plain password.
#[must_use]
pub fn begins_like_a_hash(value: &[u8]) -> bool {
    [SHA512, SHA512_PBKDF2, ARGON2ID]
        .iter()
        .any(|prefix| value.starts_with(prefix.as_bytes()))
}

/// Whether the text is a hash that brokers know, as [`PasswordHash::parse`] finds it; fast for
/// the form that nearly all lines of a large file have.
///
/// # Errors
/// [`HashError`] when it is not.
pub fn check(text: &[u8]) -> Result<(), HashError> {
    match is_usual(text) {
        Some(true) => Ok(()),
        _ => PasswordHash::parse(text).map(drop),
    }
}

/// A stored hash. `Display` gives the text of the file, `Debug` only the kind.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    scheme: Scheme,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

impl PasswordHash {
    /// Hashes a password with a fresh salt.
    ///
    /// # Errors
    /// As [`hash`].
    pub fn create(scheme: Scheme, password: &Secret) -> Result<Self, HashError> {
        if let Scheme::Sha512Pbkdf2 { iterations } = scheme {
            check_iterations(iterations)?;
        }
        // Mosquitto 2.0 reads salts of 12 bytes and no others; only 2.1 reads Argon2id at
        // all, and there its own tool writes 64.
        let salt_length = match scheme {
            Scheme::Sha512 | Scheme::Sha512Pbkdf2 { .. } => 12,
            Scheme::Argon2id(cost) => {
                cost.check()?;
                64
            }
        };
        let mut salt = vec![0; salt_length];
        getrandom::fill(&mut salt).map_err(|_| HashError::NoRandom)?;
        let digest = scheme.digest(password, &salt, DIGEST_LENGTH)?;
        Ok(Self {
            scheme,
            salt,
            digest,
        })
    }

    /// Reads the text of a hash.
    ///
    /// # Errors
    /// [`HashError`] when the text is not, from its first byte to its last, a hash that
    /// brokers know.
    pub fn parse(text: &[u8]) -> Result<Self, HashError> {
        let text = std::str::from_utf8(text).map_err(|_| HashError::Unknown)?;
        if let Some(rest) = text.strip_prefix(SHA512) {
            let [salt, digest] = fields(rest)?;
            Self::decode(Scheme::Sha512, salt, digest)
        } else if let Some(rest) = text.strip_prefix(SHA512_PBKDF2) {
            let [iterations, salt, digest] = fields(rest)?;
            let iterations = check_iterations(number(iterations)?)?;
            Self::decode(Scheme::Sha512Pbkdf2 { iterations }, salt, digest)
        } else if let Some(rest) = text.strip_prefix(ARGON2ID) {
            let [version, cost, salt, digest] = fields(rest)?;
            if version != "v=19" {
                return Err(HashError::Parameter);
            }
            Self::decode(Scheme::Argon2id(Cost::parse(cost)?), salt, digest)
        } else {
            Err(HashError::Unknown)
        }
    }

    /// How it was made.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The bytes of its salt.
    #[must_use]
    pub fn salt_length(&self) -> usize {
        self.salt.len()
    }

    /// Whether this hash was made from `password`.
    ///
    /// # Errors
    /// [`HashError::Memory`] when there is not enough memory for Argon2id.
    pub fn verify(&self, password: &Secret) -> Result<bool, HashError> {
        let digest = self
            .scheme
            .digest(password, &self.salt, self.digest.len())?;
        Ok(digest.as_slice().ct_eq(self.digest.as_slice()).to_bool())
    }

    fn decode(scheme: Scheme, salt: &str, digest: &str) -> Result<Self, HashError> {
        let decode = |text| scheme.base64().decode(text).map_err(|_| HashError::Base64);
        let (salt, digest) = (decode(salt)?, decode(digest)?);
        let (salt_lengths, digest_lengths) = match scheme {
            Scheme::Argon2id(_) => (8..=usize::MAX, 4..=MAX_ARGON2_DIGEST),
            _ => (1..=usize::MAX, DIGEST_LENGTH..=DIGEST_LENGTH),
        };
        if !salt_lengths.contains(&salt.len()) || !digest_lengths.contains(&digest.len()) {
            return Err(HashError::Length);
        }
        Ok(Self {
            scheme,
            salt,
            digest,
        })
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme {
            Scheme::Sha512 => f.write_str(SHA512)?,
            Scheme::Sha512Pbkdf2 { iterations } => write!(f, "{SHA512_PBKDF2}{iterations}$")?,
            Scheme::Argon2id(cost) => write!(f, "{ARGON2ID}v=19${cost}$")?,
        }
        let base64 = self.scheme.base64();
        write!(
            f,
            "{}${}",
            base64.encode(&self.salt),
            base64.encode(&self.digest)
        )
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash")
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

/// Why a hash cannot be made, read or checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HashError {
    /// None of the three kinds.
    #[error("this is not a password hash that brokers know")]
    Unknown,
    /// Too many or too few fields between the `$` signs.
    #[error("the password hash does not have the fields it should have")]
    Fields,
    /// A cost or a version that is not a number, or out of range.
    #[error("the password hash has a cost or a version that cannot be used")]
    Parameter,
    /// A salt or a digest that cannot be decoded.
    #[error("the password hash has a salt or a digest that is not base64")]
    Base64,
    /// A salt or a digest of the wrong length.
    #[error("the password hash has a salt or a digest of the wrong length")]
    Length,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes for a salt")]
    NoRandom,
    /// The memory that Argon2id needs is not there.
    #[error("there is not enough memory for Argon2id")]
    Memory,
}

const SHA512: &str = "$6$";
const SHA512_PBKDF2: &str = "$7$";
const ARGON2ID: &str = "$argon2id$";

/// Bytes of a new digest of every kind, and of every `$6$` and `$7$` digest.
const DIGEST_LENGTH: usize = 64;

/// Far more than anybody uses; a damaged line shall not take the machine's memory.
const MAX_ARGON2_MEMORY: u32 = 4 * 1024 * 1024;
const MAX_ARGON2_DIGEST: usize = 1024;

impl Scheme {
    fn digest(self, password: &Secret, salt: &[u8], length: usize) -> Result<Vec<u8>, HashError> {
        let password = password.reveal();
        let mut digest = vec![0; length];
        match self {
            Self::Sha512 => {
                digest = Sha512::new()
                    .chain_update(password)
                    .chain_update(salt)
                    .finalize()
                    .to_vec();
            }
            Self::Sha512Pbkdf2 { iterations } => {
                pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, iterations, &mut digest);
            }
            Self::Argon2id(cost) => Argon2::new(
                argon2::Algorithm::Argon2id,
                argon2::Version::V0x13,
                cost.params()?,
            )
            .hash_password_into(password, salt, &mut digest)
            .map_err(|_| HashError::Memory)?,
        }
        Ok(digest)
    }

    fn base64(self) -> &'static base64::engine::GeneralPurpose {
        match self {
            Self::Sha512 | Self::Sha512Pbkdf2 { .. } => &BASE64_STANDARD,
            Self::Argon2id(_) => &BASE64_STANDARD_NO_PAD,
        }
    }
}

/// Whether this is `$7$`, a sensible number, a salt of 12 bytes, and a digest, each in its usual
/// base64; `None` when it does not even look so.
fn is_usual(text: &[u8]) -> Option<bool> {
    let rest = text.strip_prefix(SHA512_PBKDF2.as_bytes())?;
    // `$`, a salt of 12 bytes, `$`, and a digest of 64 bytes, whose last digit carries 2 bits.
    let (digits, tail) = rest.split_last_chunk::<106>()?;
    let (&[b'$', ref salt @ .., b'$'], digest) = tail.split_first_chunk::<18>()? else {
        return None;
    };
    let (digest, &[last, b'=', b'=']) = digest.split_first_chunk::<85>()? else {
        return None;
    };
    let (first, more) = digits.split_first()?;
    let number =
        (b'1'..=b'9').contains(first) && more.len() < 9 && more.iter().all(u8::is_ascii_digit);
    let last = matches!(last, b'A' | b'Q' | b'g' | b'w');
    Some(number && last && is_base64(salt) && is_base64(digest))
}

/// Digits of base64 and nothing else. No branch, and a length that is known, so that it is
/// done for many bytes at once.
fn is_base64<const N: usize>(text: &[u8; N]) -> bool {
    let is_digit = |byte: u8| {
        ((byte | 0x20).wrapping_sub(b'a') < 26)
            | (byte.wrapping_sub(b'0') < 10)
            | (byte == b'+')
            | (byte == b'/')
    };
    text.iter().fold(true, |all, &byte| all & is_digit(byte))
}

fn check_iterations(iterations: u32) -> Result<u32, HashError> {
    (1..=MAX_ITERATIONS)
        .contains(&iterations)
        .then_some(iterations)
        .ok_or(HashError::Parameter)
}

/// Splits at `$` into exactly `N` fields.
fn fields<const N: usize>(text: &str) -> Result<[&str; N], HashError> {
    text.split('$')
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| HashError::Fields)
}

/// Digits and nothing else: `parse` alone would accept a sign.
fn number(text: &str) -> Result<u32, HashError> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(HashError::Parameter);
    }
    text.parse().map_err(|_| HashError::Parameter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passwd::{admits, entry};
    use proptest::prelude::*;

    const VECTORS: &str = include_str!("../../../../tests/fixtures/password_hashes.tsv");

    fn vectors() -> impl Iterator<Item = (&'static str, Secret)> {
        VECTORS
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split_once('\t').unwrap())
            .map(|(line, password)| (line, Secret::from(password.to_owned())))
    }

    #[test]
    fn every_vector_verifies_and_a_wrong_password_does_not() {
        let mut kinds = [0; 3];
        for (line, password) in vectors() {
            let entry = entry::lines(line.as_bytes())
                .next()
                .unwrap()
                .entry()
                .unwrap();
            let hash = PasswordHash::parse(entry.value).unwrap();
            kinds[match hash.scheme {
                Scheme::Sha512 => 0,
                Scheme::Sha512Pbkdf2 { .. } => 1,
                Scheme::Argon2id(_) => 2,
            }] += 1;
            assert_eq!(hash.verify(&password), Ok(true), "{line}");

            let mut wrong = password.reveal().to_vec();
            *wrong.last_mut().unwrap() ^= 1;
            assert_eq!(hash.verify(&Secret::new(wrong)), Ok(false), "{line}");

            assert_eq!(hash.to_string().as_bytes(), entry.value, "written as read");
            assert!(admits(line.as_bytes(), entry.user, &password));
        }
        assert_eq!(kinds, [20, 30, 10]);
    }

    #[test]
    fn a_new_hash_has_the_form_that_brokers_read() {
        let password = Secret::from("pässwörd".to_owned());
        let pbkdf2 = |iterations| Scheme::Sha512Pbkdf2 { iterations };
        for (scheme, prefix, length) in [
            (Scheme::Sha512, "$6$", 3 + 16 + 1 + 88),
            (Scheme::default(), "$7$1000$", 8 + 16 + 1 + 88),
            (pbkdf2(1), "$7$1$", 5 + 16 + 1 + 88),
            (
                Scheme::Argon2id(Cost::default()),
                "$argon2id$v=19$m=47104,t=1,p=1$",
                31 + 86 + 1 + 86,
            ),
        ] {
            let first = hash(scheme, &password).unwrap();
            let second = hash(scheme, &password).unwrap();
            assert!(first.starts_with(prefix), "{first}");
            assert_eq!(first.len(), length, "{first}");
            assert_ne!(first, second, "the salt is fresh");
            assert_eq!(verify(&password, first.as_bytes()), Ok(true));
            assert_eq!(check(first.as_bytes()), Ok(()));
            // One byte wrong anywhere: both ways of looking at it agree.
            for at in 0..first.len() {
                for byte in *b"$!=A0" {
                    let mut wrong = first.clone().into_bytes();
                    wrong[at] = byte;
                    assert_eq!(check(&wrong), PasswordHash::parse(&wrong).map(drop));
                }
            }
            assert_eq!(
                verify(&Secret::new(b"x".to_vec()), first.as_bytes()),
                Ok(false)
            );
        }
    }

    #[test]
    fn iterations_that_no_broker_reads_are_not_written() {
        for iterations in [0, MAX_ITERATIONS + 1] {
            let scheme = Scheme::Sha512Pbkdf2 { iterations };
            assert_eq!(
                hash(scheme, &Secret::new(vec![1])),
                Err(HashError::Parameter)
            );
        }
    }

    #[test]
    fn a_damaged_hash_is_refused() {
        let salt = "AAAAAAAAAAAAAAAA";
        let digest = format!("{}==", "A".repeat(86));
        let parse = |text: &str| PasswordHash::parse(text.as_bytes());
        assert!(parse(&format!("$6${salt}${digest}")).is_ok());
        assert!(parse(&format!("$7$1${salt}${digest}")).is_ok());
        for (text, error) in [
            ("secret".to_owned(), HashError::Unknown),
            (format!("$5${salt}${digest}"), HashError::Unknown),
            (format!("$6${salt}"), HashError::Fields),
            (format!("$6${salt}${digest}$"), HashError::Fields),
            (format!("$6$${digest}"), HashError::Length),
            (format!("$6${salt}$AAAA"), HashError::Length),
            (format!("$6${salt}${}", "A".repeat(86)), HashError::Base64),
            (format!("$6${salt}${digest} "), HashError::Base64),
            (format!("$7${salt}${digest}"), HashError::Fields),
            (format!("$7$0${salt}${digest}"), HashError::Parameter),
            (format!("$7$+1${salt}${digest}"), HashError::Parameter),
            (format!("$7$${salt}${digest}"), HashError::Parameter),
            (
                format!("$7$2147483648${salt}${digest}"),
                HashError::Parameter,
            ),
            (
                format!("$7$99999999999${salt}${digest}"),
                HashError::Parameter,
            ),
            (argon2id("v=18", "m=8,t=1,p=1"), HashError::Parameter),
            (argon2id("v=19", "m=7,t=1,p=1"), HashError::Parameter),
            (argon2id("v=19", "m=8,t=0,p=1"), HashError::Parameter),
            (argon2id("v=19", "m=8,t=1,p=0"), HashError::Parameter),
            (argon2id("v=19", "m=8,t=1,p=2"), HashError::Parameter),
            (
                argon2id("v=19", "m=4294967295,t=1,p=1"),
                HashError::Parameter,
            ),
            (argon2id("v=19", "m=8,p=1,t=1"), HashError::Parameter),
            (argon2id("v=19", "m=8,t=1,p=1,x=1"), HashError::Parameter),
        ] {
            assert_eq!(parse(&text), Err(error), "{text}");
        }
        assert!(parse(&argon2id("v=19", "m=8,t=1,p=1")).is_ok());
    }

    #[test]
    fn debug_output_hides_salt_and_digest() {
        let hash = PasswordHash::create(Scheme::default(), &Secret::new(vec![1])).unwrap();
        assert_eq!(
            format!("{hash:?}"),
            "PasswordHash { scheme: Sha512Pbkdf2 { iterations: 1000 }, .. }"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(\\$6\\$|\\$7\\$|\\$argon2id\\$)?[A-Za-z0-9+/=$,.]{0,60}") {
            if let Ok(hash) = PasswordHash::parse(text.as_bytes()) {
                prop_assert!(begins_like_a_hash(text.as_bytes()));
                prop_assert!(PasswordHash::parse(hash.to_string().as_bytes()) == Ok(hash));
            }
            prop_assert_eq!(check(text.as_bytes()), PasswordHash::parse(text.as_bytes()).map(drop));
        }

        /// The fast check and the slow one agree, one byte away from a good hash too.
        #[test]
        fn a_damaged_hash_is_found(
            iterations in "[0-9]{1,11}",
            salt in any::<[u8; 12]>(),
            digest in any::<[u8; 64]>(),
            damage in proptest::option::of((any::<proptest::sample::Index>(), any::<u8>())),
        ) {
            let (salt, digest) = (BASE64_STANDARD.encode(salt), BASE64_STANDARD.encode(digest));
            let mut text = format!("$7${iterations}${salt}${digest}").into_bytes();
            if let Some((at, byte)) = damage {
                *at.get_mut(&mut text) = byte;
            }
            prop_assert_eq!(check(&text), PasswordHash::parse(&text).map(drop));
        }

        #[test]
        fn any_password_verifies_against_its_hash(password in proptest::collection::vec(any::<u8>(), 1..200)) {
            let password = Secret::new(password);
            for scheme in [Scheme::Sha512, Scheme::Sha512Pbkdf2 { iterations: 2 }] {
                let text = hash(scheme, &password).unwrap();
                prop_assert_eq!(verify(&password, text.as_bytes()), Ok(true));
            }
        }
    }

    fn argon2id(version: &str, cost: &str) -> String {
        format!(
            "$argon2id${version}${cost}$AAAAAAAAAAAAAAAA${}",
            "A".repeat(86)
        )
    }
}
