//! `--payload-as`: a payload in a form that people read.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::json;
use super::layout::Layout;
use super::transcode;

/// What a payload is, or what is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PayloadAs {
    Text,
    Hex,
    Base64,
    Json,
    Cbor,
    MessagePack,
}

/// A payload as it is printed.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    /// What stands for the payload itself.
    pub(crate) bytes: Cow<'a, [u8]>,
    pub(crate) kind: Kind,
}

/// What the member `payload` of `%j` is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// The text as a string.
    Plain,
    /// The text as a string, which a member says the encoding of.
    Encoded(&'static str),
    /// This JSON.
    Json(String),
}

/// Why a payload is not what it should be.
#[derive(Debug)]
pub(crate) struct NotDecoded {
    what: &'static str,
    why: String,
}

impl NotDecoded {
    pub(crate) fn new(what: &'static str, why: impl fmt::Display) -> Self {
        let why = why.to_string();
        Self { what, why }
    }
}

impl fmt::Display for NotDecoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not {}: {}", self.what, self.why)
    }
}

impl PayloadAs {
    /// Decodes a payload; `pretty` indents JSON. An empty one is nothing, whatever it should be.
    ///
    /// # Errors
    /// Why it is not what it should be.
    pub(crate) fn decode(self, payload: &[u8], pretty: bool) -> Result<Text<'_>, NotDecoded> {
        if payload.is_empty() {
            return Ok(Text {
                bytes: Cow::Borrowed(payload),
                kind: Kind::Plain,
            });
        }
        Ok(match self {
            Self::Text => {
                std::str::from_utf8(payload).map_err(|why| NotDecoded::new("UTF-8 text", why))?;
                Text {
                    bytes: Cow::Borrowed(payload),
                    kind: Kind::Plain,
                }
            }
            Self::Hex => hexadecimal(payload),
            Self::Base64 => Text {
                bytes: Cow::Owned(STANDARD.encode(payload).into_bytes()),
                kind: Kind::Encoded("base64"),
            },
            Self::Json => structured(json::compact(payload)?, pretty),
            Self::Cbor => structured(transcode::cbor(payload)?, pretty),
            Self::MessagePack => structured(transcode::message_pack(payload)?, pretty),
        })
    }
}

/// A payload in hexadecimal digits: what is done with one that is not what it should be, too.
pub(crate) fn hexadecimal(payload: &[u8]) -> Text<'static> {
    let mut digits = Vec::with_capacity(payload.len() * 2);
    // Writing into memory does not fail.
    let _ = Layout::default().hex(payload, false, &mut digits);
    Text {
        bytes: Cow::Owned(digits),
        kind: Kind::Encoded("hex"),
    }
}

fn structured(json: String, pretty: bool) -> Text<'static> {
    let mut bytes = Vec::with_capacity(json.len());
    if pretty {
        // The same.
        let _ = json::indent(&json, &mut bytes);
    } else {
        bytes.extend_from_slice(json.as_bytes());
    }
    Text {
        bytes: Cow::Owned(bytes),
        kind: Kind::Json(json),
    }
}
