//! `--list` and `--check`: what is in a password file, and what is wrong with it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use mqtools_common::passwd::broker::BrokerVersion;
use mqtools_common::passwd::entry::{self, Credential, UserName};
use mqtools_common::passwd::hash::{DEFAULT_ITERATIONS, PasswordHash, Scheme};
use serde::Serialize;

use crate::access::broker_can_read;

/// A line with a user.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Listed {
    line: usize,
    user: String,
    /// `sha512`, `sha512-pbkdf2`, `argon2id`; `plain` for a password that is not hashed, and
    /// `broken` for a hash that cannot be read.
    scheme: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    iterations: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_kib: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lanes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    salt_bytes: Option<usize>,
    /// The releases of mosquitto that let the user in.
    read_by: Vec<&'static str>,
}

/// Something to be said about a file, or about one of its lines.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    severity: Severity,
    text: String,
}

/// How bad it is. Only a note leaves the exit code 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// A user cannot log in, or the file cannot be used.
    Error,
    /// It works, and should not be left so.
    Warning,
    /// Good to know.
    Note,
}

/// All lines with a user, in their order.
pub(crate) fn list(text: &[u8]) -> Vec<Listed> {
    entry::lines(text)
        .filter_map(|line| Some((line.number, line.entry()?)))
        .map(|(number, entry)| {
            let user = String::from_utf8_lossy(entry.user).into_owned();
            match entry.credential() {
                Ok(Credential::Hash(hash)) => Listed::of(number, user, &hash),
                Ok(Credential::Plain(_)) => Listed::without_hash(number, user, "plain"),
                Err(_) => Listed::without_hash(number, user, "broken"),
            }
        })
        .collect()
}

/// A table for people: a line for each user, under a head.
pub(crate) fn table(users: &[Listed]) -> String {
    const HEAD: [&str; 5] = ["USER", "SCHEME", "COST", "SALT", "READ BY"];
    let rows: Vec<[String; 5]> = users
        .iter()
        .map(|user| {
            [
                user.user.escape_debug().to_string(),
                user.scheme.to_owned(),
                user.cost(),
                user.salt_bytes
                    .map_or_else(|| "-".to_owned(), |bytes| bytes.to_string()),
                or_dash(user.read_by.join(" ")),
            ]
        })
        .collect();
    let head = HEAD.map(str::to_owned);
    let mut widths = [0; 5];
    for row in rows.iter().chain([&head]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut table = String::new();
    for row in [&head].into_iter().chain(&rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        table.push_str(line.trim_end());
        table.push('\n');
    }
    table
}

/// Everything to be said about a file and its content. `target` has to read every line.
pub(crate) fn check(
    path: &Path,
    text: &[u8],
    target: Option<BrokerVersion>,
    interrupted: bool,
) -> Vec<Finding> {
    let mut findings = check_file(path);
    if interrupted {
        let text = "a change was interrupted; the next change finishes it";
        findings.push(Finding::new(Severity::Error, text));
    }
    let mut last: HashMap<&[u8], usize> = HashMap::new();
    for line in entry::lines(text) {
        if let Some(entry) = line.entry() {
            last.insert(entry.user, line.number);
        }
    }
    for line in entry::lines(text) {
        let entry = match line.parse() {
            Ok(Some(entry)) => entry,
            Ok(None) => continue,
            Err(fault) => {
                findings.push(Finding::new(Severity::Error, fault).at(line.number));
                continue;
            }
        };
        let user = String::from_utf8_lossy(entry.user).into_owned();
        let mut find = |severity, text: &dyn ToString| {
            let finding = Finding::new(severity, text.to_string()).at(line.number);
            findings.push(finding.of(&user));
        };
        match std::str::from_utf8(entry.user).map(|name| UserName::new(name.to_owned())) {
            Err(_) => find(
                Severity::Error,
                &"the name is not UTF-8, and no client can send it",
            ),
            // To a broker a '#' in front is a comment only where nothing comes before it.
            Ok(Err(entry::UserNameError::Comment)) | Ok(Ok(_)) => {}
            Ok(Err(error)) => find(Severity::Error, &format!("the name: {error}")),
        }
        if let Some(&counts) = last.get(entry.user).filter(|&&last| last != line.number) {
            find(
                Severity::Error,
                &format!("the user is on line {counts} again, which is the one that counts"),
            );
        }
        match entry.credential() {
            Err(fault) => find(Severity::Error, &fault),
            Ok(Credential::Plain(_)) => {
                find(
                    Severity::Error,
                    &"the password is not hashed (-U hashes it)",
                );
            }
            Ok(Credential::Hash(hash)) => {
                if let Some((severity, text)) = reading(&hash, target) {
                    find(severity, &text);
                }
                if let Some(text) = weakness(hash.scheme(), target) {
                    find(Severity::Warning, &text);
                }
            }
        }
    }
    findings
}

/// The findings for people, a line for each.
pub(crate) fn report(path: &Path, findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let path = path.display();
        let _ = match finding.line {
            Some(line) => write!(text, "{path}:{line}: "),
            None => write!(text, "{path}: "),
        };
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let _ = write!(text, "{severity}: ");
        if let Some(user) = &finding.user {
            let _ = write!(text, "user '{}': ", user.escape_debug());
        }
        let _ = writeln!(text, "{}", finding.text);
    }
    text
}

