//! How a message looks on standard output. Knows no sockets.

use std::io::{self, Write};

use mqtools_common::message::Message;

/// The plain formats.
#[derive(Debug)]
pub(crate) struct Format {
    /// `-v`: the topic first.
    pub(crate) topic: bool,
    /// Not with `-N`.
    pub(crate) newline: bool,
}

impl Format {
    /// Writes one message. An empty payload prints nothing at all, not even a newline, unless
    /// the topic is printed with it.
    pub(crate) fn write(&self, message: &Message, out: &mut impl Write) -> io::Result<()> {
        if self.topic {
            out.write_all(message.topic.as_bytes())?;
            out.write_all(b" ")?;
            if message.payload.is_empty() {
                out.write_all(b"(null)")?;
            }
        } else if message.payload.is_empty() {
            return Ok(());
        }
        out.write_all(&message.payload)?;
        if self.newline {
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use mqtools_common::message::Qos;
    use mqtools_common::topic::TopicName;

    use super::*;

    fn printed(topic: bool, newline: bool, payload: &'static [u8]) -> Vec<u8> {
        let message = Message {
            topic: TopicName::new("a/b").unwrap(),
            payload: Bytes::from_static(payload),
            qos: Qos::AtMostOnce,
            retain: false,
            dup: false,
            receipt: None,
        };
        let mut out = Vec::new();
        Format { topic, newline }.write(&message, &mut out).unwrap();
        out
    }

    #[test]
    fn plain_output_is_mosquitto_subs() {
        assert_eq!(printed(false, true, b"x\0\xff"), b"x\0\xff\n");
        assert_eq!(printed(false, false, b"x"), b"x");
        assert_eq!(printed(false, true, b""), b"");
        assert_eq!(printed(true, true, b"x"), b"a/b x\n");
        assert_eq!(printed(true, true, b""), b"a/b (null)\n");
        assert_eq!(printed(true, false, b""), b"a/b (null)");
    }
}
