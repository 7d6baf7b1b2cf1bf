//! `--generate`: the manual page of a tool and its completions for shells, made from the definition
//! of its options when they are asked for.

mod completions;
mod manual;
mod values;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

use clap::Command;
#[cfg(feature = "client")]
use clap::builder::{PossibleValuesParser, TypedValueParser as _, ValueParser};

use crate::tool::Tool;

pub use manual::Manual;

/// A tool and all that its texts are made from.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    /// Its names.
    pub tool: Tool,
    /// Makes the definition of its options, for the name that it is called by.
    pub command: fn(&'static str) -> Command,
    /// What its manual page says beside the options.
    pub manual: Manual,
}

/// The exit codes of mqpub and mqsub, as a section of their pages.
#[cfg(feature = "client")]
pub const EXIT_STATUS: &str = include_str!("generate/exit_status.roff");

/// Their options files and environment variables.
#[cfg(feature = "client")]
pub const FILES: &str = include_str!("generate/files.roff");

/// What `--generate` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The manual page, for groff and mandoc.
    Man,
    /// Completions for bash.
    Bash,
    /// Completions for zsh.
    Zsh,
    /// Completions for fish.
    Fish,
    /// Completions for PowerShell.
    Powershell,
    /// Completions for elvish.
    Elvish,
}

impl Kind {
    /// All, by the names that are typed.
    pub const ALL: [(&'static str, Self); 6] = [
        ("man", Self::Man),
        ("bash", Self::Bash),
        ("zsh", Self::Zsh),
        ("fish", Self::Fish),
        ("powershell", Self::Powershell),
        ("elvish", Self::Elvish),
    ];

    fn named(name: &[u8]) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|(known, _)| known.as_bytes() == name)
            .map(|(_, kind)| kind)
    }
}

/// The text for a command line that asks for one and for nothing else: `--generate KIND` or
/// `--generate=KIND`. `arguments` begin with the tool's name.
///
/// This looks at the words before clap does, which wants options that are missing here, and before
/// an options file or the environment adds to them.
#[must_use]
pub fn asked(definition: &Definition, arguments: &[OsString]) -> Option<String> {
    let kind = match arguments {
        [_, option, kind] if option == "--generate" => kind.as_bytes(),
        [_, word] => word.as_bytes().strip_prefix(b"--generate=")?,
        _ => return None,
    };
    let name = definition.tool.called_as(arguments.first());
    Some(text(definition, name, Kind::named(kind)?))
}

/// The text for a tool under one of its names.
#[must_use]
pub fn text(definition: &Definition, name: &'static str, kind: Kind) -> String {
    let command = (definition.command)(name);
    match kind {
        Kind::Man => manual::page(command, name, &definition.manual),
        shell => completions::script(&command, name, shell),
    }
}

/// Reads the value of `--generate` where something else is on the command line too, which is wrong.
#[cfg(feature = "client")]
pub(crate) fn alone() -> ValueParser {
    PossibleValuesParser::new(Kind::ALL.map(|(name, _)| name))
        .try_map(|_| Err::<Kind, _>("it has to be alone on the command line"))
        .into()
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    const DEFINITION: Definition = Definition {
        tool: Tool::MQPUB,
        command: |name| Command::new(name).arg(Arg::new("topic").long("topic").required(true)),
        manual: Manual {
            before_options: "",
            after_options: &[],
        },
    };

    fn is_asked(line: &str) -> bool {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        asked(&DEFINITION, &words).is_some()
    }

    #[test]
    fn it_stands_alone() {
        for (name, _) in Kind::ALL {
            assert!(is_asked(&format!("mqpub --generate {name}")), "{name}");
            assert!(is_asked(&format!("mqpub --generate={name}")), "{name}");
        }
        for line in [
            "mqpub",
            "mqpub --generate",
            "mqpub --generate=",
            "mqpub --generate ksh",
            "mqpub --generate Man",
            "mqpub --generate man -d",
            "mqpub -d --generate man",
            "mqpub generate man",
            "--generate man",
        ] {
            assert!(!is_asked(line), "{line}");
        }
    }

    #[cfg(feature = "client")]
    #[test]
    fn the_exit_codes_are_those_that_there_are() {
        let section: Vec<_> = EXIT_STATUS
            .lines()
            .filter(|line| line.starts_with(".B"))
            .collect();
        let section = section.join(" ");
        let is_told = |code: &str| {
            let mut words = section.split(|character: char| !character.is_ascii_digit());
            words.any(|word| word == code)
        };
        let defined = include_str!("exit.rs").lines().filter_map(|line| {
            let (_, code) = line.split_once(": Self = Self(")?;
            code.strip_suffix(");")
        });
        let mut count = 0;
        for code in defined {
            // 1 to 5 are one line.
            assert!(is_told(code) || ["2", "3"].contains(&code), "{code}");
            count += 1;
        }
        assert!(count > 20, "exit.rs has another form: {count}");
    }

    #[test]
    fn the_texts_speak_of_the_name_in_use() {
        for (name, kind) in Kind::ALL {
            let own = text(&DEFINITION, "mqpub", kind);
            assert!(own.contains("topic"), "{name}: {own}");
            assert!(!own.contains("mosquitto_pub"), "{name}: {own}");
            let original = text(&DEFINITION, "mosquitto_pub", kind);
            assert!(original.contains("mosquitto_pub"), "{name}: {original}");
            assert!(!original.contains("mqpub"), "{name}: {original}");
        }
    }
}
