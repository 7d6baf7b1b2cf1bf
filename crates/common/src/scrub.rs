//! Hides the secrets of the command line and of the environment from other users of the machine:
//! what `ps` shows is a part of the process's own memory, and may be overwritten.
//!
//! Linux only, and never worth failing over: where /proc is missing or closed, nothing is hidden.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;

use clap::{Arg, Command};

use crate::usage::{Kind, PROPERTY, first_of_property, words_after_name};

/// What a hidden byte becomes.
const MASK: u8 = b'*';

/// The options with a secret in their value: clap's name, letter and long name. The definition
/// says the letter and the long name too, but to ask it for them costs more than all the rest of
/// a command line without secrets.
const SECRETS: [(&str, Option<u8>, &str, Secrecy); 4] = [
    ("password", Some(b'P'), "pw", Secrecy::Whole),
    ("psk", None, "psk", Secrecy::Whole),
    ("url", Some(b'L'), "url", Secrecy::UrlPassword),
    ("proxy", None, "proxy", Secrecy::UrlPassword),
];

/// The user of mqpasswd, and after -b the password, which is all values but the first.
const USER: &str = "user";

/// Which part of a value is secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Secrecy {
    Whole,
    /// What is between the `:` of the user and the `@` of the host.
    UrlPassword,
    /// The first value is none, all others are.
    AfterFirst,
}

/// Overwrites the secrets of the process's own command line, as `command` defines it. `words` are
/// those that the process was started with, its name first.
pub fn arguments(command: &Command, words: &[OsString]) {
    let secrets = secret_parts(command, words);
    if secrets.is_empty() {
        return;
    }
    if let Some(memory) = Memory::open() {
        for (index, part) in secrets {
            memory.hide_argument(words, index, part);
        }
    }
}

/// Overwrites the value of an environment variable of the process, after which it is of no use
/// any more: read it before.
pub fn variable(name: &str) {
    if std::env::var_os(name).is_none_or(|value| value.is_empty()) {
        return;
    }
    if let Some(memory) = Memory::open() {
        memory.hide_variable(name);
    }
}

/// The secret parts of a command line: the index of a word, and the bytes of it.
fn secret_parts(command: &Command, words: &[OsString]) -> Vec<(usize, Range<usize>)> {
    // Without anything that could be one, which is the usual case, there is no need to look at
    // every word with care.
    let is_possible = words
        .iter()
        .skip(1)
        .any(|word| may_be_secret(word.as_bytes()));
    if !is_possible && command.get_positionals().next().is_none() {
        return Vec::new();
    }
    let mut parts = Vec::new();
    let mut counted = 0;
    for Value { arg, index, range } in values(command, words) {
        let bytes = words
            .get(index)
            .and_then(|word| word.as_bytes().get(range.clone()))
            .unwrap_or_default();
        let part = match secrecy(arg) {
            None => None,
            Some(Secrecy::Whole) => Some(0..bytes.len()),
            Some(Secrecy::UrlPassword) => url_password(bytes),
            Some(Secrecy::AfterFirst) => {
                counted += 1;
                (counted > 1).then_some(0..bytes.len())
            }
        };
        parts.extend(
            part.filter(|part| !part.is_empty())
                .map(|part| (index, range.start + part.start..range.start + part.end)),
        );
    }
    parts
}

fn secrecy(arg: &Arg) -> Option<Secrecy> {
    let name = arg.get_id().as_str();
    if name == USER {
        return Some(Secrecy::AfterFirst);
    }
    SECRETS
        .iter()
        .find_map(|&(id, _, _, secrecy)| (id == name).then_some(secrecy))
}

/// Whether a word could be one of the options, alone, in a cluster or with its value.
fn may_be_secret(word: &[u8]) -> bool {
    SECRETS.iter().any(|(_, letter, long, _)| match word {
        [b'-', b'-', rest @ ..] => rest.starts_with(long.as_bytes()),
        [b'-', rest @ ..] => letter.is_some_and(|letter| rest.contains(&letter)),
        _ => false,
    })
}

