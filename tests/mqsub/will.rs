//! The Will that an `mqsub` leaves when it vanishes, and only then.

use harness::{Broker, Running, mqsub, unused_port};

use crate::support::{VERSIONS, publish, received, subscribe, subscribed};

const WILL: [&str; 4] = ["--will-topic", "will/topic", "--will-payload", "gone"];

/// An `mqsub` with a Will, and one that watches for it.
fn victim_and_watcher(broker: &Broker, version: &str, will: &[&str]) -> (Running, Running) {
    let watcher = subscribed(
        broker,
        &["-V", version, "-t", "will/#", "-q", "2", "-v", "-C", "1"],
    );
    let args = ["-V", version, "-i", "victim", "-t", "any"];
    let victim = subscribed(broker, &[&args, &WILL[..], will].concat());
    (victim, watcher)
}

#[test]
fn a_killed_mqsub_leaves_its_will() {
    for version in VERSIONS {
        for qos in ["0", "1", "2"] {
            let broker = Broker::start();
            let (victim, watcher) = victim_and_watcher(&broker, version, &["--will-qos", qos]);
            victim.kill();
            let output = watcher.wait().assert_success();
            assert_eq!(output.stdout_str(), "will/topic gone\n");
            let lines = received(output.stderr_str());
            let start = format!("(d0, q{qos}, r0, m");
            assert!(lines[0].starts_with(&start), "expected {start}\n{output}");

            // Not retained: a later subscriber meets only what is.
            publish(&broker, &["-t", "will/later", "-m", "retained", "-r"]);
            let output = subscribe(&broker, &["-t", "will/#", "-C", "1"]).assert_success();
            assert_eq!(output.stdout_str(), "retained\n");
        }
    }
}

#[test]
fn a_will_can_be_retained() {
    for version in VERSIONS {
        let broker = Broker::start();
        let will = ["--will-qos", "1", "--will-retain"];
        let (victim, watcher) = victim_and_watcher(&broker, version, &will);
        victim.kill();
        watcher.wait().assert_success();
        let later = [
            "-V", version, "-t", "will/#", "-q", "2", "-v", "-C", "1", "-d",
        ];
        let output = subscribe(&broker, &later).assert_success();
        assert_eq!(output.stdout_str(), "will/topic gone\n");
        let lines = received(output.stderr_str());
        assert!(lines[0].starts_with("(d0, q1, r1, m"), "{output}");
    }
}

#[test]
fn a_will_may_be_empty() {
    let broker = Broker::start();
    let watcher = subscribed(&broker, &["-t", "will/#", "-v", "-C", "1"]);
    let victim = subscribed(&broker, &["-t", "any", "--will-topic", "will/topic"]);
    victim.kill();
    let output = watcher.wait().assert_success();
    assert_eq!(output.stdout_str(), "will/topic (null)\n");
}

#[test]
fn sigterm_sigint_and_sighup_leave_none_in_mqtt_3_1_1() {
    let stops: [fn(&Running); 3] = [Running::terminate, Running::interrupt, Running::hang_up];
    for stop in stops {
        let broker = Broker::start();
        let (victim, watcher) = victim_and_watcher(&broker, "mqttv311", &[]);
        stop(&victim);
        victim.wait().assert_success();
        nothing_but_a_marker(&broker, watcher);
    }
}

/// What nohup does, and every shell that is about to leave its jobs running.
#[test]
fn an_ignored_sighup_stays_ignored() {
    let broker = Broker::start();
    let mqsub = harness::Tool::new("/bin/sh")
        .args(["-c", "trap '' HUP; exec \"$@\"", "sh"])
        .arg(mqsub().path())
        .args(broker.args())
        .args(["-d", "-t", "a", "-C", "1"])
        .spawn();
    mqsub.wait_for_stderr("received SUBACK");
    mqsub.hang_up();
    publish(&broker, &["-t", "a", "-m", "still here"]);
    let output = mqsub.wait().assert_success();
    assert_eq!(output.stdout_str(), "still here\n");
}

#[test]
fn an_end_after_the_last_wanted_message_leaves_none() {
    for version in VERSIONS {
        let broker = Broker::start();
        let (victim, watcher) = victim_and_watcher(&broker, version, &["-C", "1"]);
        publish(&broker, &["-t", "any", "-m", "text"]);
        victim.wait().assert_success();
        nothing_but_a_marker(&broker, watcher);
    }
}

#[test]
fn the_end_of_the_time_leaves_none_in_mqtt_3_1_1() {
    let broker = Broker::start();
    let (victim, watcher) = victim_and_watcher(&broker, "mqttv311", &["-W", "20"]);
    victim.wait().assert_code(27);
    nothing_but_a_marker(&broker, watcher);
}

/// As mosquitto_sub: whoever stops it from outside did not get what it was started for.
#[test]
fn signals_and_the_end_of_the_time_leave_the_will_in_mqtt_5() {
    for (cause, args, code) in [
        ("SIGTERM", [].as_slice(), 0),
        ("SIGINT", &[], 0),
        ("time", &["-W", "20"], 27),
    ] {
        let broker = Broker::start();
        let (victim, watcher) = victim_and_watcher(&broker, "mqttv5", args);
        match cause {
            "SIGTERM" => victim.terminate(),
            "SIGINT" => victim.interrupt(),
            _ => {}
        }
        let output = victim.wait().assert_code(code);
        assert!(
            output.stderr_str().contains("sending DISCONNECT (4)"),
            "{output}"
        );
        let output = watcher.wait().assert_success();
        assert_eq!(output.stdout_str(), "will/topic gone\n");
    }
}

#[test]
fn a_will_needs_a_topic_name() {
    let port = unused_port();
    for will in [
        ["--will-payload", "gone"].as_slice(),
        &["--will-retain"],
        &["--will-topic", "will/#"],
        &["--will-topic", ""],
        &["--will-topic", "will/topic", "--will-qos", "3"],
    ] {
        let output = mqsub()
            .args(port.args())
            .args(["-t", "a", "-E"])
            .args(will)
            .run()
            .assert_code(1);
        assert!(output.stderr_str().starts_with("error: "), "{output}");
    }
}

/// The victim's connection is over for the broker, and its Will is not among what came.
#[track_caller]
fn nothing_but_a_marker(broker: &Broker, watcher: Running) {
    broker.wait_for_log("Client victim disconnected.");
    publish(broker, &["-t", "will/marker", "-m", "here"]);
    let output = watcher.wait().assert_success();
    assert_eq!(output.stdout_str(), "will/marker here\n");
}
