//! Users from elsewhere: lines of `user:password`, or CSV with a header.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use csv_core::ReadRecordResult;
use mqtools_common::exit::Exit;
use mqtools_common::passwd::broker::BrokerVersion;
use mqtools_common::passwd::entry::{self, Credential, Entry, UserName, check_password};
use mqtools_common::report::Report;
use zeroize::Zeroizing;

/// A user to be added or updated.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) name: UserName,
    /// A password, or a hash that somebody made before.
    pub(crate) credential: Credential,
    /// Where it stands in the source, counted from 1.
    pub(crate) line: Option<usize>,
}

/// Reads a source, `-` for stdin. `target` has to read the hashes that it brings along.
///
/// # Errors
/// A [`Report`] that names the first bad line.
pub(crate) fn read(source: &Path, target: Option<BrokerVersion>) -> Result<Vec<Record>, Report> {
    let cannot = || cannot(source);
    let text = Zeroizing::new(
        if source == Path::new("-") {
            let mut text = Vec::new();
            io::stdin().lock().read_to_end(&mut text).map(|_| text)
        } else {
            fs::read(source)
        }
        .map_err(|error| cannot().cause(error))?,
    );
    // A byte order mark is what spreadsheets put first.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    records(text, target).map_err(|(line, fault)| cannot().cause(format!("line {line}: {fault}")))
}

/// A source of which nothing is imported.
pub(crate) fn cannot(source: &Path) -> Report {
    let error = if source == Path::new("-") {
        "cannot import stdin".to_owned()
    } else {
        format!("cannot import {}", source.display())
    };
    Report::new(Exit::PASSWD_FAILED, error)
}

/// A line, counted from 1, and what is wrong with it.
type Fault = (usize, String);

fn records(text: &[u8], target: Option<BrokerVersion>) -> Result<Vec<Record>, Fault> {
    let mut records = Records {
        target,
        lines: HashMap::new(),
        records: Vec::new(),
    };
    match Columns::of_header(text) {
        Some(columns) => csv(text, columns, &mut records)?,
        None => lines(text, &mut records)?,
    }
    Ok(records.records)
}

fn lines(text: &[u8], records: &mut Records) -> Result<(), Fault> {
    for line in entry::lines(text) {
        let fault = |fault: entry::Fault| (line.number, fault.to_string());
        if let Some(entry) = line.parse().map_err(fault)? {
            records.add(line.number, &entry)?;
        }
    }
    Ok(())
}

/// Where the user and the password stand in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Columns {
    user: usize,
    password: usize,
}

impl Columns {
    /// Finds them in the first line; `None` when that is no header.
    fn of_header(text: &[u8]) -> Option<Self> {
        let first = text.split(|&byte| byte == b'\n').next()?;
        let first = std::str::from_utf8(first).ok()?.trim_end_matches('\r');
        let names: Vec<_> = first
            .split(',')
            .map(|name| name.trim().trim_matches('"').to_ascii_lowercase())
            .collect();
        let find = |wanted: &[&str]| {
            names
                .iter()
                .position(|name| wanted.contains(&name.as_str()))
        };
        Some(Self {
            user: find(&["user", "username", "user name"])?,
            password: find(&["password", "hash"])?,
        })
    }
}

fn csv(text: &[u8], columns: Columns, records: &mut Records) -> Result<(), Fault> {
    // Fields are never longer than what they are written as.
    let mut fields = Zeroizing::new(vec![0; text.len() + 1]);
    let mut ends = vec![0; text.len() + 1];
    let mut reader = csv_core::Reader::new();
    let mut rest = text;
    let mut width = None;
    loop {
        let mut line = usize::try_from(reader.line()).unwrap_or(usize::MAX);
        // The reader passes over them when it reads on.
        let blank = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
        line += blank.filter(|&&byte| byte == b'\n').count();
        let (mut result, read, written, mut count) =
            reader.read_record(rest, &mut fields, &mut ends);
        rest = rest.get(read..).unwrap_or_default();
        if result == ReadRecordResult::InputEmpty {
            // Reading on from nothing tells it that the row ends here.
            let more = fields.get_mut(written..).unwrap_or_default();
            let more_ends = ends.get_mut(count..).unwrap_or_default();
            let last = reader.read_record(&[], more, more_ends);
            result = last.0;
            count += last.3;
        }
        match (result, width) {
            (ReadRecordResult::Record, None) => width = Some(count),
            (ReadRecordResult::Record, Some(width)) => {
                row(line, &fields, ends.get(..count), columns, width, records)?;
            }
            (ReadRecordResult::End, _) => return Ok(()),
            // There is room for all of the text.
            _ => return Err((line, "the row is too long".to_owned())),
        }
    }
}

