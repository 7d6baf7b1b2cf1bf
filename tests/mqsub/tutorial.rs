//! The tutorial that most people follow, without TLS.

use harness::Broker;

use crate::support::{publish, subscribed, terminate};

#[test]
fn a_message_appears_at_once() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-t", "test/topic"]);
    publish(&broker, &["-t", "test/topic", "-m", "Hello, MQTT"]);
    // It runs on: what it prints must not wait for its end.
    mqsub.wait_for_stdout("Hello, MQTT\n");
    assert!(mqsub.is_running());
    assert_eq!(terminate(mqsub).stdout_str(), "Hello, MQTT\n");
}

#[test]
fn a_plus_stands_for_one_level() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-t", "home/+/temperature"]);
    publish(&broker, &["-t", "home/temperature", "-m", "too few levels"]);
    publish(&broker, &["-t", "home/a/b/temperature", "-m", "too many"]);
    publish(&broker, &["-t", "home/kitchen/humidity", "-m", "another"]);
    publish(&broker, &["-t", "home/kitchen/temperature", "-m", "21"]);
    publish(&broker, &["-t", "home//temperature", "-m", "22"]);
    mqsub.wait_for_stdout("22\n");
    assert_eq!(terminate(mqsub).stdout_str(), "21\n22\n");
}

#[test]
fn a_number_sign_stands_for_everything_below() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-v", "-t", "home/#"]);
    publish(&broker, &["-t", "homes", "-m", "another tree"]);
    publish(&broker, &["-t", "home", "-m", "0"]);
    publish(&broker, &["-t", "home/attic", "-m", "1"]);
    publish(&broker, &["-t", "home/attic/box/lid", "-m", "2"]);
    mqsub.wait_for_stdout("lid 2\n");
    assert_eq!(
        terminate(mqsub).stdout_str(),
        "home 0\nhome/attic 1\nhome/attic/box/lid 2\n"
    );
}

#[test]
fn several_filters_make_one_stream() {
    let broker = Broker::start();
    let filters = ["-t", "a/b", "-v", "-t", "c/+", "-t", "d/#", "-C", "3"];
    let mqsub = subscribed(&broker, &filters);
    for (topic, text) in [("a/b", "1"), ("a/c", "no"), ("c/x", "2"), ("d/y/z", "3")] {
        publish(&broker, &["-t", topic, "-m", text]);
    }
    let output = mqsub.wait().assert_success();
    assert_eq!(output.stdout_str(), "a/b 1\nc/x 2\nd/y/z 3\n");
}

#[test]
fn topics_and_payloads_keep_every_character() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-v", "-t", "haus/küche/温度", "-C", "1"]);
    publish(&broker, &["-t", "haus/küche/温度", "-m", " 21 °C \t"]);
    let output = mqsub.wait().assert_success();
    assert_eq!(output.stdout_str(), "haus/küche/温度  21 °C \t\n");
}
