//! A connection that is lost in the middle: what was not acknowledged or not sent goes out over the
//! next one, and what may be lost or doubled is counted.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use harness::fake_broker::Publish;
use harness::{Broker, Conn, FakeBroker, Packet, Running, mqpub, together};

use crate::support::{
    PATIENCE, VERSIONS, greet, inputs, last_complaint, part, publisher, take_everything,
};

const LINES: [&[u8]; 4] = [b"one", b"two", b"three", b"four"];

/// Session Expiry Interval 300.
const KEPT: [u8; 5] = [0x11, 0, 0, 0x01, 0x2C];

/// Takes one message as MQTT asks.
#[track_caller]
fn take(conn: &mut Conn) -> Publish {
    let publish = conn.expect_publish();
    settle(conn, &publish);
    publish
}

#[track_caller]
fn settle(conn: &mut Conn, publish: &Publish) {
    match (publish.qos, publish.packet_id) {
        (1, Some(id)) => conn.puback(id),
        (2, Some(id)) => {
            conn.pubrec(id);
            release(conn, id);
        }
        _ => {}
    }
}

#[track_caller]
fn release(conn: &mut Conn, id: u16) {
    assert_eq!(conn.expect_pubrel(), id);
    conn.pubcomp(id);
}

/// Takes everything as MQTT asks, to the client's DISCONNECT; gives the messages and that.
#[track_caller]
fn take_all(conn: &mut Conn, is_v5: bool) -> (Vec<Publish>, Packet) {
    let mut publishes = Vec::new();
    let disconnect = take_everything(conn, is_v5, |publish| publishes.push(publish));
    (publishes, disconnect)
}

/// Reads the four lines over the first connection, and leaves after the first is acknowledged and,
/// at QoS 2, the second half. Gives the four identifiers.
#[track_caller]
fn cut_in_the_middle(mut conn: Conn) -> Vec<u16> {
    let publishes = LINES.map(|line| {
        let publish = conn.expect_publish();
        assert_eq!(publish.payload, line);
        assert!(!publish.dup);
        publish
    });
    settle(&mut conn, &publishes[0]);
    let ids: Vec<u16> = publishes.iter().filter_map(|p| p.packet_id).collect();
    if publishes[0].qos == 2 {
        conn.pubrec(ids[1]);
        assert_eq!(conn.expect_pubrel(), ids[1]);
    }
    conn.close();
    ids
}

/// What a run that lost its connection once, and nothing else, says.
#[track_caller]
fn assert_one_loss(stderr: &str) {
    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{stderr}");
    assert!(
        lines[0].starts_with("warning: the connection to 127.0.0.1:")
            && lines[0].ends_with(" was lost: the broker closed the connection; trying again"),
        "{stderr}"
    );
    assert!(
        lines[1].starts_with("note: connected to 127.0.0.1:") && lines[1].ends_with(" s"),
        "{stderr}"
    );
}

#[test]
fn a_session_that_survives_gets_what_it_does_not_have_with_the_same_identifiers() {
    let cases = VERSIONS.map(|version| [(version, "1"), (version, "2")]);
    together(cases.concat(), |(version, qos)| {
        let is_v5 = version == "mqttv5";
        let before = Mutex::new(Vec::new());
        let broker = FakeBroker::start(move |mut conn| {
            if conn.number() == 0 {
                let connect = conn.expect_connect();
                if is_v5 {
                    assert!(connect.clean && connect.client_id.is_empty());
                    assert_eq!(connect.properties, KEPT);
                    // Assigned Client Identifier.
                    conn.connack_v5_with(false, 0, &[0x12, 0, 2, b'm', b'e']);
                } else {
                    assert!(!connect.clean);
                    conn.connack(0);
                }
                *before.lock().unwrap() = cut_in_the_middle(conn);
                return;
            }
            assert_eq!(conn.number(), 1);
            let connect = conn.expect_connect();
            assert!(!connect.clean);
            assert_eq!(connect.client_id, "me");
            let ids = before.lock().unwrap();
            if is_v5 {
                assert_eq!(connect.properties, KEPT);
                conn.connack_v5_with(true, 0, &[]);
            } else {
                conn.connack_session_present();
            }
            let mut missing = 1;
            if qos == "2" {
                // It has the message already.
                release(&mut conn, ids[1]);
                missing = 2;
            }
            let (publishes, disconnect) = take_all(&mut conn, is_v5);
            assert_eq!(publishes.len(), 4 - missing);
            for (publish, number) in publishes.iter().zip(missing..) {
                assert_eq!(publish.payload, LINES[number]);
                assert_eq!(publish.packet_id, Some(ids[number]));
                assert!(publish.dup);
            }
            if is_v5 {
                // Session Expiry Interval 0: it was for this run only.
                assert_eq!(disconnect.body, [0, 5, 0x11, 0, 0, 0, 0]);
            }
        });
        let mut tool = publisher(&broker).args(["-V", version, "-q", qos, "-l"]);
        if !is_v5 {
            tool = tool.args(["-c", "-i", "me"]);
        }
        let output = tool.stdin(LINES.join(&b'\n')).run();
        broker.finish();
        assert_one_loss(output.assert_success().stderr_str());
    });
}

