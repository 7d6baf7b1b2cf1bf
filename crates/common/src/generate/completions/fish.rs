//! fish: more lines behind clap_complete's, for the words of `-D` and of `--exec`.

use std::fmt::Write as _;

use clap::Command;

use super::{PROPERTIES, SWITCHES, has, has_properties};

/// The script with the lines behind it.
pub(super) fn amended(mut text: String, shape: &Command, name: &str) -> String {
    if !has_properties(shape) {
        return text;
    }
    // There are no words beside the options and what belongs to them.
    let _ = writeln!(text, "complete -c {name} -f");
    if has(shape, "exec") {
        text.push_str(&EXEC.replace("{tool}", name));
    }
    text.push_str(&HELPERS.replace("{tool}", name));
    let commands: Vec<_> = PROPERTIES.iter().map(|(command, _)| *command).collect();
    let _ = writeln!(
        text,
        "complete -c {name} -s D -l property -x -a '{}'",
        commands.join(" ")
    );
    for (command, known) in PROPERTIES {
        let _ = writeln!(
            text,
            "complete -c {name} -n '__{name}_property_of {command}' -f -a '{}'",
            known.join(" ")
        );
    }
    let _ = writeln!(
        text,
        "complete -c {name} -n '__{name}_switch {}' -f -a '0 1'",
        SWITCHES.join(" ")
    );
    text
}

const EXEC: &str = "complete -c {tool} -n 'contains -- --exec (commandline -opc)' -F\n";

const HELPERS: &str = r"function __{tool}_property_of
    set -l words (commandline -opc)
    contains -- $words[-2] -D --property
    and test $words[-1] = $argv[1]
end
function __{tool}_switch
    set -l words (commandline -opc)
    test (count $words) -gt 2
    and contains -- $words[-3] -D --property
    and contains -- $words[-1] $argv
end
";
