//! Completions for shells: clap_complete's scripts, and in those for bash, zsh and fish what it has
//! no words for, the several words of `-D` and of `--exec`.

mod bash;
mod fish;
mod zsh;

use clap::builder::{Resettable, StyledStr};
use clap::{Arg, ArgAction, Command, Id};
use clap_complete::{Generator, Shell};

use super::{Kind, values};
/// The properties of each packet that `-D` knows, and those whose value is 0 or 1.
#[cfg(feature = "client")]
use crate::property::{NAMES as PROPERTIES, SWITCHES};

#[cfg(not(feature = "client"))]
const PROPERTIES: [(&str, &[&str]); 0] = [];
#[cfg(not(feature = "client"))]
const SWITCHES: [&str; 0] = [];

/// The script for a shell. `name` is the command that it completes.
pub(super) fn script(command: &Command, name: &'static str, kind: Kind) -> String {
    let shape = shape(command, name);
    let shell = match kind {
        Kind::Zsh => Shell::Zsh,
        Kind::Fish => Shell::Fish,
        Kind::Powershell => Shell::PowerShell,
        Kind::Elvish => Shell::Elvish,
        Kind::Bash | Kind::Man => Shell::Bash,
    };
    let mut text = Vec::new();
    // Memory takes every byte.
    let _ = shell.try_generate(&shape, &mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    match shell {
        Shell::Bash => bash::amended(text, &shape, name),
        Shell::Zsh => zsh::amended(text, &shape, name),
        Shell::Fish => fish::amended(text, &shape, name),
        _ => text,
    }
}

/// What a shell has to know of a definition: its visible options, in short words, and what their
/// values are.
fn shape(command: &Command, name: &'static str) -> Command {
    let mut command = command.clone();
    command.build();
    let visible = |arg: &&Arg| !arg.is_hide_set();
    let args = command.get_arguments().filter(visible).map(|of| {
        let conflicts = command.get_arg_conflicts_with(of).into_iter();
        let conflicts = conflicts.filter(visible).map(|arg| arg.get_id().clone());
        shape_of(of).conflicts_with_all(conflicts.collect::<Vec<_>>())
    });
    let mut shape = Command::new(name)
        .bin_name(name)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(args);
    shape.build();
    shape
}

/// What is only for reading a command line goes: it speaks of options that are not here.
fn shape_of(of: &Arg) -> Arg {
    const NONE: Resettable<Id> = Resettable::Reset;
    let arg = of
        .clone()
        .help(gist(&of.get_help().cloned().unwrap_or_default()))
        .conflicts_with(NONE)
        .overrides_with(NONE)
        .requires(NONE)
        .required_unless_present(NONE)
        .group(NONE);
    if of.get_action().takes_values() {
        values::told(arg)
    } else {
        arg.action(ArgAction::SetTrue)
    }
}

/// The first part of what the help says of an option: the rest has no room beside a list.
fn gist(help: &StyledStr) -> String {
    let help = help.to_string();
    let ends = ["; ", ". ", " ["];
    let end = ends.iter().filter_map(|end| help.find(end)).min();
    help.get(..end.unwrap_or(help.len()))
        .unwrap_or(&help)
        .to_owned()
}

/// Whether there is an option `-D` of several words.
fn has_properties(shape: &Command) -> bool {
    !PROPERTIES.is_empty() && has(shape, "property")
}

/// Whether there is an option of this name.
fn has(shape: &Command, id: &str) -> bool {
    shape.get_arguments().any(|arg| arg.get_id() == id)
}
