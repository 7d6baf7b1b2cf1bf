//! Pure functions from the text of a password file to what changes in it.
//!
//! Each of them refuses a file in which it finds a broken line, so that nobody builds on one
//! that a broker would read differently; the line of the user in question is the exception,
//! because it goes away.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use mqtools_common::passwd::entry::{self, Entry, Line, UserName, check_password};
use mqtools_common::passwd::hash::Scheme;
use mqtools_common::passwd::patch::Patch;
use mqtools_common::secret::Secret;
use thiserror::Error;

use crate::bulk::{self, Job};

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

/// A file with these users, each with the hash behind it.
#[must_use]
pub fn new_file(users: &[(&UserName, &str)]) -> Vec<u8> {
    let mut text = Vec::new();
    for (user, hash) in users {
        push_line(&mut text, user.as_str().as_bytes(), hash, b"\n");
    }
    text
}

/// The lines of some users in the text of a file, in its order.
#[derive(Debug)]
pub struct Found<'a> {
    text: &'a [u8],
    lines: Vec<(Line<'a>, Entry<'a>)>,
}

/// What a file says about a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored<'a> {
    /// How many lines he has.
    pub lines: usize,
    /// What stands behind the colon of the last one, which is the one that counts.
    pub value: &'a [u8],
}

/// Looks for these users in a file that is to be changed for them. Their own lines may be
/// broken.
///
/// # Errors
/// [`EditError::Line`] for a broken line of another user.
pub fn find<'a>(text: &'a [u8], users: &[&[u8]]) -> Result<Found<'a>, EditError> {
    let wanted = Wanted::new(users);
    let mut lines = Vec::new();
    for line in entry::lines(text) {
        if let Some(entry) = line.parse().map_err(|fault| broken(&line, &fault))? {
            if wanted.contains(entry.user) {
                lines.push((line, entry));
            } else {
                entry.check().map_err(|fault| broken(&line, &fault))?;
            }
        }
    }
    Ok(Found { text, lines })
}

/// Looks for these users in a file that is only read, or replaced as a whole: broken lines have
/// none.
#[must_use]
pub fn find_readable<'a>(text: &'a [u8], users: &[&[u8]]) -> Found<'a> {
    let wanted = Wanted::new(users);
    let lines = entry::lines(text)
        .filter_map(|line| Some((line, line.entry()?)))
        .filter(|(_, entry)| wanted.contains(entry.user))
        .collect();
    Found { text, lines }
}

impl<'a> Found<'a> {
    /// What the file says about each of them that it has, by name.
    #[must_use]
    pub fn stored(&self) -> HashMap<&'a [u8], Stored<'a>> {
        let mut users: HashMap<&[u8], Stored<'_>> = HashMap::with_capacity(self.lines.len());
        for (_, entry) in &self.lines {
            let user = users.entry(entry.user).or_insert(Stored {
                lines: 0,
                value: entry.value,
            });
            user.lines += 1;
            user.value = entry.value;
        }
        users
    }

    /// Adds users at the end, in their order, or gives existing ones a new hash in the place of
    /// the old. Of several lines for a user one stays: an old password must not let anybody in.
    /// The users are some of those that were looked for.
    #[must_use]
    pub fn set(&self, users: &[(&UserName, &str)]) -> Patch {
        let mut places: HashMap<&[u8], usize> = HashMap::with_capacity(users.len());
        for (at, (user, _)) in users.iter().enumerate() {
            places.insert(user.as_str().as_bytes(), at);
        }
        let mut placed = vec![false; users.len()];
        let mut patch = Patch::default();
        let mut last_is_open = !self.text.is_empty() && !self.text.ends_with(b"\n");
        for (line, entry) in &self.lines {
            let Some(&at) = places.get(entry.user) else {
                continue;
            };
            let mut new = Vec::new();
            if let (Some(done @ false), Some((user, hash))) = (placed.get_mut(at), users.get(at)) {
                push_line(&mut new, user.as_str().as_bytes(), hash, line.ending());
                *done = true;
            } else if line.ending().is_empty() {
                // It goes, and the one before it is ended.
                last_is_open = false;
            }
            patch.replace(line.range(), new);
        }
        let ending = usual_ending(self.text);
        let mut added = Vec::new();
        for ((user, hash), _) in users.iter().zip(placed).filter(|(_, placed)| !placed) {
            if std::mem::take(&mut last_is_open) {
                added.extend_from_slice(ending);
            }
            push_line(&mut added, user.as_str().as_bytes(), hash, ending);
        }
        let end = self.text.len();
        patch.replace(end..end, added);
        patch
    }

    /// Removes every line of them.
    ///
    /// # Errors
    /// [`EditError::NoSuchUser`] when there is none.
    pub fn delete(&self) -> Result<Patch, EditError> {
        if self.lines.is_empty() {
            return Err(EditError::NoSuchUser);
        }
        let mut patch = Patch::default();
        for (line, _) in &self.lines {
            patch.replace(line.range(), Vec::new());
        }
        Ok(patch)
    }
}

/// The names to look for in each line.
struct Wanted<'n> {
    /// Comparing with one is much faster than to hash every name of a file.
    only: Option<&'n [u8]>,
    all: HashSet<&'n [u8]>,
}

impl<'n> Wanted<'n> {
    fn new(names: &[&'n [u8]]) -> Self {
        Self {
            only: match names {
                [only] => Some(only),
                _ => None,
            },
            all: names.iter().copied().collect(),
        }
    }

    fn contains(&self, name: &[u8]) -> bool {
        match self.only {
            Some(only) => only == name,
            None => self.all.contains(name),
        }
    }
}

/// What [`hash_plain`] made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashed {
    /// What becomes of the text.
    pub patch: Patch,
    /// How many plain passwords were hashed.
    pub hashed: usize,
    /// How many users had a hash already.
    pub kept: usize,
}

/// Hashes every plain password, and leaves users that have a hash alone.
///
/// # Errors
/// [`EditError::Line`] for any broken line, before the first password is hashed.
pub fn hash_plain(text: &[u8], scheme: Scheme) -> Result<Hashed, EditError> {
    let mut kept = 0;
    let mut plain = Vec::new();
    for line in entry::lines(text) {
        let broken = |fault: &dyn ToString| broken(&line, fault);
        if let Some(entry) = line.parse().map_err(|fault| broken(&fault))? {
            if entry.is_hashed() {
                entry.check().map_err(|fault| broken(&fault))?;
                kept += 1;
            } else {
                let password = Secret::new(entry.value.to_vec());
                check_password(&password).map_err(|fault| broken(&fault))?;
                plain.push((line, entry.user, password));
            }
        }
    }
    let jobs: Vec<_> = plain
        .iter()
        .map(|(_, _, password)| Job {
            password,
            scheme,
            stored: None,
        })
        .collect();
    let hashes = bulk::hash_all(&jobs).map_err(|(at, fault)| EditError::Line {
        number: plain.get(at).map_or(0, |(line, ..)| line.number),
        fault: fault.to_string(),
    })?;

    let mut patch = Patch::default();
    for ((line, user, _), hash) in plain.iter().zip(hashes.into_iter().flatten()) {
        let mut new = Vec::with_capacity(user.len() + hash.len() + 3);
        push_line(&mut new, user, &hash, line.ending());
        patch.replace(line.range(), new);
    }
    Ok(Hashed {
        patch,
        hashed: plain.len(),
        kept,
    })
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
