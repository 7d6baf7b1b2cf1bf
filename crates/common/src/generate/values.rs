//! What the values of the options are, for completions: a file, a folder, one of a few words. The
//! definitions say it by the name that the help has for a value, which costs a run nothing.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ValueHint};

/// What a value is.
enum Kind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A host.
    Host,
    /// A user of the machine.
    User,
    /// The name of a command.
    Command,
    /// One of these, perhaps among others.
    Words(&'static [&'static str]),
}

/// The kinds of values, by the names that the help has for them. What is not here, and of which the
/// definition lists no values, is nothing that a shell could know.
const KINDS: [(&str, Kind); 14] = [
    ("FILE", Kind::File),
    ("PATH", Kind::File),
    ("SOURCE", Kind::File),
    ("PASSWORDFILE", Kind::File),
    ("PIDFILE|PID", Kind::File),
    ("DIR", Kind::Folder),
    ("HOST", Kind::Host),
    ("USER[:GROUP]", Kind::User),
    ("CMD", Kind::Command),
    ("QOS", Kind::Words(&["0", "1", "2"])),
    ("TIMES|max", Kind::Words(&["max"])),
    ("COUNT|forever", Kind::Words(&["forever"])),
    ("FORM", Kind::Words(&["pem"])),
    ("OCTAL", Kind::Words(&["600", "640", "644"])),
];

/// An option that says what its value is. Values that its definition lists stay.
pub(super) fn told(arg: Arg) -> Arg {
    let names = arg.get_value_names().unwrap_or_default();
    let name = names.first().map_or("", |name| name.as_str());
    let known = KINDS.iter().find(|(known, _)| *known == name);
    let Some((name, kind)) = known else {
        let has_list = arg.get_value_parser().possible_values().is_some();
        return if has_list {
            arg
        } else {
            arg.value_hint(ValueHint::Other)
        };
    };
    // A colon ends the name in zsh.
    let arg = match name.split_once("[:") {
        Some((name, _)) => arg.value_name(name),
        None => arg,
    };
    match kind {
        Kind::File => arg.value_hint(ValueHint::FilePath),
        Kind::Folder => arg.value_hint(ValueHint::DirPath),
        Kind::Host => arg.value_hint(ValueHint::Hostname),
        Kind::User => arg.value_hint(ValueHint::Username),
        Kind::Command => arg.value_hint(ValueHint::CommandName),
        Kind::Words(words) => arg.value_parser(PossibleValuesParser::new(words.iter())),
    }
}
