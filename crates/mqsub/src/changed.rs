//! `--changed-only`: which payload was a topic's last one.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use mqtools_common::message::Message;
use mqtools_common::topic::TopicName;

/// Remembers the last payload of each topic, not its bytes: cameras send megabytes. Another payload
/// of the same length is taken for it once in 2^64 times, and the keys that this depends on are
/// drawn anew in each run.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    last: HashMap<TopicName, Mark>,
    keys: RandomState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    length: usize,
    hash: u64,
}

impl Changed {
    /// Whether the payload differs from the topic's last one, which it is from now on.
    pub(crate) fn is_news(&mut self, message: &Message) -> bool {
        let mark = Mark {
            length: message.payload.len(),
            hash: self.keys.hash_one(&message.payload),
        };
        if let Some(last) = self.last.get_mut(&message.topic) {
            return std::mem::replace(last, mark) != mark;
        }
        self.last.insert(message.topic.detached(), mark);
        true
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use mqtools_common::message::{Message, Qos};
    use mqtools_common::topic::TopicName;
    use proptest::prelude::*;
    use std::collections::HashMap;

    use super::Changed;

    fn message(topic: &str, payload: Vec<u8>) -> Message {
        Message {
            topic: TopicName::new(topic).unwrap(),
            payload: Bytes::from(payload),
            qos: Qos::AtMostOnce,
            retain: false,
            dup: false,
            properties: None,
            receipt: None,
        }
    }

    proptest! {
        #[test]
        fn it_is_news_when_it_differs(messages: Vec<(bool, Vec<u8>)>) {
            let mut changed = Changed::default();
            let mut last: HashMap<bool, Vec<u8>> = HashMap::new();
            for (topic, payload) in messages.into_iter().flat_map(|m| [m.clone(), m]) {
                let differs = last.get(&topic) != Some(&payload);
                let message = message(if topic { "a" } else { "a/b" }, payload.clone());
                prop_assert_eq!(changed.is_news(&message), differs);
                last.insert(topic, payload);
            }
        }
    }
}
