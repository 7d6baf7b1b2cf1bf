//! What a word of a command line is, as clap will see it.

use clap::{Arg, Command};

/// What a word is, where a value is not due.
pub(crate) enum Kind<'a> {
    Positional,
    /// `--`
    Escape,
    /// Options without values.
    Flags,
    /// An option with a value, and where in the word that begins; none when it is the next word.
    Option(&'a Arg, Option<usize>),
    /// An option whose values are all the words behind it.
    Rest,
    /// It looks like an option and is none.
    Unknown,
}

impl<'a> Kind<'a> {
    pub(crate) fn of(command: &'a Command, word: &[u8]) -> Self {
        match word {
            b"--" => Self::Escape,
            [b'-', b'-', long @ ..] => Self::long(command, long),
            [b'-', cluster @ ..] if !cluster.is_empty() => Self::cluster(command, cluster),
            _ => Self::Positional,
        }
    }

    fn long(command: &'a Command, word: &[u8]) -> Self {
        let equals = word.iter().position(|&byte| byte == b'=');
        let name = word.get(..equals.unwrap_or(word.len())).unwrap_or_default();
        let is_named = |arg: &&Arg| arg.get_long().map(str::as_bytes) == Some(name);
        match command.get_arguments().find(is_named) {
            Some(arg) if takes_the_rest(arg) => Self::Rest,
            // After the two dashes, the name and the equals sign.
            Some(arg) if arg.get_action().takes_values() => {
                Self::Option(arg, equals.map(|at| 2 + at + 1))
            }
            Some(_) => Self::Flags,
            None => Self::Unknown,
        }
    }

    fn cluster(command: &'a Command, flags: &[u8]) -> Self {
        for (at, &flag) in flags.iter().enumerate() {
            let is_named = |arg: &&Arg| arg.get_short() == Some(char::from(flag));
            match command.get_arguments().find(is_named) {
                Some(arg) if arg.get_action().takes_values() => {
                    // After the dash and the letter; -P=secret is -Psecret.
                    return Self::Option(
                        arg,
                        match flags.get(at + 1) {
                            None => None,
                            Some(b'=') => Some(1 + at + 2),
                            Some(_) => Some(1 + at + 1),
                        },
                    );
                }
                Some(_) => {}
                None => return Self::Unknown,
            }
        }
        Self::Flags
    }
}

/// Whether all the words behind an option are its values, whatever they look like.
pub(crate) fn takes_the_rest(arg: &Arg) -> bool {
    arg.get_num_args()
        .is_some_and(|count| count.max_values() == usize::MAX)
}
