//! What a broker sends that is broken or means harm: the same bytes for the same seed.
//!
//! All of it ends in bytes that are no packet, so that a tool that reads it cannot but end.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::fake_broker::encode;
use crate::{Conn, FakeBroker, Output};

/// The exit codes for it: malformed; text that is not UTF-8.
pub const MALFORMED: [i32; 2] = [21, 18];

/// Longer than any packet that [`noise`] and [`damaged`] announce: zeros, which begin no packet.
const TAIL: usize = 20_000;

/// The seeds of a test: so many, or that of `MQ_GARBAGE_SEED` alone.
#[must_use]
pub fn seeds(count: u64) -> Range<u64> {
    match std::env::var("MQ_GARBAGE_SEED") {
        Ok(seed) => {
            let seed = seed.parse().expect("MQ_GARBAGE_SEED is a number");
            seed..seed + 1
        }
        Err(_) => 1..count + 1,
    }
}

/// A broker whose script is told the seed, for the clients of a test, one seed after the other.
#[derive(Debug)]
pub struct Trial {
    /// Give it to each client.
    pub broker: FakeBroker,
    seed: Arc<AtomicU64>,
}

impl Trial {
    /// Starts it.
    #[must_use]
    pub fn new(script: impl Fn(Conn, u64) + Send + Sync + 'static) -> Self {
        let seed = Arc::new(AtomicU64::new(0));
        let now = Arc::clone(&seed);
        let broker = FakeBroker::start(move |conn| script(conn, now.load(Ordering::SeqCst)));
        Self { broker, seed }
    }

    /// The seed of the clients from now on.
    pub fn set_seed(&self, seed: u64) {
        self.seed.store(seed, Ordering::SeqCst);
    }
}

/// The exit codes for [`noise`] in the place of CONNACK: TLS may be what it looks like, and a
/// refusal.
#[must_use]
pub fn codes_before_connack(seed: u64) -> &'static [i32] {
    match noise(seed)[0] {
        0x15 => &[5],
        0x20 => &[1, 2, 3, 4, 5, 18, 21],
        _ => &MALFORMED,
    }
}

/// Bytes without sense.
#[must_use]
pub fn noise(seed: u64) -> Vec<u8> {
    ending(seed, |random| {
        let count = random.below(600);
        (0..count).map(|_| random.byte()).collect()
    })
}

/// Packets of a broker, some bytes of which are others. `is_v5`: they are those of MQTT 5.
#[must_use]
pub fn damaged(seed: u64, is_v5: bool) -> Vec<u8> {
    ending(seed, |random| {
        let mut bytes = packets(random, is_v5);
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] = random.byte(),
                1 => bytes[at] ^= 1 << random.below(8),
                2 => bytes.insert(at, random.byte()),
                _ if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => {}
            }
        }
        bytes
    })
}

/// A beginning of a broker's packet that is not the whole of it.
#[must_use]
pub fn cut(seed: u64, is_v5: bool) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut bytes = packet(&mut random, is_v5);
    bytes.truncate(1 + random.below(bytes.len() - 1));
    bytes
}

/// The beginning of a PUBLISH of 200 to 256 MiB, of which little comes.
#[must_use]
pub fn giant(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let first = [0x30, 0x32, 0x3D][random.below(3)];
    let high = 100 + random.byte() % 28;
    let mut bytes = vec![first, random.byte() | 0x80, 0xFF, 0xFF, high];
    let count = random.below(400);
    bytes.extend((0..count).map(|_| random.byte()));
    bytes
}

/// A tool that read garbage has ended with one of these codes, or with the broker's own; it said
/// why, and did not panic.
#[track_caller]
pub fn check(output: &Output, seed: u64, what: &str, codes: &[i32]) {
    let again = format!("{what}, again with MQ_GARBAGE_SEED={seed}\n{output}");
    // From 129 on it may be a signal as well, and those of interest are 132 to 139.
    let of_broker = (128..132).contains(&output.status) || output.status > 139;
    assert!(codes.contains(&output.status) || of_broker, "{again}");
    let text = std::str::from_utf8(&output.stderr).unwrap_or_else(|_| panic!("{again}"));
    assert!(text.contains("error: "), "{again}");
    assert!(!text.contains("panicked"), "{again}");
    assert!(text.lines().count() <= 8, "{again}");
    let harmless = |c: char| c == '\n' || !c.is_control();
    assert!(text.chars().all(harmless), "{again}");
}

/// Draws until every packet that is announced ends in the tail, and none is a DISCONNECT, which
/// would end the connection in good order.
fn ending(seed: u64, draw: impl Fn(&mut Random) -> Vec<u8>) -> Vec<u8> {
    let mut random = Random::new(seed);
    loop {
        let mut bytes = draw(&mut random);
        if ends(&bytes) {
            bytes.resize(bytes.len() + TAIL, 0);
            return bytes;
        }
    }
}

fn ends(mut bytes: &[u8]) -> bool {
    while let [first, rest @ ..] = bytes {
        let Some(count) = rest.iter().take(4).position(|byte| byte & 0x80 == 0) else {
            // Four bytes of length go on, or the tail of zeros ends it within 16 KiB.
            return rest.len() != 3 && *first != 0xE0;
        };
        let (field, body) = rest.split_at(count + 1);
        let length = field
            .iter()
            .rev()
            .fold(0, |length, byte| length << 7 | usize::from(byte & 0x7F));
        if length >= TAIL || *first == 0xE0 {
            return false;
        }
        bytes = body.get(length..).unwrap_or_default();
    }
    true
}

fn packets(random: &mut Random, is_v5: bool) -> Vec<u8> {
    (0..=random.below(5))
        .flat_map(|_| packet(random, is_v5))
        .collect()
}

/// One packet that a broker may send to a client that has subscribed, or publishes.
fn packet(random: &mut Random, is_v5: bool) -> Vec<u8> {
    let id = [0, 1 + random.byte() % 3];
    let properties: &[u8] = match random.below(3) {
        0 => b"",
        1 => b"\x26\x00\x01k\x00\x01v",
        _ => b"\x1f\x00\x03why",
    };
    let mut body = Vec::new();
    let first = match random.below(7) {
        0 | 1 => {
            let qos = random.byte() % 3;
            body.extend(b"\x00\x03a/b");
            if qos > 0 {
                body.extend(id);
            }
            if is_v5 {
                encode::properties(
                    &mut body,
                    if properties.len() == 7 {
                        properties
                    } else {
                        b""
                    },
                );
            }
            let count = random.below(200);
            body.extend((0..count).map(|_| random.byte()));
            0x30 | qos << 1
        }
        2 => {
            body.extend(id);
            if is_v5 {
                encode::properties(&mut body, properties);
            }
            body.push(random.byte() % 3);
            0x90
        }
        3 => 0xD0,
        kind => {
            body.extend(id);
            if is_v5 {
                body.push(0);
                encode::properties(&mut body, properties);
            }
            [0x40, 0x50, 0x62][kind - 4]
        }
    };
    encode::packet(first, &body)
}

/// xorshift64*, so that a seed means the same for ever.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn byte(&mut self) -> u8 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D).to_be_bytes()[0]
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        usize::from(u16::from_be_bytes([self.byte(), self.byte()])) % end
    }
}
