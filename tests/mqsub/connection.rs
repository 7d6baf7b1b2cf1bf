//! What the broker learns about the client: `-i`, `-I`, `-k`, `-V`.

use harness::{Broker, mqsub, unused_port};

use crate::support::{subscribe, subscribed, terminate};

/// The broker's line about a client that connected, from its identifier on.
#[track_caller]
fn introduction(broker: &Broker) -> String {
    broker.wait_for_log("New client connected from");
    let log = broker.log();
    let line = log
        .lines()
        .find(|line| line.contains("New client connected from"));
    let (_, introduction) = line.unwrap().split_once(" as ").unwrap();
    introduction.to_owned()
}

#[track_caller]
fn introduced_by(args: &[&str]) -> String {
    let broker = Broker::start();
    subscribe(&broker, &[&["-t", "a", "-E"], args].concat()).assert_success();
    introduction(&broker)
}

#[test]
fn it_is_3_1_1_with_a_keep_alive_of_60_and_a_clean_session() {
    let line = introduced_by(&[]);
    assert!(line.ends_with(" (p2, c1, k60)."), "{line}");
    // The broker has made the identifier.
    assert!(line.starts_with("auto-"), "{line}");
}

#[test]
fn an_identifier_can_be_given() {
    assert_eq!(introduced_by(&["-i", "me"]), "me (p2, c1, k60).");
    assert_eq!(introduced_by(&["--id", "-x 1"]), "-x 1 (p2, c1, k60).");
    assert_eq!(introduced_by(&["-i", "me", "-c"]), "me (p2, c0, k60).");
}

#[test]
fn a_prefix_is_followed_by_the_process_id() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-t", "a", "-I", "logger"]);
    let expected = format!("logger{} (p2, c1, k60).", mqsub.pid());
    assert_eq!(introduction(&broker), expected);
    terminate(mqsub);
}

#[test]
fn the_keep_alive_can_be_given() {
    for (seconds, line) in [
        ("5", "me (p2, c1, k5)."),
        ("65535", "me (p2, c1, k65535)."),
        ("0", "me (p2, c1, k0)."),
    ] {
        assert_eq!(introduced_by(&["-i", "me", "-k", seconds]), line);
    }
}

#[test]
fn an_idle_connection_is_kept_alive() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-t", "a", "-k", "5"]);
    mqsub.wait_for_stderr("received PINGRESP");
    assert!(mqsub.is_running());
    terminate(mqsub);
}

#[test]
fn the_version_can_be_given() {
    for (version, level) in [
        ("mqttv311", "p2"),
        ("311", "p2"),
        ("mqttv5", "p5"),
        ("5", "p5"),
    ] {
        let line = introduced_by(&["-i", "me", "-V", version]);
        assert_eq!(line, format!("me ({level}, c1, k60)."));
    }
}

#[test]
fn the_last_of_two_values_wins() {
    let line = introduced_by(&["-i", "one", "-k", "10", "-V", "5", "-i", "two", "-k", "20"]);
    assert_eq!(line, "two (p5, c1, k20).");
}

#[test]
fn what_cannot_be_is_a_usage_error() {
    let port = unused_port();
    for args in [
        ["-k", "4"].as_slice(),
        &["-k", "65536"],
        &["-k", "-1"],
        &["-k", "long"],
        &["-V", "mqttv6"],
        &["-V", ""],
        &["-i", "me", "-I", "prefix"],
        &["-P", "password"],
        &["-h", ""],
        &["-p", "65536"],
    ] {
        let output = mqsub()
            .args(port.args())
            .args(["-t", "a"])
            .args(args)
            .run()
            .assert_code(1);
        assert!(output.stderr_str().starts_with("error: "), "{output}");
    }
}
