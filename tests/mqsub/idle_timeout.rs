//! `--idle-timeout`: the silence of the broker is the end.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use harness::fake_broker::Publish;
use harness::{Broker, FakeBroker, mqsub, unused_port};

use crate::support::{VERSIONS, accept, publish_lines, subscribe};

#[test]
fn silence_ends_it_with_0() {
    let broker = Broker::start();
    for version in VERSIONS {
        let start = Instant::now();
        let options = [
            "-V",
            version,
            "-t",
            "quiet",
            "--idle-timeout",
            "0.3",
            "-i",
            "me",
        ];
        let output = subscribe(&broker, &options).assert_success();
        assert!(start.elapsed() >= Duration::from_millis(300));
        assert_eq!(output.stdout_str(), "");
        assert_eq!(output.stderr_str(), "");
    }
    broker.wait_for_log_times("Received DISCONNECT from me", 3);
}

/// What waited for a session is drained, and acknowledged.
#[test]
fn it_drains_a_queue() {
    let broker = Broker::start();
    let session = ["-i", "me", "-c", "-q", "1", "-t", "queue"];
    let run = |more: &[&str]| subscribe(&broker, &[&session, more].concat()).assert_success();
    run(&["-E"]);
    let numbers: Vec<_> = (1..=60).map(|number| number.to_string()).collect();
    let lines: Vec<_> = numbers.iter().map(String::as_str).collect();
    publish_lines(&broker, "queue", "1", &lines);
    let drained = run(&["--idle-timeout", "5"]);
    assert_eq!(drained.stdout_str(), numbers.join("\n") + "\n");
    assert_eq!(run(&["--idle-timeout", "0.5"]).stdout_str(), "");
}

/// Each message begins it anew.
#[test]
fn a_message_prolongs_it() {
    // On a busy machine the second message may come too late for a short time.
    for limit in [2, 8, 32].map(Duration::from_secs) {
        let silence = Arc::new(Mutex::new(Duration::ZERO));
        let measured = Arc::clone(&silence);
        let broker = FakeBroker::start(move |mut conn| {
            accept(&mut conn, 0);
            conn.publish(&Publish::new("a", "1", 0, 0));
            thread::sleep(limit / 2);
            let sent = Instant::now();
            conn.publish(&Publish::new("a", "2", 0, 0));
            conn.expect_disconnect();
            *measured.lock().unwrap() = sent.elapsed();
            conn.expect_close();
        });
        let output = mqsub()
            .args(broker.args())
            .args(["-t", "a", "--idle-timeout", &limit.as_secs().to_string()])
            .run()
            .assert_success();
        broker.finish();
        if output.stdout_str() == "1\n2\n" {
            assert!(*silence.lock().unwrap() >= limit);
            return;
        }
        assert_eq!(output.stdout_str(), "1\n");
    }
    panic!("no second message within 16 s");
}

/// A broker that is gone is not one that has nothing to say.
#[test]
fn a_connection_that_is_lost_is_no_silence() {
    let broker = FakeBroker::start(|mut conn| {
        accept(&mut conn, 0);
        conn.close();
    });
    let output = mqsub()
        .args(broker.args())
        .args(["-t", "a", "--retry", "0", "--idle-timeout", "1000"])
        .run()
        .assert_code(7);
    assert!(output.stderr_str().starts_with("error: "), "{output}");
    broker.finish();
}

/// The time begins with the answer to the subscription.
#[test]
fn a_subscription_without_an_answer_is_no_silence() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack(0);
        let subscribe = conn.expect_subscribe();
        thread::sleep(Duration::from_secs(1));
        conn.suback(subscribe.packet_id, &[0]);
        conn.expect_disconnect();
        conn.expect_close();
    });
    let start = Instant::now();
    mqsub()
        .args(broker.args())
        .args(["-t", "a", "--idle-timeout", "0.2"])
        .run()
        .assert_success();
    assert!(start.elapsed() >= Duration::from_millis(1200));
    broker.finish();
}

#[test]
fn what_is_no_time_is_a_usage_error() {
    let port = unused_port();
    for seconds in ["0", "-1", "nan", "soon", ""] {
        let output = mqsub()
            .args(port.args())
            .args(["-t", "quiet", "--idle-timeout", seconds])
            .run()
            .assert_code(1);
        assert!(output.stderr_str().starts_with("error: "), "{output}");
    }
}
