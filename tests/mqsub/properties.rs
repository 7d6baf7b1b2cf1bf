//! `-D` on SUBSCRIBE, UNSUBSCRIBE and CONNECT, subscription options, and what MQTT 5 properties
//! of a message become.

use std::sync::mpsc;

use harness::fake_broker::Publish;
use harness::{Broker, Conn, FakeBroker, Tool, mqsub, python, unused_port};

use crate::support::{publish, subscribe, subscribed};

/// Plays a broker that accepts the client and its subscription, then does what `script` says.
fn broker(script: impl Fn(&mut Conn) + Send + Sync + 'static) -> FakeBroker {
    FakeBroker::start(move |mut conn| {
        assert_eq!(conn.expect_connect().level, 5);
        conn.connack_v5(0);
        let id = conn.expect_subscribe().packet_id;
        conn.suback_v5(id, &[0]);
        script(&mut conn);
    })
}

/// A PUBLISH with these properties and the payload `x`.
fn with_properties(topic: &str, properties: &[u8]) -> Publish {
    Publish {
        properties: properties.to_vec(),
        ..Publish::new(topic, "x", 0, 0)
    }
}

#[test]
fn subscribe_and_unsubscribe_have_theirs() {
    let (sender, receiver) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        conn.expect_connect();
        conn.connack_v5(0);
        let subscribe = conn.expect_subscribe();
        conn.suback_v5(subscribe.packet_id, &[0]);
        let unsubscribe = conn.expect_kind(10);
        conn.unsuback_v5(unsubscribe.packet_id(), &[0]);
        conn.expect_disconnect();
        conn.expect_close();
        sender.send((subscribe, unsubscribe.body)).unwrap();
    });
    mqsub()
        .args(broker.args())
        .args(["-t", "a", "-U", "b", "-E"])
        .args(["-D", "subscribe", "subscription-identifier", "300"])
        .args(["-D", "subscribe", "user-property", "k", "-t"])
        .args(["-D", "unsubscribe", "user-property", "", "v"])
        .run()
        .assert_success();
    broker.finish();
    let (subscribe, unsubscribe) = receiver.try_recv().unwrap();
    assert_eq!(subscribe.properties, b"\x0B\xAC\x02\x26\0\x01k\0\x02-t");
    assert_eq!(subscribe.filters, [("a".to_owned(), 0)]);
    assert_eq!(unsubscribe[2..], b"\x06\x26\0\0\0\x01v\0\x01b"[..]);
}

#[test]
fn a_subscription_identifier_comes_back_with_each_message() {
    let broker = Broker::start();
    let mqsub = subscribed(
        &broker,
        &[
            "-t",
            "a/#",
            "-F",
            "%S %t",
            "-C",
            "1",
            "-D",
            "subscribe",
            "subscription-identifier",
            "268435455",
        ],
    );
    publish(&broker, &["-t", "a/b", "-m", "x"]);
    let output = mqsub.wait().assert_success();
    assert_eq!(output.stdout_str(), "268435455 a/b\n");
}

/// The options byte of the subscription that these options lead to.
#[track_caller]
fn subscription_options(options: &[&str]) -> u8 {
    let (sender, receiver) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        assert_eq!(conn.expect_connect().level, 5);
        conn.connack_v5(0);
        let subscribe = conn.expect_subscribe();
        conn.suback_v5(subscribe.packet_id, &[0]);
        conn.expect_disconnect();
        conn.expect_close();
        sender.send(subscribe.filters[0].1).unwrap();
    });
    mqsub()
        .args(broker.args())
        .args(["-t", "a", "-E"])
        .args(options)
        .run()
        .assert_success();
    broker.finish();
    receiver.try_recv().unwrap()
}

#[test]
fn subscription_options_are_sent_and_imply_mqtt_5() {
    for (options, expected) in [
        (&["--retain-as-published"][..], 0x08),
        (&["--retain-handling", "always", "-q", "2"], 0x02),
        (&["--retain-handling", "new"], 0x10),
        (
            &[
                "--retain-handling",
                "never",
                "--retain-as-published",
                "-q",
                "1",
            ],
            0x29,
        ),
    ] {
        assert_eq!(subscription_options(options), expected, "{options:?}");
    }
}

