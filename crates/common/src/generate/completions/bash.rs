//! bash: a function around clap_complete's, which it asks for all but the words of `-D` and of
//! `--exec`, and for `--option=`, whose equals sign is a word to bash.

use std::fmt::Write as _;

use clap::Command;

use super::{PROPERTIES, SWITCHES, has, has_properties};

/// The script with the function behind it. `complete` takes the last that it is told.
pub(super) fn amended(mut text: String, shape: &Command, name: &str) -> String {
    let mut own = String::new();
    if has(shape, "exec") {
        own.push_str(EXEC);
    }
    if has_properties(shape) {
        own.push_str(&properties());
    }
    let rest = REST.replace("{own}", &own).replace("{tool}", name);
    text.push_str(&rest);
    text
}

const EXEC: &str = r#"    for ((at = 1; at < COMP_CWORD; at++)); do
        if [[ "${COMP_WORDS[at]}" == --exec ]]; then
            if ((COMP_CWORD == at + 1)); then
                COMPREPLY=($(compgen -c -- "$2"))
            fi
            # Without an answer, bash completes files.
            return 0
        fi
    done
"#;

/// The property's words: the packet, the name, the value, of a User Property two.
fn properties() -> String {
    let commands: Vec<_> = PROPERTIES.iter().map(|(command, _)| *command).collect();
    let mut names = String::new();
    for (command, known) in PROPERTIES {
        let _ = writeln!(
            names,
            "            {command}) words=\"{}\" ;;",
            known.join(" ")
        );
    }
    let switches = SWITCHES.join(" | ");
    let back = |count: usize| format!("\"${{COMP_WORDS[COMP_CWORD - {count}]}}\"");
    let is_option = |count: usize| {
        format!(
            "((COMP_CWORD > {count})) && [[ {word} == -D || {word} == --property ]]",
            word = back(count)
        )
    };
    format!(
        r#"    if {first}; then
        COMPREPLY=($(compgen -W "{commands}" -- "$2"))
        return 0
    elif {second}; then
        case {one} in
{names}            *) _{{tool}}_nothing ;;
        esac
        COMPREPLY=($(compgen -W "$words" -- "$2"))
        return 0
    elif {third}; then
        case {one} in
            {switches}) COMPREPLY=($(compgen -W "0 1" -- "$2")) ;;
            *) _{{tool}}_nothing ;;
        esac
        return 0
    elif {fourth} && [[ {two} == user-property ]]; then
        _{{tool}}_nothing
        return 0
    fi
"#,
        first = is_option(1),
        commands = commands.join(" "),
        second = is_option(2),
        one = back(1),
        third = is_option(3),
        fourth = is_option(4),
        two = back(2),
    )
}

const REST: &str = r#"
_{tool}_nothing() {
    COMPREPLY=()
    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
        compopt +o default +o bashdefault 2>/dev/null
    fi
}

_{tool}_words() {
    local at words=""
{own}    if [[ "${COMP_WORDS[COMP_CWORD]}" == = ]]; then
        _{tool} "$1" "" "${COMP_WORDS[COMP_CWORD - 1]}"
    elif ((COMP_CWORD > 2)) && [[ "${COMP_WORDS[COMP_CWORD - 1]}" == = ]]; then
        _{tool} "$1" "$2" "${COMP_WORDS[COMP_CWORD - 2]}"
    else
        _{tool} "$@"
    fi
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _{tool}_words -o nosort -o bashdefault -o default {tool}
else
    complete -F _{tool}_words -o bashdefault -o default {tool}
fi
"#;
