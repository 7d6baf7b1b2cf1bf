//! Reads the MQTT 5 properties of a packet into text, such as `receive-maximum=20`.

/// Each property as `name=value`, in the order of the packet. Panics when they are malformed.
#[track_caller]
pub(crate) fn read(encoded: &[u8]) -> Vec<String> {
    let mut rest = encoded;
    let mut list = Vec::new();
    while let Some((id, after)) = rest.split_first() {
        rest = after;
        let (name, kind) = describe(*id);
        let value = match kind {
            Kind::Byte => number(&mut rest, 1).to_string(),
            Kind::Two => number(&mut rest, 2).to_string(),
            Kind::Four => number(&mut rest, 4).to_string(),
            Kind::Variable => variable(&mut rest).to_string(),
            Kind::Text => text(&mut rest),
            Kind::Pair => format!("{}:{}", text(&mut rest), text(&mut rest)),
        };
        list.push(format!("{name}={value}"));
    }
    list
}

#[derive(Clone, Copy)]
enum Kind {
    Byte,
    Two,
    Four,
    Variable,
    Text,
    Pair,
}

/// MQTT 5, table 2-4, as far as a client may send them.
fn describe(id: u8) -> (&'static str, Kind) {
    match id {
        0x01 => ("payload-format-indicator", Kind::Byte),
        0x02 => ("message-expiry-interval", Kind::Four),
        0x03 => ("content-type", Kind::Text),
        0x08 => ("response-topic", Kind::Text),
        0x09 => ("correlation-data", Kind::Text),
        0x0b => ("subscription-identifier", Kind::Variable),
        0x11 => ("session-expiry-interval", Kind::Four),
        0x15 => ("authentication-method", Kind::Text),
        0x16 => ("authentication-data", Kind::Text),
        0x17 => ("request-problem-information", Kind::Byte),
        0x18 => ("will-delay-interval", Kind::Four),
        0x19 => ("request-response-information", Kind::Byte),
        0x1f => ("reason-string", Kind::Text),
        0x21 => ("receive-maximum", Kind::Two),
        0x22 => ("topic-alias-maximum", Kind::Two),
        0x23 => ("topic-alias", Kind::Two),
        0x26 => ("user-property", Kind::Pair),
        0x27 => ("maximum-packet-size", Kind::Four),
        _ => panic!("no client sends the property {id:#x}"),
    }
}

#[track_caller]
fn take<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, after) = rest.split_at(count);
    *rest = after;
    taken
}

#[track_caller]
fn number(rest: &mut &[u8], bytes: usize) -> u32 {
    take(rest, bytes)
        .iter()
        .fold(0, |value, byte| value << 8 | u32::from(*byte))
}

#[track_caller]
fn variable(rest: &mut &[u8]) -> u32 {
    let mut value = 0;
    for shift in [0, 7, 14, 21] {
        let byte = number(rest, 1);
        value |= (byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return value;
        }
    }
    panic!("a Variable Byte Integer of more than four bytes");
}

#[track_caller]
fn text(rest: &mut &[u8]) -> String {
    let length = number(rest, 2) as usize;
    take(rest, length).escape_ascii().to_string()
}
