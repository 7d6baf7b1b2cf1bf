//! `--remove-retained`: what is retained is printed, removed, and the broker has said so.

use std::fs::{self, File};
use std::thread;
use std::time::{Duration, Instant};

use harness::fake_broker::Publish;
use harness::{Broker, Conn, FakeBroker, Tool, mqsub};
use tempfile::NamedTempFile;

use crate::support::{VERSIONS, publish, subscribe, subscribed, terminate};

/// Retained messages on `r/1`, `r/2` and so on.
fn retain(broker: &Broker, count: usize) {
    for number in 1..=count {
        let topic = format!("r/{number}");
        publish(
            broker,
            &["-t", &topic, "-m", &number.to_string(), "-r", "-q", "1"],
        );
    }
}

/// What the broker still retains under `r/`, sorted.
#[track_caller]
fn left(broker: &Broker) -> Vec<String> {
    publish(broker, &["-t", "marker", "-m", "end", "-r"]);
    // The broker answers the filters of a SUBSCRIBE in their order.
    let mqsub = mqsub()
        .args(broker.args())
        .args(["-t", "r/#", "-t", "marker", "-v"])
        .spawn();
    mqsub.wait_for_stdout("marker end\n");
    let output = terminate(mqsub);
    let mut left: Vec<_> = output.stdout_str().lines().map(str::to_owned).collect();
    assert_eq!(left.pop().unwrap(), "marker end");
    left.sort();
    left
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// The man page's example: all are printed, all are gone, and it ends by itself.
#[test]
fn with_retained_only_it_removes_all_and_ends() {
    for version in VERSIONS {
        for qos in ["0", "1", "2"] {
            let broker = Broker::start();
            retain(&broker, 3);
            let options = [
                "-V",
                version,
                "-q",
                qos,
                "--retained-only",
                "--remove-retained",
            ];
            let output =
                subscribe(&broker, &[&options, &["-t", "r/#", "-v"][..]].concat()).assert_success();
            assert_eq!(sorted(output.stdout_str()), ["r/1 1", "r/2 2", "r/3 3"]);
            assert_eq!(output.stderr_str(), "note: removed 3 retained messages\n");
            assert_eq!(left(&broker), [""; 0]);
        }
    }
}

/// More than fit into the window.
#[test]
fn hundreds_are_removed() {
    let broker = Broker::builder().log_every_packet(false).start();
    retain(&broker, 130);
    for (options, expected) in [
        (&["-V", "mqttv5", "-M", "7", "-C", "60"][..], 70),
        (&["--retained-only"], 0),
    ] {
        let options = [options, &["-t", "r/#", "--remove-retained"]].concat();
        subscribe(&broker, &options).assert_success();
        assert_eq!(left(&broker).len(), expected);
    }
}

/// The same is printed and counted, and nothing is sent.
#[test]
fn a_dry_run_only_looks() {
    let broker = Broker::start();
    retain(&broker, 3);
    for version in VERSIONS {
        // The second filter brings r/1 once more.
        let options = "-t r/# -t r/1 -T r/3 -v --retained-only --remove-retained --dry-run";
        let mqsub = mqsub()
            .args(broker.args())
            .args(["-V", version, "-i", "looker"])
            .args(options.split(' '))
            .spawn();
        mqsub.wait_for_stdout(|text: &str| text.lines().count() == 3);
        // It ends with the first that is not retained.
        publish(&broker, &["-t", "r/3", "-m", "3", "-r"]);
        let output = mqsub.wait().assert_success();
        assert_eq!(sorted(output.stdout_str()), ["r/1 1", "r/1 1", "r/2 2"]);
        assert_eq!(
            output.stderr_str(),
            "note: would remove 2 retained messages\n"
        );
        assert_eq!(left(&broker), ["r/1 1", "r/2 2", "r/3 3"]);
    }
    assert!(!broker.log().contains("Received PUBLISH from looker"));
    let options = ["-t", "r/#", "-C", "3", "--remove-retained", "--dry-run"];
    let output = subscribe(&broker, &[&options[..], &["--quiet"]].concat()).assert_success();
    assert_eq!(output.stderr_str(), "");
}

#[test]
fn a_dry_run_of_nothing_is_a_usage_error() {
    let options = ["-t", "r/#", "--dry-run"];
    let output = mqsub()
        .args(harness::unused_port().args())
        .args(options)
        .run()
        .assert_code(1);
    assert!(
        output.stderr_str().contains("--remove-retained"),
        "{output}"
    );
}

#[test]
fn those_of_capital_t_stay_and_those_of_capital_r_do_not() {
    for version in VERSIONS {
        let broker = Broker::start();
        retain(&broker, 3);
        let options = [
            "-t",
            "r/#",
            "-T",
            "r/2",
            "-R",
            "-i",
            "me",
            "--remove-retained",
            "-V",
            version,
        ];
        let mqsub = subscribed(&broker, &options);
        broker.wait_for_log_times("Sending PUBACK to me", 2);
        assert_eq!(terminate(mqsub).stdout_str(), "");
        assert_eq!(left(&broker), ["r/2 2"]);
    }
}

#[test]
fn those_that_chance_does_not_print_are_removed_too() {
    let broker = Broker::start();
    retain(&broker, 3);
    let options = ["-t", "r/#", "--random-filter", "0.1", "-C", "3"];
    subscribe(&broker, &[&options[..], &["--remove-retained"]].concat()).assert_success();
    assert_eq!(left(&broker), [""; 0]);
}

/// The one that is printed goes, the others stay.
#[test]
fn with_a_count_no_more_are_removed_than_printed() {
    for version in VERSIONS {
        for qos in ["0", "1"] {
            let broker = Broker::start();
            retain(&broker, 3);
            let options = ["-V", version, "-q", qos, "-C", "1", "--remove-retained"];
            let output =
                subscribe(&broker, &[&options, &["-t", "r/#", "-v"][..]].concat()).assert_success();
            assert_eq!(output.stderr_str(), "note: removed 1 retained message\n");
            let mut all = left(&broker);
            assert_eq!(all.len(), 2);
            all.extend(output.stdout_str().lines().map(str::to_owned));
            all.sort();
            assert_eq!(all, ["r/1 1", "r/2 2", "r/3 3"]);
        }
    }
}

#[test]
fn live_messages_are_left_alone() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-t", "r/#", "--remove-retained", "-C", "1"]);
    publish(&broker, &["-t", "r/1", "-m", "live", "-r"]);
    let output = mqsub.wait().assert_success();
    assert!(!output.stderr_str().contains("sending PUBLISH"), "{output}");
    assert_eq!(left(&broker), ["r/1 live"]);
}