#[test]
fn a_broker_without_the_session_gets_new_messages_and_doubles_are_counted() {
    let cases = VERSIONS.map(|version| [(version, "1"), (version, "2")]);
    together(cases.concat(), |(version, qos)| {
        let broker = FakeBroker::start(move |mut conn| {
            let is_v5 = greet(&mut conn).level == 5;
            if conn.number() == 0 {
                cut_in_the_middle(conn);
                return;
            }
            let (publishes, _) = take_all(&mut conn, is_v5);
            let payloads: Vec<_> = publishes.iter().map(|p| &p.payload[..]).collect();
            assert_eq!(payloads, LINES[1..]);
            assert!(publishes.iter().all(|publish| !publish.dup));
        });
        let output = publisher(&broker)
            .args(["-V", version, "-q", qos, "-l", "--json-summary"])
            .stdin(LINES.join(&b'\n'))
            .run()
            .assert_success();
        broker.finish();
        let text = output.stderr_str();
        let doubles = if qos == "2" { 3 } else { 0 };
        let warning =
            "warning: the broker has forgotten the session: 3 messages at QoS 2 may arrive twice\n";
        assert_eq!(text.contains(warning), qos == "2", "{output}");
        let summary = format!(
            r#"{{"sent":4,"acknowledged":4,"refused":0,"unknown":0,"may_be_lost":0,"may_be_duplicates":{doubles},"reconnects":1,"exit_code":0}}"#
        );
        assert_eq!(text.lines().last(), Some(&*summary), "{output}");
    });
}

#[test]
fn what_the_user_says_about_the_session_holds() {
    const HOUR: [u8; 5] = [0x11, 0, 0, 0x0E, 0x10];
    const NONE: [u8; 5] = [0x11, 0, 0, 0, 0];
    let minute = "-D disconnect session-expiry-interval 60";
    let cases: [(&str, &[u8], &[u8]); 7] = [
        ("-q 1 -x 3600", &HOUR, &[]),
        (
            &format!("-q 1 -x 3600 {minute}"),
            &HOUR,
            &[0, 5, 0x11, 0, 0, 0, 60],
        ),
        ("-q 1 -D connect session-expiry-interval 3600", &HOUR, &[]),
        ("-q 2 -x 0", &NONE, &[]),
        (
            &format!("-q 2 -i me -c {minute}"),
            &[0x11, 255, 255, 255, 255],
            &[0, 5, 0x11, 0, 0, 0, 60],
        ),
        // Nothing has to survive.
        ("-q 1 --retry 0", &[], &[]),
        ("-q 0", &[], &[]),
    ];
    for (options, said, farewell) in cases {
        let (said, farewell) = (said.to_vec(), farewell.to_vec());
        let broker = FakeBroker::start(move |mut conn| {
            assert_eq!(conn.expect_connect().properties, said);
            conn.connack_v5(0);
            take(&mut conn);
            let disconnect = conn.expect_disconnect();
            assert!(
                disconnect.body == farewell || farewell.is_empty() && disconnect.body == [0],
                "{disconnect:?}"
            );
            conn.expect_close();
        });
        publisher(&broker)
            .args(["-V", "mqttv5", "-l"])
            .args(options.split(' '))
            .stdin("one\n")
            .run()
            .assert_success();
        broker.finish();
    }
}

