//! `-D`: MQTT 5 properties on CONNECT, PUBLISH, DISCONNECT and the Will; Topic Aliases.

use std::sync::mpsc;

use harness::{Broker, FakeBroker, Tool, mqpub, python, unused_port};

use crate::support::{Collector, complaint, greet, greet_v5, part, publisher};

/// What CONNECT and DISCONNECT say with these options: level, properties of CONNECT, those of the
/// Will, body of DISCONNECT.
#[track_caller]
fn said(options: &[&str]) -> (u8, Vec<u8>, Vec<u8>, Vec<u8>) {
    let (sender, receiver) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        let connect = greet(&mut conn);
        conn.expect_publish();
        let body = conn.expect_disconnect().body;
        conn.expect_close();
        let will = connect.will.map(|will| will.properties).unwrap_or_default();
        sender
            .send((connect.level, connect.properties, will, body))
            .unwrap();
    });
    publisher(&broker)
        .args(["-m", "x"])
        .args(options)
        .run()
        .assert_success();
    broker.finish();
    receiver.try_recv().unwrap()
}

/// The properties of the PUBLISH that these options lead to.
#[track_caller]
fn published(options: &[&str]) -> Vec<u8> {
    published_by(mqpub(), options)
}

#[track_caller]
fn published_by(tool: Tool, options: &[&str]) -> Vec<u8> {
    let collector = Collector::start();
    tool.args(collector.args())
        .args(["-t", "test/topic", "-m", "x"])
        .args(options)
        .run()
        .assert_success();
    let publish = collector.next();
    assert_eq!(publish.topic, "test/topic");
    publish.properties
}

fn misused(options: &[&str]) -> crate::support::Complaint {
    let nobody = unused_port();
    let tool = mqpub().args(nobody.args()).args(["-t", "a", "-m", "x"]);
    complaint(tool.args(options).run(), 1)
}

#[test]
fn every_property_of_connect_is_sent() {
    for (name, value, expected) in [
        ("session-expiry-interval", "258", &b"\x11\0\0\x01\x02"[..]),
        ("receive-maximum", "65535", b"\x21\xFF\xFF"),
        ("maximum-packet-size", "4294967295", b"\x27\xFF\xFF\xFF\xFF"),
        ("topic-alias-maximum", "0", b"\x22\0\0"),
        ("request-response-information", "1", b"\x19\x01"),
        ("request-problem-information", "0", b"\x17\0"),
    ] {
        let (level, properties, ..) = said(&["-D", "connect", name, value]);
        assert_eq!((level, &properties[..]), (5, expected), "{name}");
    }
    let pair = ["connect", "user-property", "-k", "--"];
    let (level, properties, ..) = said(&[&["--property"], &pair[..], &["-D"], &pair].concat());
    let expected = b"\x26\0\x02-k\0\x02--".repeat(2);
    assert_eq!((level, properties), (5, expected));
}

#[test]
fn every_property_of_publish_is_sent() {
    for (name, value, expected) in [
        ("payload-format-indicator", "1", &b"\x01\x01"[..]),
        ("message-expiry-interval", "258", b"\x02\0\0\x01\x02"),
        ("content-type", "a/b; c", b"\x03\0\x06a/b; c"),
        ("content-type", "", b"\x03\0\0"),
        ("response-topic", "é", b"\x08\0\x02\xC3\xA9"),
        ("correlation-data", "-t", b"\x09\0\x02-t"),
    ] {
        let options = ["-D", "publish", name, value];
        assert_eq!(published(&options), expected);
        assert_eq!(published_by(Tool::new("mosquitto_pub"), &options), expected);
    }
    assert_eq!(
        published(&[
            "-D",
            "publish",
            "user-property",
            "b",
            "-t",
            "-q",
            "1",
            "-D",
            "publish",
            "user-property",
            "a",
            "",
        ]),
        b"\x26\0\x01b\0\x02-t\x26\0\x01a\0\0"
    );
}

#[test]
fn disconnect_and_will_have_theirs() {
    let (_, _, will, disconnect) = said(&[
        "-x",
        "10",
        "-D",
        "disconnect",
        "session-expiry-interval",
        "5",
        "-D",
        "disconnect",
        "reason-string",
        "bye",
        "-D",
        "disconnect",
        "user-property",
        "k",
        "v",
    ]);
    assert_eq!(will, b"");
    assert_eq!(
        disconnect,
        b"\0\x12\x11\0\0\0\x05\x1F\0\x03bye\x26\0\x01k\0\x01v"
    );
    for (name, value, expected) in [
        ("will-delay-interval", "258", &b"\x18\0\0\x01\x02"[..]),
        ("payload-format-indicator", "0", b"\x01\0"),
        ("message-expiry-interval", "9", b"\x02\0\0\0\x09"),
        ("content-type", "c", b"\x03\0\x01c"),
        ("response-topic", "r", b"\x08\0\x01r"),
        ("correlation-data", "d", b"\x09\0\x01d"),
    ] {
        let (_, _, will, disconnect) = said(&["--will-topic", "w", "-D", "will", name, value]);
        assert_eq!(will, expected, "{name}");
        assert_eq!(disconnect, b"");
    }
}

