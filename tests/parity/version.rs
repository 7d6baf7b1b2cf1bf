//! `-V`.

use crate::not_yet::not_yet;
use crate::support::both_send;

#[test]
fn the_version_is_that_of_the_connect() {
    for (name, level) in [("mqttv311", 4), ("311", 4), ("mqttv5", 5), ("5", 5)] {
        for option in ["-V", "--protocol-version"] {
            for sent in both_send(&[option, name]) {
                assert_eq!(
                    (sent.connect.protocol.as_str(), sent.connect.level),
                    ("MQTT", level)
                );
            }
        }
    }
    for sent in both_send(&[]) {
        assert_eq!(sent.connect.level, 4);
    }
}

#[test]
fn mqtt_3_1() {
    if not_yet("mqttv31") {
        return;
    }
    for name in ["mqttv31", "31"] {
        for sent in both_send(&["-V", name]) {
            assert_eq!(
                (sent.connect.protocol.as_str(), sent.connect.level),
                ("MQIsdp", 3)
            );
            // MQTT 3.1 knows no empty client identifier, and none of more than 23 bytes.
            assert!((1..=23).contains(&sent.connect.client_id.len()));
        }
        for sent in both_send(&["-V", name, "-i", "mine"]) {
            assert_eq!(sent.connect.client_id, "mine");
        }
    }
}