#[test]
fn at_qos_0_what_came_after_the_loss_arrives_and_what_went_before_is_counted() {
    together(VERSIONS, |version| {
        let broker = FakeBroker::start(|mut conn| {
            let lines = [&LINES[..2], &LINES[2..]][conn.number()];
            greet(&mut conn);
            for line in lines {
                assert_eq!(conn.expect_publish().payload, *line);
            }
            match conn.number() {
                0 => conn.close(),
                _ => part(&mut conn),
            }
        });
        let running = publisher(&broker)
            .args(["-V", version, "-l", "--json-summary"])
            .spawn();
        running.write_stdin("one\ntwo\n");
        running.wait_for_stderr("was lost");
        running.write_stdin("three\nfour\n");
        let mut output = running.wait();
        broker.finish();
        let text = output.stderr_str().to_owned();
        let summary = text.lines().last().unwrap();
        assert_eq!(
            summary,
            r#"{"sent":4,"acknowledged":0,"refused":0,"unknown":0,"may_be_lost":2,"may_be_duplicates":0,"reconnects":1,"exit_code":7}"#
        );
        output.stderr.truncate(text.len() - summary.len() - 1);
        let complaint = last_complaint(output, 7);
        assert_eq!(complaint.error, "2 of 4 messages may be lost");
        assert_eq!(
            complaint.note,
            "of 4 messages sent at QoS 0, 0 refused, 2 may be lost"
        );
    });
}

#[test]
fn at_qos_0_a_full_socket_costs_what_it_took_and_an_answered_pingreq_proves_the_rest() {
    const COUNT: usize = 64;
    const SIZE: usize = 256 * 1024;
    together([false, true], |proves| {
        let (sender, taken) = mpsc::channel();
        let broker = FakeBroker::start(move |mut conn| {
            greet(&mut conn);
            let mut proven = 0;
            if conn.number() == 0 {
                if proves {
                    while conn.read_packet().kind() != 12 {
                        proven += 1;
                    }
                    conn.pingresp();
                    // It has read the answer before this.
                    conn.pubrel(9);
                    while conn.read_packet().kind() != 7 {}
                }
                let mut unproven = 0;
                while unproven < 2 {
                    unproven += usize::from(conn.read_packet().kind() == 3);
                }
                sender.send((proven, 0)).unwrap();
                conn.reset();
                return;
            }
            let (publishes, _) = take_all(&mut conn, false);
            let arrived = publishes.len();
            for (publish, number) in publishes.iter().zip(COUNT - arrived..) {
                assert_eq!(usize::from(publish.payload[0]), 32 + number);
            }
            sender.send((0, arrived)).unwrap();
        });
        let mut lines = Vec::new();
        for number in 0..COUNT {
            // No newline.
            lines.extend([b' ' + u8::try_from(number).unwrap()].repeat(SIZE));
            lines.push(b'\n');
        }
        let output = publisher(&broker).arg("-l").stdin(lines).run();
        broker.finish();
        let (proven, _) = taken.recv().unwrap();
        let (_, arrived) = taken.recv().unwrap();
        let complaint = last_complaint(output, 7);
        let lost = COUNT - proven - arrived;
        assert!(lost >= 2 && (proven > 0) == proves);
        assert_eq!(
            complaint.error,
            format!("{lost} of {COUNT} messages may be lost")
        );
    });
}

