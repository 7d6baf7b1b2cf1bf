//! Password files as MQTT brokers read them: one line ([`entry`]), its hash ([`hash`], and which
//! [`broker`] reads it) and
//! the file as a whole ([`mod@file`]), of which a change is a [`patch`]. Knows no sockets and no command line.

pub mod broker;
pub mod entry;
pub mod file;
pub mod hash;
pub mod patch;

use crate::secret::Secret;

/// Whether a broker that reads this password file lets `user` in with `password`.
///
/// As mosquitto does it: blanks around a name do not count, the last of several lines for
/// one user is the one that holds, and a line whose hash cannot be read lets nobody in.
#[must_use]
pub fn admits(text: &[u8], user: &[u8], password: &Secret) -> bool {
    entry::lines(text)
        .filter_map(|line| line.entry())
        .filter(|entry| entry.user == user)
        .last()
        .is_some_and(|entry| hash::verify(password, entry.value).unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passwd::hash::{Scheme, hash};

    fn secret(text: &str) -> Secret {
        Secret::from(text.to_owned())
    }

    #[test]
    fn the_last_line_of_a_user_is_the_one_that_holds() {
        let old = hash(Scheme::Sha512, &secret("old")).unwrap();
        let new = hash(Scheme::Sha512, &secret("new")).unwrap();
        let text = format!("alice:{old}\nbob:{old}\n  alice :{new}\n");
        assert!(admits(text.as_bytes(), b"alice", &secret("new")));
        assert!(!admits(text.as_bytes(), b"alice", &secret("old")));
        assert!(admits(text.as_bytes(), b"bob", &secret("old")));
        assert!(!admits(text.as_bytes(), b"carol", &secret("old")));
    }

    #[test]
    fn a_line_without_a_readable_hash_lets_nobody_in() {
        let text = b"plain:plain\nempty:\nnocolon\ncut:$7$101$\n#note:note\n";
        for (user, password) in [
            ("plain", "plain"),
            ("empty", ""),
            ("nocolon", ""),
            ("cut", ""),
            ("#note", "note"),
        ] {
            assert!(!admits(text, user.as_bytes(), &secret(password)), "{user}");
        }
    }
}
