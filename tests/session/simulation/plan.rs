//! What a schedule is: drawn from its seed, and a random generator to go on with.

use mqtools_common::message::Qos;
use mqtools_common::reason::Version;

/// SplitMix64: enough randomness for schedules, and the same on every machine.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) % bound.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

#[derive(Debug, Clone)]
pub struct Plan {
    pub version: Version,
    /// The session's window.
    pub window: u16,
    /// The session keeps the QoS 0 messages that a connection did not take.
    pub keeping: bool,
    /// What the client publishes, by number.
    pub ours: Vec<Qos>,
    /// What the broker sends.
    pub theirs: Vec<Qos>,
    /// How often the connection is cut.
    pub cuts: usize,
    /// One in so many reconnects finds the session forgotten; 0: none does.
    pub forget: usize,
    /// The application takes its time with what it receives: one in so many chances to say that
    /// a message is safe is taken.
    pub slowness: usize,
    /// The client asks for a clean start, and so never finds its session.
    pub clean: bool,
    /// The broker may notice late that a connection is gone, and a CONNECT may overtake that
    /// of an earlier connection.
    pub late: bool,
    /// The broker may go silent, or say DISCONNECT (MQTT 5), before a connection ends.
    pub farewells: bool,
    /// A session that the client never heard of, because CONNACK was lost, is there the next
    /// time: MQTT gives the client no way to tell it from the one before.
    pub unheard_lives: bool,
    /// The Receive Maximum that the client announces.
    pub client_receive_maximum: Option<u16>,
    /// The Topic Alias Maximum that the client announces.
    pub client_alias_maximum: Option<u16>,
    /// CONNACK may bring Receive Maximum and Maximum Packet Size.
    pub limits: bool,
    /// CONNACK may bring a Server Keep Alive.
    pub server_keep_alive: bool,
    /// The messages have Topic Aliases, and CONNACK may allow some.
    pub topic_aliases: bool,
    /// The client has no identifier before CONNACK brings it one (MQTT 5), so that its later CONNECTs
    /// are longer.
    pub nameless: bool,
    /// One in so many acknowledgements is a refusal (MQTT 5); 0: none is.
    pub refusals: usize,
    /// The schedule itself.
    pub random: Random,
}

impl Plan {
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let version = random.pick(&[Version::V31, Version::V311, Version::V5, Version::V5]);
        let v5 = version == Version::V5;
        let most = random.pick(&[1, 3, 10, 100]);
        const ALL: &[Qos] = &[Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce];
        let keeping = random.one_in(3);
        let kinds: &[&[Qos]] = if keeping {
            &[
                &[Qos::AtMostOnce],
                &[Qos::AtMostOnce, Qos::AtLeastOnce],
                ALL,
            ]
        } else {
            &[
                &[Qos::AtLeastOnce],
                &[Qos::ExactlyOnce],
                &[Qos::AtLeastOnce, Qos::ExactlyOnce],
                ALL,
            ]
        };
        let kinds = random.pick(kinds);
        let late = random.one_in(2);
        // Each CONNECT without an identifier begins a session of its own, so none may come late.
        let nameless = v5 && !late && random.one_in(2);
        let ours = random.pick(&[0, 5, 15, 30, 80]);
        let theirs = random.pick(&[0, 5, 15, 30]);
        Self {
            version,
            window: 1 + random.below(most) as u16,
            keeping,
            ours: (0..ours).map(|_| random.pick(kinds)).collect(),
            theirs: (0..theirs).map(|_| random.pick(kinds)).collect(),
            cuts: random.below(8),
            forget: random.pick(&[0, 0, 1, 2]),
            slowness: random.pick(&[1, 1, 10, 50]),
            clean: random.one_in(10),
            late,
            farewells: random.one_in(2),
            unheard_lives: theirs == 0 && !nameless && random.one_in(2),
            nameless,
            client_receive_maximum: (v5 && random.one_in(2)).then(|| 1 + random.below(20) as u16),
            client_alias_maximum: (v5 && random.one_in(2)).then(|| 1 + random.below(4) as u16),
            limits: v5 && random.one_in(2),
            server_keep_alive: v5 && random.one_in(2),
            topic_aliases: v5 && random.one_in(2),
            refusals: if v5 { random.pick(&[0, 10]) } else { 0 },
            random,
        }
    }
}