/// A value on the command line.
struct Value<'a> {
    /// What it is a value of.
    arg: &'a Arg,
    /// The word that it is in.
    index: usize,
    /// Its bytes in the word.
    range: Range<usize>,
}

/// Finds the values in a command line, as clap does; it sees those of `-D` as one.
fn values<'a>(command: &'a Command, words: &[OsString]) -> Vec<Value<'a>> {
    let mut values = Vec::new();
    let mut positionals = command.get_positionals();
    let mut positional = positionals.next();
    let mut only_positionals = false;
    // The values that the next words are: of what, and how many.
    let mut due: Option<(&Arg, usize)> = None;
    for (index, word) in words.iter().enumerate().skip(1) {
        let length = word.len();
        let mut take = |arg, range| values.push(Value { arg, index, range });
        if let Some((arg, count)) = due.take() {
            take(arg, 0..length);
            due = (count > 1).then(|| (arg, count - 1));
            continue;
        }
        let kind = if only_positionals {
            Kind::Positional
        } else {
            Kind::of(command, word.as_bytes())
        };
        let may_look_like_option = positional.is_some_and(Arg::is_allow_hyphen_values_set);
        match kind {
            Kind::Escape => only_positionals = true,
            // Of another program, which may need to be seen as it is.
            Kind::Rest => break,
            Kind::Option(arg, start) if arg.get_id() == PROPERTY => {
                let to_name = if first_of_property(word, start).is_some() {
                    1
                } else {
                    2
                };
                let name = words.get(index + to_name).map(OsString::as_os_str);
                due = Some((arg, to_name + words_after_name(name)));
            }
            Kind::Option(arg, Some(start)) => take(arg, start..length),
            Kind::Option(arg, None) => due = Some((arg, 1)),
            Kind::Flags => {}
            Kind::Unknown if !may_look_like_option => {}
            Kind::Unknown | Kind::Positional => {
                let Some(arg) = positional else { continue };
                take(arg, 0..length);
                only_positionals |= arg.is_trailing_var_arg_set();
                positional = positionals.next().or(positional);
            }
        }
    }
    values
}

/// Of `scheme://user:password@host`.
fn url_password(url: &[u8]) -> Option<Range<usize>> {
    let find = |from: usize, wanted: &[u8]| {
        let rest = url.get(from..)?;
        let found = rest
            .windows(wanted.len())
            .position(|bytes| bytes == wanted)?;
        Some(from + found)
    };
    let start = find(0, b"://").map_or(0, |at| at + 3);
    let end = find(start, b"/").unwrap_or(url.len());
    let at = url
        .get(start..end)?
        .iter()
        .rposition(|&byte| byte == b'@')?;
    let colon = find(start, b":")? + 1;
    Some(colon..start + at).filter(|range| range.start <= range.end)
}

/// The process's own memory, with the places of its arguments and environment.
struct Memory {
    file: File,
    arguments: Range<u64>,
    environment: Range<u64>,
}

impl Memory {
    fn open() -> Option<Self> {
        let stat = fs::read("/proc/self/stat").ok()?;
        let (arguments, environment) = areas(&stat)?;
        let file = File::options()
            .read(true)
            .write(true)
            .open("/proc/self/mem")
            .ok()?;
        Some(Self {
            file,
            arguments,
            environment,
        })
    }

    fn hide_argument(&self, words: &[OsString], index: usize, part: Range<usize>) {
        let Some(word) = words.get(index) else { return };
        let before: usize = words.iter().take(index).map(|word| word.len() + 1).sum();
        let start = self.arguments.start + before as u64;
        self.hide(&self.arguments, start, word, part);
    }

