//! The stage on which a tool is observed: what reached a neutral client, what went over the
//! wire, what it printed and how it ended. Never the wording of its messages.

use std::sync::mpsc;

use harness::fake_broker::{Connect, Publish, Subscribe};
use harness::{Broker, FakeBroker, Packet, Peer, Running, Tool, mqpub, mqsub};

/// What is right for the tools under test, where ours differ on purpose.
pub(crate) fn expect<T>(ours: T, theirs: T) -> T {
    if harness::original_under_test() {
        theirs
    } else {
        ours
    }
}

/// Both versions that everybody speaks.
pub(crate) const VERSIONS: [&str; 2] = ["mqttv311", "mqttv5"];

/// A broker, and a neutral client that sees every message as it was published.
pub(crate) struct Stage {
    pub(crate) broker: Broker,
    pub(crate) peer: Peer,
}

impl Stage {
    pub(crate) fn start() -> Self {
        Self::with(Broker::start())
    }

    /// On a broker of one's own, which must let anybody in.
    pub(crate) fn with(broker: Broker) -> Self {
        let mut peer = Peer::v5(broker.port(), "peer");
        // QoS 2, Retain As Published.
        peer.subscribe("#", 2 | 8);
        Self { broker, peer }
    }

    /// `mqpub` with this broker's address and the client identifier `tool`.
    pub(crate) fn mqpub(&self, args: &[&str]) -> Tool {
        mqpub()
            .args(self.broker.args())
            .args(["-i", "tool"])
            .args(args)
    }

    /// `mqsub` with this broker's address and the client identifier `tool`.
    pub(crate) fn mqsub(&self, args: &[&str]) -> Tool {
        mqsub()
            .args(self.broker.args())
            .args(["-i", "tool"])
            .args(args)
    }

    /// `mqsub`, once the broker has acknowledged its subscriptions.
    #[track_caller]
    pub(crate) fn subscribed(&self, args: &[&str]) -> Running {
        let running = self.mqsub(args).spawn();
        self.broker.wait_for_log("Sending SUBACK to tool");
        running
    }

    /// The neutral client publishes.
    #[track_caller]
    pub(crate) fn publish(&mut self, topic: &str, payload: impl AsRef<[u8]>) {
        self.peer.publish(&Publish::new(topic, payload, 1, 0));
    }

    /// The same, retained.
    #[track_caller]
    pub(crate) fn publish_retained(&mut self, topic: &str, payload: impl AsRef<[u8]>) {
        let mut publish = Publish::new(topic, payload, 1, 0);
        publish.retain = true;
        self.peer.publish(&publish);
    }

    /// Every message that was published up to now by a tool that has said good-bye.
    #[track_caller]
    pub(crate) fn messages(&mut self) -> Vec<Publish> {
        self.broker.wait_for_log("Received DISCONNECT from tool");
        self.peer.receive_until_now("the/end")
    }
}

/// A message in one line: topic, QoS, `r` if it is retained, payload.
pub(crate) fn line(publish: &Publish) -> String {
    let retain = if publish.retain { " r" } else { "" };
    let payload = publish.payload.escape_ascii();
    format!("{} q{}{retain} {payload}", publish.topic, publish.qos)
}

/// The messages, as [`line`], that arrive when `mqpub` runs with this stdin; it must succeed.
#[track_caller]
pub(crate) fn published_from(stdin: impl AsRef<[u8]>, args: &[&str]) -> Vec<String> {
    let mut stage = Stage::start();
    let output = stage
        .mqpub(args)
        .stdin(stdin.as_ref())
        .run()
        .assert_success();
    assert!(output.stdout.is_empty(), "{output}");
    stage.messages().iter().map(line).collect()
}

/// The same with an empty stdin.
#[track_caller]
pub(crate) fn published(args: &[&str]) -> Vec<String> {
    published_from("", args)
}

/// What `mqsub` prints of these messages (topic and payload), sent when it has subscribed. It must
/// end by itself with success.
#[track_caller]
pub(crate) fn printed(args: &[&str], messages: &[(&str, &str)]) -> String {
    let mut stage = Stage::start();
    let tool = stage.subscribed(args);
    for (topic, payload) in messages {
        stage.publish(topic, payload);
    }
    let output = tool.wait().assert_success();
    output
        .stdout
        .escape_ascii()
        .to_string()
        .replace("\\n", "\n")
}

