//! Reading a command line: help is data, a usage error is a [`Report`] like any other.

mod several_words;
mod word;
mod wording;

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, FromArgMatches};

use crate::color;
#[cfg(feature = "client")]
use crate::defaults::{self, Variables};
use crate::exit::Exit;
#[cfg(feature = "client")]
use crate::generate::{self, Definition};
use crate::report::Report;
use crate::tool::Tool;
#[cfg(feature = "client")]
use crate::{scrub, stdio, tls};

pub use several_words::WORD_SEPARATOR;
pub(crate) use several_words::{ID as PROPERTY, first_of_property, words_after_name};
pub(crate) use word::Kind;
#[cfg(feature = "client")]
pub(crate) use word::takes_the_rest;
pub(crate) use wording::what;

/// What a command line asks for.
#[derive(Debug)]
pub enum Parsed<T> {
    /// To do something.
    Run(T),
    /// To see the help or the version: this text belongs on stdout.
    Show(String),
}

/// Runs a tool: parses its command line, with the options of its options file and of the
/// environment, and hands over to `work`, with the variables that count, which gives the exit code; help, version and usage
/// errors end here, and so do the texts of `--generate`. `quick` reads a plain command line without
/// the definition, and gives none of any other, nor of one that holds a secret.
#[cfg(feature = "client")]
pub fn run<T: FromArgMatches>(
    definition: &Definition,
    quick: impl FnOnce(&[OsString]) -> Option<Box<T>>,
    arguments: impl IntoIterator<Item = OsString>,
    work: impl FnOnce(Box<T>, Variables) -> Exit,
) -> Exit {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let tool = definition.tool;
    let name = tool.called_as(arguments.first());
    if let Some(args) = quick(&arguments).filter(|_| defaults::are_none(tool, name)) {
        return work(args, Variables::default());
    }
    if let Some(text) = generate::asked(definition, &arguments) {
        return stdio::show(&text);
    }
    match read(tool, (definition.command)(name), arguments) {
        Ok((Parsed::Run(args), variables)) => work(args, variables),
        Ok((Parsed::Show(text), _)) => stdio::show(&text),
        Err(report) => report.end(false),
    }
}

/// Parses the command line of a tool with the options that come from elsewhere.
#[cfg(feature = "client")]
#[inline(never)]
fn read<T: FromArgMatches>(
    tool: Tool,
    mut command: Command,
    arguments: Vec<OsString>,
) -> Result<(Parsed<Box<T>>, Variables), Report> {
    scrub::arguments(&command, &arguments);
    // Before the options file is looked at, which depends on what was typed.
    let arguments = several_words::join(&command, arguments);
    color::choose(&command, &arguments);
    let complete = defaults::complete(tool, &mut command, arguments);
    // It has been read by now.
    scrub::variable("MQ_PASSWORD");
    let complete = complete?;
    let version = format!("TLS: {}\n", tls::library());
    let parsed = parse_with(command, complete.arguments, &complete.sources, &version)?;
    let parsed = match parsed {
        Parsed::Run(args) => Parsed::Run(Box::new(args)),
        Parsed::Show(text) => Parsed::Show(text),
    };
    Ok((parsed, complete.variables))
}

/// Parses a command line, the tool's name first. Messages speak of the tool by the name that
/// `command` has.
///
/// # Errors
/// What is wrong with it, with a hint where to look.
pub fn parse<T: FromArgMatches>(
    command: Command,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Parsed<T>, Report> {
    let arguments = several_words::join(&command, arguments.into_iter().collect());
    parse_with(command, arguments, &[], "")
}

/// A command line whose parts do not fit together.
pub fn misuse(error: impl Into<String>) -> Report {
    Report::new(Exit::USAGE, error)
}

/// Parses a command line that has options from other places in it, and each property's words as
/// one; `version` follows what clap says about the version.
fn parse_with<T: FromArgMatches>(
    mut command: Command,
    arguments: Vec<OsString>,
    sources: &[String],
    version: &str,
) -> Result<Parsed<T>, Report> {
    let name = command.get_name().to_owned();
    color::choose(&command, &arguments);
    let parsed = command
        .try_get_matches_from_mut(&arguments)
        .and_then(|mut matches| T::from_arg_matches_mut(&mut matches));
    let error = match parsed {
        Ok(args) => return Ok(Parsed::Run(args)),
        Err(error) => error,
    };
    if !error.use_stderr() {
        let mut text = if color::on_stdout() {
            error.render().ansi().to_string()
        } else {
            error.to_string()
        };
        if error.kind() == ErrorKind::DisplayVersion {
            text.push_str(version);
        }
        return Ok(Parsed::Show(text));
    }
    let text = error.to_string();
    // clap writes paragraphs: the error, perhaps tips, the usage. Its tip to put `--` before a
    // mistyped option helps nobody.
    let mut paragraphs = text.split("\n\n").map(|paragraph| {
        let words: Vec<_> = paragraph.split_whitespace().collect();
        words.join(" ")
    });
    let error_text = what(&error, &command, &arguments);
    let similar = paragraphs
        .find_map(|words| words.strip_prefix("tip: ").map(str::to_owned))
        .filter(|tip| tip.contains("similar"))
        .map_or_else(String::new, |tip| format!("{tip}; "));
    let hint = first_hint(&error, &name).unwrap_or(similar);
    let report = misuse(error_text).hint(format!("{hint}{name} --help lists the options"));
    // What asks for the missing one may not have been typed.
    if error.kind() == ErrorKind::MissingRequiredArgument && !sources.is_empty() {
        return Err(report.note(format!("options come from {}, too", sources.join(" and "))));
    }
    Err(report)
}

/// What each command line needs, as clap shows it.
const FIRST: [&str; 3] = ["--topic <", "--message <", "<PASSWORDFILE>"];

/// For somebody who tries a tool without knowing its options: what to try.
fn first_hint(error: &clap::Error, name: &str) -> Option<String> {
    let is_a_try = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::MissingRequiredArgument, Some(ContextValue::Strings(missing))) => missing
            .iter()
            .any(|one| FIRST.iter().any(|first| one.contains(first))),
        (ErrorKind::UnknownArgument, Some(ContextValue::String(word))) => !word.starts_with('-'),
        _ => false,
    };
    let tool = Tool::named(name).filter(|_| is_a_try)?;
    Some(format!("for example {name} {}; ", tool.first_words))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    #[command(name = "tool")]
    struct Args {
        #[arg(long, value_parser = clap::value_parser!(u8).range(1..))]
        level: Option<u8>,
    }

    fn parsed(words: &[&str]) -> Result<Parsed<Args>, Report> {
        parse(Args::command(), words.iter().map(OsString::from))
    }

    #[test]
    fn a_usage_error_says_what_to_do_next() {
        let report = parsed(&["tool", "--level", "0"]).unwrap_err();
        assert_eq!(report.exit(), Exit::USAGE);
        assert_eq!(
            report.to_string(),
            "error: invalid value '0' for '--level <LEVEL>': it must be 1 to 255\n\
             hint: tool --help lists the options\n"
        );
        let report = parsed(&["tool", "--levle", "1"]).unwrap_err();
        assert!(
            report
                .to_string()
                .contains("hint: a similar argument exists: '--level'")
        );
    }

    #[test]
    fn help_is_text_to_show() {
        let Ok(Parsed::Show(help)) = parsed(&["tool", "--help"]) else {
            panic!("help is not an error");
        };
        assert!(help.contains("--level"));
        assert!(matches!(
            parsed(&["tool"]),
            Ok(Parsed::Run(Args { level: None }))
        ));
    }
}