#[test]
fn they_do_what_they_say_at_a_real_broker() {
    let broker = Broker::start();
    publish(&broker, &["-t", "kept", "-r", "-m", "old"]);
    let session = ["-t", "kept", "-F", "%r %p", "-c", "-i", "me"];
    let with = |options: &[&'static str]| [&session[..], options].concat();
    let mqsub = subscribed(&broker, &with(&["--retain-handling", "never", "-C", "1"]));
    publish(&broker, &["-t", "kept", "-r", "-m", "live"]);
    assert_eq!(mqsub.wait().assert_success().stdout_str(), "0 live\n");
    // The session has the subscription now.
    let mqsub = subscribed(&broker, &with(&["--retain-handling", "new", "-C", "1"]));
    publish(&broker, &["-t", "kept", "-m", "live"]);
    assert_eq!(mqsub.wait().assert_success().stdout_str(), "0 live\n");
    let output = subscribe(&broker, &with(&["--retain-handling", "always", "-C", "1"]));
    assert_eq!(output.assert_success().stdout_str(), "1 live\n");
    let published = ["-t", "kept", "-F", "%r %p", "--retain-as-published"];
    let new = ["--retain-handling", "never", "-C", "1"];
    let mqsub = subscribed(&broker, &[&published[..], &new].concat());
    publish(&broker, &["-t", "kept", "-r", "-m", "again"]);
    assert_eq!(mqsub.wait().assert_success().stdout_str(), "1 again\n");
}

#[test]
fn subscription_options_exclude_older_versions() {
    let nobody = unused_port();
    for version in ["mqttv31", "mqttv311"] {
        for options in [
            &["--retain-as-published"][..],
            &["--retain-handling", "new"],
            &["-D", "subscribe", "user-property", "k", "v"],
        ] {
            let output = mqsub()
                .args(nobody.args())
                .args(["-t", "a", "-V", version])
                .args(options)
                .run()
                .assert_code(1);
            let text = output.stderr_str();
            assert!(
                text.contains(options[0]) && text.contains("MQTT 5 only"),
                "{text}"
            );
        }
    }
    let output = mqsub()
        .args(nobody.args())
        .args(["-t", "a", "--retain-handling", "sometimes"])
        .run()
        .assert_code(1);
    assert!(output.stderr_str().contains("sometimes"), "{output}");
}

#[test]
fn a_topic_alias_of_the_broker_stands_for_the_topic() {
    let broker = broker(|conn| {
        for (topic, alias) in [("a/b", 2), ("", 2), ("c", 2), ("", 2)] {
            conn.publish(&with_properties(topic, &[0x23, 0, alias]));
        }
        conn.publish(&with_properties("d", &[]));
        conn.expect_disconnect();
        conn.expect_close();
    });
    let output = mqsub()
        .args(broker.args())
        .args(["-t", "#", "-F", "%t|%A|%p", "-C", "5"])
        .args(["-D", "connect", "topic-alias-maximum", "2"])
        .run()
        .assert_success();
    broker.finish();
    assert_eq!(
        output.stdout_str(),
        "a/b|2|x\na/b|2|x\nc|2|x\nc|2|x\nd||x\n"
    );
}

#[test]
fn a_wrong_topic_alias_ends_the_connection() {
    for (topic, alias, words) in [
        ("a", 0, "it is 0"),
        ("a", 3, "it is 3"),
        ("", 1, "nothing is known of 1"),
    ] {
        let broker = broker(move |conn| {
            conn.publish(&with_properties(topic, &[0x23, 0, alias]));
            assert_eq!(conn.expect_disconnect().body, [0x94]);
            conn.expect_close();
        });
        let output = mqsub()
            .args(broker.args())
            .args(["-t", "#", "-D", "connect", "topic-alias-maximum", "2"])
            .run()
            .assert_code(21);
        broker.finish();
        assert!(output.stderr_str().contains(words), "{output}");
    }
}

#[test]
fn a_packet_over_our_maximum_ends_the_connection() {
    let broker = broker(|conn| {
        conn.publish(&Publish::new("a", [b'x'; 94], 0, 0));
        conn.publish(&Publish::new("a", [b'x'; 95], 0, 0));
        assert_eq!(conn.expect_disconnect().body, [0x95]);
        conn.expect_close();
    });
    let output = mqsub()
        .args(broker.args())
        .args(["-t", "#", "-D", "connect", "maximum-packet-size", "100"])
        .run()
        .assert_code(21);
    broker.finish();
    assert_eq!(output.stdout.len(), 95);
    assert!(
        output.stderr_str().contains("a packet of 101 bytes"),
        "{output}"
    );
}

#[test]
fn a_real_broker_keeps_to_our_maximum_packet_size() {
    let broker = Broker::start();
    let mqsub = subscribed(
        &broker,
        &[
            "-t",
            "a",
            "-C",
            "1",
            "-D",
            "connect",
            "maximum-packet-size",
            "100",
        ],
    );
    publish(&broker, &["-t", "a", "-m", &"x".repeat(200)]);
    publish(&broker, &["-t", "a", "-m", "short"]);
    assert_eq!(mqsub.wait().assert_success().stdout_str(), "short\n");
}

/// The Receive Maximum that these options announce.
#[track_caller]
fn connect_properties(options: &[&str]) -> Vec<u8> {
    let (sender, receiver) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        sender.send(conn.expect_connect().properties).unwrap();
        conn.connack_v5(0);
        let id = conn.expect_subscribe().packet_id;
        conn.suback_v5(id, &[0]);
        conn.expect_disconnect();
        conn.expect_close();
    });
    mqsub()
        .args(broker.args())
        .args(["-t", "a", "-E", "-V", "5"])
        .args(options)
        .run()
        .assert_success();
    broker.finish();
    receiver.try_recv().unwrap()
}

