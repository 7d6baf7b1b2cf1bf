//! Password files: reading loses nothing, and an edit touches the lines of its user alone.

use mqpasswd::edits;
use mqtools_common::passwd::entry::{self, UserName};
use mqtools_common::passwd::hash::{PasswordHash, Scheme};

use crate::cursor::Cursor;
use crate::{Target, assert_harmless};

/// A user name behind its length, then the text of a file.
pub(crate) const PASSWORD_FILE: Target = Target {
    name: "password_file",
    run: password_file,
    words: &[
        b"\n",
        b"\r\n",
        b":",
        b"#",
        b"alice",
        b"alice:",
        b"bob:",
        b"$6$",
        b"$7$101$",
        b"$argon2id$v=19$m=47104,t=1,p=1$",
        b"$",
        b"AAAA",
        b"==",
        b" ",
        b"\0",
        b"\xff",
    ],
    memory: (512 << 10, 64),
    cases: 12_000,
};

const HASH: &str = "$6$AAAA$BBBB";

fn password_file(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let name = cursor.text();
    let text = cursor.rest();
    let whole: Vec<u8> = entry::lines(text)
        .flat_map(|line| line.bytes.to_vec())
        .collect();
    assert_eq!(whole, text, "what is read and written is the same");
    for (index, line) in entry::lines(text).enumerate() {
        assert_eq!(line.number, index + 1);
        assert!(line.bytes.ends_with(line.ending()));
        match line.parse() {
            Ok(None) => {}
            Ok(Some(entry)) => {
                assert!(!entry.user.is_empty() && !entry.value.is_empty());
                assert_eq!(entry.check().is_ok(), entry.credential().is_ok());
                read_hash(entry.value);
            }
            Err(fault) => assert_harmless(&fault.to_string()),
        }
    }
    let user = match UserName::new(name) {
        Ok(user) => user,
        Err(why) => return assert_harmless(&why.to_string()),
    };
    let others = |text: &[u8]| -> Vec<Vec<u8>> {
        entry::lines(text)
            .filter(|line| !is_of(line, &user))
            .map(|line| content(&line))
            .filter(|line| !line.is_empty())
            .collect()
    };
    let name = user.as_str().as_bytes();
    match edits::find(text, &[name]) {
        Ok(found) => {
            let new = found.set(&[(&user, HASH)]).apply(text);
            assert_eq!(others(&new), others(text), "other lines are as they were");
            let mine: Vec<_> = entry::lines(&new)
                .filter(|line| is_of(line, &user))
                .collect();
            assert_eq!(mine.len(), 1, "one line for the user");
            assert_eq!(mine[0].entry().unwrap().value, HASH.as_bytes());
            let again = edits::find(&new, &[name]).unwrap();
            let twice = again.set(&[(&user, HASH)]).apply(&new);
            assert_eq!(twice, new, "twice is once");
            match found.delete() {
                Ok(patch) => {
                    let new = patch.apply(text);
                    assert!(new.len() < text.len());
                    assert_eq!(others(&new), others(text), "other lines are as they were");
                    assert!(!entry::lines(&new).any(|line| is_of(&line, &user)));
                }
                Err(why) => assert_harmless(&why.to_string()),
            }
        }
        Err(why) => assert_harmless(&why.to_string()),
    }
    match edits::hash_plain(text, Scheme::Sha512) {
        Ok(hashed) => {
            let new = hashed.patch.apply(text);
            assert_eq!(entry::lines(&new).count(), entry::lines(text).count());
            assert_eq!(hashed.hashed == 0, new == text);
            for line in entry::lines(&new) {
                assert!(
                    line.entry()
                        .is_none_or(|it| PasswordHash::parse(it.value).is_ok())
                );
            }
        }
        Err(why) => assert_harmless(&why.to_string()),
    }
}

/// A hash that is read and written, and read again, is the same.
fn read_hash(value: &[u8]) {
    match PasswordHash::parse(value) {
        Ok(hash) => {
            let again = PasswordHash::parse(hash.to_string().as_bytes());
            assert_eq!(again, Ok(hash));
        }
        Err(why) => assert_harmless(&why.to_string()),
    }
}

fn is_of(line: &entry::Line<'_>, user: &UserName) -> bool {
    line.entry()
        .is_some_and(|entry| entry.user == user.as_str().as_bytes())
}

/// A line without its ending, which the last line gets when another follows it: a lone CR at the
/// end of a file becomes a part of that.
fn content(line: &entry::Line<'_>) -> Vec<u8> {
    let text = line.bytes.strip_suffix(b"\n").unwrap_or(line.bytes);
    let kept = text.iter().rposition(|&byte| byte != b'\r');
    text[..kept.map_or(0, |at| at + 1)].to_vec()
}
