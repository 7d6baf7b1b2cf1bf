//! What stands in the tail of a password file while it is overwritten: comments, from which the
//! next run finishes the change or undoes it.
//!
//! ```text
//! alice:OLD                       the old content, O bytes
//! #mqpasswd-begin O               from here on comments, which brokers pass over
//! #.........                      as many as it takes to have at least N bytes before the next
//! #mqpasswd-new N                 at P: the new content has N bytes
//! #alice:NEW                      each of its lines behind a '#'
//! #mqpasswd-end P CHECKSUM
//! ```
//!
//! Once all of this is on the disk, the first N bytes are overwritten, and what is behind them
//! is cut off. A tail with a good last line is finished, one without is cut off at its beginning.

use memchr::{memchr, memmem, memrchr};
use sha2::{Digest as _, Sha512};

const BEGIN: &[u8] = b"#mqpasswd-begin ";
const NEW: &[u8] = b"#mqpasswd-new ";
const END: &[u8] = b"#mqpasswd-end ";

/// The tail to append to `old` before it is overwritten with `new`.
pub(super) fn tail(old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut tail = Vec::with_capacity(2 * new.len() + 256);
    if old.last().is_some_and(|&byte| byte != b'\n') {
        tail.push(b'\n');
    }
    tail.extend_from_slice(format!("#mqpasswd-begin {}\n", old.len()).as_bytes());
    let missing = new.len().saturating_sub(old.len() + tail.len());
    if missing > 0 {
        tail.push(b'#');
        tail.resize(tail.len() + missing, b'.');
        tail.push(b'\n');
    }
    let start = tail.len();
    tail.extend_from_slice(format!("#mqpasswd-new {}\n", new.len()).as_bytes());
    for line in new.split_inclusive(|&byte| byte == b'\n') {
        tail.push(b'#');
        tail.extend_from_slice(line);
    }
    if !tail.ends_with(b"\n") {
        tail.push(b'\n');
    }
    let sum = checksum(tail.get(start..).unwrap_or_default());
    tail.extend_from_slice(format!("#mqpasswd-end {} {sum}\n", old.len() + start).as_bytes());
    tail
}

/// The content that a file with a tail shall have; `None` when it has no tail.
pub(super) fn recover(text: &[u8]) -> Option<Vec<u8>> {
    finished(text).or_else(|| undone(text))
}

/// The new content, if the tail is complete.
fn finished(text: &[u8]) -> Option<Vec<u8>> {
    let (rest, last) = split_last_line(text)?;
    let last = std::str::from_utf8(last.strip_prefix(END)?).ok()?;
    let (start, sum) = last.split_once(' ')?;
    let body = rest.get(start.parse().ok()?..)?;
    if checksum(body) != sum {
        return None;
    }
    let end = body.iter().position(|&byte| byte == b'\n')?;
    let (head, lines) = body.split_at_checked(end + 1)?;
    let length = number(head.strip_prefix(NEW)?.strip_suffix(b"\n")?)?;
    let mut new = Vec::with_capacity(length);
    for line in lines.split_inclusive(|&byte| byte == b'\n') {
        new.extend_from_slice(line.strip_prefix(b"#")?);
    }
    // A last line without a newline was given one.
    (new.len() >= length).then_some(())?;
    new.truncate(length);
    Some(new)
}

/// The old content, if a tail was begun.
fn undone(text: &[u8]) -> Option<Vec<u8>> {
    // Backwards it is ten times slower, and hardly ever needed.
    if memmem::find(text, BEGIN).is_none() {
        return cut_mark(text);
    }
    let mut end = text.len();
    while let Some(at) = memmem::rfind(text.get(..end)?, BEGIN) {
        end = at;
        let digits = text.get(at + BEGIN.len()..)?;
        let length = match memchr(b'\n', digits) {
            Some(length) => number(digits.get(..length)?),
            // The number itself may be cut.
            None => None,
        };
        match length {
            Some(length) if length == at || length + 1 == at => {
                return text.get(..length).map(<[u8]>::to_vec);
            }
            None if !digits.contains(&b'\n') => return text.get(..at).map(<[u8]>::to_vec),
            _ => {}
        }
    }
    cut_mark(text)
}

/// The old content, if not even the first line of the tail is whole.
fn cut_mark(text: &[u8]) -> Option<Vec<u8>> {
    let start = memrchr(b'\n', text).map_or(0, |at| at + 1);
    let last = text.get(start..)?;
    let cut = last.len() >= MARK && BEGIN.starts_with(last);
    cut.then(|| text.get(..start).map(<[u8]>::to_vec))?
}

/// So much of a marker is no comment of anybody else.
const MARK: usize = b"#mqp".len();

fn split_last_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_suffix(b"\n")?;
    let start = memrchr(b'\n', text)? + 1;
    let last = text.get(start..)?;
    Some((text.get(..start)?, last))
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn checksum(bytes: &[u8]) -> String {
    let digest = Sha512::digest(bytes);
    digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn join(old: &[u8], tail: &[u8]) -> Vec<u8> {
        [old, tail].concat()
    }

    #[test]
    fn a_file_without_a_tail_is_left_alone() {
        for text in [
            &b""[..],
            b"alice:x\n",
            b"#comment\n",
            b"alice:x\n#mq",
            b"#mqpasswd-new 3\n",
        ] {
            assert_eq!(recover(text), None);
        }
    }

    #[test]
    fn a_tail_is_made_of_comments() {
        let tail = tail(b"alice:x", b"alice:y\nbob:z");
        let text = String::from_utf8(tail).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(""));
        assert!(lines.all(|line| line.starts_with('#')), "{text}");
    }

    proptest! {
        /// Wherever the power fails, the file is the old one or the new one.
        #[test]
        fn every_moment_of_an_overwrite_recovers(old in content(), new in content()) {
            let tail = tail(&old, &new);
            // While the tail grows.
            for length in 0..tail.len() {
                let text = join(&old, &tail[..length]);
                let found = recover(&text).unwrap_or_else(|| text.clone());
                // A newline that the last line lacked may stay, and so much of the first mark
                // as would not be known for one.
                let more = found.strip_prefix(old.as_slice()).map(<[u8]>::trim_ascii);
                prop_assert!(more.is_some_and(|more| more.len() < MARK && BEGIN.starts_with(more)),
                    "{:?}", String::from_utf8_lossy(&text));
            }
            // While the new content is written over the old one.
            let mut text = join(&old, &tail);
            prop_assert_eq!(recover(&text), Some(new.clone()));
            for (at, &byte) in new.iter().enumerate() {
                text[at] = byte;
                prop_assert_eq!(recover(&text), Some(new.clone()));
            }
        }

        #[test]
        fn any_bytes_are_recovered_or_not(text in content(), more in content()) {
            let _ = recover(&join(&text, b"#mqpasswd-begin 3\n"));
            let _ = recover(&join(&text, &more));
        }
    }

    fn content() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"\n".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(b"#c\n".to_vec()),
            Just(b"alice:x\n".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..8),
        ];
        proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }
}
