//! A compiled format, and how it is filled in with a message.

use std::io::{self, Write};

use jiff::tz::TimeZone;
use mqtools_common::escape::{Style, escape_for_terminal};
use mqtools_common::message::View;
use mqtools_common::property::PublishProperties;

use super::Printed;
use super::compile::{FormatError, compile};
use super::decode::{Kind, Text};
use super::json;
use super::layout::Layout;
use super::time::{Clock, Moment, local_zone};

const ISO_8601: &str = "%Y-%m-%dT%H:%M:%S%z";

/// The format of `-F`, ready to be filled in.
#[derive(Debug)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
    newline: bool,
    pretty: bool,
    /// `%J` is in it: the payload must be JSON.
    parses: bool,
    /// Some of it is not the same at any time.
    tells_time: bool,
    clock: Clock,
    /// What `TZ` says, where it means no zone.
    unknown_zone: Option<String>,
    /// What a terminal would obey is shown, unless it is the user's own text.
    terminal: bool,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Bytes that stand for themselves.
    Text(Vec<u8>),
    /// Something about the message.
    Field(Field, Layout),
    /// The local time, in a format of strftime.
    Time(String),
    /// `@N`
    Nanoseconds,
}

/// What a letter stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    TopicAlias,
    ContentType,
    CorrelationData,
    MessageExpiryInterval,
    PayloadFormatIndicator,
    LocalTime,
    Json,
    ParsedJson,
    Length,
    PacketId,
    UserProperties,
    Payload,
    Qos,
    ResponseTopic,
    Retain,
    SubscriptionIdentifier,
    Topic,
    UnixTime,
    Hex { upper: bool },
    Float,
    Double,
}

impl Field {
    pub(super) fn from_letter(letter: u8) -> Option<Self> {
        Some(match letter {
            b'A' => Self::TopicAlias,
            b'C' => Self::ContentType,
            b'D' => Self::CorrelationData,
            b'E' => Self::MessageExpiryInterval,
            b'F' => Self::PayloadFormatIndicator,
            b'I' => Self::LocalTime,
            b'j' => Self::Json,
            b'J' => Self::ParsedJson,
            b'l' => Self::Length,
            b'm' => Self::PacketId,
            b'P' => Self::UserProperties,
            b'p' => Self::Payload,
            b'q' => Self::Qos,
            b'R' => Self::ResponseTopic,
            b'r' => Self::Retain,
            b'S' => Self::SubscriptionIdentifier,
            b't' => Self::Topic,
            b'U' => Self::UnixTime,
            b'x' => Self::Hex { upper: false },
            b'X' => Self::Hex { upper: true },
            b'f' => Self::Float,
            b'd' => Self::Double,
            _ => return None,
        })
    }
}

impl Template {
    /// Compiles the text of `-F`.
    ///
    /// # Errors
    /// The first part of it that means nothing.
    pub(crate) fn new(text: &[u8], newline: bool, pretty: bool) -> Result<Self, FormatError> {
        let pieces = compile(text)?;
        let parses = |piece: &Piece| matches!(piece, Piece::Field(Field::ParsedJson, _));
        let tells_local_time = pieces.iter().any(|piece| {
            use Field::{Json, LocalTime, ParsedJson};
            matches!(
                piece,
                Piece::Time(_) | Piece::Field(LocalTime | Json | ParsedJson, _)
            )
        });
        let tells_other_time =
            |piece: &Piece| matches!(piece, Piece::Nanoseconds | Piece::Field(Field::UnixTime, _));
        // Looking the zone up reads files.
        let (zone, unknown_zone) = if tells_local_time {
            local_zone()
        } else {
            (TimeZone::UTC, None)
        };
        Ok(Self {
            parses: pieces.iter().any(parses),
            tells_time: tells_local_time || pieces.iter().any(tells_other_time),
            clock: Clock::new(zone),
            unknown_zone,
            pieces,
            newline,
            pretty,
            terminal: false,
        })
    }

    pub(super) fn for_terminal(&mut self, yes: bool) {
        self.terminal = yes;
    }

    /// Whether every message is written, whatever it says.
    pub(super) fn is_sure(&self) -> bool {
        !self.parses
    }

    /// What `TZ` says, when local times are printed and it means no zone: they are in UTC.
    pub(crate) fn unknown_zone(&self) -> Option<&str> {
        self.unknown_zone.as_deref()
    }