#[test]
fn stdin_is_not_read_while_there_is_no_connection() {
    const COUNT: usize = 16 * 1024;
    /// More than all that is read ahead.
    const MOST: usize = 1024 * 1024;
    let cases = ["0", "1", "2"].map(|qos| inputs().map(|input| (qos, input)));
    together(cases.into_iter().flatten(), |(qos, (stdin, mut writer))| {
        let (sender, came_back) = mpsc::channel();
        let (go, may_go) = mpsc::channel::<()>();
        let may_go = Mutex::new(may_go);
        let broker = FakeBroker::start(move |mut conn| {
            conn.expect_connect();
            if conn.number() == 0 {
                conn.connack(0);
                assert_eq!(take(&mut conn).payload, b"first");
                conn.close();
                return;
            }
            sender.send(()).unwrap();
            may_go.lock().unwrap().recv().unwrap();
            conn.connack(0);
            let (publishes, _) = take_all(&mut conn, false);
            assert_eq!(publishes.len(), COUNT);
            for (number, publish) in publishes.iter().enumerate() {
                assert!(publish.payload.starts_with(format!("{number} ").as_bytes()));
            }
        });
        let running = publisher(&broker)
            .args(["-q", qos, "-l", "--connect-timeout", "100000"])
            .stdin_from(stdin)
            .spawn();
        writer.write_all(b"first\n").unwrap();
        running.wait_for_stderr("was lost");
        let written = Arc::new(AtomicUsize::new(0));
        let producer = thread::spawn({
            let written = Arc::clone(&written);
            move || {
                let rest = "x".repeat(1000);
                for number in 0..COUNT {
                    let line = format!("{number} {rest}\n");
                    writer.write_all(line.as_bytes()).unwrap();
                    written.fetch_add(line.len(), Ordering::SeqCst);
                }
            }
        });
        // Not before a second.
        came_back.recv_timeout(PATIENCE).unwrap();
        let so_far = written.load(Ordering::SeqCst);
        assert!(so_far < MOST, "{so_far} bytes were read at QoS {qos}");
        go.send(()).unwrap();
        producer.join().unwrap();
        let output = running.wait();
        broker.finish();
        // Of the first message nobody knows at QoS 0.
        output.assert_code(if qos == "0" { 7 } else { 0 });
    });
}

/// The broker has a message of a run that was killed, and would take the next one with its identifier
/// for a repetition.
#[test]
fn a_killed_run_costs_the_next_one_nothing() {
    let (sender, arrived) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        conn.expect_connect();
        if conn.number() == 0 {
            conn.connack(0);
            let publish = conn.expect_publish();
            conn.pubrec(publish.packet_id.unwrap());
            sender.send(()).unwrap();
            return conn.hold();
        }
        conn.connack_session_present();
        let mut half_done = vec![1];
        let publish = loop {
            match conn.read_packet() {
                packet if packet.kind() == 6 => {
                    half_done.retain(|id| *id != packet.packet_id());
                    conn.pubcomp(packet.packet_id());
                }
                packet => break Publish::parse(&packet, false),
            }
        };
        assert!(!half_done.contains(&publish.packet_id.unwrap()));
        assert_eq!(publish.payload, b"second");
        conn.pubrec(publish.packet_id.unwrap());
        loop {
            match conn.read_packet() {
                packet if packet.kind() == 6 => conn.pubcomp(packet.packet_id()),
                packet => break assert_eq!(packet.kind(), 14),
            }
        }
    });
    let run = |message| publisher(&broker).args(["-c", "-i", "me", "-q", "2", "-m", message]);
    // It goes on without a PUBREL's answer, as far as this broker is concerned.
    let first = run("first").spawn();
    arrived.recv_timeout(PATIENCE).unwrap();
    first.kill();
    first.wait();
    run("second").run().assert_success();
    broker.finish();
}

#[test]
fn the_end_of_stdin_is_seen_without_a_connection() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        if conn.number() > 0 {
            return conn.hold();
        }
        conn.connack(0);
        take(&mut conn);
        take(&mut conn);
        conn.close();
    });
    let mut running = publisher(&broker)
        .args(["-q", "1", "-l", "--connect-timeout", "100000"])
        .spawn();
    running.write_stdin("one\ntwo\n");
    running.wait_for_stderr("was lost");
    running.close_stdin();
    // Both were acknowledged, and there is nothing else to do.
    running.wait_for_end();
    running.wait().assert_success();
}

/// A broker that read as far as the DISCONNECT has read the PINGREQ before it.
#[test]
fn at_qos_0_an_end_without_a_proof_that_was_due_is_no_success() {
    let lines = "x".repeat(999) + "\n";
    for version in VERSIONS {
        let broker = FakeBroker::start(move |mut conn| {
            greet(&mut conn);
            let mut pings = 0;
            loop {
                match conn.read_packet().kind() {
                    12 => pings += 1,
                    14 => break,
                    _ => {}
                }
            }
            assert!(pings > 0, "no proof was asked for");
            conn.close();
        });
        let output = publisher(&broker)
            .args(["-V", version, "-l"])
            .stdin(lines.repeat(300))
            .run();
        let complaint = last_complaint(output, 7);
        assert!(complaint.note.contains("300"), "{complaint:?}");
        broker.finish();
    }
}

