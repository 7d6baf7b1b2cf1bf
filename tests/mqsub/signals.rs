//! Signals that come early, or are meant to be ignored. The orderly end is in `will.rs`.

use std::sync::mpsc;
use std::time::Duration;

use harness::{Broker, FakeBroker, Running, Tool, mqsub};

use crate::support::publish;

#[test]
fn while_it_connects_it_ends_at_once() {
    let signals: [fn(&Running); 3] = [Running::interrupt, Running::terminate, Running::hang_up];
    for signal in signals {
        let (sender, arrived) = mpsc::channel();
        let broker = FakeBroker::start(move |mut conn| {
            conn.expect_connect();
            sender.send(()).unwrap();
            conn.hold();
        });
        let running = mqsub()
            .args(broker.args())
            .args(["-t", "a", "--connect-timeout", "100000"])
            .spawn();
        arrived.recv_timeout(Duration::from_secs(60)).unwrap();
        signal(&running);
        running.wait().assert_success();
        broker.finish();
    }
}

#[test]
fn under_nohup_a_hang_up_means_nothing() {
    let broker = Broker::start();
    let running = Tool::new("nohup")
        .arg(mqsub().path())
        .args(broker.args())
        .args(["-t", "a"])
        .spawn();
    broker.wait_for_log("Sending SUBACK");
    running.hang_up();
    publish(&broker, &["-t", "a", "-m", "still here"]);
    running.wait_for_stdout("still here\n");
    running.terminate();
    running.wait().assert_success();
}
