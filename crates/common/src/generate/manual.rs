//! The manual page: clap's definition for the names, the synopsis and the options, and sections
//! that were written by hand.

use std::io;

use clap::builder::StyledStr;
use clap::{Arg, Command};
use clap_mangen::Man;

/// When the pages were last changed in substance. Not the day of a build: the same sources make the
/// same page.
const DATE: &str = "2026-11-23";

/// The sections of a manual page that no definition has, in the macros of man(7). `{tool}` stands
/// for the name that the tool is called by; dashes, quotes and the like are written as they are
/// meant, a backslash as `\e`.
#[derive(Debug, Clone, Copy)]
pub struct Manual {
    /// What comes before the options: the description.
    pub before_options: &'static str,
    /// The sections behind them.
    pub after_options: &'static [&'static str],
}

/// The page of a tool that is called by this name.
pub(super) fn page(command: Command, name: &'static str, manual: &Manual) -> String {
    let usage = forms(&command, name);
    let command = command
        .override_usage(usage)
        .disable_help_subcommand(true)
        .mut_args(with_values_in_help);
    let version = command.get_version().unwrap_or_default().to_owned();
    let man = Man::new(command)
        .title(name.to_uppercase())
        .date(DATE)
        .source(format!("mqtools {version}"))
        .manual("User Commands");
    let generated = |render: &dyn Fn(&mut Vec<u8>) -> io::Result<()>| {
        let mut text = Vec::new();
        // Memory takes every byte.
        let _ = render(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    };
    let mut page = generated(&|text| {
        man.render_title(text)?;
        man.render_name_section(text)?;
        man.render_synopsis_section(text)
    });
    page.push_str(&written(manual.before_options, name));
    page.push_str(&options(&generated(&|text| {
        man.render_options_section(text)
    })));
    for section in manual.after_options {
        page.push_str(&written(section, name));
    }
    page
}

/// The lines of the usage, each form of the command on one.
fn forms(command: &Command, name: &str) -> String {
    let usage = command.get_overridden_usage();
    let usage = usage.map(StyledStr::to_string).unwrap_or_default();
    let mut forms = String::new();
    for line in usage.lines() {
        let line = line.trim();
        if !forms.is_empty() {
            forms.push(if line.starts_with(name) { '\n' } else { ' ' });
        }
        forms.push_str(line);
    }
    forms
}

/// The default and the values of an option behind its help, as there: clap_mangen puts the one into
/// its heading, and the others one below the other.
fn with_values_in_help(arg: Arg) -> Arg {
    if !arg.get_action().takes_values() {
        return arg;
    }
    let mut help = arg.get_help().map(StyledStr::to_string).unwrap_or_default();
    for value in arg.get_default_values() {
        help.push_str(&format!(" [default: {}]", value.display()));
    }
    let values = arg.get_possible_values();
    let shown = values.iter().filter(|value| !value.is_hide_set());
    let shown: Vec<_> = shown.map(|value| value.get_name()).collect();
    if !shown.is_empty() && !arg.is_hide_possible_values_set() {
        help.push_str(&format!(" [possible values: {}]", shown.join(", ")));
    }
    arg.help(help)
        .hide_default_value(true)
        .hide_possible_values(true)
}

/// The options as one section with the groups of the help as its parts.
fn options(generated: &str) -> String {
    let mut section = String::from(".SH OPTIONS\n");
    for line in generated.lines() {
        match line.strip_prefix(".SH ").map(|name| name.trim_matches('"')) {
            // Those without a group.
            Some("OPTIONS") => {}
            Some(name) => {
                section.push_str(".SS ");
                section.push_str(&title(name));
                section.push('\n');
            }
            None => {
                section.push_str(line);
                section.push('\n');
            }
        }
    }
    section
}

/// A heading in capitals as the help writes it: abbreviations stay.
fn title(heading: &str) -> String {
    let (first, rest) = heading.split_at(heading.len().min(1));
    match heading {
        "TLS" => heading.to_owned(),
        _ => format!("{first}{}", rest.to_lowercase()),
    }
}

/// What was written by hand, for a tool of this name, as roff wants it.
fn written(text: &str, name: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for character in text.replace("{tool}", name).chars() {
        match character {
            // A hyphen, a typographic quote or accent instead could not be copied to a shell.
            '-' => escaped.push_str("\\-"),
            '\'' => escaped.push_str("\\(aq"),
            '`' => escaped.push_str("\\(ga"),
            '^' => escaped.push_str("\\(ha"),
            '~' => escaped.push_str("\\(ti"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_text_can_be_copied_from_a_terminal() {
        assert_eq!(
            written(".B {tool}\n$ {tool} -m 'a' ~/x\n", "mqpub"),
            ".B mqpub\n$ mqpub \\-m \\(aqa\\(aq \\(ti/x\n"
        );
    }

    #[test]
    fn each_form_of_the_usage_is_one_line() {
        let usage = "tool [OPTIONS]\n      {-a | -b}\n tool -c";
        let command = Command::new("tool").override_usage(usage);
        assert_eq!(forms(&command, "tool"), "tool [OPTIONS] {-a | -b}\ntool -c");
    }

    #[test]
    fn options_are_one_section() {
        assert_eq!(
            options(".SH OPTIONS\n.TP\na\n.SH CONNECTION\n.TP\nb\n.SH TLS\n"),
            ".SH OPTIONS\n.TP\na\n.SS Connection\n.TP\nb\n.SS TLS\n"
        );
    }
}