    fn hide_variable(&self, name: &str) {
        let length = self.environment.end - self.environment.start;
        let mut text = vec![0; usize::try_from(length).unwrap_or_default()];
        if self
            .file
            .read_exact_at(&mut text, self.environment.start)
            .is_err()
        {
            return;
        }
        let mut start = self.environment.start;
        for variable in text.split(|&byte| byte == 0) {
            let value = variable
                .strip_prefix(name.as_bytes())
                .and_then(|rest| rest.strip_prefix(b"="));
            if let Some(value) = value {
                let part = variable.len() - value.len()..variable.len();
                self.hide(&self.environment, start, OsStr::from_bytes(variable), part);
            }
            start += variable.len() as u64 + 1;
        }
        text.fill(0);
    }

    /// Overwrites a part of `word` at its place in the memory, if it is there: it, and the byte
    /// that ends it.
    fn hide(&self, area: &Range<u64>, start: u64, word: &OsStr, part: Range<usize>) {
        let mut found = vec![0; word.len() + 1];
        let is_there = area.contains(&start)
            && start + word.len() as u64 <= area.end
            && self.file.read_exact_at(&mut found, start).is_ok()
            && found.strip_suffix(b"\0") == Some(word.as_bytes());
        found.fill(0);
        if is_there {
            let _ = self
                .file
                .write_all_at(&vec![MASK; part.len()], start + part.start as u64);
        }
    }
}

