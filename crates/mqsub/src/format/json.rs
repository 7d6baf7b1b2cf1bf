//! `%j` and `%J`: a message as one JSON object, and the JSON of a payload put on one line.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mqtools_common::message::{Qos, View};
use mqtools_common::property::PublishProperties;
use serde_json::value::RawValue;

use super::decode::NotDecoded;
use super::time::Moment;

/// How an object begins, before and behind the microseconds.
static BEGINNING: [&str; 2] = ["{\"tst\":\"%Y-%m-%dT%H:%M:%S.", "%z\",\"topic\":\""];

/// What of fewer bytes is looked at one by one.
const SHORT: usize = 24;

/// Deeper ones could not be indented in reasonable space; the original's limit too.
const MAX_DEPTH: usize = 1000;

/// The JSON of a payload on one line, without spaces. Members keep their order and numbers
/// their digits. An empty payload is `null`.
///
/// # Errors
/// What is not JSON about it.
pub(crate) fn compact(payload: &[u8]) -> Result<String, NotDecoded> {
    if payload.is_empty() {
        return Ok("null".to_owned());
    }
    let text = std::str::from_utf8(payload).map_err(|_| not_json("it is not valid UTF-8"))?;
    let _: &RawValue = serde_json::from_str(text).map_err(not_json)?;
    let mut compact = String::with_capacity(text.len());
    let mut depth = 0_usize;
    for token in Tokens(text) {
        match token {
            "{" | "[" => depth += 1,
            "}" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            let why = format!("it is nested more than {MAX_DEPTH} levels deep");
            return Err(not_json(why));
        }
        if token.contains('\\') {
            let plain: String = serde_json::from_str(token).map_err(not_json)?;
            compact += &serde_json::to_string(&plain).map_err(not_json)?;
        } else {
            compact += token;
        }
    }
    Ok(compact)
}

fn not_json(why: impl std::fmt::Display) -> NotDecoded {
    NotDecoded::new("JSON", why)
}

/// The member `payload` of an object.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Payload<'a> {
    /// The message's own, as a string.
    Own,
    /// The JSON of it.
    Json(&'a str),
    /// It in this encoding, and what that is called.
    Encoded(&'a [u8], &'static str),
}

/// Writes a message as an object.
///
/// # Errors
/// Those of `out`.
pub(crate) fn message(
    message: View<'_>,
    payload: Payload<'_>,
    moment: &Moment<'_>,
    pretty: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    if !pretty {
        return object(message, payload, moment, out);
    }
    let mut json = Vec::new();
    object(message, payload, moment, &mut json)?;
    indent(std::str::from_utf8(&json).unwrap_or_default(), out)
}

fn object(
    message: View<'_>,
    payload: Payload<'_>,
    moment: &Moment<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    // Of few and large pieces: each costs as much as to look at its bytes.
    moment.with_microseconds(BEGINNING, out)?;
    if is_plain(message.topic) {
        out.write_all(message.topic)?;
    } else {
        let quoted = serde_json::to_string(message.topic()).map_err(io::Error::from)?;
        let topic = quoted
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        out.write_all(topic.unwrap_or_default().as_bytes())?;
    }
    out.write_all(behind_topic(message.qos, message.retain).as_bytes())?;
    number(message.payload.len(), out)?;
    if let Some(id) = message.packet_id {
        out.write_all(b",\"mid\":")?;
        number(id, out)?;
    }
    if let Some(list) = message.properties {
        out.write_all(b",\"properties\":{")?;
        properties(list, out)?;
        out.write_all(b"}")?;
    }
    if let Payload::Own = payload
        && !message.payload.is_empty()
        && is_plain(message.payload)
    {
        out.write_all(b",\"payload\":\"")?;
        out.write_all(message.payload)?;
        return out.write_all(b"\"}");
    }
    out.write_all(b",\"payload\":")?;
    match payload {
        Payload::Json(json) => out.write_all(json.as_bytes())?,
        Payload::Own | Payload::Encoded(..) if message.payload.is_empty() => {
            out.write_all(b"null")?;
        }
        Payload::Own => with_care(message.payload, "payload_encoding", out)?,
        Payload::Encoded(text, encoding) => {
            out.write_all(b"\"")?;
            out.write_all(text)?;
            write!(out, "\",\"payload_encoding\":\"{encoding}\"")?;
        }
    }
    out.write_all(b"}")
}

/// What stands between the topic and the length.
fn behind_topic(qos: Qos, retain: bool) -> &'static str {
    match (qos, retain) {
        (Qos::AtMostOnce, false) => "\",\"qos\":0,\"retain\":false,\"payloadlen\":",
        (Qos::AtMostOnce, true) => "\",\"qos\":0,\"retain\":true,\"payloadlen\":",
        (Qos::AtLeastOnce, false) => "\",\"qos\":1,\"retain\":false,\"payloadlen\":",
        (Qos::AtLeastOnce, true) => "\",\"qos\":1,\"retain\":true,\"payloadlen\":",
        (Qos::ExactlyOnce, false) => "\",\"qos\":2,\"retain\":false,\"payloadlen\":",
        (Qos::ExactlyOnce, true) => "\",\"qos\":2,\"retain\":true,\"payloadlen\":",
    }
}

