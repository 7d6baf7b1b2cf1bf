//! Ports that speak something else than what was expected of them.

use super::Scene;
use crate::report::Report;
use crate::tls::describe::quoted;

/// What speaks at a port, by the first bytes that came from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// A web server, with the first line of what it said.
    Http(String),
    /// An SSH server, with the line it introduces itself by.
    Ssh(String),
    /// Another server that speaks text, with its first line.
    Text(String),
    /// A broker without TLS.
    Mqtt,
    /// TLS.
    Tls,
}

impl Answer {
    /// None when the first bytes tell nothing.
    fn of(bytes: &[u8]) -> Option<Self> {
        // Record types of TLS and its major version (RFC 8446, section 5.1).
        if let [0x14..=0x17, 3, ..] = bytes {
            return Some(Self::Tls);
        }
        // CONNACK, whose length is two in MQTT 3.1.1; DISCONNECT.
        if let [0x20 | 0xE0, 0..=0x7F, ..] = bytes {
            return Some(Self::Mqtt);
        }
        let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
        let is_text = line
            .iter()
            .all(|byte| matches!(byte, b' '..=b'~' | b'\t' | 0x80..));
        let text = quoted(&String::from_utf8_lossy(line));
        if line.starts_with(b"SSH-") {
            return Some(Self::Ssh(text));
        }
        let lower = line.to_ascii_lowercase();
        if [&b"http/"[..], b"<!doctype html", b"<html"]
            .iter()
            .any(|begin| lower.starts_with(begin))
        {
            return Some(Self::Http(text));
        }
        // A few bytes may look like text by accident.
        let is_text = is_text && line.first().is_some_and(u8::is_ascii_graphic);
        (is_text && line.len() >= 8).then_some(Self::Text(text))
    }
}

/// The handshake failed over something that may not be TLS at all.
pub(super) fn not_tls(scene: &Scene<'_>) -> Option<Report> {
    let report = scene.failed();
    let plain = scene.switch();
    let port = "-p must be the port of an MQTT listener with TLS, often 8883";
    Some(match Answer::of(&scene.sight.beginning) {
        Some(Answer::Tls) => return None,
        Some(Answer::Http(line)) => report
            .cause(format!("a web server answers there, without TLS: {line}"))
            .hint(port),
        Some(Answer::Ssh(line)) => report
            .cause(format!("an SSH server answers there: {line}"))
            .hint(port),
        Some(Answer::Text(line)) => report
            .cause(format!("what answers there is not TLS: {line}"))
            .hint(port),
        Some(Answer::Mqtt) => report
            .cause("the broker answers there without TLS")
            .hint(format!(
                "leave {plain} out for plain MQTT, or give the port of its TLS listener, often -p 8883"
            )),
        None => report
            .cause("what the broker sent is not TLS")
            .hint(format!(
                "the port may speak plain MQTT: leave out {plain}, or try -p 8883"
            )),
    })
}

/// The connection ended during the handshake.
pub(super) fn end_of_stream(scene: &Scene<'_>) -> Report {
    if !scene.sight.beginning.is_empty()
        && let Some(report) = not_tls(scene)
    {
        return report;
    }
    let plain = scene.switch();
    let report = scene
        .failed()
        .cause("the broker closed the connection in the middle of it");
    if scene.sight.beginning.is_empty() {
        report.hint(format!(
            "the port may speak plain MQTT: leave out {plain}, or try -p 8883"
        ))
    } else {
        report.hint("the broker's log may say why")
    }
}

/// What to say of the answer to a CONNECT that is no MQTT: cause, hint, and whether it is TLS.
#[must_use]
pub fn told_from_mqtt(bytes: &[u8]) -> Option<(String, &'static str, bool)> {
    let port = "-p must be the port of an MQTT listener, often 1883";
    match Answer::of(bytes)? {
        Answer::Tls => Some((
            "it answers with TLS".to_owned(),
            "name the broker's certificate authority with --cafile, or trust the system's with mqtts:// or --tls-use-os-certs",
            true,
        )),
        Answer::Http(line) => Some((
            format!("a web server answers there: {line}"),
            "-p must be the port of an MQTT listener, often 1883; for MQTT over WebSocket, add --ws",
            false,
        )),
        Answer::Ssh(line) => Some((format!("an SSH server answers there: {line}"), port, false)),
        Answer::Text(line) => Some((
            format!("what answers there is not MQTT: {line}"),
            port,
            false,
        )),
        Answer::Mqtt => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_there_shows_in_its_first_bytes() {
        let text = |text: &str| format!("\"{text}\"");
        for (bytes, expected) in [
            (&b""[..], None),
            (b"\x15\x03\x01\0\x02\x02\x46", Some(Answer::Tls)),
            (b"\x20\x02\0\0", Some(Answer::Mqtt)),
            (
                b"HTTP/1.1 400 Bad Request\r\nServer: x",
                Some(Answer::Http(text("HTTP/1.1 400 Bad Request"))),
            ),
            (
                b"<!DOCTYPE HTML>\n<html>",
                Some(Answer::Http(text("<!DOCTYPE HTML>"))),
            ),
            (
                b"SSH-2.0-OpenSSH_9.2\r\n",
                Some(Answer::Ssh(text("SSH-2.0-OpenSSH_9.2"))),
            ),
            (
                b"220 mail.example ESMTP\r\n",
                Some(Answer::Text(text("220 mail.example ESMTP"))),
            ),
            (b"\0\0\0\0\0\0\0\0\0\0", None),
            (b"abc", None),
            // AUTH, with bytes that may be UTF-8.
            (b"\xF0\x2A\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4", None),
        ] {
            assert_eq!(Answer::of(bytes), expected, "{bytes:?}");
        }
    }
}
