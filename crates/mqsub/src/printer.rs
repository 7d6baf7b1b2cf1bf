//! Formats for who prints messages: mqsub itself, and tools that print as it does.

use std::ffi::OsStr;
use std::io::{self, IsTerminal as _, Write};
use std::os::unix::ffi::OsStrExt as _;

use mqtools_common::message::Message;
use mqtools_common::report::{self, Report};
use mqtools_common::usage::misuse;

use crate::format::{Format, Printed, Template};

/// Writes messages to standard output as `mqsub`, or `mqsub -F`, does.
#[derive(Debug)]
pub struct Printer(Format);

impl Printer {
    /// Of payloads, each with a newline, or of this format. What a terminal would obey is shown in
    /// another form there.
    ///
    /// # Errors
    /// A mistake in the format.
    pub fn new(format: Option<&OsStr>, quiet: bool) -> Result<Self, Report> {
        let format = match format {
            Some(text) => template(text, true, false, quiet)?,
            None => Format::plain(false, true),
        };
        Ok(Self(format.for_terminal(io::stdout().is_terminal())))
    }

    /// Writes a message; gives why nothing of it could be written, if so.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn print(&self, message: &Message, out: &mut impl Write) -> io::Result<Option<String>> {
        Ok(match self.0.write(message, out)? {
            Printed::Yes | Printed::Hex(_) => None,
            Printed::No(why) => Some(why.to_string()),
        })
    }
}

/// Reads a format.
pub(crate) fn template(
    text: &OsStr,
    newline: bool,
    pretty: bool,
    quiet: bool,
) -> Result<Format, Report> {
    let template = Template::new(text.as_bytes(), newline, pretty).map_err(|why| {
        misuse(format!("-F {text:?} is not a valid format"))
            .cause(&why)
            .hint(why.hint())
    })?;
    if let Some(zone) = template.unknown_zone()
        && !quiet
    {
        report::warn(format!("TZ={zone:?} is no time zone: times are in UTC"));
    }
    Ok(Format::template(template))
}
