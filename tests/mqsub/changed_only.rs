//! `--changed-only`: a topic's message is printed when it says something new.

use harness::Broker;

use crate::support::{VERSIONS, publish, subscribe, subscribed, terminate};

const STORY: [(&str, &str); 9] = [
    ("door/1", "open"),
    ("door/1", "open"),
    ("door/2", "open"),
    ("door/1", "shut"),
    ("door/2", "open"),
    ("door/1", "open"),
    ("door/1", ""),
    ("door/1", ""),
    ("door/1", "open"),
];

const TOLD: &str =
    "door/1 open\ndoor/2 open\ndoor/1 shut\ndoor/1 open\ndoor/1 (null)\ndoor/1 open\n";

fn tell(broker: &Broker, story: &[(&str, &str)]) {
    for (topic, payload) in story {
        match *payload {
            "" => publish(broker, &["-t", topic, "-n"]),
            text => publish(broker, &["-t", topic, "-m", text]),
        }
    }
}

#[test]
fn only_what_is_new_is_printed_and_counted() {
    let broker = Broker::start();
    for version in VERSIONS {
        let options = [
            "-V",
            version,
            "-t",
            "door/#",
            "-v",
            "--changed-only",
            "-C",
            "6",
        ];
        let mqsub = subscribed(&broker, &options);
        tell(&broker, &STORY);
        assert_eq!(mqsub.wait().assert_success().stdout_str(), TOLD);
    }
}

/// What is not printed is handled all the same: nothing is left for the next run.
#[test]
fn what_is_not_printed_is_acknowledged() {
    let broker = Broker::start();
    let session = ["-i", "me", "-c", "-q", "1", "-t", "door/#"];
    subscribe(&broker, &[&session[..], &["-E"]].concat()).assert_success();
    let mqsub = subscribed(&broker, &[&session[..], &["--changed-only"]].concat());
    for _ in 0..3 {
        publish(&broker, &["-t", "door/1", "-m", "open", "-q", "1"]);
    }
    broker.wait_for_log_times("Received PUBACK from me", 3);
    assert_eq!(terminate(mqsub).stdout_str(), "open\n");
}

/// One that says nothing new is still a retained one.
#[test]
fn what_is_not_printed_is_removed() {
    let broker = Broker::start();
    publish(&broker, &["-t", "door/1", "-m", "open", "-r"]);
    publish(&broker, &["-t", "door/2", "-m", "shut", "-r"]);
    // The broker sends what it retains for each of the filters.
    let options = "-t door/1 -t door/1 -t door/2 -v --changed-only -C 2 --remove-retained";
    let options: Vec<_> = options.split(' ').collect();
    let output = subscribe(&broker, &options).assert_success();
    assert_eq!(output.stdout_str(), "door/1 open\ndoor/2 shut\n");
    assert_eq!(output.stderr_str(), "note: removed 2 retained messages\n");
}

/// What was printed before the connection was lost is no news after it.
#[test]
fn a_new_connection_repeats_nothing() {
    let mut broker = Broker::start();
    let options = ["-t", "door/#", "--changed-only", "-C", "2"];
    let mqsub = subscribed(&broker, &options);
    publish(&broker, &["-t", "door/1", "-m", "open", "-r"]);
    mqsub.wait_for_stdout("open\n");
    broker.restart();
    mqsub.wait_for_stderr(|text: &str| text.matches("received SUBACK").count() == 2);
    publish(&broker, &["-t", "door/1", "-m", "open"]);
    publish(&broker, &["-t", "door/1", "-m", "shut"]);
    assert_eq!(mqsub.wait().assert_success().stdout_str(), "open\nshut\n");
}
