//! Pure functions from the old text of a password file to the new one.
//!
//! Each of them refuses a file in which it finds a broken line, so that nobody builds on one
//! that a broker would read differently; the line of the user in question is the exception,
//! because it goes away.

use mqtools_common::passwd::entry::{self, Credential, Line, UserName, check_password};
use mqtools_common::passwd::hash::{self, Scheme};
use thiserror::Error;

/// Why a text was not changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EditError {
    /// The user to delete is not there.
    #[error("there is no such user")]
    NoSuchUser,
    /// A line that stands in the way.
    #[error("line {number}: {fault}")]
    Line {
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        fault: String,
    },
}

/// A file with one user.
#[must_use]
pub fn new_file(user: &UserName, hash: &str) -> Vec<u8> {
    let mut text = Vec::new();
    push_line(&mut text, user.as_str().as_bytes(), hash, b"\n");
    text
}

/// Adds a user at the end, or gives an existing one a new hash in the place of the old. Of
/// several lines for the user one stays: an old password must not let anybody in.
///
/// # Errors
/// [`EditError::Line`] for a broken line of another user.
pub fn set_user(text: &[u8], user: &UserName, hash: &str) -> Result<Vec<u8>, EditError> {
    let name = user.as_str().as_bytes();
    let mut new = Vec::with_capacity(text.len() + name.len() + hash.len() + 4);
    let mut placed = false;
    for line in entry::lines(text) {
        if !belongs_to(&line, name)? {
            new.extend_from_slice(line.bytes);
        } else if !placed {
            push_line(&mut new, name, hash, line.ending());
            placed = true;
        }
    }
    if !placed {
        let ending = usual_ending(text);
        if !new.is_empty() && !new.ends_with(b"\n") {
            new.extend_from_slice(ending);
        }
        push_line(&mut new, name, hash, ending);
    }
    Ok(new)
}

/// Removes every line of a user.
///
/// # Errors
/// [`EditError::NoSuchUser`], or [`EditError::Line`] for a broken line of another user.
pub fn delete_user(text: &[u8], user: &[u8]) -> Result<Vec<u8>, EditError> {
    let mut new = Vec::with_capacity(text.len());
    for line in entry::lines(text) {
        if !belongs_to(&line, user)? {
            new.extend_from_slice(line.bytes);
        }
    }
    if new.len() == text.len() {
        return Err(EditError::NoSuchUser);
    }
    Ok(new)
}

/// What [`hash_plain`] made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashed {
    /// The new text.
    pub text: Vec<u8>,
    /// How many plain passwords were hashed.
    pub hashed: usize,
    /// How many users had a hash already.
    pub kept: usize,
}

/// Hashes every plain password, and leaves users that have a hash alone. `progress` is told
/// after each hash how many are done, and how many there are.
///
/// # Errors
/// [`EditError::Line`] for any broken line, before the first password is hashed.
pub fn hash_plain(
    text: &[u8],
    scheme: Scheme,
    mut progress: impl FnMut(usize, usize),
) -> Result<Hashed, EditError> {
    let mut parts = Vec::new();
    let (mut plain, mut kept) = (0, 0);
    for line in entry::lines(text) {
        let broken = |fault: &dyn ToString| broken(&line, fault);
        let mut to_hash = None;
        if let Some(entry) = line.parse().map_err(|fault| broken(&fault))? {
            match entry.credential().map_err(|fault| broken(&fault))? {
                Credential::Hash(_) => kept += 1,
                Credential::Plain(password) => {
                    check_password(&password).map_err(|fault| broken(&fault))?;
                    to_hash = Some((entry.user, password));
                    plain += 1;
                }
            }
        }
        parts.push((line, to_hash));
    }

    let mut new = Vec::with_capacity(text.len() + plain * 120);
    let mut hashed = 0;
    for (line, to_hash) in parts {
        match to_hash {
            None => new.extend_from_slice(line.bytes),
            Some((user, password)) => {
                let hash = hash::hash(scheme, &password).map_err(|fault| broken(&line, &fault))?;
                push_line(&mut new, user, &hash, line.ending());
                hashed += 1;
                progress(hashed, plain);
            }
        }
    }
    Ok(Hashed {
        text: new,
        hashed,
        kept,
    })
}

/// Whether a line is one of `user`'s.
fn belongs_to(line: &Line<'_>, user: &[u8]) -> Result<bool, EditError> {
    match line.parse().map_err(|fault| broken(line, &fault))? {
        None => Ok(false),
        Some(entry) if entry.user == user => Ok(true),
        Some(entry) => match entry.credential() {
            Ok(_) => Ok(false),
            Err(fault) => Err(broken(line, &fault)),
        },
    }
}

fn broken(line: &Line<'_>, fault: &dyn ToString) -> EditError {
    EditError::Line {
        number: line.number,
        fault: fault.to_string(),
    }
}

fn push_line(text: &mut Vec<u8>, user: &[u8], hash: &str, ending: &[u8]) {
    text.extend_from_slice(user);
    text.push(b':');
    text.extend_from_slice(hash.as_bytes());
    text.extend_from_slice(ending);
}

