//! What is wrong with a command line, in plain sentences: clap's own text, except where that is
//! the library's inside or does not name the option.

use std::any::TypeId;
use std::error::Error as _;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Error};

use super::several_words::ID;
use super::word::Kind;
use crate::secret::Secret;

/// Options that others need: how clap shows them begins with this, and why they are needed, which
/// clap does not say.
const NEEDS: [(&str, &str); 3] = [
    ("--id ", "-c (--disable-clean-session) needs"),
    ("--will-topic ", "--will-payload and --will-retain need"),
    ("--key ", "--key-passphrase-file needs"),
];

/// The error of a command line in one line. `words` are all that clap has seen, the tool's name
/// first.
pub(crate) fn what(error: &Error, command: &Command, words: &[OsString]) -> String {
    let text = first_paragraph(&error.to_string());
    let better = match error.kind() {
        ErrorKind::ValueValidation => invalid(error, &text),
        ErrorKind::InvalidValue if is_empty_given(command, words) => {
            Some(text.replace(" but none was supplied", ", and the one given is empty"))
        }
        ErrorKind::InvalidUtf8 => not_utf8(command, words),
        ErrorKind::MissingRequiredArgument => missing(error),
        _ => None,
    };
    better.unwrap_or(text)
}

/// The first paragraph of clap's message, in one line, without its prefix.
fn first_paragraph(text: &str) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<_> = paragraph.split_whitespace().collect();
    let line = words.join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

/// Numbers: what the standard library and clap say about them is for programmers.
fn invalid(error: &Error, text: &str) -> Option<String> {
    let why = error.source()?.to_string();
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else {
        return None;
    };
    let better = match why.as_str() {
        "invalid digit found in string" if is_negative(value) => "it must not be negative".into(),
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            "it is not a whole number".into()
        }
        "number too large to fit in target type" => "it is too large".into(),
        "number too small to fit in target type" => "it is too small".into(),
        why => range(why)?,
    };
    let start = text.strip_suffix(&why)?;
    Some(format!("{start}{better}"))
}

fn is_negative(value: &str) -> bool {
    value
        .strip_prefix('-')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// From `0 is not in 1..=5` or `0 is not in 1..6`.
fn range(why: &str) -> Option<String> {
    let (_, range) = why.split_once(" is not in ")?;
    let (lowest, highest) = range.split_once("..")?;
    let highest = match highest.strip_prefix('=') {
        Some(highest) => highest.parse::<u64>().ok()?,
        // The end of an open range is the largest number there is.
        None if highest == u64::MAX.to_string() => u64::MAX,
        None => highest.parse::<u64>().ok()?.checked_sub(1)?,
    };
    Some(match highest {
        u64::MAX => format!("it must be {lowest} or more"),
        _ => format!("it must be {lowest} to {highest}"),
    })
}

/// clap says the same of an option at the end of the line.
fn is_empty_given(command: &Command, words: &[OsString]) -> bool {
    let ends_in_option =
        words
            .last()
            .is_some_and(|word| match Kind::of(command, word.as_bytes()) {
                Kind::Option(arg, None) => arg.get_id() != ID,
                _ => false,
            });
    let is_empty = |word: &OsString| word.is_empty() || word.as_bytes().ends_with(b"=");
    !ends_in_option && words.iter().any(is_empty)
}

/// The first value that had to be text and is none.
fn not_utf8(command: &Command, words: &[OsString]) -> Option<String> {
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        let value = match Kind::of(command, word.as_bytes()) {
            Kind::Option(arg, _) if arg.get_id() == ID => {
                words.next();
                continue;
            }
            Kind::Option(_, None) => words.next()?,
            _ => word,
        };
        if value.to_str().is_none() {
            match option(command, word) {
                Some((arg, _)) if takes_any_bytes(arg) => {}
                Some((_, name)) => return Some(format!("the value of {name} is not valid UTF-8")),
                None => return Some("a word of the command line is not valid UTF-8".to_owned()),
            }
        }
    }
    None
}

/// The option with a value that a word begins with, and how it is typed.
fn option<'a>(command: &'a Command, word: &OsStr) -> Option<(&'a Arg, String)> {
    let find = |is_it: &dyn Fn(&Arg) -> bool| command.get_arguments().find(|arg| is_it(arg));
    if let Some(long) = word.as_bytes().strip_prefix(b"--") {
        let name = long.split(|&byte| byte == b'=').next()?;
        let arg = find(&|arg| arg.get_long().is_some_and(|long| long.as_bytes() == name))?;
        return Some((arg, format!("--{}", arg.get_long()?)));
    }
    for letter in word.as_bytes().strip_prefix(b"-")? {
        let letter = char::from(*letter);
        let arg = find(&|arg| arg.get_short() == Some(letter))?;
        if arg.get_action().takes_values() {
            return Some((arg, format!("-{letter}")));
        }
    }
    None
}

fn takes_any_bytes(arg: &Arg) -> bool {
    let kind = arg.get_value_parser().type_id();
    [
        TypeId::of::<OsString>(),
        TypeId::of::<PathBuf>(),
        TypeId::of::<Secret>(),
    ]
    .iter()
    .any(|any| kind == *any)
}

fn missing(error: &Error) -> Option<String> {
    let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    if let [one] = missing.as_slice()
        && let Some((_, why)) = NEEDS.iter().find(|(start, _)| one.starts_with(start))
    {
        return Some(format!("{why} {one}"));
    }
    let missing: Vec<_> = missing.iter().map(|one| alternatives(one)).collect();
    let missing: Vec<_> = missing.into_iter().collect::<Option<_>>()?;
    let verb = if missing.len() > 1 { "are" } else { "is" };
    Some(format!("{} {verb} missing", missing.join(", and ")))
}

/// From `--one <VALUE>` or `<--one <VALUE>|--two>`.
fn alternatives(shown: &str) -> Option<String> {
    let group = shown
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        .filter(|group| group.contains('|'));
    match group.map(|group| group.replace('|', ", ")) {
        Some(group) => {
            let (first, last) = group.rsplit_once(", ")?;
            Some(format!("one of {first} and {last}"))
        }
        None if shown.starts_with('-') => Some(shown.to_owned()),
        None => Some(shown.trim_matches(['<', '>']).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_they_are_meant() {
        for (why, expected) in [
            ("70000 is not in 0..=65535", "it must be 0 to 65535"),
            (
                "0 is not in 1..18446744073709551615",
                "it must be 1 or more",
            ),
            (
                "0 is not in 1..=18446744073709551615",
                "it must be 1 or more",
            ),
            ("7 is not in 1..5", "it must be 1 to 4"),
        ] {
            assert_eq!(range(why).as_deref(), Some(expected));
        }
        for why in ["QoS is 0, 1 or 2", "x is not in y", "0 is not in 1..x", ""] {
            assert_eq!(range(why), None);
        }
    }

    #[test]
    fn alternatives_are_listed() {
        for (shown, expected) in [
            ("--topic <T>", Some("--topic <T>")),
            (
                "<--url <U>|--topic <T>>",
                Some("one of --url <U> and --topic <T>"),
            ),
            ("<-m|-f <F>|-n>", Some("one of -m, -f <F> and -n")),
            ("<FILE>", Some("FILE")),
        ] {
            assert_eq!(alternatives(shown).as_deref(), expected);
        }
    }
}
