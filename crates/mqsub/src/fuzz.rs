//! What the fuzz targets reach of the private parts (feature `fuzz`): the format language.

use std::io::{self, Write};

use mqtools_common::message::Message;

use crate::format::{Format, Printed, Template};

/// A compiled format.
#[derive(Debug)]
pub struct Compiled(Format);

impl Compiled {
    /// Compiles the text of `-F`; on a `terminal`, what it would obey is shown instead.
    ///
    /// # Errors
    /// What is wrong with it, and the hint that goes with it.
    pub fn new(text: &[u8], pretty: bool, terminal: bool) -> Result<Self, (String, String)> {
        match Template::new(text, false, pretty) {
            Ok(template) => Ok(Self(Format::template(template).for_terminal(terminal))),
            Err(why) => Err((why.to_string(), why.hint())),
        }
    }

    /// Writes a message; gives why `%J` cannot.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, message: &Message, out: &mut impl Write) -> io::Result<Option<String>> {
        Ok(match self.0.write(message, out)? {
            Printed::Yes => None,
            Printed::Hex(why) | Printed::No(why) => Some(why.to_string()),
        })
    }
}
