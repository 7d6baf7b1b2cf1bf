//! How a message looks on standard output. Knows no sockets.

mod compile;
mod json;
mod layout;
mod template;
#[cfg(test)]
mod tests;
mod time;

use std::io::{self, Write};

use mqtools_common::escape::{Style, escape_for_terminal};
use mqtools_common::message::Message;

pub(crate) use self::json::NotJson;
pub(crate) use self::template::Template;

/// What is written for each message.
#[derive(Debug)]
pub(crate) enum Format {
    /// The payload.
    Plain {
        /// `-v`: the topic first.
        topic: bool,
        /// Not with `-N`.
        newline: bool,
        /// What a terminal would obey is shown.
        terminal: bool,
    },
    /// `-F`
    Template(Box<Template>),
}

/// Whether something was written.
#[derive(Debug)]
pub(crate) enum Printed {
    Yes,
    /// `%J` cannot show this payload, and so nothing of the message was written.
    No(NotJson),
}

impl Format {
    /// Chooses whether what comes from a message, and a terminal would obey, is shown in another
    /// form.
    pub(crate) fn for_terminal(mut self, yes: bool) -> Self {
        match &mut self {
            Self::Plain { terminal, .. } => *terminal = yes,
            Self::Template(template) => template.for_terminal(yes),
        }
        self
    }

    /// Writes one message. Without `-F`, an empty payload prints nothing at all, not even a
    /// newline, unless the topic is printed with it.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn write(&self, message: &Message, out: &mut impl Write) -> io::Result<Printed> {
        match self {
            Self::Plain {
                topic,
                newline,
                terminal,
            } => {
                if *terminal {
                    plain_on_terminal(message, *topic, *newline, out)
                } else {
                    plain(message, *topic, *newline, out)
                }?;
                Ok(Printed::Yes)
            }
            Self::Template(template) => template.write(message, out),
        }
    }
}

fn plain(message: &Message, topic: bool, newline: bool, out: &mut impl Write) -> io::Result<()> {
    let topic = topic.then_some(message.topic.as_bytes());
    pieces(topic, &message.payload, newline, out)
}

fn pieces(
    topic: Option<&[u8]>,
    payload: &[u8],
    newline: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    if let Some(topic) = topic {
        out.write_all(topic)?;
        out.write_all(b" ")?;
        if payload.is_empty() {
            out.write_all(b"(null)")?;
        }
    } else if payload.is_empty() {
        return Ok(());
    }
    out.write_all(payload)?;
    if newline {
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn plain_on_terminal(
    message: &Message,
    topic: bool,
    newline: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut shown = Vec::new();
    escape_for_terminal(&message.payload, Style::Text, &mut shown)?;
    let mut name = Vec::new();
    escape_for_terminal(message.topic.as_bytes(), Style::Line, &mut name)?;
    pieces(topic.then_some(&*name), &shown, newline, out)
}
