//! Options files: the text, taken apart into options with their values. Which file is read and
//! what beats what is for [`crate::defaults`].
//!
//! One option a line, its value is the rest of the line behind one blank, as it is: quotes mean
//! nothing, further blanks belong to it. `#` begins a line that is a comment.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use clap::builder::ValueParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command};

use crate::args::password_parser;
use crate::property;
use crate::usage::{PROPERTY, WORD_SEPARATOR, takes_the_rest, what};

/// Options whose value, or part of it, nobody may see in a message.
const SECRET: [&str; 4] = ["password", "psk", "url", "proxy"];

/// Texts that hold no blanks.
const WORDS: [&str; 3] = ["host", "bind", "url"];

/// An option and its values, as words for a command line.
pub(crate) struct Entry {
    /// Counted from 1.
    pub(crate) line: usize,
    /// clap's name of the option.
    pub(crate) id: String,
    pub(crate) words: Vec<OsString>,
}

/// A line that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Counted from 1.
    pub(crate) line: usize,
    /// What is wrong with it, without the text of a value that is a secret.
    pub(crate) what: String,
}

/// Takes a file's text apart. `command` is the definition of the options, built; it stays as
/// it is.
pub(crate) fn parse(text: &[u8], command: &mut Command) -> Result<Vec<Entry>, Fault> {
    // What Windows puts in front of UTF-8.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut entries = Vec::new();
    for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let number = index + 1;
        let line = trim_start(trim_end_matches(line, |byte| byte == b'\r'));
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let (id, words) = option(line, command).map_err(|what| Fault { line: number, what })?;
        entries.push(Entry {
            line: number,
            id,
            words,
        });
    }
    Ok(entries)
}

/// Whether an option that is not on the command line can be read, taken by itself.
///
/// # Errors
/// Why not, in words that hold no secret.
pub(crate) fn check(id: &str, words: &[OsString], command: &mut Command) -> Result<(), String> {
    let tool = OsString::from(command.get_name());
    let line = std::iter::once(&tool).chain(words);
    let Err(why) = command.try_get_matches_from_mut(line) else {
        return Ok(());
    };
    match why.kind() {
        // What belongs to it may stand elsewhere. Both are looked at last.
        ErrorKind::MissingRequiredArgument | ErrorKind::ArgumentConflict => Ok(()),
        _ if is_secret(id) => {
            let option = words.first().map(|word| word.display().to_string());
            Err(format!(
                "the value of {} is not valid",
                option.unwrap_or_default()
            ))
        }
        _ => {
            let line: Vec<_> = std::iter::once(&tool).chain(words).cloned().collect();
            Err(what(&why, command, &line))
        }
    }
}

/// Whether the value of an option must not be seen.
pub(crate) fn is_secret(id: &str) -> bool {
    SECRET.contains(&id)
}

/// Whether an option shows something instead of running: help, version.
fn shows(arg: &Arg) -> bool {
    matches!(
        arg.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    )
}

fn option(line: &[u8], command: &mut Command) -> Result<(String, Vec<OsString>), String> {
    if !line.starts_with(b"-") {
        // Not repeated: it may be the second line of a password.
        return Err("it does not begin with an option".to_owned());
    }
    let is_end = |&byte: &u8| is_blank(byte) || byte == b'=' && line.starts_with(b"--");
    let end = line.iter().position(is_end).unwrap_or(line.len());
    let (word, rest) = line.split_at_checked(end).unwrap_or((line, b""));
    let value = match rest {
        [b'=', value @ ..] => Some(value),
        // Nothing behind the blank is no value.
        [_, value @ ..] if !value.is_empty() => Some(value),
        _ => None,
    };
    let word = String::from_utf8_lossy(word).into_owned();
    let arg = command
        .get_arguments()
        .find(|arg| is_called(arg, &word))
        .ok_or_else(|| unknown(&word, command))?;
    // What takes the rest would take the typed options.
    let has_place = !shows(arg) && !takes_the_rest(arg);
    if !has_place || arg.get_id() == crate::defaults::OPTIONS_FILE {
        return Err(format!("{word} has no place in an options file"));
    }
    let mut words = vec![word.clone().into()];
    if arg.get_action().takes_values() {
        let value = value.ok_or_else(|| format!("{word} needs a value"))?;
        if arg.get_id() == PROPERTY {
            words.push(property_words(value)?);
        } else if is_text(arg) {
            words.push(os_string(value));
        } else {
            // The original reads numbers with atoi, which skips blanks.
            words.push(os_string(trim_start(trim_end_matches(value, is_blank))));
        }
    } else if !value.is_none_or(|value| value.iter().copied().all(is_blank)) {
        return Err(format!("{word} takes no value"));
    }
    let id = arg.get_id().to_string();
    check(&id, &words, command)?;
    Ok((id, words))
}

