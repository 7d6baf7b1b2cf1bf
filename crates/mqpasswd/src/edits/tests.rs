//! Edits, line by line.

use super::*;
use mqtools_common::passwd::admits;
use mqtools_common::passwd::entry::Credential;
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
    let user = user(name);
    let patch = find(text.as_bytes(), &[name.as_bytes()])?.set(&[(&user, "NEW")]);
    Ok(String::from_utf8(patch.apply(text.as_bytes())).unwrap())
}

fn delete(text: &str, name: &str) -> Result<String, EditError> {
    let patch = find(text.as_bytes(), &[name.as_bytes()])?.delete()?;
    Ok(String::from_utf8(patch.apply(text.as_bytes())).unwrap())
}

/// The new text, how many were hashed, and how many had been.
fn hash(text: &str) -> Result<(Vec<u8>, usize, usize), EditError> {
    let new = hash_plain(text.as_bytes(), Scheme::Sha512)?;
    Ok((new.patch.apply(text.as_bytes()), new.hashed, new.kept))
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
fn several_users_are_added_and_changed_in_their_order() {
    let set = |text: &str| {
        let [alice, carol, dave] = ["alice", "carol", "dave"].map(user);
        let names = [&b"alice"[..], b"carol", b"dave", b"bob"];
        // Bob was looked for, and stays.
        let patch = find(text.as_bytes(), &names).unwrap().set(&[
            (&dave, "D"),
            (&alice, "A"),
            (&carol, "C"),
        ]);
        String::from_utf8(patch.apply(text.as_bytes())).unwrap()
    };
    assert_eq!(set(""), "dave:D\nalice:A\ncarol:C\n");
    assert_eq!(
        set("bob:x\ncarol:x\nalice:x"),
        "bob:x\ncarol:C\nalice:A\ndave:D\n"
    );
    // The last line, which has no newline, goes, and nothing has to be ended.
    assert_eq!(
        set("alice:x\nbob:x\nalice:y"),
        "alice:A\nbob:x\ndave:D\ncarol:C\n"
    );
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
    assert_eq!(hash(text), Err(no_colon));

    let fields = "the password hash does not have the fields it should have";
    let cut = "alice:x\n\nbob:$7$101$AAAA\n";
    assert_eq!(set(cut, "alice"), Err(line_error(3, fields)));
    assert_eq!(delete(cut, "alice"), Err(line_error(3, fields)));
    assert_eq!(hash(cut), Err(line_error(3, fields)));
}

#[test]
fn a_user_with_a_damaged_hash_can_be_mended_and_deleted() {
    assert_eq!(set("bob:$7$101$AAAA\n", "bob").unwrap(), "bob:NEW\n");
    assert_eq!(delete("bob:$7$101$AAAA\n", "bob").unwrap(), "");
}

#[test]
fn hashing_leaves_everything_but_plain_passwords_alone() {
    let text = format!("# a:b\r\n\nalice:a:b\r\ncarol:{HASH}\n  bob : se cret \ndave:x");
    let (new, hashed, kept) = hash(&text).unwrap();
    assert_eq!((hashed, kept), (3, 1));

    let lines: Vec<_> = entry::lines(&new).map(|line| line.bytes).collect();
    assert_eq!(lines[0], b"# a:b\r\n");
    assert_eq!(lines[1], b"\n");
    assert!(lines[2].starts_with(b"alice:$6$") && lines[2].ends_with(b"==\r\n"));
    assert_eq!(lines[3], format!("carol:{HASH}\n").as_bytes());
    assert!(lines[4].starts_with(b"bob:$6$") && lines[4].ends_with(b"==\n"));
    assert!(lines[5].starts_with(b"dave:$6$") && lines[5].ends_with(b"=="));
    for (name, password) in [("alice", "a:b"), ("bob", "se cret"), ("dave", "x")] {
        let password = Secret::from(password.to_owned());
        assert!(admits(&new, name.as_bytes(), &password), "{name}");
    }

    let again = hash(std::str::from_utf8(&new).unwrap());
    assert_eq!(again, Ok((new, 0, 4)));
}

#[test]
fn a_plain_password_that_is_too_long_is_named() {
    let text = format!("a:b\nc:{}\n", "x".repeat(65_536));
    assert_eq!(
        hash(&text),
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

        let user = user(&name);
        let found = find(&text, &[name.as_bytes()]);
        match found.as_ref().map(|found| found.set(&[(&user, HASH)]).apply(&text)) {
            Ok(new) if mine(&text) == 0 => prop_assert_eq!(others(&new), others(&ended(&text))),
            Ok(new) => {
                prop_assert_eq!(others(&new), others(&text));
                prop_assert_eq!(mine(&new), 1);
            }
            Err(EditError::Line { .. }) => prop_assert!(has_broken_line(&text, &name)),
            Err(error) => prop_assert!(false, "{error}"),
        }
        match found.and_then(|found| found.delete()).map(|patch| patch.apply(&text)) {
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
        match hash_plain(&text, Scheme::Sha512) {
            Ok(hashed) => {
                let new = hashed.patch.apply(&text);
                prop_assert_eq!(entry::lines(&new).count(), entry::lines(&text).count());
                for (old, new) in entry::lines(&text).zip(entry::lines(&new)) {
                    prop_assert_eq!(old.ending(), new.ending());
                    match old.entry().map(|entry| (entry.user, entry.credential())) {
                        Some((user, Ok(Credential::Plain(password)))) => {
                            prop_assert!(admits(new.bytes, user, &password));
                        }
                        _ => prop_assert_eq!(old.bytes, new.bytes),
                    }
                }
            }
            Err(_) => prop_assert!(has_broken_line(&text, "") || text.contains(&0)),
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

/// Files of a few lines, mostly good ones, some of any bytes.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        4 => "[ab]:[a-z$:]{1,8}",
        2 => " ?[cde] ?:[a-z]{1,8}",
        2 => "[a-e]".prop_map(|user| format!("{user}:{HASH}")),
        1 => "#[a-z:]{0,8}",
        1 => "[ \t]{0,2}",
        1 => "[ab]:\\$7\\$101\\$[A-Za-z]{0,8}",
        1 => "\\PC{0,8}",
    ]
    .prop_map(String::into_bytes);
    let bytes = proptest::collection::vec(any::<u8>(), 0..8);
    let line = prop_oneof![15 => line, 1 => bytes];
    let ending = prop_oneof![Just("\n"), Just("\r\n")];
    (
        proptest::collection::vec((line, ending), 0..8),
        any::<bool>(),
    )
        .prop_map(|(lines, whole)| {
            let mut text: Vec<u8> = lines
                .iter()
                .flat_map(|(line, ending)| [line, ending.as_bytes()].concat())
                .collect();
            if !whole && text.ends_with(b"\n") {
                text.pop();
            }
            text
        })
}