#[test]
fn the_receive_maximum_is_no_more_than_will_be_printed() {
    let receive = ["-D", "connect", "receive-maximum", "5"];
    assert_eq!(connect_properties(&receive), b"\x21\0\x05");
    assert_eq!(connect_properties(&["-C", "7"]), b"\x21\0\x07");
    let both = |count| [&receive[..], &["-C", count]].concat();
    assert_eq!(connect_properties(&both("7")), b"\x21\0\x05");
    assert_eq!(connect_properties(&both("3")), b"\x21\0\x03");
    assert_eq!(connect_properties(&both("100000")), b"\x21\0\x05");
    assert_eq!(connect_properties(&["-C", "100000"]), b"");
}

#[test]
fn response_information_and_the_brokers_words_are_shown() {
    let broker = FakeBroker::start(|mut conn| {
        assert_eq!(conn.expect_connect().properties, b"\x19\x01");
        conn.connack_v5_with(false, 0, b"\x1A\0\x06answer\x1F\0\x07welcome\x12\0\x02id");
        let id = conn.expect_subscribe().packet_id.to_be_bytes();
        // SUBACK with words: one filter refused, one granted.
        let body = [&id[..], b"\x0C\x1F\0\x09full up\x07\r", &[0x97, 0]].concat();
        conn.send(&[&[0x90, 17], &body[..]].concat());
        let id = conn.expect_kind(10).packet_id().to_be_bytes();
        conn.send(&[&[0xB0, 10], &id[..], b"\x06\x1F\0\x03why", &[0x87]].concat());
        conn.expect_disconnect();
        conn.expect_close();
    });
    let output = mqsub()
        .args(broker.args())
        .args(["-t", "a", "-t", "b", "-U", "c", "-E", "-d"])
        .args(["-D", "connect", "request-response-information", "1"])
        .run()
        .assert_success();
    broker.finish();
    let text = output.stderr_str();
    for words in [
        "the Response Information is \"answer\"",
        "the broker says \"welcome\"",
        "the broker assigned the id \"id\"",
        r#"warning: the broker refused to subscribe to "a": quota exceeded ("full up\u{7}\r"), code 151"#,
        r#"warning: the broker refused to unsubscribe from "c": not authorised ("why"), code 135"#,
    ] {
        assert!(text.contains(words), "{words}\n{output}");
    }
}

#[test]
fn the_brokers_keep_alive_replaces_ours() {
    let broker = Broker::builder().config("max_keepalive 10").start();
    let output = subscribe(&broker, &["-t", "a", "-E", "-d", "-V", "5", "-k", "60"]);
    let output = output.assert_success();
    assert!(
        output
            .stderr_str()
            .contains("the broker's Keep Alive is 10 s"),
        "{output}"
    );
    assert!(
        output.stderr_str().contains("the broker assigned the id"),
        "{output}"
    );
}

