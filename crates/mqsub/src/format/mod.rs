//! How a message looks on standard output. Knows no sockets.

mod compile;
mod json;
mod layout;
mod template;
#[cfg(test)]
mod tests;
mod time;

use std::io::{self, Write};

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
    /// Writes one message. Without `-F`, an empty payload prints nothing at all, not even a
    /// newline, unless the topic is printed with it.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn write(&self, message: &Message, out: &mut impl Write) -> io::Result<Printed> {
        match self {
            Self::Plain { topic, newline } => {
                plain(message, *topic, *newline, out).map(|()| Printed::Yes)
            }
            Self::Template(template) => template.write(message, out),
        }
    }
}

fn plain(message: &Message, topic: bool, newline: bool, out: &mut impl Write) -> io::Result<()> {
    if topic {
        out.write_all(message.topic.as_bytes())?;
        out.write_all(b" ")?;
        if message.payload.is_empty() {
            out.write_all(b"(null)")?;
        }
    } else if message.payload.is_empty() {
        return Ok(());
    }
    out.write_all(&message.payload)?;
    if newline {
        out.write_all(b"\n")?;
    }
    Ok(())
}
