//! The Quality of Service from `mqpub -q` to `mqsub -q`.

use harness::Broker;

use crate::support::{publish, received, subscribed};

#[test]
fn each_pair_delivers_with_the_lower_of_both_in_3_1_1() {
    every_pair("mqttv311");
}

#[test]
fn each_pair_delivers_with_the_lower_of_both_in_5() {
    every_pair("mqttv5");
}

fn every_pair(version: &str) {
    let broker = Broker::start();
    for published in 0..3 {
        for asked in 0..3 {
            let topic = format!("qos/{published}/{asked}");
            let text = format!("{published} to {asked}");
            let both = ["-V", version, "-t", &topic, "-q"];
            let (sent_qos, asked_qos) = (published.to_string(), asked.to_string());
            let asking = [&both, &[&asked_qos, "-C", "1"][..]].concat();
            let mqsub = subscribed(&broker, &asking);
            let publishing = [&sent_qos, "-i", "sender", "-m", &text];
            publish(&broker, &[&both, &publishing[..]].concat());
            let output = mqsub.wait().assert_success();
            assert_eq!(output.stdout_str(), format!("{text}\n"));
            let delivered = published.min(asked);
            let lines = received(output.stderr_str());
            assert_eq!(lines.len(), 1, "{output}");
            let start = format!("(d0, q{delivered}, r0, m");
            assert!(lines[0].starts_with(&start), "expected {start}\n{output}");
            let id = u8::from(published > 0);
            broker.wait_for_log(&format!(
                "Received PUBLISH from sender (d0, q{published}, r0, m{id}, '{topic}'"
            ));
        }
    }
    // mqsub's own: three pairs deliver at QoS 1, one at QoS 2.
    broker.wait_for_log_times("Received PUBACK from", 3);
    broker.wait_for_log_times("Received PUBREC from", 1);
}
