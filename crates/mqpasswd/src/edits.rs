//! Pure functions from the old text of a password file to the new one.
//!
//! Each of them refuses a file in which it finds a broken line, so that nobody builds on one
//! that a broker would read differently; the line of the user in question is the exception,
//! because it goes away.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use mqtools_common::passwd::entry::{self, Credential, Line, UserName, check_password};
use mqtools_common::passwd::hash::Scheme;
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

/// Whether a file may be changed for these users, whose own lines may be broken.
///
/// # Errors
/// [`EditError::Line`] for a broken line of another user.
pub fn check(text: &[u8], users: &[&UserName]) -> Result<(), EditError> {
    let names: HashSet<_> = users.iter().map(|user| user.as_str().as_bytes()).collect();
    for line in entry::lines(text) {
        let entry = line.parse().map_err(|fault| broken(&line, &fault))?;
        if let Some(entry) = entry
            && let Err(fault) = entry.check()
            && !names.contains(entry.user)
        {
            return Err(broken(&line, &fault));
        }
    }
    Ok(())
}

/// Adds users at the end, in their order, or gives existing ones a new hash in the place of the
/// old. Of several lines for a user one stays: an old password must not let anybody in. The text
/// has passed [`check`].
#[must_use]
pub fn set_users(text: &[u8], users: &[(&UserName, &str)]) -> Vec<u8> {
    let mut places: HashMap<&[u8], usize> = HashMap::with_capacity(users.len());
    for (at, (user, _)) in users.iter().enumerate() {
        places.insert(user.as_str().as_bytes(), at);
    }
    let mut placed = vec![false; users.len()];
    let room: usize = users
        .iter()
        .map(|(user, hash)| user.as_str().len() + hash.len() + 3)
        .sum();
    let mut new = Vec::with_capacity(text.len() + room + 2);
    for line in entry::lines(text) {
        let ours = line.entry().and_then(|entry| places.get(entry.user));
        let Some(&at) = ours else {
            new.extend_from_slice(line.bytes);
            continue;
        };
        if let (Some(done @ false), Some((user, hash))) = (placed.get_mut(at), users.get(at)) {
            push_line(&mut new, user.as_str().as_bytes(), hash, line.ending());
            *done = true;
        }
    }
    let ending = usual_ending(text);
    for ((user, hash), _) in users.iter().zip(placed).filter(|(_, placed)| !placed) {
        if !new.is_empty() && !new.ends_with(b"\n") {
            new.extend_from_slice(ending);
        }
        push_line(&mut new, user.as_str().as_bytes(), hash, ending);
    }
    new
}

/// What a file says about a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored<'a> {
    /// How many lines he has.
    pub lines: usize,
    /// What stands behind the colon of the last one, which is the one that counts.
    pub value: &'a [u8],
}

/// Which of these users a file has, by name. Broken lines have none.
#[must_use]
pub fn stored<'a>(text: &'a [u8], wanted: &HashSet<&[u8]>) -> HashMap<&'a [u8], Stored<'a>> {
    let mut users: HashMap<&[u8], Stored<'_>> = HashMap::new();
    let entries = entry::lines(text).filter_map(|line| line.entry());
    for entry in entries.filter(|entry| wanted.contains(entry.user)) {
        let value = entry.value;
        users
            .entry(entry.user)
            .and_modify(|user| {
                user.lines += 1;
                user.value = value;
            })
            .or_insert(Stored { lines: 1, value });
    }
    users
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
            match entry.credential().map_err(|fault| broken(&fault))? {
                Credential::Hash(_) => kept += 1,
                Credential::Plain(password) => {
                    check_password(&password).map_err(|fault| broken(&fault))?;
                    plain.push((line, entry.user, password));
                }
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

    let mut new = Vec::with_capacity(text.len() + plain.len() * 120);
    let mut hashed = plain.iter().zip(hashes.into_iter().flatten()).peekable();
    for line in entry::lines(text) {
        match hashed.next_if(|((plain, ..), _)| plain.number == line.number) {
            None => new.extend_from_slice(line.bytes),
            Some(((_, user, _), hash)) => push_line(&mut new, user, &hash, line.ending()),
        }
    }
    Ok(Hashed {
        text: new,
        hashed: plain.len(),
        kept,
    })
}

/// Whether a line is one of `user`'s.
fn belongs_to(line: &Line<'_>, user: &[u8]) -> Result<bool, EditError> {
    match line.parse().map_err(|fault| broken(line, &fault))? {
        None => Ok(false),
        Some(entry) if entry.user == user => Ok(true),
        Some(entry) => entry
            .check()
            .map(|()| false)
            .map_err(|fault| broken(line, &fault)),
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