fn is_called(arg: &Arg, word: &str) -> bool {
    match word.strip_prefix("--") {
        Some(long) => arg
            .get_long_and_visible_aliases()
            .is_some_and(|names| names.contains(&long)),
        None => arg
            .get_short_and_visible_aliases()
            .is_some_and(|names| names.iter().any(|name| word == format!("-{name}"))),
    }
}

/// Repeats no more of a word than cannot be a value.
fn unknown(word: &str, command: &Command) -> String {
    if let Some(word) = word.strip_prefix("--") {
        return unknown_long(word, command);
    }
    let short: String = word.chars().take(2).collect();
    if command
        .get_arguments()
        .any(|arg| is_called(arg, short.as_str()))
    {
        format!("{short} needs a blank behind it, and one option a line is possible")
    } else {
        format!("{short} is not an option of {}", command.get_name())
    }
}

/// Of a word that is no option, only so much may be repeated as is the beginning of one: a secret
/// may follow where a blank was forgotten.
fn unknown_long(word: &str, command: &Command) -> String {
    let names = || command.get_arguments().filter_map(Arg::get_long);
    let longest = names()
        .filter(|name| word.starts_with(name))
        .max_by_key(|name| name.len());
    if let Some(name) = longest {
        return format!("--{name} needs a blank or = behind it");
    }
    let common = |name: &str| {
        let pairs = name.chars().zip(word.chars());
        pairs.take_while(|(one, other)| one == other).count()
    };
    let count = names().map(common).max().unwrap_or_default();
    let shown: String = word.chars().take(count).collect();
    let dots = if shown.len() < word.len() { "..." } else { "" };
    format!("--{shown}{dots} is not an option of {}", command.get_name())
}

/// The words of a property (`-D`) as one, in the form that `usage` gives to typed ones: single
/// words, and the last is the rest of the line. A user property has one more than the others.
fn property_words(value: &[u8]) -> Result<OsString, String> {
    let mut rest = trim_start(value);
    let mut words: Vec<&[u8]> = Vec::new();
    let mut before_last = 2;
    while words.len() < before_last {
        let Some(end) = rest.iter().copied().position(is_blank) else {
            break;
        };
        let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, b""));
        words.push(word);
        if words.len() == 2 && word == b"user-property" {
            before_last = 3;
        }
        rest = match words.len() < before_last {
            true => trim_start(behind),
            false => behind.get(1..).unwrap_or_default(),
        };
    }
    if !rest.is_empty() {
        words.push(rest);
    }
    // It would end a word.
    if value.contains(&WORD_SEPARATOR) {
        return Err("it holds a NUL byte".to_owned());
    }
    let words = os_string(&words.join(&WORD_SEPARATOR));
    // Here the line is known; what was typed is looked at later.
    match property::parse(std::slice::from_ref(&words)) {
        Ok(_) => Ok(words),
        Err(report) => Err(report.in_one_line()),
    }
}