    /// Writes a message, all of it or nothing, with a text in place of its payload if there is one.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn write(
        &self,
        message: View<'_>,
        text: Option<&Text<'_>>,
        out: &mut impl Write,
    ) -> io::Result<Printed> {
        self.write_at(&self.moment(), message, text, out)
    }

    /// The present moment, where it matters.
    pub(crate) fn moment(&self) -> Moment<'_> {
        if self.tells_time {
            self.clock.now()
        } else {
            self.clock.never()
        }
    }

    /// Fills it in with a message of that moment.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn write_at(
        &self,
        moment: &Moment<'_>,
        message: View<'_>,
        text: Option<&Text<'_>>,
        out: &mut impl Write,
    ) -> io::Result<Printed> {
        let parsed = match text {
            None if self.parses => match json::compact(message.payload) {
                Ok(parsed) => parsed,
                Err(why) => return Ok(Printed::No(why)),
            },
            _ => String::new(),
        };
        let shown = Shown {
            message,
            text,
            parsed: &parsed,
        };
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.write_all(text)?,
                Piece::Time(format) => moment.strftime(format, out)?,
                Piece::Nanoseconds => moment.nanoseconds(out)?,
                Piece::Field(field, layout) if self.terminal => {
                    let mut text = Vec::new();
                    self.field(*field, layout, shown, moment, &mut text)?;
                    escape_for_terminal(&text, style(*field), out)?;
                }
                Piece::Field(field, layout) => self.field(*field, layout, shown, moment, out)?,
            }
        }
        if self.newline {
            out.write_all(b"\n")?;
        }
        Ok(Printed::Yes)
    }

    fn field(
        &self,
        field: Field,
        layout: &Layout,
        shown: Shown<'_>,
        moment: &Moment<'_>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let Shown {
            message,
            text,
            parsed,
        } = shown;
        let payload = match (field, text) {
            (Field::Json | Field::ParsedJson, Some(text)) => match &text.kind {
                Kind::Plain => json::Payload::Own,
                Kind::Encoded(encoding) => json::Payload::Encoded(&text.bytes, encoding),
                Kind::Json(json) => json::Payload::Json(json),
            },
            (Field::Json, None) => json::Payload::Own,
            (Field::ParsedJson, None) => json::Payload::Json(parsed),
            (Field::Payload, Some(text)) => return layout.payload(&text.bytes, out),
            (field, _) => return write_field(field, layout, message, moment, out),
        };
        json::message(message, payload, moment, self.pretty, out)
    }
}

/// What a template is filled in with.
#[derive(Debug, Clone, Copy)]
struct Shown<'a> {
    message: View<'a>,
    /// In place of the payload.
    text: Option<&'a Text<'a>>,
    /// The payload's own JSON, for `%J` without such a text.
    parsed: &'a str,
}

/// Payloads have lines, and JSON its own way to name a character.
fn style(field: Field) -> Style {
    match field {
        Field::Payload => Style::Text,
        Field::Json | Field::ParsedJson => Style::Json,
        _ => Style::Line,
    }
}

fn write_field(
    field: Field,
    layout: &Layout,
    message: View<'_>,
    moment: &Moment<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    let properties = message.properties;
    match field {
        // The session allows the broker none.
        Field::TopicAlias => layout.number(properties.and_then(|p| p.topic_alias), out),
        Field::ContentType => {
            let text = properties.and_then(|p| p.content_type.as_deref());
            layout.text(text.unwrap_or_default().as_bytes(), out)
        }
        Field::CorrelationData => {
            let bytes = properties.and_then(|p| p.correlation_data.as_deref());
            out.write_all(bytes.unwrap_or_default())
        }
        Field::MessageExpiryInterval => {
            layout.number(properties.and_then(|p| p.message_expiry_interval), out)
        }
        Field::PayloadFormatIndicator => {
            layout.number(properties.and_then(|p| p.payload_format_indicator), out)
        }
        Field::LocalTime => {
            let mut text = Vec::with_capacity(32);
            moment.strftime(ISO_8601, &mut text)?;
            layout.text(&text, out)
        }
        Field::Length => layout.number(Some(message.payload.len()), out),
        Field::PacketId => layout.number(Some(message.packet_id.unwrap_or(0)), out),
        Field::UserProperties => user_properties(properties, out),
        Field::Payload => layout.payload(message.payload, out),
        Field::Qos => out.write_all(&[b'0' + message.qos.level()]),
        // As the original: a missing one takes no room.
        Field::ResponseTopic => match properties.and_then(|p| p.response_topic.as_deref()) {
            Some(topic) => layout.text(topic.as_bytes(), out),
            None => Ok(()),
        },
        Field::Retain => out.write_all(if message.retain { b"1" } else { b"0" }),
        Field::SubscriptionIdentifier => {
            let first = properties.and_then(|p| p.subscription_identifiers.first());
            layout.number(first.copied(), out)
        }
        Field::Topic => layout.text(message.topic, out),
        Field::UnixTime => moment.unix(out),
        Field::Hex { upper } => layout.hex(message.payload, upper, out),
        Field::Float => {
            let bytes = <[u8; 4]>::try_from(message.payload).ok();
            layout.float(bytes.map(|b| f32::from_ne_bytes(b).into()), out)
        }
        Field::Double => {
            let bytes = <[u8; 8]>::try_from(message.payload).ok();
            layout.float(bytes.map(f64::from_ne_bytes), out)
        }
        // Written by the caller.
        Field::Json | Field::ParsedJson => Ok(()),
    }
}

/// `key:value`, joined by spaces.
fn user_properties(properties: Option<&PublishProperties>, out: &mut impl Write) -> io::Result<()> {
    let pairs = properties.map_or(&[][..], |p| &p.user_properties);
    for (index, (key, value)) in pairs.iter().enumerate() {
        if index > 0 {
            out.write_all(b" ")?;
        }
        out.write_all(key.as_bytes())?;
        out.write_all(b":")?;
        out.write_all(value.as_bytes())?;
    }
    Ok(())
}