#[test]
fn a_text_that_is_not_utf_8_exits_18() {
    for properties in [&b""[..], b"\x03\0\x01\xFF"] {
        let broker = broker(move |conn| {
            let topic = if properties.is_empty() { 0xFF } else { b'a' };
            let length = properties.len() as u8;
            let body = [&[0, 1, topic, length], properties].concat();
            conn.send(&[&[0x30, body.len() as u8], &body[..]].concat());
            assert_eq!(conn.expect_disconnect().body, [0x81]);
            conn.expect_close();
        });
        let output = mqsub()
            .args(broker.args())
            .args(["-t", "#", "-V", "5"])
            .run()
            .assert_code(18);
        broker.finish();
        assert!(output.stderr_str().contains("not valid UTF-8"), "{output}");
    }
}

const FORMAT: &str = "%t|%A|%C|%D|%E|%F|%P|%R|%S|%p";

#[test]
fn what_mosquitto_pub_and_paho_send_is_printed() {
    const SCRIPT: &str = r#"
import sys
import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

if hasattr(mqtt, "CallbackAPIVersion"):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
else:
    client = mqtt.Client(protocol=mqtt.MQTTv5)
client.connect("localhost", int(sys.argv[1]))
client.loop_start()
p = Properties(PacketTypes.PUBLISH)
p.ContentType = "type"
p.CorrelationData = b"data"
p.PayloadFormatIndicator = 1
p.ResponseTopic = "answers"
p.UserProperty = [("k", "v"), ("k", "w")]
client.publish("a", "x", 1, properties=p).wait_for_publish()
client.disconnect()
client.loop_stop()
"#;
    let broker = Broker::start();
    let mqsub = subscribed(
        &broker,
        &[
            "-t",
            "a",
            "-C",
            "3",
            "-q",
            "1",
            "-F",
            FORMAT,
            "-D",
            "subscribe",
            "subscription-identifier",
            "5",
        ],
    );
    for release in ["1.6", "2.x"] {
        python(release, SCRIPT, &[&broker.port().to_string()])
            .run()
            .assert_success();
    }
    Tool::new("mosquitto_pub")
        .args(broker.args())
        .args(["-t", "a", "-m", "x"])
        .args(["-D", "publish", "content-type", "type"])
        .args(["-D", "publish", "correlation-data", "data"])
        .args(["-D", "publish", "payload-format-indicator", "1"])
        .args(["-D", "publish", "response-topic", "answers"])
        .args(["-D", "publish", "user-property", "k", "v"])
        .args(["-D", "publish", "user-property", "k", "w"])
        .run()
        .assert_success();
    let output = mqsub.wait().assert_success();
    let line = "a||type|data||1|k:v k:w|answers|5|x\n";
    assert_eq!(output.stdout_str(), line.repeat(3));
}

#[test]
fn properties_of_publish_have_no_effect_and_say_so() {
    let broker = Broker::start();
    let options = ["-t", "a", "-E", "-D", "publish", "topic-alias", "1"];
    let output = subscribe(&broker, &options).assert_success();
    assert!(
        output.stderr_str().starts_with("warning: -D publish"),
        "{output}"
    );
    let quiet = subscribe(&broker, &[&options[..], &["--quiet"]].concat()).assert_success();
    assert_eq!(quiet.stderr_str(), "");
}

#[test]
fn a_will_carries_its_properties() {
    let broker = Broker::start();
    let watcher = subscribed(
        &broker,
        &["-V", "5", "-t", "w", "-F", "%C|%P|%p", "-C", "1"],
    );
    let victim = subscribed(
        &broker,
        &[
            "-t",
            "a",
            "-i",
            "victim",
            "-x",
            "60",
            "--will-topic",
            "w",
            "--will-payload",
            "gone",
            "-D",
            "will",
            "will-delay-interval",
            "1",
            "-D",
            "will",
            "content-type",
            "c",
            "-D",
            "will",
            "user-property",
            "k",
            "v",
        ],
    );
    victim.kill();
    assert_eq!(watcher.wait().assert_success().stdout_str(), "c|k:v|gone\n");
    victim.wait().assert_code(128 + 9);
}
