//! A second client with the same client identifier, and brokers that accept everybody and throw
//! everybody out: not for ever.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::thread;

use harness::{Broker, FakeBroker, Tool, mqpub, together};

use crate::support::{PATIENCE, VERSIONS, complaint, greet, greet_v5, last_complaint, publisher};

#[test]
fn a_broker_that_says_so_is_believed() {
    for qos in ["0", "1", "2"] {
        let broker = FakeBroker::start(|mut conn| {
            greet_v5(&mut conn, &[]);
            conn.expect_publish();
            conn.disconnect_v5(0x8E);
            conn.expect_close();
        });
        let running = publisher(&broker)
            .args(["-V", "mqttv5", "-i", "me", "-q", qos, "-l"])
            .spawn();
        running.write_stdin("one\n");
        // Its stdin is still open.
        running.wait_for_end();
        let complaint = complaint(running.wait(), 142);
        assert_eq!(broker.connections(), 1);
        broker.finish();
        assert!(complaint.error.ends_with("ended the session"));
        assert!(
            complaint
                .cause
                .starts_with("session taken over by another client")
        );
        assert!(complaint.hint.ends_with("give each its own"));
        assert!(!complaint.note.is_empty(), "{complaint:?}");
    }
}

#[test]
fn a_broker_that_does_not_say_so_is_understood() {
    // mosquitto 2.0 closes without a word in MQTT 5, too.
    together(VERSIONS, |version| {
        let broker = Broker::start();
        let (reader, writer) = std::io::pipe().unwrap();
        let (sender, ends) = mpsc::channel();
        for _ in 0..2 {
            let stdin = File::from(OwnedFd::from(reader.try_clone().unwrap()));
            let tool = mqpub()
                .args(broker.args())
                .args(["-V", version, "-i", "me", "-t", "a", "-q", "1", "-l"])
                // The fight alone may take one and a half minutes.
                .limit(10 * PATIENCE)
                .stdin_from(stdin);
            let sender = sender.clone();
            thread::spawn(move || sender.send(tool.run()));
        }
        drop(sender);
        // stdin is open, so that only the fight ends one of them.
        let complaint = last_complaint(ends.recv().unwrap(), 142);
        assert_eq!(
            complaint.cause,
            "the broker closed 5 connections in a row soon after it had accepted them"
        );
        assert!(complaint.hint.contains("(-i)"), "{complaint:?}");
        drop(writer);
        ends.recv().unwrap().assert_success();
    });
}

#[test]
fn one_that_fights_for_ever_wins() {
    let broker = Broker::start();
    let rival = Tool::new("mosquitto_sub")
        .args(broker.args())
        .args(["-i", "me", "-t", "a"])
        .spawn();
    broker.wait_for_log("Sending SUBACK");
    let running = mqpub()
        .args(broker.args())
        .args(["-i", "me", "-t", "a", "-l"])
        .spawn();
    running.wait_for_end();
    last_complaint(running.wait(), 142);
    assert!(rival.is_running());
}

#[test]
fn a_broker_that_does_not_take_a_message_is_given_up() {
    together(VERSIONS, |version| {
        let broker = FakeBroker::start(|mut conn| {
            greet(&mut conn);
            conn.expect_publish();
            conn.close();
        });
        let running = publisher(&broker)
            .args(["-V", version, "-q", "1", "-l"])
            .spawn();
        running.write_stdin("poison\n");
        // Its stdin is still open.
        running.wait_for_end();
        let complaint = last_complaint(running.wait(), 7);
        assert_eq!(broker.connections(), 5);
        broker.finish();
        assert_eq!(
            complaint.cause,
            "the broker closed 5 connections in a row soon after it had accepted them"
        );
    });
}

/// It may be one that does not run for long at a time.
#[test]
fn one_that_throws_everybody_out_is_not() {
    const COUNT: usize = 6;
    let (sender, came_back) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        greet(&mut conn);
        if conn.number() < COUNT - 1 {
            return conn.close();
        }
        sender.send(()).unwrap();
        let publish = conn.expect_publish();
        conn.puback(publish.packet_id.unwrap());
        conn.expect_disconnect();
    });
    let mut running = publisher(&broker).args(["-q", "1", "-l"]).spawn();
    came_back.recv_timeout(4 * PATIENCE).unwrap();
    running.write_stdin("one\n");
    running.close_stdin();
    running.wait().assert_success();
    assert_eq!(broker.connections(), COUNT);
    broker.finish();
}

#[test]
fn one_that_takes_a_message_each_time_is_not() {
    const COUNT: usize = 6;
    let broker = FakeBroker::start(|mut conn| {
        greet(&mut conn);
        let publish = conn.expect_publish();
        assert_eq!(publish.payload, conn.number().to_string().as_bytes());
        conn.puback(publish.packet_id.unwrap());
        if conn.number() < COUNT - 1 {
            conn.close();
        } else {
            conn.hold();
        }
    });
    let lines: Vec<_> = (0..COUNT).map(|number| number.to_string()).collect();
    publisher(&broker)
        .args(["-q", "1", "-M", "1", "-l"])
        .stdin(lines.join("\n"))
        .run()
        .assert_success();
    assert_eq!(broker.connections(), COUNT);
    broker.finish();
}
