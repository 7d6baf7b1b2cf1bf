//! Options of several words: `-D CMD NAME VALUE`, with `user-property` four words.
//!
//! clap has no options whose number of words depends on one of them, and takes a word that looks
//! like an option for one. So these words become one before clap sees them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use clap::Command;

use super::word::Kind;

/// Stands between the words: no word of a command line can contain it.
pub const WORD_SEPARATOR: u8 = 0;

/// The option's name in the tools' definitions.
pub(crate) const ID: &str = "property";

/// Joins the words of each `-D`, so that it has one value. The tool's name comes first.
pub(super) fn join(command: &Command, arguments: Vec<OsString>) -> Vec<OsString> {
    let has_option = command.get_arguments().any(|arg| arg.get_id() == ID);
    // Nearly always there is nothing to do.
    if !has_option || !arguments.iter().any(|word| may_be_it(word)) {
        return arguments;
    }
    let mut words = arguments.into_iter();
    let mut joined: Vec<OsString> = words.by_ref().take(1).collect();
    while let Some(word) = words.next() {
        if word == "--" {
            joined.push(word);
            break;
        }
        match Kind::of(command, word.as_bytes()) {
            Kind::Rest => {
                joined.push(word);
                break;
            }
            Kind::Option(arg, start) if arg.get_id() == ID => {
                let first = first_of_property(&word, start);
                let mut parts: Vec<OsString> = first.into_iter().map(OsStr::to_owned).collect();
                parts.extend(words.by_ref().take(2 - parts.len()));
                let rest = words_after_name(parts.get(1).map(OsString::as_os_str));
                parts.extend(words.by_ref().take(rest));
                joined.push(option_of(&word, start));
                if !parts.is_empty() {
                    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
                    joined.push(OsString::from_vec(parts.join(&WORD_SEPARATOR)));
                }
            }
            Kind::Option(_, None) => {
                joined.push(word);
                joined.extend(words.next());
            }
            _ => joined.push(word),
        }
    }
    joined.extend(words);
    joined
}

/// What belongs to a word of the command line.
fn may_be_it(word: &OsStr) -> bool {
    let word = word.as_bytes();
    word.starts_with(b"-") && (word.contains(&b'D') || word.starts_with(b"--property"))
}

/// The first word of a property where it stands in the same word as the option, whose value begins
/// at `start`.
pub(crate) fn first_of_property(word: &OsStr, start: Option<usize>) -> Option<&OsStr> {
    let bytes = word.as_bytes();
    let first = bytes.get(start?..)?;
    // `--property=` has an empty one, `-D=` none.
    (!first.is_empty() || bytes.starts_with(b"--")).then(|| OsStr::from_bytes(first))
}

/// How many words come behind a property's name: its value, and of a User Property its key.
pub(crate) fn words_after_name(name: Option<&OsStr>) -> usize {
    match name {
        Some(name) if name == "user-property" => 2,
        _ => 1,
    }
}

/// The option alone, of a word that may hold more than that.
fn option_of(word: &OsStr, start: Option<usize>) -> OsString {
    let bytes = word.as_bytes();
    let alone = bytes.get(..start.unwrap_or(bytes.len())).unwrap_or(bytes);
    OsStr::from_bytes(alone.strip_suffix(b"=").unwrap_or(alone)).to_owned()
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction};
    use proptest::prelude::*;

    use super::*;

    fn command() -> Command {
        Command::new("tool")
            .arg(
                Arg::new(ID)
                    .short('D')
                    .long("property")
                    .action(ArgAction::Append),
            )
            .arg(Arg::new("message").short('m').long("message"))
            .arg(Arg::new("exec").long("exec").num_args(1..))
            .arg(Arg::new("retain").short('r').action(ArgAction::SetTrue))
    }

    fn joined(line: &str) -> String {
        let words = line.split(' ').map(OsString::from).collect();
        let words: Vec<_> = join(&command(), words)
            .iter()
            .map(|word| word.to_str().unwrap().replace('\0', "|"))
            .collect();
        words.join(" ")
    }

    #[test]
    fn the_words_of_a_property_become_one() {
        for (line, expected) in [
            ("tool -D a b c d", "tool -D a|b|c d"),
            (
                "tool -D a user-property c d e",
                "tool -D a|user-property|c|d e",
            ),
            ("tool --property a b -r -r", "tool --property a|b|-r -r"),
            ("tool -D a b -- -r", "tool -D a|b|-- -r"),
            ("tool -rD a b c -D a b d", "tool -rD a|b|c -D a|b|d"),
            ("tool -Da b c d", "tool -D a|b|c d"),
            ("tool --property=a b c d", "tool --property a|b|c d"),
            (
                "tool -D a user-property -m -D -r",
                "tool -D a|user-property|-m|-D -r",
            ),
            ("tool -D a", "tool -D a"),
            (
                "tool -D a b c --exec -D d e f",
                "tool -D a|b|c --exec -D d e f",
            ),
            ("tool -D", "tool -D"),
        ] {
            assert_eq!(joined(line), expected);
        }
    }

    #[test]
    fn what_is_another_options_value_stays() {
        for line in [
            "tool -m -D a b c",
            "tool --message -D a b c",
            "tool -rm -D a b c",
            "tool -- -D a b c",
            "tool -mD a b c",
            "tool --message=-D a b c",
            "tool -xD a b c",
            "tool D a b c",
        ] {
            assert_eq!(joined(line), line);
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_no_word_is_lost(words in prop::collection::vec("-?-?[Dmr=a]{0,3}|user-property|property", 0..12)) {
            let before: Vec<OsString> = words.iter().map(OsString::from).collect();
            let after = join(&command(), before.clone());
            let bare = |words: &[OsString]| -> Vec<u8> {
                words.iter().flat_map(|word| word.as_bytes()).copied().filter(|byte| !b"\0=".contains(byte)).collect()
            };
            prop_assert_eq!(bare(&before), bare(&after));
        }
    }
}
