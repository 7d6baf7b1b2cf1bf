//! paho-mqtt as the peer client, with a broker that is not mosquitto. With mosquitto:
//! tests/mqsub/interop.rs.

use harness::{mqpub, python};

use crate::brokers::aedes;

const BOTH_WAYS: &str = r#"
import sys
import paho.mqtt.client as mqtt

if hasattr(mqtt, "CallbackAPIVersion"):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
else:
    client = mqtt.Client()

left = 3

def on_message(client, userdata, message):
    global left
    print(message.topic, message.qos, message.payload.hex())
    # What came in on one topic goes out on another.
    client.publish("out/" + message.topic, message.payload, message.qos)
    left -= 1

def on_publish(client, userdata, mid, *rest):
    if left == 0:
        client.disconnect()

client.on_connect = lambda client, *rest: client.subscribe("in/#", 2)
client.on_subscribe = lambda *rest: print("subscribed")
client.on_message = on_message
client.on_publish = on_publish
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_forever()
"#;

#[test]
fn both_releases_send_back_what_mqpub_sent() {
    for release in ["1.6", "2.x"] {
        let place = aedes();
        let paho = python(release, BOTH_WAYS, &[place.port()]).spawn();
        paho.wait_for_stdout("subscribed\n");
        let args = ["-t", "out/#", "-q", "2", "-C", "3", "-F", "%t %q %p"];
        let subscriber = place.subscribed("mqttv311", &args);
        let mut expected = String::new();
        for qos in ["0", "1", "2"] {
            let topic = format!("in/{qos}");
            place
                .tool(mqpub, "mqttv311", &["-t", &topic, "-q", qos, "-m", "é"])
                .run()
                .assert_success();
            expected.push_str(&format!("out/in/{qos} {qos} é\n"));
            subscriber.wait_for_stdout(&expected);
        }
        assert_eq!(subscriber.wait().assert_success().stdout_str(), expected);
        let output = paho.wait().assert_success();
        assert_eq!(
            output.stdout_str(),
            "subscribed\nin/0 0 c3a9\nin/1 1 c3a9\nin/2 2 c3a9\n"
        );
    }
}
