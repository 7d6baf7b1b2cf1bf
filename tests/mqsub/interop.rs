//! paho-mqtt, releases 1.6 and 2: it receives what `mqpub` sends and sends what `mqsub` prints.

use std::fmt::Write as _;

use harness::{Broker, mqpub, python};
use tempfile::NamedTempFile;

use crate::support::{VERSIONS, received, subscribed};

/// Makes a paho client of the version in `sys.argv[2]` for the port in `sys.argv[1]`; the
/// functions are called alike in both releases.
const CLIENT: &str = r#"
import sys
import paho.mqtt.client as mqtt

port = int(sys.argv[1])
protocol = {"mqttv31": mqtt.MQTTv31, "mqttv311": mqtt.MQTTv311, "mqttv5": mqtt.MQTTv5}[sys.argv[2]]
if hasattr(mqtt, "CallbackAPIVersion"):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=protocol)
else:
    client = mqtt.Client(protocol=protocol)
"#;

const SUBSCRIBER: &str = r#"
left = 3

def on_message(client, userdata, message):
    global left
    print(message.topic, message.qos, message.payload.hex())
    left -= 1
    if left == 0:
        client.disconnect()

client.on_connect = lambda client, *rest: client.subscribe("interop/#", 2)
client.on_subscribe = lambda *rest: print("subscribed")
client.on_message = on_message
client.connect("localhost", port)
client.loop_forever()
"#;

const PUBLISHER: &str = r#"
client.connect("localhost", port)
client.loop_start()
payload = bytes.fromhex(sys.argv[3])
for qos in range(3):
    client.publish(f"interop/{qos}", payload, qos).wait_for_publish()
client.disconnect()
client.loop_stop()
"#;

/// Every byte, NUL and newlines among them, and nothing that is valid UTF-8.
fn binary() -> Vec<u8> {
    (0..=255).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn paho_receives_what_mqpub_sends(release: &str) {
    let broker = Broker::start();
    let port = broker.port().to_string();
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), binary()).unwrap();
    for version in VERSIONS {
        let script = [CLIENT, SUBSCRIBER].concat();
        let paho = python(release, &script, &[&port, version]).spawn();
        paho.wait_for_stdout("subscribed\n");
        let mut expected = "subscribed\n".to_owned();
        for qos in ["0", "1", "2"] {
            let topic = format!("interop/{qos}");
            mqpub()
                .args(broker.args())
                .args(["-V", version, "-t", &topic, "-q", qos, "-f"])
                .arg(file.path())
                .run()
                .assert_success();
            let _ = writeln!(expected, "{topic} {qos} {}", hex(&binary()));
        }
        let output = paho.wait().assert_success();
        assert_eq!(output.stdout_str(), expected);
    }
}

fn mqsub_prints_what_paho_sends(release: &str) {
    let broker = Broker::start();
    let port = broker.port().to_string();
    for version in VERSIONS {
        let mqsub = subscribed(
            &broker,
            &["-V", version, "-t", "interop/#", "-q", "2", "-v", "-C", "3"],
        );
        let script = [CLIENT, PUBLISHER].concat();
        python(release, &script, &[&port, version, &hex(&binary())])
            .run()
            .assert_success();
        let output = mqsub.wait().assert_success();
        let mut expected = Vec::new();
        for qos in 0..3 {
            expected.extend(format!("interop/{qos} ").bytes());
            expected.extend(binary());
            expected.push(b'\n');
        }
        assert!(output.stdout == expected, "{output}");
        let lines = received(output.stderr_str());
        for (qos, line) in lines.iter().enumerate() {
            assert!(line.starts_with(&format!("(d0, q{qos}, r0")), "{output}");
        }
    }
}

#[test]
fn paho_1_6_receives_what_mqpub_sends() {
    paho_receives_what_mqpub_sends("1.6");
}

#[test]
fn paho_2_receives_what_mqpub_sends() {
    paho_receives_what_mqpub_sends("2.x");
}

#[test]
fn mqsub_prints_what_paho_1_6_sends() {
    mqsub_prints_what_paho_sends("1.6");
}

#[test]
fn mqsub_prints_what_paho_2_sends() {
    mqsub_prints_what_paho_sends("2.x");
}