/// Whether nothing has to be mended.
pub(crate) fn is_good(findings: &[Finding]) -> bool {
    findings
        .iter()
        .all(|finding| finding.severity == Severity::Note)
}

impl Listed {
    fn of(line: usize, user: String, hash: &PasswordHash) -> Self {
        let mut listed = Self::without_hash(line, user, name(hash.scheme()));
        match hash.scheme() {
            Scheme::Sha512 => {}
            Scheme::Sha512Pbkdf2 { iterations } => listed.iterations = Some(iterations),
            Scheme::Argon2id(cost) => {
                listed.memory_kib = Some(cost.memory);
                listed.passes = Some(cost.passes);
                listed.lanes = Some(cost.lanes);
            }
        }
        listed.salt_bytes = Some(hash.salt_length());
        listed.read_by = readers(hash).map(BrokerVersion::name).collect();
        listed
    }

    fn without_hash(line: usize, user: String, scheme: &'static str) -> Self {
        Self {
            line,
            user,
            scheme,
            iterations: None,
            memory_kib: None,
            passes: None,
            lanes: None,
            salt_bytes: None,
            read_by: Vec::new(),
        }
    }

    fn cost(&self) -> String {
        match (self.iterations, self.memory_kib, self.passes, self.lanes) {
            (Some(iterations), ..) => iterations.to_string(),
            (None, Some(memory), Some(passes), Some(lanes)) => {
                format!("m={memory},t={passes},p={lanes}")
            }
            _ => "-".to_owned(),
        }
    }
}

impl Finding {
    fn new(severity: Severity, text: impl ToString) -> Self {
        Self {
            line: None,
            user: None,
            severity,
            text: text.to_string(),
        }
    }

    fn at(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    fn of(mut self, user: &str) -> Self {
        self.user = Some(user.to_owned());
        self
    }
}

/// Mode and owner. A file that went away meanwhile has been read before.
fn check_file(path: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Ok(metadata) = fs::metadata(path) else {
        return findings;
    };
    let mode = metadata.mode() & 0o777;
    if mode & 0o002 != 0 {
        let text = format!("everybody can write it (mode {mode:03o})");
        findings.push(Finding::new(Severity::Error, text));
    }
    if mode & 0o004 != 0 {
        let text = format!("everybody can read it (mode {mode:03o}), and guess at leisure");
        findings.push(Finding::new(Severity::Warning, text));
    }
    if broker_can_read(metadata.uid(), metadata.gid(), mode) == Some(false)
        && !has_access_list(path)
    {
        let text = format!(
            "the user mosquitto cannot read it (owner {}, group {}, mode {mode:03o}), and a \
             broker could not read it again: chgrp mosquitto {path}; chmod 640 {path}",
            metadata.uid(),
            metadata.gid(),
            path = path.display()
        );
        findings.push(Finding::new(Severity::Error, text));
    }
    findings
}

/// Whether owner, group and mode are not all that decides.
fn has_access_list(path: &Path) -> bool {
    rustix::fs::getxattr_query(path, "system.posix_acl_access").is_ok()
}

/// Who does not read a hash. Without a target somebody has to, and one of 2.0 and 2.1 is worth
/// a note.
fn reading(hash: &PasswordHash, target: Option<BrokerVersion>) -> Option<(Severity, String)> {
    if let Some(target) = target {
        let text = || format!("mosquitto {} does not read this hash", target.name());
        return (!target.reads(hash)).then(|| (Severity::Error, text()));
    }
    let recent = [BrokerVersion::V2_0, BrokerVersion::V2_1];
    if recent.iter().all(|version| version.reads(hash)) {
        return None;
    }
    let names: Vec<_> = readers(hash).map(BrokerVersion::name).collect();
    let text = format!(
        "of mosquitto's releases only {} reads this hash",
        names.join(", ")
    );
    Some((Severity::Note, text))
}

fn weakness(scheme: Scheme, target: Option<BrokerVersion>) -> Option<String> {
    match scheme {
        // It reads nothing better.
        Scheme::Sha512 if target == Some(BrokerVersion::V1_6) => None,
        Scheme::Sha512 => Some("sha512 is weak; -H sha512-pbkdf2 with the password".to_owned()),
        Scheme::Sha512Pbkdf2 { iterations } if iterations < DEFAULT_ITERATIONS => Some(format!(
            "{iterations} iterations are few; {DEFAULT_ITERATIONS} is the default"
        )),
        _ => None,
    }
}

fn readers(hash: &PasswordHash) -> impl Iterator<Item = BrokerVersion> {
    BrokerVersion::ALL
        .into_iter()
        .filter(|version| version.reads(hash))
}

fn name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Sha512 => "sha512",
        Scheme::Sha512Pbkdf2 { .. } => "sha512-pbkdf2",
        Scheme::Argon2id(_) => "argon2id",
    }
}

fn or_dash(text: String) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}
