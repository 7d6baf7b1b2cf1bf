//! MQTT over WebSocket with a server that is not mosquitto's.

use harness::mqpub;

use crate::brokers::aedes_websocket;
use crate::not_yet::not_yet;

#[test]
fn lines_and_a_large_payload_over_aedes() {
    if not_yet("--ws") {
        return;
    }
    let place = aedes_websocket();
    let text: String = (0..2000).map(|number| format!("line {number}\n")).collect();
    let large = "x".repeat(1_000_000);
    for version in place.versions {
        for qos in ["0", "1", "2"] {
            let lines = place.subscribed(version, &["-t", "lines", "-q", qos, "-C", "2000"]);
            place
                .tool(mqpub, version, &["-t", "lines", "-q", qos, "-l"])
                .stdin(text.as_str())
                .run()
                .assert_success();
            assert!(lines.wait().assert_success().stdout_str() == text);
            let one = place.subscribed(version, &["-t", "large", "-q", qos, "-C", "1", "-N"]);
            place
                .tool(mqpub, version, &["-t", "large", "-q", qos, "-s"])
                .stdin(large.as_str())
                .run()
                .assert_success();
            assert!(one.wait().assert_success().stdout_str() == large);
        }
    }
}