/// How the first line ends, as an example for a new one.
fn usual_ending(text: &[u8]) -> &[u8] {
    match entry::lines(text).next().map(|line| line.ending()) {
        Some(ending) if !ending.is_empty() => ending,
        _ => b"\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtools_common::passwd::admits;
    use mqtools_common::secret::Secret;
    use proptest::prelude::*;

    const HASH: &str = concat!(
        "$6$AAAAAAAAAAAAAAAA$",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
    );

    fn user(name: &str) -> UserName {
        UserName::new(name.to_owned()).unwrap()
    }

    fn set(text: &str, name: &str) -> Result<String, EditError> {
        set_user(text.as_bytes(), &user(name), "NEW").map(|text| String::from_utf8(text).unwrap())
    }

    fn delete(text: &str, name: &str) -> Result<String, EditError> {
        delete_user(text.as_bytes(), name.as_bytes()).map(|text| String::from_utf8(text).unwrap())
    }

    fn line_error(number: usize, fault: &str) -> EditError {
        EditError::Line {
            number,
            fault: fault.to_owned(),
        }
    }

    #[test]
    fn a_new_user_goes_to_the_end() {
        assert_eq!(set("", "bob").unwrap(), "bob:NEW\n");
        assert_eq!(set("alice:x\n", "bob").unwrap(), "alice:x\nbob:NEW\n");
        assert_eq!(set("alice:x", "bob").unwrap(), "alice:x\nbob:NEW\n");
        assert_eq!(
            set("# c\r\nalice:x", "bob").unwrap(),
            "# c\r\nalice:x\r\nbob:NEW\r\n"
        );
    }

    #[test]
    fn an_existing_user_keeps_place_and_line_ending() {
        assert_eq!(
            set("# users\n\nalice:x\r\nbob:y\n", "alice").unwrap(),
            "# users\n\nalice:NEW\r\nbob:y\n"
        );
        assert_eq!(set("alice:x", "alice").unwrap(), "alice:NEW");
        assert_eq!(set("alicea:x\n", "alice").unwrap(), "alicea:x\nalice:NEW\n");
    }

    #[test]
    fn no_second_line_of_the_user_stays() {
        let text = "alice:old\nbob:x\n alice :older\nalice:oldest";
        assert_eq!(set(text, "alice").unwrap(), "alice:NEW\nbob:x\n");
        assert_eq!(delete(text, "alice").unwrap(), "bob:x\n");
    }

    #[test]
    fn a_user_who_is_not_there_cannot_be_deleted() {
        assert_eq!(
            delete("alice:x\n#bob:x\n", "bob"),
            Err(EditError::NoSuchUser)
        );
        assert_eq!(
            delete("alice:x\n#bob:x\n", "#bob"),
            Err(EditError::NoSuchUser)
        );
        assert_eq!(delete("", "bob"), Err(EditError::NoSuchUser));
    }

    #[test]
    fn broken_lines_of_others_stop_every_edit() {
        let no_colon = line_error(2, "there is no ':' between a user name and a password");
        let text = "alice:x\nbob\n";
        assert_eq!(set(text, "alice"), Err(no_colon.clone()));
        assert_eq!(delete(text, "alice"), Err(no_colon.clone()));
        assert_eq!(
            hash_plain(text.as_bytes(), Scheme::Sha512, |_, _| ()),
            Err(no_colon)
        );

        let fields = "the password hash does not have the fields it should have";
        let cut = "alice:x\n\nbob:$7$101$AAAA\n";
        assert_eq!(set(cut, "alice"), Err(line_error(3, fields)));
        assert_eq!(delete(cut, "alice"), Err(line_error(3, fields)));
        assert_eq!(
            hash_plain(cut.as_bytes(), Scheme::Sha512, |_, _| panic!("hashed")),
            Err(line_error(3, fields))
        );
    }

    #[test]
    fn a_user_with_a_damaged_hash_can_be_mended_and_deleted() {
        assert_eq!(set("bob:$7$101$AAAA\n", "bob").unwrap(), "bob:NEW\n");
        assert_eq!(delete("bob:$7$101$AAAA\n", "bob").unwrap(), "");
    }

    #[test]
    fn hashing_leaves_everything_but_plain_passwords_alone() {
        let text = format!("# a:b\r\n\nalice:a:b\r\ncarol:{HASH}\n  bob : se cret \ndave:x");
        let mut told = Vec::new();
        let hashed = hash_plain(text.as_bytes(), Scheme::Sha512, |done, all| {
            told.push((done, all));
        })
        .unwrap();
        assert_eq!((hashed.hashed, hashed.kept), (3, 1));
        assert_eq!(told, [(1, 3), (2, 3), (3, 3)]);

        let lines: Vec<_> = entry::lines(&hashed.text).map(|line| line.bytes).collect();
        assert_eq!(lines[0], b"# a:b\r\n");
        assert_eq!(lines[1], b"\n");
        assert!(lines[2].starts_with(b"alice:$6$") && lines[2].ends_with(b"==\r\n"));
        assert_eq!(lines[3], format!("carol:{HASH}\n").as_bytes());
        assert!(lines[4].starts_with(b"bob:$6$") && lines[4].ends_with(b"==\n"));
        assert!(lines[5].starts_with(b"dave:$6$") && lines[5].ends_with(b"=="));
        for (name, password) in [("alice", "a:b"), ("bob", "se cret"), ("dave", "x")] {
            let password = Secret::from(password.to_owned());
            assert!(admits(&hashed.text, name.as_bytes(), &password), "{name}");
        }

        let again = hash_plain(&hashed.text, Scheme::Sha512, |_, _| panic!("hashed twice"));
        assert_eq!(again.unwrap().text, hashed.text);
    }

    #[test]
    fn a_plain_password_that_is_too_long_is_named() {
        let text = format!("a:b\nc:{}\n", "x".repeat(65_536));
        assert_eq!(
            hash_plain(text.as_bytes(), Scheme::Sha512, |_, _| panic!("hashed")),
            Err(line_error(2, "the password is longer than 65,535 bytes"))
        );
    }

    proptest! {
        #[test]
        fn an_edit_touches_only_the_lines_of_its_user(text in file(), name in "[abc]") {
            let others = |text: &[u8]| -> Vec<Vec<u8>> {
                entry::lines(text)
                    .filter(|line| line.entry().is_none_or(|entry| entry.user != name.as_bytes()))
                    .map(|line| line.bytes.to_vec())
                    .collect()
            };
            let mine = |text: &[u8]| {
                entry::lines(text)
                    .filter_map(|line| line.entry())
                    .filter(|entry| entry.user == name.as_bytes())
                    .count()
            };
            // A line is added below a last line only after that one got its line ending.
            let ended = |text: &[u8]| match entry::lines(text).last() {
                Some(last) if last.ending().is_empty() => {
                    [text, usual_ending(text)].concat()
                }
                _ => text.to_vec(),
            };

            match set_user(&text, &user(&name), HASH) {
                Ok(new) if mine(&text) == 0 => prop_assert_eq!(others(&new), others(&ended(&text))),
                Ok(new) => {
                    prop_assert_eq!(others(&new), others(&text));
                    prop_assert_eq!(mine(&new), 1);
                }
                Err(EditError::Line { .. }) => prop_assert!(has_broken_line(&text, &name)),
                Err(error) => prop_assert!(false, "{error}"),
            }
            match delete_user(&text, name.as_bytes()) {
                Ok(new) => {
                    prop_assert_eq!(others(&new), others(&text));
                    prop_assert_eq!(mine(&new), 0);
                }
                Err(EditError::NoSuchUser) => prop_assert_eq!(mine(&text), 0),
                Err(EditError::Line { .. }) => prop_assert!(has_broken_line(&text, &name)),
            }
        }

        #[test]
        fn hashing_keeps_every_other_line(text in file()) {
            match hash_plain(&text, Scheme::Sha512, |_, _| ()) {
                Ok(hashed) => {
                    prop_assert_eq!(entry::lines(&hashed.text).count(), entry::lines(&text).count());
                    for (old, new) in entry::lines(&text).zip(entry::lines(&hashed.text)) {
                        prop_assert_eq!(old.ending(), new.ending());
                        match old.entry().map(|entry| (entry.user, entry.credential())) {
                            Some((user, Ok(Credential::Plain(password)))) => {
                                prop_assert!(admits(new.bytes, user, &password));
                            }
                            _ => prop_assert_eq!(old.bytes, new.bytes),
                        }
                    }
                }
                Err(_) => prop_assert!(has_broken_line(&text, "")),
            }
        }
    }

    fn has_broken_line(text: &[u8], own: &str) -> bool {
        entry::lines(text).any(|line| match line.parse() {
            Err(_) => true,
            Ok(Some(entry)) => entry.user != own.as_bytes() && entry.credential().is_err(),
            Ok(None) => false,
        })
    }

    /// Files of a few lines, mostly good ones.
    fn file() -> impl Strategy<Value = Vec<u8>> {
        let line = prop_oneof![
            4 => "[ab]:[a-z$:]{1,8}",
            2 => " ?[cde] ?:[a-z]{1,8}",
            2 => "[a-e]".prop_map(|user| format!("{user}:{HASH}")),
            1 => "#[a-z:]{0,8}",
            1 => "[ \t]{0,2}",
            1 => "[ab]:\\$7\\$101\\$[A-Za-z]{0,8}",
            1 => "\\PC{0,8}",
        ];
        let ending = prop_oneof![Just("\n"), Just("\r\n")];
        (
            proptest::collection::vec((line, ending), 0..8),
            any::<bool>(),
        )
            .prop_map(|(lines, whole)| {
                let mut text: String = lines
                    .iter()
                    .map(|(line, ending)| format!("{line}{ending}"))
                    .collect();
                if !whole && text.ends_with('\n') {
                    text.pop();
                }
                text.into_bytes()
            })
    }
}