#[test]
fn repetitions_go_on() {
    let broker = FakeBroker::start(|mut conn| {
        greet(&mut conn);
        take(&mut conn);
        if conn.number() == 0 {
            conn.expect_publish();
            conn.close();
            return;
        }
        for _ in 0..3 {
            take(&mut conn);
        }
        part(&mut conn);
    });
    let output = publisher(&broker)
        .args(["-q", "1", "-m", "tick", "--repeat", "5"])
        .args(["--repeat-delay", "0.01", "-M", "1"])
        .run();
    broker.finish();
    assert_one_loss(output.assert_success().stderr_str());
}

/// Options, properties of the second CONNACK, lines, the first refusal, and how many arrive.
type Case<'a> = (&'a str, &'a [u8], &'a [u8], u8, usize);

#[test]
fn lower_limits_of_the_next_connection_refuse_what_goes_out_again() {
    let long = [&[b'x'; 100][..], b"\nshort"].concat();
    // Maximum QoS, Retain Available, Maximum Packet Size.
    let cases: [Case<'_>; 4] = [
        ("-q 1", &[0x24, 0], b"a\nb", 0x9B, 0),
        ("-q 2", &[0x24, 1], b"a\nb", 0x9B, 0),
        ("-q 1 -r", &[0x25, 0], b"a\nb", 0x9A, 0),
        ("-q 1", &[0x27, 0, 0, 0, 50], &long, 0x95, 1),
    ];
    together(cases, |(options, limits, lines, code, arrive)| {
        let properties = limits.to_vec();
        let broker = FakeBroker::start(move |mut conn| {
            conn.expect_connect();
            if conn.number() == 0 {
                conn.connack_v5(0);
                conn.expect_publish();
                conn.expect_publish();
                conn.close();
                return;
            }
            conn.connack_v5_with(true, 0, &properties);
            for _ in 0..arrive {
                assert_eq!(take(&mut conn).payload, b"short");
            }
            part(&mut conn);
        });
        let output = publisher(&broker)
            .args(["-V", "mqttv5", "-l"])
            .args(options.split(' '))
            .stdin(lines)
            .run();
        broker.finish();
        let complaint = last_complaint(output, code.into());
        let refused = 2 - arrive;
        assert_eq!(
            complaint.error,
            format!("the broker refused {refused} of 2 messages")
        );
        assert!(
            complaint
                .note
                .contains(&format!(" {refused} refused, 0 are unknown")),
            "{complaint:?}"
        );
    });
}

/// A real broker's publisher of lines, connected.
fn to_a_real_one(broker: &Broker, options: &[&str]) -> Running {
    let running = mqpub()
        .args(broker.args())
        .args(["-t", "a", "-l"])
        .args(options)
        .spawn();
    running.write_stdin("one\n");
    broker.wait_for_log("Received PUBLISH");
    running
}

#[test]
fn a_broker_that_is_restarted_gets_the_rest() {
    let cases = VERSIONS.map(|version| [(version, "1"), (version, "2")]);
    together(cases.concat(), |(version, qos)| {
        let mut broker = Broker::start();
        let running = to_a_real_one(&broker, &["-V", version, "-q", qos]);
        broker.kill();
        running.wait_for_stderr("was lost");
        running.write_stdin("two\nthree\n");
        broker.restart();
        broker.wait_for_log_times("Received PUBLISH", 3);
        let text = running.wait().assert_success().stderr_str().to_owned();
        assert_eq!(text.matches(" was lost").count(), 1, "{text}");
        assert_eq!(text.matches("note: connected to").count(), 1, "{text}");
    });
}

#[test]
fn a_broker_that_stands_still_is_left_and_found_again() {
    let broker = Broker::start();
    let running = to_a_real_one(&broker, &["-q", "1", "-k", "5"]);
    broker.wait_for_log("Sending PUBACK");
    broker.pause();
    running.write_stdin("two\n");
    running.wait_for_stderr("was lost: the broker did not answer");
    broker.resume();
    running.wait_for_stderr("note: connected to");
    running.wait().assert_success();
    broker.wait_for_log_times("Received PUBLISH", 2);
}
