//! zsh: what follows `-D` and `--exec` in clap_complete's list of options is put in its place.

use std::fmt::Write as _;

use clap::Command;

use super::{PROPERTIES, SWITCHES, has, has_properties};

/// The script with the words of `-D` and of `--exec` in its list of options.
pub(super) fn amended(text: String, shape: &Command, name: &str) -> String {
    let mut text = text;
    if has(shape, "exec") {
        text = text.replace(":CMD:_command_names -e'", ":*::: :_normal'");
    }
    if has_properties(shape) {
        let commands: Vec<_> = PROPERTIES.iter().map(|(command, _)| *command).collect();
        let words = format!(
            ":packet:({}):property:_{name}_property:value:_{name}_property_value'",
            commands.join(" ")
        );
        text = text.replace(":CMD NAME VALUE:'", &words);
        // The list of options has no room for a fourth word: it is taken out before.
        let begin = "    _arguments ";
        text = text.replacen(begin, &format!("{USER_PROPERTY}{begin}"), 1);
        // Before the last paragraph, which calls the function.
        let functions = functions(name);
        if let Some(at) = text.rfind("if [ \"$funcstack[1]\"") {
            text.insert_str(at, &functions);
        }
    }
    text
}

const USER_PROPERTY: &str = r#"    local at
    for (( at = 6; at <= CURRENT; at++ )); do
        if [[ $words[at-4] == (-D|--property) && $words[at-2] == user-property ]]; then
            if (( at == CURRENT )); then
                _message value
                return
            fi
            words[at]=()
            (( CURRENT-- ))
        fi
    done
"#;

/// What completes the second and the third word.
fn functions(name: &str) -> String {
    let mut names = String::new();
    for (command, known) in PROPERTIES {
        let _ = writeln!(
            names,
            "        {command}) compadd -- {} ;;",
            known.join(" ")
        );
    }
    format!(
        r#"(( $+functions[_{name}_property] )) ||
_{name}_property() {{
    case "$words[CURRENT - 1]" in
{names}    esac
}}

(( $+functions[_{name}_property_value] )) ||
_{name}_property_value() {{
    case "$words[CURRENT - 1]" in
        ({switches}) compadd -- 0 1 ;;
        (*) _message value ;;
    esac
}}

"#,
        switches = SWITCHES.join("|"),
    )
}
