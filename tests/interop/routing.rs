//! Our matching of Topic Filters beside the routing of a broker, for random topics and filters.
//!
//! Each run takes a new seed and tells it when it fails; `MQ_SEED=NUMBER` repeats a run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use harness::fake_broker::{Publish, encode};
use harness::{Broker, Peer, Tool, mqsub};
use mqtools_common::topic::{TopicFilter, TopicName};

const FILTERS: usize = 400;
const TOPICS: usize = 1500;

/// Few names, so that filters match often; what is special about a level is among them.
const LEVELS: [&str; 11] = ["", "", "a", "b", "c", "é", "温度", "$", "$x", " ", "a b"];

/// `SplitMix64`: small, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    /// A Topic Name: any levels, but not the empty one alone.
    fn topic(&mut self) -> String {
        loop {
            let count = 1 + self.below(5);
            let levels: Vec<_> = (0..count).map(|_| self.pick(&LEVELS)).collect();
            let topic = levels.join("/");
            if !topic.is_empty() {
                return topic;
            }
        }
    }

    /// A Topic Filter: a topic with wildcards in place of levels.
    fn filter(&mut self) -> String {
        let topic = self.topic();
        let mut levels: Vec<_> = topic.split('/').collect();
        for level in &mut levels {
            if self.below(3) == 0 {
                *level = "+";
            }
        }
        match self.below(5) {
            0 => *levels.last_mut().unwrap() = "#",
            1 => levels.push("#"),
            _ => {}
        }
        let filter = levels.join("/");
        if filter.is_empty() {
            "+".to_owned()
        } else {
            filter
        }
    }

    /// Text that may be no Topic Filter.
    fn doubtful_filter(&mut self) -> String {
        const PARTS: [&str; 9] = ["+", "#", "/", "/", "a", "é", "$", "++", "##"];
        let count = 1 + self.below(6);
        (0..count).map(|_| self.pick(&PARTS)).collect()
    }
}

fn seed() -> u64 {
    if let Ok(text) = std::env::var("MQ_SEED") {
        return text.parse().expect("MQ_SEED is a number");
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::from(now.subsec_nanos()) << 20 ^ now.as_secs()
}

/// No limit on what waits for a client that subscribes to everything.
fn broker() -> Broker {
    Broker::builder()
        .log_every_packet(false)
        .config("max_inflight_messages 0")
        .config("max_queued_messages 0")
        .start()
}

/// The Subscription Identifiers of a message.
fn identifiers(publish: &Publish) -> Vec<usize> {
    let mut rest = publish.properties.iter();
    let mut found = Vec::new();
    while let Some(id) = rest.next() {
        assert_eq!(*id, 0x0b, "no other property was sent");
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = *rest.next().unwrap();
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        found.push(value);
    }
    found
}

#[test]
fn filters_match_what_the_broker_routes() {
    let seed = seed();
    let mut random = Random(seed);
    let broker = broker();
    let mut peer = Peer::v5(broker.port(), "peer");
    let filters: BTreeSet<_> = (0..FILTERS).map(|_| random.filter()).collect();
    let filters: Vec<_> = filters.into_iter().collect();
    for (index, filter) in filters.iter().enumerate() {
        let mut identifier = vec![0x0b];
        encode::length(&mut identifier, index + 1);
        peer.subscribe_with(&identifier, &[(filter, 2)]);
    }
    // No wildcard matches it.
    let end = "$the/end";
    peer.subscribe(end, 2);

    let topics: Vec<_> = (0..TOPICS).map(|_| random.topic()).collect();
    for (index, topic) in topics.iter().enumerate() {
        peer.publish(&Publish::new(topic, index.to_string(), 1, 0));
    }
    let mut routed: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for publish in peer.receive_until_now(end) {
        let index: usize = String::from_utf8(publish.payload.clone())
            .unwrap()
            .parse()
            .unwrap();
        routed
            .entry(index)
            .or_default()
            .extend(identifiers(&publish));
    }

    let parsed: Vec<_> = filters
        .iter()
        .map(|f| TopicFilter::new(f).unwrap())
        .collect();
    let mut matches = 0;
    for (index, topic) in topics.iter().enumerate() {
        let packet = Bytes::copy_from_slice(topic.as_bytes());
        let name = TopicName::from_packet(&packet, &packet).unwrap();
        let to = routed.remove(&index).unwrap_or_default();
        for (number, filter) in parsed.iter().enumerate() {
            let theirs = to.contains(&(number + 1));
            assert_eq!(
                filter.matches(&name),
                theirs,
                "filter {:?}, topic {topic:?}; MQ_SEED={seed}",
                filter.as_str()
            );
            matches += usize::from(theirs);
        }
    }
    // Otherwise the filters or the topics are too strange to show anything.
    assert!(matches > TOPICS, "only {matches} matches; MQ_SEED={seed}");
}

#[test]
fn filter_out_is_the_opposite_of_routing() {
    let seed = seed();
    let mut random = Random(seed);
    let broker = broker();
    let filters: BTreeSet<_> = (0..12).map(|_| random.filter()).collect();
    let topics: Vec<_> = (0..500).map(|_| random.topic()).collect();
    let mut peer = Peer::v5(broker.port(), "peer");
    for filter in &filters {
        peer.subscribe(filter, 2);
    }
    // No wildcard matches it.
    let end = "$the/end";
    peer.subscribe(end, 2);

    let args = [
        "-i", "tool", "-q", "1", "-t", "#", "-t", "$/#", "-t", "$x/#", "-t", "$the/end", "-F", "%p",
    ];
    let tool = mqsub()
        .args(broker.args())
        .args(args)
        .args(filters.iter().flat_map(|filter| ["-T", filter]))
        .arg("-d")
        .spawn();
    tool.wait_for_stderr("received SUBACK");
    for (index, topic) in topics.iter().enumerate() {
        peer.publish(&Publish::new(topic, index.to_string(), 1, 0));
    }
    let routed: BTreeSet<_> = peer
        .receive_until_now(end)
        .into_iter()
        .map(|publish| String::from_utf8(publish.payload).unwrap())
        .collect();
    let expected: Vec<_> = (0..topics.len())
        .map(|index| index.to_string())
        .filter(|index| !routed.contains(index))
        .collect();
    tool.wait_for_stdout("end\n");
    tool.terminate();
    let output = tool.wait().assert_success();
    let printed: BTreeSet<_> = output
        .stdout_str()
        .lines()
        .filter(|line| *line != "end")
        .collect();
    let expected: BTreeSet<_> = expected.iter().map(String::as_str).collect();
    assert_eq!(printed, expected, "{filters:?}; MQ_SEED={seed}");
}

#[test]
fn what_a_filter_is_mosquitto_sub_knows_as_well() {
    let seed = seed();
    let mut random = Random(seed);
    let broker = broker();
    let mut refused = 0;
    for _ in 0..250 {
        let filter = random.doubtful_filter();
        let theirs = Tool::new("mosquitto_sub")
            .args(broker.args())
            .args(["-E", "-t", "valid", "-T", &filter])
            .run()
            .status;
        let ours = TopicFilter::new(&filter);
        assert_eq!(
            ours.is_ok(),
            theirs == 0,
            "{filter:?} {ours:?}; MQ_SEED={seed}"
        );
        refused += usize::from(ours.is_err());
    }
    assert!((20..230).contains(&refused), "{refused}; MQ_SEED={seed}");
}
