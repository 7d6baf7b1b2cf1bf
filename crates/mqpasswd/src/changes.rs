//! From users and passwords to the hashes that a file gets: who is new, who changes, and whose
//! password is right already.

use std::collections::HashMap;

use mqtools_common::passwd::entry::{Credential, UserName};
use mqtools_common::passwd::hash::{HashError, PasswordHash};
use mqtools_common::secret::Secret;
use serde::Serialize;

use crate::bulk::{self, Job};
use crate::edits::Stored;
use crate::import::Record;
use crate::scheme::Hashing;

/// What is going to be in the file, and how much of that is new.
#[derive(Debug)]
pub(crate) struct Changes {
    users: Vec<Change>,
    pub(crate) counts: Counts,
}

#[derive(Debug)]
struct Change {
    name: UserName,
    hash: String,
    is_new: bool,
}

/// Users, by what happens to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Counts {
    pub(crate) added: usize,
    pub(crate) updated: usize,
    pub(crate) unchanged: usize,
}

impl Changes {
    /// Hashes the passwords of `records` for a file in which `stored` stands. `if_changed` keeps
    /// the hash of a password that is right already.
    ///
    /// # Errors
    /// [`HashError`] when one cannot be hashed, with the line of its record.
    pub(crate) fn plan(
        records: Vec<Record>,
        stored: &HashMap<&[u8], Stored<'_>>,
        hashing: Hashing,
        if_changed: bool,
    ) -> Result<Self, (Option<usize>, HashError)> {
        let plain = || {
            let plain = records.iter();
            plain.filter_map(|record| Some((record, record.password()?)))
        };
        let jobs: Vec<Job<'_>> = plain()
            .map(|(record, password)| {
                let stored = stored.get(record.name.as_str().as_bytes());
                let hash = stored.and_then(|stored| PasswordHash::parse(stored.value).ok());
                let scheme = hash.as_ref().map(PasswordHash::scheme);
                let keep = if_changed
                    && stored.is_some_and(|stored| stored.lines == 1)
                    && scheme.is_some_and(|scheme| hashing.accepts(scheme))
                    && hash.is_some_and(|hash| hashing.target.is_none_or(|to| to.reads(&hash)));
                Job {
                    password,
                    scheme: hashing.scheme(scheme),
                    stored: stored.filter(|_| keep).map(|stored| stored.value),
                }
            })
            .collect();
        let mut hashes = bulk::hash_all(&jobs)
            .map_err(|(at, error)| (plain().nth(at).and_then(|(record, _)| record.line), error))?
            .into_iter();
        let mut counts = Counts::default();
        let mut users = Vec::with_capacity(records.len());
        for record in records {
            let old = stored.get(record.name.as_str().as_bytes());
            let new = match &record.credential {
                Credential::Plain(_) => hashes.next().flatten(),
                Credential::Hash(hash) => Some(hash.to_string()).filter(|hash| {
                    old.is_none_or(|old| old.lines > 1 || old.value != hash.as_bytes())
                }),
            };
            match (old, &new) {
                (None, _) => counts.added += 1,
                (Some(_), Some(_)) => counts.updated += 1,
                (Some(_), None) => counts.unchanged += 1,
            }
            let is_new = new.is_some();
            let kept = || old.map(|old| String::from_utf8_lossy(old.value).into_owned());
            users.push(Change {
                name: record.name,
                hash: new.or_else(kept).unwrap_or_default(),
                is_new,
            });
        }
        Ok(Self { users, counts })
    }

    /// Each user with his hash, in the order of the records.
    pub(crate) fn all(&self) -> Vec<(&UserName, &str)> {
        self.users.iter().map(Change::pair).collect()
    }

    /// The users whose hash is not the one in the file.
    pub(crate) fn new_ones(&self) -> Vec<(&UserName, &str)> {
        let new = self.users.iter().filter(|change| change.is_new);
        new.map(Change::pair).collect()
    }
}

impl Change {
    fn pair(&self) -> (&UserName, &str) {
        (&self.name, &self.hash)
    }
}

impl Counts {
    pub(crate) fn is_change(&self) -> bool {
        self.added + self.updated > 0
    }
}

impl Record {
    fn password(&self) -> Option<&Secret> {
        match &self.credential {
            Credential::Plain(password) => Some(password),
            Credential::Hash(_) => None,
        }
    }
}