fn row(
    line: usize,
    fields: &[u8],
    ends: Option<&[usize]>,
    columns: Columns,
    width: usize,
    records: &mut Records,
) -> Result<(), Fault> {
    let ends = ends.unwrap_or_default();
    if ends.len() != width {
        let fault = format!("it has {} fields, and the header has {width}", ends.len());
        return Err((line, fault));
    }
    let field = |at: usize| {
        let start = match at.checked_sub(1) {
            Some(before) => *ends.get(before)?,
            None => 0,
        };
        fields.get(start..*ends.get(at)?)
    };
    let entry = Entry {
        user: field(columns.user).unwrap_or_default(),
        value: field(columns.password).unwrap_or_default(),
    };
    records.add(line, &entry)
}

struct Records {
    target: Option<BrokerVersion>,
    /// The line of each user.
    lines: HashMap<String, usize>,
    records: Vec<Record>,
}

impl Records {
    fn add(&mut self, line: usize, entry: &Entry<'_>) -> Result<(), Fault> {
        let fault = |fault: &dyn ToString| (line, fault.to_string());
        let name = std::str::from_utf8(entry.user)
            .map_err(|_| fault(&"the user name is not UTF-8"))?
            .to_owned();
        let shown = name.escape_debug().to_string();
        if let Some(first) = self.lines.insert(name.clone(), line) {
            let again = format!("the user '{shown}' is on line {first} already");
            return Err(fault(&again));
        }
        let name = UserName::new(name)
            .map_err(|error| fault(&format!("'{shown}' cannot be a user name: {error}")))?;
        let credential = entry.credential().map_err(|error| fault(&error))?;
        match &credential {
            Credential::Plain(password) => {
                check_password(password).map_err(|error| fault(&error))?;
            }
            Credential::Hash(hash) => {
                if let Some(target) = self.target.filter(|target| !target.reads(hash)) {
                    let unread = format!("mosquitto {} does not read this hash", target.name());
                    return Err(fault(&unread));
                }
            }
        }
        self.records.push(Record {
            name,
            credential,
            line: Some(line),
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(text: &[u8]) -> Result<Vec<(String, String)>, Fault> {
        let records = records(text, None)?;
        let plain = records.into_iter().map(|record| match record.credential {
            Credential::Plain(password) => (
                record.name.as_str().to_owned(),
                String::from_utf8(password.reveal().to_vec()).unwrap(),
            ),
            Credential::Hash(hash) => (record.name.as_str().to_owned(), hash.to_string()),
        });
        Ok(plain.collect())
    }

    fn pairs(expected: &[(&str, &str)]) -> Result<Vec<(String, String)>, Fault> {
        let owned = |(user, password): &(&str, &str)| ((*user).to_owned(), (*password).to_owned());
        Ok(expected.iter().map(owned).collect())
    }

    #[test]
    fn lines_are_split_at_the_first_colon() {
        assert_eq!(
            plain(b"# users\n\nalice:a:b\r\nbob:x,y"),
            pairs(&[("alice", "a:b"), ("bob", "x,y")])
        );
        assert_eq!(plain(b""), pairs(&[]));
    }

    #[test]
    fn csv_is_known_by_its_header() {
        assert_eq!(
            plain(b"user,password\nalice,\"a,\"\"b\"\nbob, x:y \n"),
            pairs(&[("alice", "a,\"b"), ("bob", " x:y ")])
        );
        assert_eq!(
            plain(b"Id,\"Password\",UserName\r\n1,pw,alice\r\n\r\n2,\"p\nq\",bob"),
            pairs(&[("alice", "pw"), ("bob", "p\nq")])
        );
        // No header: a user with a comma.
        assert_eq!(plain(b"a,b:c\n"), pairs(&[("a,b", "c")]));
    }

    #[test]
    fn a_bad_line_is_named() {
        let fault = |text: &str| plain(text.as_bytes()).unwrap_err();
        assert_eq!(fault("a:b\n\nc\n").0, 3);
        assert_eq!(
            fault("a:b\nc:d\na:e\n"),
            (3, "the user 'a' is on line 1 already".to_owned())
        );
        assert_eq!(fault("a:b\n c\u{1}:d\n").0, 2);
        assert_eq!(fault("a:$7$1$x\n").0, 1);
        assert_eq!(fault("user,password\na,b\n\n\nc,\n").0, 5);
        assert_eq!(
            fault("user,password\na,b\nc,d,e\n"),
            (3, "it has 3 fields, and the header has 2".to_owned())
        );
        assert_eq!(fault("user,password\n\"a\nb\",c\nd,e\n").0, 2);
        assert_eq!(fault("user,password\nx,\"p\nq\"\na:b,c\n").0, 4);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(text in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = records(&text, None);
            let _ = records(&[b"user,password\n", text.as_slice()].concat(), None);
        }

        #[test]
        fn what_is_written_as_csv_is_read(users in proptest::collection::btree_map(
            "[a-z]{1,6}", "[a-z,\"\n ]{1,8}", 0..6)) {
            let mut text = b"user,password\n".to_vec();
            for (user, password) in &users {
                let quoted = password.replace('"', "\"\"");
                text.extend_from_slice(format!("{user},\"{quoted}\"\n").as_bytes());
            }
            let expected: Vec<_> = users.into_iter().collect();
            prop_assert_eq!(plain(&text), Ok(expected));
        }
    }
}