/// Both ask at QoS 1.
#[test]
fn the_empty_message_is_mosquitto_subs() {
    for tool in [mqsub(), Tool::new("mosquitto_sub")] {
        let broker = Broker::start();
        retain(&broker, 1);
        let running = tool
            .args(broker.args())
            .args(["-i", "me", "-t", "r/#", "--remove-retained", "-v"])
            .spawn();
        broker.wait_for_log("Received PUBLISH from me (d0, q1, r1, m");
        // What it sent comes back, and is an ordinary message to both.
        running.wait_for_stdout("r/1 1\nr/1 (null)\n");
    }
}

#[test]
fn a_broker_that_takes_no_qos_1_is_asked_at_qos_0() {
    let broker = Broker::builder().config("max_qos 0").start();
    publish(&broker, &["-t", "r/1", "-m", "1", "-r"]);
    let options = [
        "-V",
        "5",
        "-t",
        "r/#",
        "--remove-retained",
        "--retained-only",
    ];
    let output = subscribe(&broker, &options).assert_success();
    assert_eq!(output.stdout_str(), "1\n");
    assert_eq!(left(&broker), [""; 0]);
}

#[test]
fn a_refusal_is_told_and_ends_with_its_code() {
    let rights = NamedTempFile::new().unwrap();
    fs::write(
        rights.path(),
        "topic readwrite marker\ntopic readwrite r/1\ntopic readwrite r/2\n",
    )
    .unwrap();
    let broker = Broker::builder()
        .config(format!("acl_file {}", rights.path().display()))
        .start();
    retain(&broker, 2);
    fs::write(
        rights.path(),
        "topic readwrite marker\ntopic read r/1\ntopic readwrite r/2\n",
    )
    .unwrap();
    broker.reload();
    let options = [
        "-V",
        "5",
        "-t",
        "r/1",
        "-t",
        "r/2",
        "-C",
        "2",
        "--remove-retained",
    ];
    let output = subscribe(&broker, &options).assert_code(135);
    assert_eq!(output.stdout_str(), "1\n2\n");
    assert_eq!(
        output.stderr_str(),
        "warning: the retained message on the topic \"r/1\" was not removed: not authorised, code 135\n\
         note: removed 1 retained message\n\
         error: 1 of 2 retained messages was not removed\n\
         cause: not authorised, code 135\n\
         hint: removing one takes the right to publish to its topic\n"
    );
    let options = [
        "-V",
        "5",
        "-t",
        "r/1",
        "-C",
        "1",
        "--remove-retained",
        "--quiet",
    ];
    let output = subscribe(&broker, &options).assert_code(135);
    assert_eq!(output.stderr_str(), "");
}

/// Nothing is removed that nobody has seen.
#[test]
fn what_cannot_be_written_stays() {
    let broker = Broker::start();
    retain(&broker, 1);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let gone = File::from(std::os::fd::OwnedFd::from(writer));
    let full = File::options().write(true).open("/dev/full").unwrap();
    for (stdout, code) in [(full, 14), (gone, 0)] {
        mqsub()
            .args(broker.args())
            .args(["-t", "r/#", "--remove-retained", "-C", "1"])
            .stdout_to(stdout)
            .run()
            .assert_code(code);
        assert_eq!(left(&broker), ["r/1 1"]);
    }
}

