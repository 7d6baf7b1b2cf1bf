//! Whether what is said to people has colours. Data never has any.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::atomic::{AtomicU8, Ordering};

use anstyle::{AnsiColor, Style};
use clap::builder::PossibleValue;
use clap::{Args, Command, ValueEnum};

use crate::usage::Kind;

/// The option, for the tools' definitions.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct ColorArgs {
    /// Whether errors, warnings and help have colours: auto, the default (on a terminal, unless
    /// NO_COLOR is set), always or never
    #[arg(long, value_name = "WHEN", hide_possible_values = true)]
    // By the time there is a value it has been used.
    color: Option<When>,
}

/// When there are colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u8)]
enum When {
    /// On a terminal that has them, unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

impl ValueEnum for When {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::Always, Self::Never]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }))
    }
}

/// What `--color` says; one for the process, because errors come from everywhere.
static CHOSEN: AtomicU8 = AtomicU8::new(When::Auto as u8);

/// How a line to a person begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    Error,
    Cause,
    Hint,
    Note,
    Warning,
    Progress,
    Debug,
}

impl Label {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Error => "error:",
            Self::Cause => "cause:",
            Self::Hint => "hint:",
            Self::Note => "note:",
            Self::Warning => "warning:",
            Self::Progress => "progress:",
            Self::Debug => "debug:",
        }
    }

    pub(crate) fn style(self) -> Style {
        match self {
            Self::Error => AnsiColor::Red.on_default().bold(),
            Self::Warning => AnsiColor::Yellow.on_default().bold(),
            Self::Hint => AnsiColor::Green.on_default().bold(),
            Self::Cause | Self::Note | Self::Progress => Style::new().bold(),
            Self::Debug => Style::new().dimmed(),
        }
    }
}

/// Looks for `--color` on a command line, the tool's name first: errors of the command line itself
/// have colours or not, too.
pub(crate) fn choose(command: &Command, arguments: &[OsString]) {
    let is_it = |word: &&OsString| word.as_bytes().starts_with(b"--color");
    // Nearly always there is nothing to do.
    if !arguments.iter().any(|word| is_it(&word)) {
        return;
    }
    let mut words = arguments.iter().skip(1);
    while let Some(word) = words.next() {
        let bytes = word.as_bytes();
        match Kind::of(command, bytes) {
            Kind::Escape | Kind::Rest => return,
            Kind::Option(arg, start) => {
                let value = match start {
                    Some(start) => bytes.get(start..),
                    None => words.next().map(|word| word.as_bytes()),
                };
                let value = value.and_then(|value| std::str::from_utf8(value).ok());
                if arg.get_id() == "color"
                    && let Some(Ok(when)) = value.map(|value| When::from_str(value, false))
                {
                    CHOSEN.store(when as u8, Ordering::Relaxed);
                }
            }
            Kind::Positional | Kind::Flags | Kind::Unknown => {}
        }
    }
}

/// Whether what goes to stderr has colours.
pub(crate) fn on_stderr() -> bool {
    is_on(io::stderr())
}

/// Whether help, which goes to stdout, has colours.
pub(crate) fn on_stdout() -> bool {
    is_on(io::stdout())
}

fn is_on(stream: impl IsTerminal) -> bool {
    const ALWAYS: u8 = When::Always as u8;
    const NEVER: u8 = When::Never as u8;
    match CHOSEN.load(Ordering::Relaxed) {
        ALWAYS => true,
        NEVER => false,
        _ => stream.is_terminal() && !is_unwanted(),
    }
}

/// no-color.org: any value but the empty one.
fn is_unwanted() -> bool {
    let is_set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    is_set("NO_COLOR").is_some() || is_set("TERM").is_none_or(|term| term == "dumb")
}