/// Where the arguments and the environment are: `arg_start`, `arg_end`, `env_start` and `env_end`,
/// the 48th to 51st field of /proc/PID/stat (proc(5)). The second, the name of the program, is in
/// parentheses and may hold everything, these included.
fn areas(stat: &[u8]) -> Option<(Range<u64>, Range<u64>)> {
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    let mut fields = std::str::from_utf8(stat.get(end + 1..)?)
        .ok()?
        .split_ascii_whitespace()
        .skip(48 - 3);
    let mut area = || {
        let start = fields.next()?.parse().ok()?;
        let end = fields.next()?.parse().ok()?;
        (start > 0 && start <= end).then_some(start..end)
    };
    Some((area()?, area()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The parts of our command lines that matter here.
    fn command() -> Command {
        let flag = |id: &'static str| Arg::new(id).action(clap::ArgAction::SetTrue);
        let option = |id: &'static str| Arg::new(id).allow_hyphen_values(true);
        Command::new("tool")
            .arg(option("password").short('P').long("pw"))
            .arg(option("psk").long("psk"))
            .arg(option("url").short('L').long("url"))
            .arg(option("proxy").long("proxy"))
            .arg(option("topic").short('t').long("topic"))
            .arg(option("property").short('D'))
            .arg(flag("verbose").short('v'))
            .arg(flag("debug").short('d').long("debug"))
    }

    /// As mqpasswd's.
    fn positional() -> Command {
        Command::new("tool")
            .arg(
                Arg::new("batch")
                    .short('b')
                    .action(clap::ArgAction::SetTrue),
            )
            .arg(Arg::new("scheme").short('H'))
            .arg(Arg::new("file"))
            .arg(
                Arg::new("user")
                    .num_args(0..)
                    .trailing_var_arg(true)
                    .allow_hyphen_values(true),
            )
    }

    /// What `ps` would show.
    fn hidden(command: &Command, line: &str) -> String {
        let words: Vec<_> = line.split(' ').map(OsString::from).collect();
        let mut shown: Vec<_> = line
            .split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect();
        for (index, part) in secret_parts(command, &words) {
            shown[index][part].fill(MASK);
        }
        String::from_utf8(shown.join(&b' ')).unwrap()
    }

    #[cfg(feature = "client")]
    #[test]
    fn the_secrets_are_spelled_as_in_the_definition() {
        use clap::Args as _;
        let command = crate::args::ConnectionArgs::augment_args(Command::new("tool"));
        let command = crate::url::UrlArgs::augment_args(command);
        for (id, letter, long, _) in SECRETS {
            let arg = command.get_arguments().find(|arg| arg.get_id() == id);
            let arg = arg.unwrap();
            assert_eq!(arg.get_short(), letter.map(char::from), "{id}");
            assert_eq!(arg.get_long(), Some(long), "{id}");
            assert_eq!(arg.get_all_short_aliases(), None, "{id}");
            assert_eq!(arg.get_all_aliases(), None, "{id}");
        }
    }

    #[test]
    fn options_in_every_spelling() {
        for (line, expected) in [
            ("tool", "tool"),
            ("tool -t P --topic --psk", "tool -t P --topic --psk"),
            ("tool -P secret -t secret", "tool -P ****** -t secret"),
            ("tool -Psecret", "tool -P******"),
            ("tool -P=secret", "tool -P=******"),
            ("tool -vPsecret", "tool -vP******"),
            ("tool -vdP secret x", "tool -vdP ****** x"),
            ("tool --pw secret", "tool --pw ******"),
            ("tool --pw=secret", "tool --pw=******"),
            ("tool --pw= secret", "tool --pw= secret"),
            ("tool --psk 0a0b --psk=0c", "tool --psk **** --psk=**"),
            ("tool -P first -P second", "tool -P ***** -P ******"),
            ("tool -P -t -t x", "tool -P ** -t x"),
            ("tool -P -- -t x", "tool -P ** -t x"),
            ("tool -tP -P x", "tool -tP -P *"),
            ("tool -t -P -P x", "tool -t -P -P *"),
            ("tool -t -P -Px", "tool -t -P -P*"),
            ("tool -D a b -P -P x", "tool -D a b -P -P *"),
            ("tool -Da b -P -P x", "tool -Da b -P -P *"),
            ("tool -vD= a b -P -P x", "tool -vD= a b -P -P *"),
            ("tool -D a b c -P x", "tool -D a b c -P *"),
            (
                "tool -D a user-property -P -P -P x",
                "tool -D a user-property -P -P -P *",
            ),
            ("tool -D a user-property", "tool -D a user-property"),
            ("tool -P", "tool -P"),
            ("tool --pwx -P x", "tool --pwx -P *"),
            ("tool -- -P x", "tool -- -P x"),
            ("-P secret", "-P secret"),
        ] {
            assert_eq!(hidden(&command(), line), expected);
        }
    }

    #[test]
    fn of_a_url_only_the_password() {
        for (url, expected) in [
            ("mqtt://u:secret@h:1/t", "mqtt://u:******@h:1/t"),
            ("mqtt://u:s:e@c@h/a:b@c", "mqtt://u:*****@h/a:b@c"),
            ("mqtt://u@h/t", "mqtt://u@h/t"),
            ("mqtt://h:1/a@b", "mqtt://h:1/a@b"),
            ("mqtt://u:@h", "mqtt://u:@h"),
            ("mqtt://:secret@h", "mqtt://:******@h"),
            ("u:secret@h", "u:******@h"),
            ("mqtt://", "mqtt://"),
            ("@:", "@:"),
        ] {
            for option in ["-L ", "-L", "--url ", "--url=", "--proxy ", "-vL"] {
                let line = format!("tool {option}{url} -d");
                assert_eq!(
                    hidden(&command(), &line),
                    format!("tool {option}{expected} -d")
                );
            }
        }
    }

    #[test]
    fn the_second_word_after_a_file() {
        for (line, expected) in [
            ("tool -b file user secret", "tool -b file user ******"),
            ("tool -bH x file user -b", "tool -bH x file user **"),
            ("tool file -b user secret", "tool file -b user ******"),
            ("tool -b file -xuser secret", "tool -b file -xuser ******"),
            ("tool -b file --user --pw", "tool -b file --user ****"),
            ("tool -b -- file user secret", "tool -b -- file user ******"),
            ("tool - user", "tool - user"),
            ("tool file user one two", "tool file user *** ***"),
        ] {
            assert_eq!(hidden(&positional(), line), expected);
        }
    }

    #[test]
    fn the_areas_are_found_behind_any_name() {
        let stat = |name: &str| {
            let fields: Vec<_> = (3..=52).map(|field| field.to_string()).collect();
            format!("123 ({name}) {}\n", fields.join(" "))
        };
        for name in ["mqsub", "a b", ") 1 2 3", "(", ""] {
            assert_eq!(areas(stat(name).as_bytes()), Some((48..49, 50..51)));
        }
        // What the kernel shows to those who may not know.
        let closed = stat("x").replace(" 48 49 ", " 0 0 ");
        for stat in [&closed, "", "123", "123 (x)", "123 (x) R 1 2"] {
            assert_eq!(areas(stat.as_bytes()), None, "{stat}");
        }
    }

    #[test]
    fn the_own_arguments_are_where_they_are_sought() {
        let memory = Memory::open().unwrap();
        let words: Vec<_> = std::env::args_os().collect();
        let length: usize = words.iter().map(|word| word.len() + 1).sum();
        let area = memory.arguments.end - memory.arguments.start;
        assert_eq!(area, length as u64);
        let mut text = vec![0; length];
        memory
            .file
            .read_exact_at(&mut text, memory.arguments.start)
            .unwrap();
        let typed: Vec<u8> = words
            .iter()
            .flat_map(|word| [word.as_bytes(), b"\0"].concat())
            .collect();
        assert_eq!(text, typed);
    }

    #[test]
    fn what_is_not_there_is_not_overwritten() {
        let memory = Memory::open().unwrap();
        let before: Vec<_> = std::env::args_os().collect();
        let other = [before[0].clone(), OsString::from("-Psecret")];
        memory.hide_argument(&other, 1, 2..8);
        memory.hide_argument(&other, 7, 2..8);
        let cmdline = fs::read("/proc/self/cmdline").unwrap();
        assert!(!cmdline.contains(&MASK));
        assert_eq!(std::env::args_os().collect::<Vec<_>>(), before);
    }

    proptest! {
        /// clap itself says what the password is, and all of it must be hidden and nothing else.
        #[test]
        fn as_clap_reads_it(words in prop::collection::vec("(-[vdPtL]{0,3}[=x]{0,2}|--(pw|psk|url|topic|debug)=?[ab]{0,2}|[a-e:/@-]{0,6})", 0..8)) {
            let words: Vec<_> = std::iter::once("tool".to_owned()).chain(words).map(OsString::from).collect();
            let command = command().args_override_self(true);
            let Ok(matches) = command.clone().try_get_matches_from(&words) else {
                // The process is about to end.
                let _ = secret_parts(&command, &words);
                return Ok(());
            };
            let parts = secret_parts(&command, &words);
            let bytes = |&(index, ref part): &(usize, Range<usize>)| words[index].as_bytes()[part.clone()].to_vec();
            let found: Vec<_> = parts.iter().map(bytes).collect();
            for id in ["password", "psk"] {
                if let Some(value) = matches.get_one::<String>(id) && !value.is_empty() {
                    prop_assert!(found.contains(&value.clone().into_bytes()), "{:?} {:?}", words, parts);
                }
            }
            if matches.get_one::<String>("password").is_none()
                && matches.get_one::<String>("psk").is_none()
                && matches.get_one::<String>("url").is_none()
            {
                prop_assert!(parts.is_empty(), "{:?} {:?}", words, parts);
            }
        }

        #[test]
        fn parts_lie_within_their_words(words in prop::collection::vec(any::<Vec<u8>>(), 0..6)) {
            use std::os::unix::ffi::OsStringExt as _;
            let words: Vec<_> = words.into_iter().map(OsString::from_vec).collect();
            for command in [command(), positional()] {
                for (index, part) in secret_parts(&command, &words) {
                    prop_assert!(words[index].as_bytes().get(part).is_some());
                }
            }
        }
    }
}
