//! How a message looks on standard output. Knows no sockets.

mod compile;
mod decode;
mod json;
mod layout;
mod template;
#[cfg(test)]
mod tests;
mod time;
mod transcode;

use std::io::{self, Write};

use mqtools_common::escape::{Style, escape_for_terminal};
use mqtools_common::message::{Message, View};

use self::decode::Text;
pub(crate) use self::decode::{NotDecoded, PayloadAs};
pub(crate) use self::json::user_properties;
pub(crate) use self::template::Template;
use self::time::Moment;

/// What is written for each message.
#[derive(Debug)]
pub(crate) struct Format {
    body: Body,
    decoder: Option<Box<Decoder>>,
}

#[derive(Debug)]
enum Body {
    /// The payload.
    Plain {
        topic: bool,
        newline: bool,
        /// What a terminal would obey is shown.
        terminal: bool,
    },
    /// `-F`
    Template(Box<Template>),
}

/// What `--payload-as` asks for.
#[derive(Debug)]
pub(crate) struct Decoder {
    pub(crate) payload_as: PayloadAs,
    /// Indent JSON.
    pub(crate) pretty: bool,
    /// `--exit-on-error`: nothing is written of what does not decode.
    pub(crate) strict: bool,
}

/// Whether something was written.
#[derive(Debug)]
pub(crate) enum Printed {
    Yes,
    /// The payload does not decode, and is written in hexadecimal digits.
    Hex(NotDecoded),
    /// The payload does not decode, and so nothing of the message was written.
    No(NotDecoded),
}

impl Format {
    /// The payload, with `-v` the topic first, and without `-N` a newline behind it.
    pub(crate) fn plain(topic: bool, newline: bool) -> Self {
        Self {
            body: Body::Plain {
                topic,
                newline,
                terminal: false,
            },
            decoder: None,
        }
    }

    pub(crate) fn template(template: Template) -> Self {
        Self {
            body: Body::Template(Box::new(template)),
            decoder: None,
        }
    }

    /// Chooses whether what comes from a message, and a terminal would obey, is shown in another
    /// form.
    pub(crate) fn for_terminal(mut self, yes: bool) -> Self {
        match &mut self.body {
            Body::Plain { terminal, .. } => *terminal = yes,
            Body::Template(template) => template.for_terminal(yes),
        }
        self
    }

    /// The moment of messages that arrived together and are printed together; None where none is
    /// told. To look at the clock for each of them takes longer than to print it.
    pub(crate) fn moment(&self) -> Option<Moment<'_>> {
        match &self.body {
            Body::Plain { .. } => None,
            Body::Template(template) => Some(template.moment()),
        }
    }

    /// Writes one message of that moment, where [every message is written](Self::is_sure).
    #[inline]
    pub(crate) fn show_surely(
        &self,
        message: View<'_>,
        moment: Option<&Moment<'_>>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        match (&self.body, moment) {
            (
                &Body::Plain {
                    topic,
                    newline,
                    terminal: false,
                },
                _,
            ) => {
                let topic = topic.then_some(message.topic);
                plain(topic, message.payload, newline, out)
            }
            (Body::Template(template), Some(moment)) => {
                template.write_at(moment, message, None, out).map(drop)
            }
            _ => self.show(message, out).map(drop),
        }
    }

    /// Whether every message is written, whatever it says.
    pub(crate) fn is_sure(&self) -> bool {
        let body = match &self.body {
            Body::Plain { .. } => true,
            Body::Template(template) => template.is_sure(),
        };
        body && self.decoder.is_none()
    }

    /// Writes what the payloads are decoded to.
    pub(crate) fn decoded(mut self, decoder: Option<Decoder>) -> Self {
        self.decoder = decoder.map(Box::new);
        self
    }

    /// Writes one message. Without `-F`, an empty payload prints nothing at all, not even a
    /// newline, unless the topic is printed with it.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn write(&self, message: &Message, out: &mut impl Write) -> io::Result<Printed> {
        self.show(message.view(), out)
    }

    /// The same.
    pub(crate) fn show(&self, message: View<'_>, out: &mut impl Write) -> io::Result<Printed> {
        let Some(decoder) = &self.decoder else {
            return self.body.write(message, None, out);
        };
        match decoder.payload_as.decode(message.payload, decoder.pretty) {
            Ok(text) => self.body.write(message, Some(&text), out),
            Err(why) if decoder.strict => Ok(Printed::No(why)),
            Err(why) => {
                let text = decode::hexadecimal(message.payload);
                self.body.write(message, Some(&text), out)?;
                Ok(Printed::Hex(why))
            }
        }
    }
}

impl Body {
    /// Writes a message, with another text in place of its payload if that is given.
    fn write(
        &self,
        message: View<'_>,
        text: Option<&Text<'_>>,
        out: &mut impl Write,
    ) -> io::Result<Printed> {
        let payload = text.map_or(message.payload, |text| &text.bytes);
        match self {
            Self::Plain {
                topic,
                newline,
                terminal,
            } => {
                let topic = topic.then_some(message.topic);
                if *terminal {
                    plain_on_terminal(topic, payload, *newline, out)
                } else {
                    plain(topic, payload, *newline, out)
                }?;
                Ok(Printed::Yes)
            }
            Self::Template(template) => template.write(message, text, out),
        }
    }
}

// For each message: a call would cost as much as what it does.
#[inline(always)]
fn plain(
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
    topic: Option<&[u8]>,
    payload: &[u8],
    newline: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut shown = Vec::new();
    escape_for_terminal(payload, Style::Text, &mut shown)?;
    let mut name = Vec::new();
    escape_for_terminal(topic.unwrap_or_default(), Style::Line, &mut name)?;
    plain(topic.map(|_| &*name), &shown, newline, out)
}
