//! One line of a password file, and what a user name and a password may be.
//!
//! A [`Line`] is a view into the file's bytes and never loses any of them: the lines of a
//! file, written one after the other, are the file.

use std::ops::Range;

use memchr::memchr;
use thiserror::Error;

use super::hash::{self, HashError, PasswordHash};
use crate::secret::Secret;

/// The longest user name and the longest password, in bytes: what MQTT's two-byte length allows.
pub const MAX_LENGTH: usize = 65_535;

/// The lines of a password file, in order.
pub fn lines(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut rest = text;
    let mut number = 0;
    let mut start = 0;
    std::iter::from_fn(move || {
        let length = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (bytes, after) = rest.split_at_checked(length)?;
        rest = after;
        number += 1;
        let line = Line {
            number,
            start,
            bytes,
        };
        start += length;
        (!bytes.is_empty()).then_some(line)
    })
}

/// One line of a password file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Counted from 1.
    pub number: usize,
    /// How many bytes of the file come before it.
    pub start: usize,
    /// The line as it stands in the file, its ending included.
    pub bytes: &'a [u8],
}

impl<'a> Line<'a> {
    /// Where it stands in the file, in bytes.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.bytes.len()
    }

    /// How the line ends: `\n`, `\r\n`, or nothing on a last line without a newline.
    #[must_use]
    pub fn ending(&self) -> &'a [u8] {
        let without = self.bytes.strip_suffix(b"\n").unwrap_or(self.bytes);
        let content = without.strip_suffix(b"\r").unwrap_or(without);
        if without.len() == self.bytes.len() {
            &[]
        } else {
            self.bytes.get(content.len()..).unwrap_or_default()
        }
    }

    /// The user of this line, if it has one.
    #[must_use]
    pub fn entry(&self) -> Option<Entry<'a>> {
        self.parse().ok().flatten()
    }

    /// The user of this line; none for a comment or a blank line.
    ///
    /// # Errors
    /// [`Fault`] when the line is none of these.
    pub fn parse(&self) -> Result<Option<Entry<'a>>, Fault> {
        if self.bytes.starts_with(b"#") {
            return Ok(None);
        }
        let colon = memchr(b':', self.bytes);
        let Some((user, rest)) = colon.and_then(|at| self.bytes.split_at_checked(at)) else {
            let blank = trim(self.bytes).is_empty();
            return if blank { Ok(None) } else { Err(Fault::NoColon) };
        };
        let entry = Entry {
            user: trim(user),
            value: trim(rest.strip_prefix(b":").unwrap_or(rest)),
        };
        if entry.user.is_empty() {
            Err(Fault::NoUser)
        } else if entry.value.is_empty() {
            Err(Fault::NoPassword)
        } else {
            Ok(Some(entry))
        }
    }
}

/// A user and what stands behind the first colon, both without the blanks around them,
/// which a broker does not count either.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The user name; never empty, not necessarily UTF-8.
    pub user: &'a [u8],
    /// A hash or a plain password; never empty.
    pub value: &'a [u8],
}

impl Entry<'_> {
    /// Whether the value claims to be a hash; otherwise it is a plain password.
    #[must_use]
    pub fn is_hashed(&self) -> bool {
        hash::begins_like_a_hash(self.value)
    }

    /// Like [`credential`](Self::credential) for who needs only the error.
    ///
    /// # Errors
    /// As there.
    pub fn check(&self) -> Result<(), HashError> {
        if self.is_hashed() {
            hash::check(self.value)
        } else {
            Ok(())
        }
    }

    /// Tells a hash from a plain password.
    ///
    /// # Errors
    /// [`HashError`] for a value that begins like a hash and is none: most likely a hash that
    /// was cut or damaged, and certainly nothing to be taken for a password.
    pub fn credential(&self) -> Result<Credential, HashError> {
        if self.is_hashed() {
            PasswordHash::parse(self.value).map(Credential::Hash)
        } else {
            Ok(Credential::Plain(Secret::new(self.value.to_vec())))
        }
    }
}

// The value may be a plain password.
impl std::fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("user", &String::from_utf8_lossy(self.user))
            .finish_non_exhaustive()
    }
}

