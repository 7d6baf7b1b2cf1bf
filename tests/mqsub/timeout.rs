//! `-W`: ends with code 27 when the time is over.

use std::time::{Duration, Instant};

use harness::{Broker, mqsub, silent_port, unused_port};

use crate::support::{VERSIONS, publish, subscribe, subscribed};

#[test]
fn it_ends_with_27_after_the_time() {
    let broker = Broker::start();
    for version in VERSIONS {
        for (seconds, least) in [("1", 1000), ("0.2", 200), ("1.5", 1500)] {
            let start = Instant::now();
            let output =
                subscribe(&broker, &["-V", version, "-t", "quiet", "-W", seconds]).assert_code(27);
            assert!(start.elapsed() >= Duration::from_millis(least));
            assert_eq!(output.stdout_str(), "");
        }
    }
}

#[test]
fn messages_do_not_prolong_it() {
    let broker = Broker::start();
    publish(&broker, &["-t", "busy", "-m", "text", "-r"]);
    // A busy machine may need all of a short time to connect.
    for seconds in ["1", "4", "16"] {
        let output = subscribe(&broker, &["-t", "busy", "-W", seconds]).assert_code(27);
        if !output.stdout.is_empty() {
            assert_eq!(output.stdout_str(), "text\n");
            return;
        }
    }
    panic!("no message within 16 s");
}

#[test]
fn what_comes_first_ends_it() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-t", "busy", "-W", "1000", "-C", "1"]);
    publish(&broker, &["-t", "busy", "-m", "text"]);
    let output = mqsub.wait().assert_success();
    assert_eq!(output.stdout_str(), "text\n");
    subscribe(&broker, &["-t", "busy", "-W", "1000", "-E"]).assert_success();
    subscribe(&broker, &["-t", "busy", "-W", "0.1", "-C", "1"]).assert_code(27);
}

#[test]
fn it_says_good_bye_to_the_broker() {
    let broker = Broker::start();
    subscribe(&broker, &["-i", "patient", "-t", "quiet", "-W", "20"]).assert_code(27);
    broker.wait_for_log("Received DISCONNECT from patient");
}

#[test]
fn a_broker_that_does_not_answer_is_included() {
    let silent = silent_port();
    mqsub()
        .args(silent.args())
        .args(["-t", "quiet", "-W", "0.5", "--connect-timeout", "1000"])
        .run()
        .assert_code(27);
}

#[test]
fn no_time_at_all_is_a_usage_error() {
    let port = unused_port();
    for seconds in ["0", "-1", "nan", "inf", "1e300", "soon", ""] {
        let output = mqsub()
            .args(port.args())
            .args(["-t", "quiet", "-W", seconds])
            .run()
            .assert_code(1);
        assert!(output.stderr_str().starts_with("error: "), "{output}");
    }
}
