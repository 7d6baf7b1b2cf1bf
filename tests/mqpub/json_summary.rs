//! `--json-summary`: what became of the messages, as one JSON object on the last line of stderr.

use std::sync::mpsc;

use harness::{Broker, FakeBroker, Output, mqpub, unused_port};
use serde_json::{Value, json};

use crate::support::{
    PATIENCE, complaint, for_a_proof, greet, greet_v5, part, publisher, read_to_disconnect,
};

/// Takes the summary off the end of stderr, which must be one line of JSON.
#[track_caller]
fn summary(output: &mut Output, code: i32) -> Value {
    assert_eq!(output.status, code, "{output}");
    assert!(output.stdout.is_empty(), "{output}");
    let text = output.stderr_str().to_owned();
    let line = text.lines().last().unwrap_or_default();
    assert!(text.ends_with('\n'), "{output}");
    let value: Value = serde_json::from_str(line).unwrap();
    assert_eq!(value["exit_code"], code, "{output}");
    output.stderr.truncate(text.len() - line.len() - 1);
    value
}

/// All counts that are not named are 0.
fn counts(named: &[(&str, u64)]) -> Value {
    let mut all = json!({
        "sent": 0, "acknowledged": 0, "refused": 0, "unknown": 0, "may_be_lost": 0,
        "may_be_duplicates": 0, "reconnects": 0, "exit_code": 0
    });
    for (name, count) in named {
        assert!(all.get(name).is_some());
        all[name] = json!(count);
    }
    all
}

#[test]
fn all_is_well() {
    let broker = Broker::start();
    for (qos, acknowledged) in [("0", 0), ("1", 3), ("2", 3)] {
        for quiet in [&[][..], &["--quiet"]] {
            let mut output = mqpub()
                .args(broker.args())
                .args(["-t", "a", "-q", qos, "-l", "--json-summary"])
                .args(quiet)
                .stdin("one\ntwo\nthree\n")
                .run();
            let summary = summary(&mut output, 0);
            let expected = counts(&[("sent", 3), ("acknowledged", acknowledged)]);
            assert_eq!(summary, expected);
            assert!(output.stderr.is_empty(), "{output}");
        }
    }
}

#[test]
fn a_message_is_refused() {
    let broker = FakeBroker::start(|mut conn| {
        greet_v5(&mut conn, &[]);
        for code in [0, 0x87] {
            let id = conn.expect_publish().packet_id.unwrap();
            conn.puback_v5(id, code);
        }
        part(&mut conn);
    });
    let mut output = publisher(&broker)
        .args(["-V", "mqttv5", "-q", "1", "-l", "--json-summary"])
        .stdin("one\ntwo\n")
        .run();
    broker.finish();
    let summary = summary(&mut output, 0x87);
    let expected = [
        ("sent", 2),
        ("acknowledged", 1),
        ("refused", 1),
        ("exit_code", 0x87),
    ];
    assert_eq!(summary, counts(&expected));
    let complaint = complaint(output, 0x87);
    assert_eq!(
        complaint.note,
        "of 2 messages sent, 1 was acknowledged, 1 refused, 0 are unknown"
    );
}

#[test]
fn a_message_is_lost() {
    for qos in ["1", "2"] {
        let broker = FakeBroker::start(|mut conn| {
            greet(&mut conn);
            conn.expect_publish();
            conn.reset();
        });
        let mut output = publisher(&broker)
            .args(["-q", qos, "-m", "text", "--json-summary"])
            .run();
        broker.finish();
        let summary = summary(&mut output, 7);
        let expected = [("sent", 1), ("unknown", 1), ("exit_code", 7)];
        assert_eq!(summary, counts(&expected));
        assert!(complaint(output, 7).note.contains(" 1 "));
    }
}

#[test]
fn messages_at_qos_0_are_lost() {
    let broker = FakeBroker::start(|mut conn| {
        greet(&mut conn);
        read_to_disconnect(&mut conn);
        conn.reset();
    });
    let mut output = publisher(&broker)
        .args(["-l", "--json-summary"])
        .stdin(for_a_proof())
        .run();
    broker.finish();
    let summary = summary(&mut output, 7);
    let expected = [("sent", 300), ("may_be_lost", 300), ("exit_code", 7)];
    assert_eq!(summary, counts(&expected));
    assert!(complaint(output, 7).note.contains(" 300 "));
}

#[test]
fn what_waits_for_a_connection_that_does_not_come_is_counted() {
    let line = "x".repeat(1_000_000);
    let broker = FakeBroker::start(|mut conn| {
        if conn.number() == 0 {
            greet(&mut conn);
            conn.read_bytes(2_500_000);
            conn.reset();
        } else {
            conn.expect_connect();
            conn.connack(5);
            conn.expect_close();
        }
    });
    let mut output = publisher(&broker)
        .args(["-l", "--json-summary", "--quiet"])
        .stdin([line.as_str(); 100].join("\n"))
        .run();
    broker.finish();
    let summary = summary(&mut output, 5);
    // At least two went out whole, and at least one did not.
    let sent = summary["sent"].as_u64().unwrap();
    assert!((3..100).contains(&sent), "{summary}");
    let expected = [("sent", sent), ("may_be_lost", sent), ("exit_code", 5)];
    assert_eq!(summary, counts(&expected));
}

#[test]
fn there_is_no_connection() {
    let nobody = unused_port();
    for quiet in [&[][..], &["--quiet"]] {
        let mut output = mqpub()
            .args(nobody.args())
            .args(["-t", "a", "-m", "text", "--json-summary"])
            .args(quiet)
            .run();
        let summary = summary(&mut output, 14);
        assert_eq!(summary, counts(&[("exit_code", 14)]));
        assert_eq!(output.stderr.is_empty(), !quiet.is_empty());
    }
}

#[test]
fn a_refused_connection_gives_its_code() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack(5);
        conn.expect_close();
    });
    let mut output = publisher(&broker)
        .args(["-m", "text", "--json-summary"])
        .run();
    broker.finish();
    assert_eq!(summary(&mut output, 5), counts(&[("exit_code", 5)]));
    complaint(output, 5);
}

#[test]
fn a_signal_gives_the_number_that_a_shell_shows() {
    let (sender, arrived) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        greet(&mut conn);
        let id = conn.expect_publish().packet_id.unwrap();
        conn.puback(id);
        sender.send(()).unwrap();
        part(&mut conn);
    });
    let running = publisher(&broker)
        .args(["-q", "1", "-l", "--json-summary"])
        .spawn();
    running.write_stdin("one\n");
    arrived.recv_timeout(PATIENCE).unwrap();
    running.terminate();
    running.wait_for_end();
    let mut output = running.wait();
    broker.finish();
    let summary = summary(&mut output, 143);
    let expected = [("sent", 1), ("acknowledged", 1), ("exit_code", 143)];
    assert_eq!(summary, counts(&expected));
}

#[test]
fn a_wrong_command_line_has_no_run_to_sum_up() {
    for wrong in [
        &["-t", "a"][..],
        &["-t", "a", "-m", "x", "-q", "3"],
        &["-t", "a/#", "-m", "x"],
        &["-t", "a", "-m", "x", "-c"],
        &["-t", "a", "-m", "x", "-D", "connect", "nonsense", "1"],
    ] {
        let output = mqpub().arg("--json-summary").args(wrong).run();
        let output = output.assert_code(1);
        assert!(output.stderr_str().starts_with("error: "), "{output}");
        assert!(!output.stderr_str().contains('{'), "{output}");
    }
}