fn retained(topic: &str, payload: &str) -> Publish {
    Publish {
        retain: true,
        ..Publish::new(topic, payload, 0, 0)
    }
}

/// Accepts an MQTT 5 client's subscription, and sends it a retained message.
fn greet(conn: &mut Conn) {
    conn.expect_connect();
    conn.connack_v5(0);
    let subscribe = conn.expect_subscribe();
    conn.suback_v5(subscribe.packet_id, &[0]);
    conn.publish(&retained("r/1", "text"));
}

/// With Retain As Published our own message comes back as a retained one.
#[test]
fn an_empty_message_is_not_answered() {
    let broker = FakeBroker::start(|mut conn| {
        greet(&mut conn);
        let ours = conn.expect_publish();
        assert!(ours.retain && ours.payload.is_empty() && ours.topic == "r/1");
        conn.publish(&retained("r/1", ""));
        conn.puback_v5(ours.packet_id.unwrap(), 0);
        conn.expect_disconnect();
        conn.expect_close();
    });
    mqsub()
        .args(broker.args())
        .args(["-V", "5", "-t", "r/#", "-C", "2", "--remove-retained"])
        .run()
        .assert_success();
    broker.finish();
}

#[test]
fn the_end_of_the_time_waits_for_the_answer() {
    let time = Duration::from_secs(3);
    let start = Instant::now();
    let broker = FakeBroker::start(move |mut conn| {
        greet(&mut conn);
        let ours = conn.expect_publish();
        thread::sleep((start + time + Duration::from_secs(1)) - Instant::now());
        conn.puback_v5(ours.packet_id.unwrap(), 0);
        conn.expect_disconnect();
        conn.expect_close();
    });
    let seconds = time.as_secs().to_string();
    let output = mqsub()
        .args(broker.args())
        .args(["-V", "5", "-t", "r/#", "-W", &seconds, "--remove-retained"])
        .run()
        .assert_code(27);
    assert_eq!(output.stderr_str(), "note: removed 1 retained message\n");
    broker.finish();
}

#[test]
fn what_is_not_answered_is_told() {
    // Stopped while it waits: the broker gets some seconds more.
    let broker = FakeBroker::start(|mut conn| {
        greet(&mut conn);
        conn.expect_publish();
        conn.hold();
    });
    let mqsub = mqsub()
        .args(broker.args())
        .args(["-V", "5", "-t", "r/#", "-C", "1", "--remove-retained", "-d"])
        .spawn();
    mqsub.wait_for_stderr("sending PUBLISH");
    mqsub.terminate();
    let output = mqsub.wait().assert_code(7);
    let told = output.stderr_str();
    let told: Vec<_> = told.lines().filter(|l| !l.starts_with("debug: ")).collect();
    assert_eq!(
        told,
        [
            "error: 1 retained messages may not be removed",
            "cause: the broker has not acknowledged it in time",
            "note: of 1 retained message to remove, the broker acknowledged 0, refused 0 and \
             left 1 unanswered",
        ]
    );
    broker.finish();
}

#[test]
fn a_lost_connection_is_told_with_what_it_leaves() {
    let broker = FakeBroker::start(|mut conn| {
        greet(&mut conn);
        conn.expect_publish();
        conn.close();
    });
    let output = mqsub()
        .args(broker.args())
        .args([
            "-V",
            "5",
            "-t",
            "r/#",
            "-C",
            "1",
            "--retry",
            "0",
            "--remove-retained",
        ])
        .run()
        .assert_code(7);
    let told = output.stderr_str();
    assert!(told.contains("was lost\n"), "{output}");
    assert!(told.contains("and left 1 unanswered\n"), "{output}");
    broker.finish();
}

/// Our own empty message comes back as a live one, and a broker may send it too early.
#[test]
fn a_live_message_does_not_end_it_before_the_answers_are_there() {
    let broker = FakeBroker::start(|mut conn| {
        greet(&mut conn);
        let first = conn.expect_publish();
        conn.publish(&Publish::new("r/1", "", 0, 0));
        conn.publish(&retained("r/2", "more"));
        conn.puback_v5(first.packet_id.unwrap(), 0);
        let second = conn.expect_publish();
        assert_eq!(second.topic, "r/2");
        conn.puback_v5(second.packet_id.unwrap(), 0);
        conn.expect_disconnect();
        conn.expect_close();
    });
    let output = mqsub()
        .args(broker.args())
        .args(["-V", "5", "-t", "r/#", "--retained-only"])
        .arg("--remove-retained")
        .run()
        .assert_success();
    assert_eq!(output.stdout_str(), "text\nmore\n");
    broker.finish();
}