#[test]
fn binary_correlation_data_arrives_as_it_was_typed() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let collector = Collector::start();
    collector
        .mqpub(["-m", "x", "-D", "publish", "correlation-data"])
        .arg(OsStr::from_bytes(b"\xFF\xFE"))
        .run()
        .assert_success();
    assert_eq!(collector.next().properties, b"\x09\0\x02\xFF\xFE");
}

#[test]
fn a_property_implies_mqtt_5_and_excludes_older_versions() {
    let pair = ["-D", "publish", "user-property", "k", "v"];
    for version in ["mqttv31", "mqttv311"] {
        for options in [
            [&pair[..], &["-V", version]].concat(),
            [&["-V", version], &pair[..]].concat(),
        ] {
            let report = misused(&options);
            assert!(report.error.contains("-D"), "{report:?}");
            assert!(report.hint.contains("-V mqttv5"), "{report:?}");
        }
    }
    let (level, ..) = said(&[&pair[..], &["-V", "mqttv5"]].concat());
    assert_eq!(level, 5);
}

#[test]
fn wrong_properties_are_usage_errors() {
    for (options, error, cause, hint) in [
        (
            &["-D", "publish", "topic-alias"][..],
            "-D publish topic-alias",
            "missing",
            "CMD NAME VALUE",
        ),
        (&["-D"], "a value is required", "", "--help"),
        (
            &["-D", "publish", "user-property", "k"],
            "-D",
            "missing",
            "KEY VALUE",
        ),
        (
            &["-D", "auth", "user-property", "k", "v"],
            "-D auth user-property",
            "not supported",
            "connect, publish",
        ),
        (
            &["-D", "publish", "nonsense", "1"],
            "-D publish nonsense",
            "no such property",
            "content-type",
        ),
        (
            &["-D", "connect", "authentication-method", "SCRAM"],
            "authentication-method",
            "AUTH",
            "",
        ),
        (
            &["-D", "publish", "topic-alias", "0"],
            "topic-alias 0",
            "1 to 65535",
            "",
        ),
        (
            &[
                "-D",
                "publish",
                "content-type",
                "a",
                "-D",
                "publish",
                "content-type",
                "a",
            ],
            "content-type a",
            "more than once",
            "",
        ),
        (
            &["-D", "will", "content-type", "a"],
            "-D will",
            "",
            "--will-topic",
        ),
        (
            &["-x", "1", "-D", "connect", "session-expiry-interval", "1"],
            "-x and -D",
            "",
            "one of them",
        ),
        (
            &["-D", "connect", "session-expiry-interval", "4294967295"],
            "never expires",
            "",
            "-i ID",
        ),
        (
            &["-D", "disconnect", "session-expiry-interval", "1"],
            "-D disconnect",
            "",
            "-x SECONDS",
        ),
    ] {
        let report = misused(options);
        assert!(report.error.contains(error), "{report:?}");
        assert!(report.cause.contains(cause), "{report:?}");
        assert!(report.hint.contains(hint), "{report:?}");
    }
}

#[test]
fn a_property_that_has_no_effect_gets_a_warning() {
    let collector = Collector::start();
    let idle = ["-D", "subscribe", "subscription-identifier", "1"];
    let run = |more: &[&str]| {
        let output = collector.mqpub(["-m", "x"]).args(idle).args(more).run();
        output.assert_success().stderr_str().to_owned()
    };
    assert!(run(&[]).starts_with("warning: -D subscribe"));
    assert_eq!(run(&["--quiet"]), "");
}

/// Topic, properties and payload of each message, published to a broker that takes aliases up to
/// `maximum`.
#[track_caller]
fn named(
    maximum: u8,
    options: &[&str],
    stdin: &str,
    count: usize,
) -> (Vec<(String, Vec<u8>)>, String) {
    let (sender, receiver) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        greet_v5(&mut conn, &[0x22, 0, maximum]);
        for _ in 0..count {
            let publish = conn.expect_publish();
            if let Some(id) = publish.packet_id {
                conn.puback(id);
            }
            sender.send((publish.topic, publish.properties)).unwrap();
        }
        part(&mut conn);
    });
    let output = publisher(&broker).args(options).stdin(stdin).run();
    broker.finish();
    let stderr = output.assert_success().stderr_str().to_owned();
    (receiver.try_iter().collect(), stderr)
}