/// Whether an option's value is a text, in which blanks count.
fn is_text(arg: &Arg) -> bool {
    if WORDS.contains(&arg.get_id().as_str()) {
        return false;
    }
    let kind = arg.get_value_parser().type_id();
    [
        ValueParser::string(),
        ValueParser::os_string(),
        ValueParser::path_buf(),
        password_parser(),
    ]
    .iter()
    .any(|text| text.type_id() == kind)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn trim_start(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|&byte| !is_blank(byte));
    start.and_then(|at| text.get(at..)).unwrap_or_default()
}

fn trim_end_matches(text: &[u8], is_trimmed: impl Fn(u8) -> bool) -> &[u8] {
    let end = text.iter().rposition(|&byte| !is_trimmed(byte));
    end.and_then(|at| text.get(..=at)).unwrap_or_default()
}

fn os_string(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use clap::value_parser;
    use proptest::prelude::*;

    use super::*;

    fn command() -> Command {
        let one = |id: &'static str, short| {
            Arg::new(id)
                .short(short)
                .long(id)
                .allow_hyphen_values(true)
                .value_parser(value_parser!(OsString))
        };
        let mut command = Command::new("tool")
            .disable_help_flag(true)
            .disable_version_flag(true)
            .arg(one("message", 'm').required(true).conflicts_with("debug"))
            .arg(one("password", 'P').value_parser(password_parser()))
            .arg(one("host", 'h').value_parser(ValueParser::string()))
            .arg(one("port", 'p').value_parser(value_parser!(u16)))
            .arg(one("psk", 'k').value_parser(value_parser!(u64)))
            .arg(one(PROPERTY, 'D').value_parser(ValueParser::os_string()))
            .arg(one(crate::defaults::OPTIONS_FILE, 'o'))
            .arg(Arg::new("debug").short('d').action(ArgAction::SetTrue))
            .arg(Arg::new("help").long("help").action(ArgAction::HelpShort));
        command.build();
        command
    }

    fn words(text: &str) -> Vec<Vec<String>> {
        let entries = parse(text.as_bytes(), &mut command());
        let entries = entries.unwrap_or_else(|fault| panic!("{text:?}: {fault:?}"));
        let words = |entry: Entry| {
            let words = entry.words.into_iter();
            words.map(|word| word.into_string().unwrap()).collect()
        };
        entries.into_iter().map(words).collect()
    }

    fn fault(text: &str) -> Fault {
        match parse(text.as_bytes(), &mut command()) {
            Ok(_) => panic!("{text:?} is no mistake"),
            Err(fault) => fault,
        }
    }

    #[test]
    fn the_value_is_the_rest_of_the_line() {
        for (line, value) in [
            ("-m text", "text"),
            ("-m  two  words ", " two  words "),
            ("  -m text", "text"),
            ("\t-m\ttext", "text"),
            ("-m \"quoted\" # no comment", "\"quoted\" # no comment"),
            ("-m -d", "-d"),
            ("-m --", "--"),
            ("-m -P -x", "-P -x"),
            ("-m a\rb\r\r", "a\rb"),
            ("-m =x", "=x"),
            ("-m  ", " "),
            ("-m käse", "käse"),
        ] {
            assert_eq!(words(line), [["-m", value]], "{line:?}");
        }
        assert_eq!(words("--message a b"), [["--message", "a b"]]);
        assert_eq!(words("--message=a=b c"), [["--message", "a=b c"]]);
        assert_eq!(words("--message="), [["--message", ""]]);
        let long = "x".repeat(100_000);
        assert_eq!(words(&format!("-m {long}")), [["-m", &long]]);
    }

    #[test]
    fn blanks_around_what_is_no_free_text_mean_nothing() {
        assert_eq!(words("-p  1884 \t"), [["-p", "1884"]]);
        assert_eq!(words("-h   localhost "), [["-h", "localhost"]]);
        assert_eq!(words("-d \t "), [["-d"]]);
    }

    #[test]
    fn a_property_is_split_and_its_value_is_the_rest() {
        use clap::Args as _;
        let command = || {
            let tool = Command::new("tool").disable_help_flag(true);
            let mut command = crate::args::ConnectionArgs::augment_args(tool);
            command.build();
            command
        };
        for (line, joined) in [
            ("publish content-type a  b ", "publish|content-type|a  b "),
            (
                " connect  user-property  k v with  spaces",
                "connect|user-property|k|v with  spaces",
            ),
            ("connect user-property k  v", "connect|user-property|k| v"),
            ("publish topic-alias 5", "publish|topic-alias|5"),
        ] {
            for option in ["-D", "--property"] {
                let text = format!("{option} {line}");
                let entries = parse(text.as_bytes(), &mut command()).ok().unwrap();
                let expected = joined.replace('|', "\0");
                assert_eq!(entries[0].words, [option, &expected]);
            }
        }
        for (line, why) in [
            ("-D", "needs a value"),
            ("-D publish", "a word is missing"),
            ("-D publish content-type", "a word is missing"),
            ("-D publish user-property k", "a word is missing"),
            ("-D publish nonsense x", "-D publish nonsense x is not"),
            ("-D connect receive-maximum 0", "from 1 to 65535"),
            ("-D publish content-type a\0b", "NUL"),
        ] {
            let fault = parse(format!("\n{line}\n").as_bytes(), &mut command()).err();
            let fault = fault.unwrap();
            assert_eq!(fault.line, 2);
            assert!(fault.what.contains(why), "{line:?}: {fault:?}");
        }
    }

    #[test]
    fn comments_empty_lines_and_windows_line_ends_are_skipped() {
        let text = "\u{feff}# one\r\n\r\n   \n\t# two\n-d\r\n#-m x\n-p 1";
        assert_eq!(words(text), [vec!["-d"], vec!["-p", "1"]]);
        assert!(words("").is_empty());
        assert_eq!(
            parse(b"\n-d\n\n-d", &mut command()).ok().unwrap()[1].line,
            4
        );
    }

    #[test]
    fn a_line_that_cannot_be_used_is_named() {
        for (line, what) in [
            ("localhost", "it does not begin with an option"),
            ("\"-m\" x", "it does not begin with an option"),
            ("-X y", "-X is not an option of tool"),
            ("--nope=y z", "--... is not an option of tool"),
            ("--massage x", "--m... is not an option of tool"),
            ("--messages x", "--message needs a blank or = behind it"),
            ("-", "- is not an option of tool"),
            ("--", "-- is not an option of tool"),
            ("-m", "-m needs a value"),
            ("-m ", "-m needs a value"),
            ("-d yes", "-d takes no value"),
            (
                "-hlocalhost",
                "-h needs a blank behind it, and one option a line is possible",
            ),
            ("--help", "--help has no place in an options file"),
            ("-o other", "-o has no place in an options file"),
        ] {
            let fault = fault(&format!("-d\n\n{line}\n-m x"));
            assert_eq!((fault.line, fault.what.as_str()), (3, what), "{line:?}");
        }
        let fault = fault("-p high");
        assert!(
            fault.what.contains("'high' for '--port <port>'"),
            "{fault:?}"
        );
    }

    #[test]
    fn no_fault_repeats_a_secret() {
        for line in [
            "-Phunter2",
            "-P=hunter2",
            "--pasword=hunter2",
            "--passwordhunter2",
            "--password:hunter2",
            "--pswhunter2",
            "--hunter2",
            "hunter2",
            "-k hunter2",
            "--psk=hunter2",
            "-d hunter2",
            "-ohunter2",
        ] {
            let fault = fault(line);
            assert!(!fault.what.contains("unter2"), "{line:?}: {fault:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "([-a-zP=# \t\r\n\u{20ac}]|-[mpPdDho]|--message|user-property){0,30}") {
            let _ = parse(text.as_bytes(), &mut command());
        }

        #[test]
        fn any_bytes_can_be_read(text in any::<Vec<u8>>()) {
            let _ = parse(&text, &mut command());
        }

        #[test]
        fn any_value_comes_back(value in "[^\r\n]+") {
            prop_assert_eq!(words(&format!("-d\n-m {value}\n")), [vec!["-d"], vec!["-m", &value]]);
        }
    }
}