fn properties(list: &PublishProperties, out: &mut impl Write) -> io::Result<()> {
    let mut members = Members { out, first: true };
    if let Some(indicator) = list.payload_format_indicator {
        write!(members.name("payload-format-indicator")?, "{indicator}")?;
    }
    if let Some(seconds) = list.message_expiry_interval {
        write!(members.name("message-expiry-interval")?, "{seconds}")?;
    }
    if let Some(text) = &list.content_type {
        string(text, members.name("content-type")?)?;
    }
    if let Some(topic) = &list.response_topic {
        string(topic, members.name("response-topic")?)?;
    }
    if let Some(data) = &list.correlation_data {
        let out = members.name("correlation-data")?;
        bytes(data, "correlation-data-encoding", out)?;
    }
    match list.subscription_identifiers.as_slice() {
        [] => {}
        [one] => write!(members.name("subscription-identifier")?, "{one}")?,
        several => write!(members.name("subscription-identifier")?, "{several:?}")?,
    }
    if let Some(alias) = list.topic_alias {
        write!(members.name("topic-alias")?, "{alias}")?;
    }
    if !list.user_properties.is_empty() {
        array_of_properties(list, members.name("user-properties")?)?;
    }
    Ok(())
}

/// The User Properties as in an object.
pub(crate) fn user_properties(list: &PublishProperties) -> String {
    let mut json = Vec::new();
    // Writing into memory does not fail.
    let _ = array_of_properties(list, &mut json);
    String::from_utf8(json).unwrap_or_default()
}

fn array_of_properties(list: &PublishProperties, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"[")?;
    for (index, (key, value)) in list.user_properties.iter().enumerate() {
        out.write_all(if index == 0 { b"{" } else { b",{" })?;
        string(key, out)?;
        out.write_all(b":")?;
        string(value, out)?;
        out.write_all(b"}")?;
    }
    out.write_all(b"]")
}

/// Puts the commas between the members of an object.
struct Members<'a, W> {
    out: &'a mut W,
    first: bool,
}

impl<W: Write> Members<'_, W> {
    fn name(&mut self, name: &str) -> io::Result<&mut W> {
        if !std::mem::take(&mut self.first) {
            self.out.write_all(b",")?;
        }
        write!(self.out, "\"{name}\":")?;
        Ok(self.out)
    }
}

fn number(number: impl itoa::Integer, out: &mut impl Write) -> io::Result<()> {
    out.write_all(itoa::Buffer::new().format(number).as_bytes())
}

fn string(text: &str, out: &mut impl Write) -> io::Result<()> {
    // Nearly always there is nothing to escape, which is seen many bytes at a time.
    let needs_escape = |needs, byte: u8| needs | (byte < b' ') | (byte == b'"') | (byte == b'\\');
    if text.bytes().fold(false, needs_escape) {
        return serde_json::to_writer(out, text).map_err(io::Error::from);
    }
    quoted(text.as_bytes(), out)
}

/// A string, in base64 when the bytes are no UTF-8; a member named `encoding` then says so.
fn bytes(bytes: &[u8], encoding: &str, out: &mut impl Write) -> io::Result<()> {
    if is_plain(bytes) {
        return quoted(bytes, out);
    }
    with_care(bytes, encoding, out)
}

/// The same, of bytes that are not plain.
fn with_care(bytes: &[u8], encoding: &str, out: &mut impl Write) -> io::Result<()> {
    match std::str::from_utf8(bytes) {
        Ok(text) => string(text, out),
        Err(_) => write!(
            out,
            "\"{}\",\"{encoding}\":\"base64\"",
            STANDARD.encode(bytes)
        ),
    }
}

/// Whether these are characters of ASCII that stand for themselves: one look tells, where to check the
/// encoding and to look for what needs an escape would be two.
fn is_plain(bytes: &[u8]) -> bool {
    // Of many bytes several are looked at in one instruction, which takes longer to begin with.
    if bytes.len() < SHORT {
        return bytes.iter().all(|byte| stands_for_itself(*byte));
    }
    bytes
        .iter()
        .fold(true, |all, byte| all & stands_for_itself(*byte))
}

fn stands_for_itself(byte: u8) -> bool {
    (b' '..0x7F).contains(&byte) & (byte != b'"') & (byte != b'\\')
}

fn quoted(plain: &[u8], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    out.write_all(plain)?;
    out.write_all(b"\"")
}

/// Writes JSON with a line for each member of an object, indented by tabulators, as the
/// original's library does.
pub(super) fn indent(json: &str, out: &mut impl Write) -> io::Result<()> {
    // Of each open object or array: whether it is an object.
    let mut open: Vec<bool> = Vec::new();
    let mut before = "";
    for token in Tokens(json) {
        let in_object = open.last().copied().unwrap_or_default();
        if in_object && matches!(before, "{" | ",") && token != "}" {
            tabs(open.len(), out)?;
        }
        match token {
            "{" => {
                open.push(true);
                out.write_all(b"{\n")?;
            }
            "}" => {
                open.pop();
                if before != "{" {
                    out.write_all(b"\n")?;
                }
                tabs(open.len(), out)?;
                out.write_all(b"}")?;
            }
            "[" => {
                open.push(false);
                out.write_all(b"[")?;
            }
            "]" => {
                open.pop();
                out.write_all(b"]")?;
            }
            "," if in_object => out.write_all(b",\n")?,
            "," => out.write_all(b", ")?,
            ":" => out.write_all(b":\t")?,
            other => out.write_all(other.as_bytes())?,
        }
        before = token;
    }
    Ok(())
}

fn tabs(count: usize, out: &mut impl Write) -> io::Result<()> {
    (0..count).try_for_each(|_| out.write_all(b"\t"))
}

/// Cuts valid JSON into brackets, commas, colons, strings with their quotes, and the rest.
struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start_matches([' ', '\t', '\n', '\r']);
        let length = match text.as_bytes().first()? {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            b'"' => string_length(text),
            _ => text
                .find(['{', '}', '[', ']', ',', ':', '"', ' ', '\t', '\n', '\r'])
                .unwrap_or(text.len()),
        };
        let (token, rest) = text.split_at_checked(length).unwrap_or((text, ""));
        self.0 = rest;
        Some(token)
    }
}

/// Of the string at the front, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |index| index + 2)
}