#[test]
fn a_topic_alias_names_the_topic_from_the_second_message_on() {
    let alias = ["-D", "publish", "topic-alias", "3"];
    let first = ("test/topic".to_owned(), b"\x23\0\x03".to_vec());
    let later = (String::new(), b"\x23\0\x03".to_vec());
    for qos in ["0", "1"] {
        let lines = [&["-l", "-q", qos], &alias[..]].concat();
        let (seen, stderr) = named(3, &lines, "one\ntwo\nthree", 3);
        assert_eq!(seen, [first.clone(), later.clone(), later.clone()]);
        assert_eq!(stderr, "");
        let repeated = [&["-m", "x", "--repeat", "2", "-q", qos], &alias[..]].concat();
        let (seen, _) = named(3, &repeated, "", 2);
        assert_eq!(seen, [first.clone(), later.clone()]);
    }
    // The other properties stay with every message.
    let both = [&["-l"], &alias[..], &["-D", "publish", "content-type", "c"]].concat();
    let (seen, _) = named(3, &both, "one\ntwo", 2);
    let rest = b"\x23\0\x03\x03\0\x01c".to_vec();
    assert_eq!(
        seen,
        [("test/topic".into(), rest.clone()), (String::new(), rest)]
    );
}

#[test]
fn an_alias_the_broker_does_not_take_costs_a_warning_and_no_message() {
    let alias = ["-l", "-D", "publish", "topic-alias", "3"];
    let plain = ("test/topic".to_owned(), Vec::new());
    for (maximum, words) in [(2, "up to 2, not 3"), (0, "takes no Topic Alias")] {
        let (seen, stderr) = named(maximum, &alias, "one\ntwo", 2);
        assert_eq!(seen, [plain.clone(), plain.clone()]);
        assert!(
            stderr.starts_with("warning: ") && stderr.contains(words),
            "{stderr}"
        );
    }
    let (_, stderr) = named(0, &[&alias[..], &["--quiet"]].concat(), "one", 1);
    assert_eq!(stderr, "");
}

/// What mosquitto_sub prints of a message published with these options.
#[track_caller]
fn witnessed(tool: Tool) -> String {
    let broker = Broker::start();
    let subscriber = Tool::new("mosquitto_sub")
        .args(broker.args())
        .args(["-V", "mqttv5", "-t", "#", "-C", "2"])
        .args(["-F", "%t|%C|%D|%F|%P|%R|%p"])
        .spawn();
    broker.wait_for_log("Sending SUBACK");
    tool.args(broker.args())
        .args(["-t", "a/b", "-l"])
        .args(["-D", "publish", "content-type", "text/plain"])
        .args(["-D", "publish", "correlation-data", "data"])
        .args(["-D", "publish", "payload-format-indicator", "1"])
        .args(["-D", "publish", "response-topic", "answers"])
        .args(["-D", "publish", "topic-alias", "7"])
        .args(["-D", "publish", "user-property", "k", "v"])
        .args(["-D", "publish", "user-property", "k", "-w"])
        .stdin("one\ntwo\n")
        .run()
        .assert_success();
    subscriber.wait().assert_success().stdout_str().to_owned()
}

#[test]
fn mosquitto_passes_them_on_as_it_does_for_mosquitto_pub() {
    let expected = "a/b|text/plain|data|1|k:v k:-w|answers|one\n\
                    a/b|text/plain|data|1|k:v k:-w|answers|two\n";
    assert_eq!(witnessed(mqpub()), expected);
    assert_eq!(witnessed(Tool::new("mosquitto_pub")), expected);
}

#[test]
fn paho_reads_them() {
    const SCRIPT: &str = r#"
import sys
import paho.mqtt.client as mqtt

if hasattr(mqtt, "CallbackAPIVersion"):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
else:
    client = mqtt.Client(protocol=mqtt.MQTTv5)

def on_message(client, userdata, message):
    p = message.properties
    print(p.ContentType, p.CorrelationData, p.PayloadFormatIndicator, p.ResponseTopic, p.UserProperty)
    client.disconnect()

client.on_connect = lambda client, *rest: client.subscribe('#')
client.on_subscribe = lambda *rest: print("subscribed")
client.on_message = on_message
client.connect("localhost", int(sys.argv[1]))
client.loop_forever()
"#;
    let broker = Broker::start();
    for release in ["1.6", "2.x"] {
        let paho = python(release, SCRIPT, &[&broker.port().to_string()]).spawn();
        paho.wait_for_stdout("subscribed\n");
        mqpub()
            .args(broker.args())
            .args(["-t", "a", "-m", "x"])
            .args(["-D", "publish", "content-type", "c"])
            .args(["-D", "publish", "correlation-data", "d"])
            .args(["-D", "publish", "payload-format-indicator", "1"])
            .args(["-D", "publish", "response-topic", "r"])
            .args(["-D", "publish", "user-property", "k", "v"])
            .run()
            .assert_success();
        let output = paho.wait().assert_success();
        assert_eq!(output.stdout_str(), "subscribed\nc b'd' 1 r [('k', 'v')]\n");
    }
}