/// What a line knows about its user's password.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A hash that a broker can read.
    Hash(PasswordHash),
    /// A password that waits to be hashed.
    Plain(Secret),
}

/// Why a line is neither a user, nor a comment, nor blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Fault {
    /// There is nothing that separates a user from a password.
    #[error("there is no ':' between a user name and a password")]
    NoColon,
    /// Nothing stands before the colon.
    #[error("there is no user name before the ':'")]
    NoUser,
    /// Nothing stands behind the colon.
    #[error("there is no password after the ':'")]
    NoPassword,
}

/// A user name that survives the way through a password file and a CONNECT packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserName(String);

impl UserName {
    /// Takes a name that a broker reads back from the file exactly as it is.
    ///
    /// # Errors
    /// [`UserNameError`] says what stands in the way.
    pub fn new(name: String) -> Result<Self, UserNameError> {
        if name.is_empty() {
            Err(UserNameError::Empty)
        } else if name.len() > MAX_LENGTH {
            Err(UserNameError::TooLong)
        } else if name.contains(':') {
            Err(UserNameError::Colon)
        } else if name.chars().any(char::is_control) {
            Err(UserNameError::Control)
        } else if name.starts_with('#') {
            Err(UserNameError::Comment)
        } else if name.starts_with(' ') || name.ends_with(' ') {
            Err(UserNameError::Blank)
        } else {
            Ok(Self(name))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a name cannot stand in a password file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UserNameError {
    /// No name at all.
    #[error("it is empty")]
    Empty,
    /// More than [`MAX_LENGTH`] bytes.
    #[error("it is longer than 65,535 bytes")]
    TooLong,
    /// The separator of the file.
    #[error("it contains ':', which separates the user name from the password in the file")]
    Colon,
    /// A control character.
    #[error("it contains a control character")]
    Control,
    /// A `#` in front.
    #[error("it begins with '#', and a broker would take the line for a comment")]
    Comment,
    /// A blank at either end.
    #[error("it begins or ends with a blank, which a broker would not count")]
    Blank,
}

/// Refuses a password that no client could send, or that a broker would not ask for.
///
/// # Errors
/// [`PasswordError`] for an empty one, one of more than [`MAX_LENGTH`] bytes, and one with a
/// NUL byte.
pub fn check_password(password: &Secret) -> Result<(), PasswordError> {
    match password.reveal().len() {
        0 => Err(PasswordError::Empty),
        1..=MAX_LENGTH if memchr(0, password.reveal()).is_some() => Err(PasswordError::Nul),
        1..=MAX_LENGTH => Ok(()),
        _ => Err(PasswordError::TooLong),
    }
}

/// Why a password cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// No password at all.
    #[error("the password is empty")]
    Empty,
    /// More than [`MAX_LENGTH`] bytes.
    #[error("the password is longer than 65,535 bytes")]
    TooLong,
    /// Mosquitto hashes what comes before it and no more, and would let nobody in.
    #[error("the password contains a NUL byte, where a broker takes it to end")]
    Nul,
}

/// Without the white space that C's `isspace` finds at both ends, which is what brokers cut off.
fn trim(bytes: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first()
        && blank(first)
    {
        rest = behind;
    }
    while let Some((last, before)) = rest.split_last()
        && blank(last)
    {
        rest = before;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn only(text: &[u8]) -> Line<'_> {
        lines(text).next().unwrap()
    }

    #[test]
    fn a_password_may_contain_colons() {
        let entry = only(b"alice:a:b:\n").entry().unwrap();
        assert_eq!((entry.user, entry.value), (&b"alice"[..], &b"a:b:"[..]));
    }

    #[test]
    fn blanks_around_name_and_value_do_not_count() {
        let entry = only(b"\t al ice : se cret \r\n").entry().unwrap();
        assert_eq!((entry.user, entry.value), (&b"al ice"[..], &b"se cret"[..]));
    }

    #[test]
    fn comments_and_blank_lines_have_no_user() {
        for text in [&b"# alice:secret\n"[..], b"#", b"\n", b" \t\r\n"] {
            assert_eq!(only(text).parse(), Ok(None), "{text:?}");
        }
        // A blank before the '#' makes it a user to every broker.
        assert_eq!(only(b" #alice:secret").entry().unwrap().user, b"#alice");
    }

    #[test]
    fn a_fault_says_what_is_missing() {
        assert_eq!(only(b"alice\n").parse(), Err(Fault::NoColon));
        assert_eq!(only(b" :secret\n").parse(), Err(Fault::NoUser));
        assert_eq!(only(b"alice: \r\n").parse(), Err(Fault::NoPassword));
    }

    #[test]
    fn endings_are_told_apart() {
        assert_eq!(only(b"a:b\n").ending(), b"\n");
        assert_eq!(only(b"a:b\r\n").ending(), b"\r\n");
        assert_eq!(only(b"a:b").ending(), b"");
        assert_eq!(only(b"a:b\r").ending(), b"");
        assert_eq!(only(b"\n").ending(), b"\n");
    }

    #[test]
    fn a_damaged_hash_is_not_taken_for_a_plain_password() {
        let credential = |text| only(text).entry().unwrap().credential();
        assert!(credential(b"alice:$7$101$abc").is_err());
        assert!(credential(b"alice:$argon2id$v=19$m=1").is_err());
        assert!(matches!(
            credential(b"alice:$ecret$"),
            Ok(Credential::Plain(_))
        ));
    }

    #[test]
    fn user_names_that_would_not_survive_are_refused() {
        let refused = |name: &str| UserName::new(name.to_owned()).unwrap_err();
        assert_eq!(refused(""), UserNameError::Empty);
        assert_eq!(refused("a:b"), UserNameError::Colon);
        assert_eq!(refused("a\nb"), UserNameError::Control);
        assert_eq!(refused("a\u{7f}"), UserNameError::Control);
        assert_eq!(refused("#a"), UserNameError::Comment);
        assert_eq!(refused(" a"), UserNameError::Blank);
        assert_eq!(refused("a "), UserNameError::Blank);
        assert_eq!(refused(&"x".repeat(65_536)), UserNameError::TooLong);
        for good in ["a", "a b", "a#", "bücher", "-c", &"x".repeat(65_535)] {
            assert_eq!(UserName::new(good.to_owned()).unwrap().as_str(), good);
        }
    }

    #[test]
    fn a_password_is_one_to_65535_bytes_long_without_nul() {
        let check = |length| check_password(&Secret::new(vec![b'x'; length]));
        assert_eq!(check(0), Err(PasswordError::Empty));
        assert_eq!(check(1), Ok(()));
        assert_eq!(check(65_535), Ok(()));
        assert_eq!(check(65_536), Err(PasswordError::TooLong));
        let nul = Secret::from("a\0b".to_owned());
        assert_eq!(check_password(&nul), Err(PasswordError::Nul));
    }

    #[test]
    fn debug_output_hides_a_plain_password() {
        let entry = only(b"alice:hunter2").entry().unwrap();
        assert!(!format!("{entry:?}").contains("hunter2"));
        assert!(!format!("{:?}", entry.credential()).contains("hunter2"));
    }

    proptest! {
        #[test]
        fn the_lines_of_a_file_are_the_file(text in file()) {
            let written: Vec<u8> = lines(&text).flat_map(|line| line.bytes.to_vec()).collect();
            prop_assert_eq!(&written, &text);
            for line in lines(&text) {
                prop_assert!(line.bytes.ends_with(line.ending()));
                prop_assert_eq!(&text[line.range()], line.bytes);
                // Whatever the bytes are, they have some meaning or a fault, and no panic.
                let _ = line.parse().map(|entry| entry.map(|entry| entry.credential().is_ok()));
            }
        }

        #[test]
        fn a_good_name_reads_back_as_itself(name in "\\PC{1,20}") {
            if let Ok(name) = UserName::new(name) {
                let text = format!("{}:secret\n", name.as_str());
                prop_assert_eq!(only(text.as_bytes()).entry().unwrap().user, name.as_str().as_bytes());
            }
        }
    }

    /// Any bytes, with those that mean something in a password file far more often than by chance.
    fn file() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"\n".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(b":".to_vec()),
            Just(b"#".to_vec()),
            Just(b"$7$101$".to_vec()),
            Just(b"$argon2id$v=19$m=47104,t=1,p=1$".to_vec()),
            Just(b"alice".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..8),
        ];
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }
}