/// The tool must end with `code`, without having connected.
#[track_caller]
pub(crate) fn refuses_with(code: i32, tool: fn() -> Tool, cases: &[&[&str]]) {
    let broker = Broker::start();
    for args in cases {
        let output = tool().args(broker.args()).args(*args).run();
        assert!(output.status == code, "{args:?}\n{output}");
        if !harness::original_under_test() {
            assert!(output.stdout.is_empty(), "stdout is for data\n{output}");
        }
        let log = broker.log();
        assert!(!log.contains("New connection"), "{args:?} connected\n{log}");
    }
}

/// Each command line is a usage error.
#[track_caller]
pub(crate) fn refuses(tool: fn() -> Tool, cases: &[&[&str]]) {
    refuses_with(1, tool, cases);
}

/// Each command line does its work.
#[track_caller]
pub(crate) fn accepts(tool: fn() -> Tool, cases: &[&[&str]]) {
    let broker = Broker::start();
    for args in cases {
        let output = tool().args(broker.args()).args(*args).run();
        assert!(output.status == 0, "{args:?}\n{output}");
    }
}

/// What a tool sent to a broker that takes everything.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) connect: Connect,
    pub(crate) publishes: Vec<Publish>,
    pub(crate) subscribes: Vec<Subscribe>,
    pub(crate) unsubscribes: Vec<Packet>,
    /// None when it was lost on the way: a client that closes before it has read everything resets
    /// the connection.
    pub(crate) disconnect: Option<Packet>,
}

/// Runs a tool, which must come to a good end, and records what it sends.
#[track_caller]
pub(crate) fn sent(tool: Tool) -> Sent {
    let (sender, packets) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        let connect = conn.expect_connect();
        let is_v5 = connect.level == 5;
        let mut sent = (connect, Vec::new(), Vec::new(), Vec::new());
        if is_v5 {
            conn.connack_v5(0);
        } else {
            conn.connack(0);
        }
        let disconnect = loop {
            let Some(packet) = conn.try_read_packet() else {
                break None;
            };
            match packet.kind() {
                3 => {
                    let publish = Publish::parse(&packet, is_v5);
                    match (publish.qos, publish.packet_id) {
                        (1, Some(id)) => conn.puback(id),
                        (2, Some(id)) => conn.pubrec(id),
                        _ => {}
                    }
                    sent.1.push(publish);
                }
                6 => conn.pubcomp(packet.packet_id()),
                8 => {
                    let subscribe = Subscribe::parse(&packet, is_v5);
                    let codes: Vec<_> = subscribe.filters.iter().map(|(_, o)| o & 3).collect();
                    if is_v5 {
                        conn.suback_v5(subscribe.packet_id, &codes);
                    } else {
                        conn.suback(subscribe.packet_id, &codes);
                    }
                    sent.2.push(subscribe);
                }
                10 => {
                    if is_v5 {
                        conn.unsuback_v5(packet.packet_id(), &[0]);
                    } else {
                        conn.unsuback(packet.packet_id());
                    }
                    sent.3.push(packet);
                }
                14 => break Some(packet),
                _ => panic!("no tool sends {packet:?}"),
            }
        };
        sender.send((sent, disconnect)).expect("the test waits");
    });
    tool.args(broker.args()).run().assert_success();
    broker.finish();
    let ((connect, publishes, subscribes, unsubscribes), disconnect) =
        packets.recv().expect("a recorded connection");
    Sent {
        connect,
        publishes,
        subscribes,
        unsubscribes,
        disconnect,
    }
}

/// What both tools send with an option that they share: a publish and a subscription.
#[track_caller]
pub(crate) fn both_send(args: &[&str]) -> [Sent; 2] {
    [sent(publisher().args(args)), sent(subscriber().args(args))]
}

/// `mqpub -t t -m x`, for what its other options do.
pub(crate) fn publisher() -> Tool {
    mqpub().args(["-t", "t", "-m", "x"])
}

/// `mqsub -t t -E`, which ends when it has subscribed.
pub(crate) fn subscriber() -> Tool {
    mqsub().args(["-t", "t", "-E"])
}

/// The two of them, for options that they share.
pub(crate) const BOTH: [fn() -> Tool; 2] = [publisher, subscriber];
