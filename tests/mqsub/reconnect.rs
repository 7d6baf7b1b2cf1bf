//! A connection that is lost and made again, as a scripted broker sees it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use harness::fake_broker::{Connect, Packet, Publish, Subscribe};
use harness::{Conn, FakeBroker, Output, Tool, mqsub, together};

use crate::support::terminate;

const PATIENCE: Duration = Duration::from_secs(60);

const SUBSCRIBE: u8 = 8;
const UNSUBSCRIBE: u8 = 10;
const PUBACK: u8 = 4;
const PUBREC: u8 = 5;
const DISCONNECT: u8 = 14;

/// The two versions in which a broker tells whether there is a session.
const TELLING: [&str; 2] = ["mqttv311", "mqttv5"];

fn tool(broker: &FakeBroker, args: &[&str]) -> Tool {
    mqsub().args(broker.args()).args(args)
}

/// Reads CONNECT and accepts it.
#[track_caller]
fn accept(conn: &mut Conn, session_present: bool) -> Connect {
    let connect = conn.expect_connect();
    match (connect.level, session_present) {
        (5, _) => conn.connack_v5_with(session_present, 0, &[]),
        (_, true) => conn.connack_session_present(),
        (_, false) => conn.connack(0),
    }
    connect
}

/// The same, without a session, and SUBSCRIBE.
#[track_caller]
fn accept_anew(conn: &mut Conn) -> (Connect, Subscribe) {
    let connect = accept(conn, false);
    let subscribe = conn.expect_subscribe();
    grant(conn, &connect, &subscribe);
    (connect, subscribe)
}

/// SUBACK with what was asked for.
fn grant(conn: &mut Conn, connect: &Connect, subscribe: &Subscribe) {
    let codes: Vec<u8> = subscribe.filters.iter().map(|(_, o)| o & 3).collect();
    if connect.level == 5 {
        conn.suback_v5(subscribe.packet_id, &codes);
    } else {
        conn.suback(subscribe.packet_id, &codes);
    }
}

fn lost(broker: &FakeBroker) -> String {
    let port = broker.port();
    format!(
        "warning: the connection to 127.0.0.1:{port} was lost: \
         the broker closed the connection; trying again\n"
    )
}

/// One loss and one return, a line each.
#[track_caller]
fn assert_told_once(output: &Output, broker: &FakeBroker) {
    let (warning, note) = output.stderr_str().split_once("note: ").unwrap();
    assert_eq!(warning, lost(broker));
    let note = note.strip_suffix(" s\n").unwrap();
    let up = format!("connected to 127.0.0.1:{} after ", broker.port());
    let seconds: f64 = note.strip_prefix(&up).unwrap().parse().unwrap();
    assert!(seconds >= 1.0, "{output}");
}

#[test]
fn without_a_session_it_asks_for_the_same_again() {
    const LATER: [&str; 7] = [
        "--retain-as-published",
        "--retain-handling",
        "new",
        "-D",
        "subscribe",
        "subscription-identifier",
        "7",
    ];
    together(["mqttv31", "mqttv311", "mqttv5"], |version| {
        let (asked, requests) = mpsc::channel();
        let broker = FakeBroker::start(move |mut conn| {
            let (connect, subscribe) = accept_anew(&mut conn);
            let unsubscribe = conn.expect_kind(UNSUBSCRIBE);
            if connect.level == 5 {
                conn.unsuback_v5(unsubscribe.packet_id(), &[0]);
            } else {
                conn.unsuback(unsubscribe.packet_id());
            }
            conn.publish(&Publish::new("a/b", format!("{}", conn.number()), 0, 0));
            let request = (subscribe.filters, subscribe.properties, unsubscribe.body);
            asked.send(request).unwrap();
            if conn.number() == 0 {
                conn.close();
            } else {
                conn.hold();
            }
        });
        let mut args = vec!["-V", version, "-t", "a/+", "-t", "b", "-U", "c", "-q", "2"];
        args.extend(["-C", "2"]);
        if version == "mqttv5" {
            args.extend(LATER);
        }
        let output = tool(&broker, &args).run().assert_success();
        assert_eq!(output.stdout_str(), "0\n1\n");
        assert_told_once(&output, &broker);
        let first = requests.recv_timeout(PATIENCE).unwrap();
        let (filters, properties, mut unsubscribe) = requests.recv_timeout(PATIENCE).unwrap();
        // The Packet Identifiers differ, or do not.
        unsubscribe[..2].copy_from_slice(&first.2[..2]);
        assert_eq!(first, (filters, properties, unsubscribe));
        let names: Vec<_> = first.0.iter().map(|(filter, _)| filter.as_str()).collect();
        assert_eq!(names, ["a/+", "b"]);
        broker.finish();
    });
}

#[test]
fn with_its_session_it_does_not() {
    together(TELLING, |version| {
        let broker = FakeBroker::start(|mut conn| {
            if conn.number() == 0 {
                accept_anew(&mut conn);
                conn.publish(&Publish::new("a", "1", 1, 1));
                conn.expect_kind(PUBACK);
                return conn.close();
            }
            accept(&mut conn, true);
            conn.publish(&Publish::new("a", "2", 1, 2));
            conn.expect_kind(PUBACK);
            conn.expect_disconnect();
        });
        let output = tool(&broker, &["-V", version, "-c", "-i", "me", "-q", "1"])
            .args(["-t", "a", "-C", "2"])
            .run()
            .assert_success();
        assert_eq!(output.stdout_str(), "1\n2\n");
        assert_told_once(&output, &broker);
        broker.finish();
    });
}

#[test]
fn a_subscribe_without_an_answer_is_made_again() {
    together(TELLING, |version| {
        let broker = FakeBroker::start(|mut conn| {
            let number = conn.number();
            let connect = accept(&mut conn, number > 0);
            let subscribe = conn.expect_subscribe();
            if number == 0 {
                return conn.close();
            }
            grant(&mut conn, &connect, &subscribe);
            conn.expect_disconnect();
        });
        // -E waits for the answer to the second.
        let output = tool(&broker, &["-V", version, "-c", "-i", "me", "-t", "a", "-E"])
            .run()
            .assert_success();
        assert_told_once(&output, &broker);
        assert_eq!(broker.connections(), 2);
        broker.finish();
    });
}

/// The CONNACK that got lost may have been of a new session.
#[test]
fn after_a_connack_that_got_lost_it_subscribes_anew() {
    together(TELLING, |version| {
        let broker = FakeBroker::start(|mut conn| match conn.number() {
            0 => {
                accept_anew(&mut conn);
                conn.close();
            }
            1 => {
                conn.expect_connect();
                conn.close();
            }
            _ => {
                let connect = accept(&mut conn, true);
                let subscribe = conn.expect_subscribe();
                grant(&mut conn, &connect, &subscribe);
                conn.publish(&Publish::new("a", "text", 0, 0));
                conn.expect_disconnect();
            }
        });
        let output = tool(&broker, &["-V", version, "-c", "-i", "me", "-t", "a"])
            .args(["-C", "1"])
            .run()
            .assert_success();
        assert_eq!(output.stdout_str(), "text\n");
        // The attempt that failed meanwhile has no line of its own.
        assert_told_once(&output, &broker);
        broker.finish();
    });
}

/// A connection that ends with its CONNACK had a new session, which the next one finds there.
#[test]
fn a_connection_that_did_not_last_is_made_up_for() {
    let broker = FakeBroker::start(|mut conn| match conn.number() {
        0 => {
            accept_anew(&mut conn);
            conn.close();
        }
        1 => {
            conn.expect_connect();
            // In one piece: CONNACK, and DISCONNECT of a broker that is shutting down.
            conn.send(&[0x20, 3, 0, 0, 0, 0xe0, 2, 0x8b, 0]);
            conn.hold();
        }
        _ => {
            let connect = accept(&mut conn, true);
            let subscribe = conn.expect_subscribe();
            grant(&mut conn, &connect, &subscribe);
            conn.publish(&Publish::new("a", "text", 0, 0));
            conn.expect_disconnect();
        }
    });
    let output = tool(
        &broker,
        &["-V", "5", "-c", "-i", "me", "-t", "a", "-C", "1"],
    )
    .run()
    .assert_success();
    assert_eq!(output.stdout_str(), "text\n");
    broker.finish();
}

/// The end of the connection is read together with more messages than the output has room for.
#[test]
fn a_reader_that_stalls_does_not_hold_up_the_subscription() {
    const LARGE: usize = 2_000_000;
    let (subscribed, again) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        conn.expect_connect();
        // A Keep Alive of 20 s.
        conn.connack_v5_with(false, 0, &[0x13, 0, 20]);
        let subscribe = conn.expect_subscribe();
        conn.suback_v5(subscribe.packet_id, &[0]);
        if conn.number() > 0 {
            subscribed.send(()).unwrap();
            conn.publish(&Publish::new("a", "last", 0, 0));
            return conn.hold();
        }
        let large = Publish::new("a", "x".repeat(LARGE), 0, 0).encode(true);
        let (most, rest) = large.split_at(large.len() - 10);
        conn.send(&large);
        conn.send(most);
        // By now all of that was read.
        conn.expect_kind(12);
        let mut end = rest.to_vec();
        end.extend(Publish::new("a", "behind", 0, 0).encode(true));
        end.extend([0xe0, 2, 0x8b, 0]);
        conn.send(&end);
        conn.hold();
    });
    let (reader, writer) = std::io::pipe().unwrap();
    let mqsub = tool(&broker, &["-V", "5", "-t", "a", "-C", "4"])
        .stdout_to(File::from(OwnedFd::from(writer)))
        .spawn();
    again.recv_timeout(PATIENCE).unwrap();
    let lengths = BufReader::new(reader)
        .lines()
        .map(|line| line.unwrap().len());
    assert_eq!(lengths.collect::<Vec<_>>(), [LARGE, LARGE, 6, 4]);
    mqsub.wait().assert_success();
    broker.finish();
}

/// What a broker saw of two connections, the second with the session of the first where `Clean
/// Start` allows: the CONNECTs and the DISCONNECT at the end.
fn two_connections(args: &[&str]) -> ([Connect; 2], Packet) {
    let (seen, connects) = mpsc::channel();
    let (parted, farewell) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        let connect = conn.expect_connect();
        let session_present = conn.number() > 0 && !connect.clean;
        conn.connack_v5_with(session_present, 0, &[]);
        seen.send(connect.clone()).unwrap();
        if !session_present {
            let subscribe = conn.expect_subscribe();
            grant(&mut conn, &connect, &subscribe);
        }
        if conn.number() == 0 {
            return conn.close();
        }
        conn.publish(&Publish::new("a", "text", 0, 0));
        parted.send(conn.expect_disconnect()).unwrap();
    });
    let mqsub = tool(&broker, &["-V", "5", "-t", "a"]).args(args).spawn();
    mqsub.wait_for_stdout("text\n");
    terminate(mqsub);
    let connect = || connects.recv_timeout(PATIENCE).unwrap();
    let connects = [connect(), connect()];
    broker.finish();
    (connects, farewell.recv_timeout(PATIENCE).unwrap())
}

/// The Session Expiry Interval, which must be the only property then.
fn session_expiry(properties: &[u8]) -> Option<u32> {
    let (&identifier, value) = properties.split_first()?;
    assert_eq!(identifier, 0x11, "{properties:?}");
    Some(u32::from_be_bytes(value.try_into().unwrap()))
}

/// Of a DISCONNECT: behind the Reason Code, which leaves the Will, and the properties' length.
fn of_farewell(packet: &Packet) -> Option<u32> {
    assert_eq!((packet.kind(), packet.body[0]), (DISCONNECT, 4));
    session_expiry(packet.body.get(2..).unwrap_or_default())
}

#[test]
fn in_5_the_session_outlives_the_connection_but_not_mqsub() {
    const EXPIRY: &str = "session-expiry-interval";
    // Options; Clean Start and Session Expiry Interval of both CONNECTs; that of DISCONNECT.
    type Case = (&'static [&'static str], [bool; 2], Option<u32>, Option<u32>);
    const CASES: [Case; 7] = [
        (&["-q", "0"], [true, true], None, None),
        (&["-q", "1"], [true, false], Some(300), Some(0)),
        (&["-q", "2"], [true, false], Some(300), Some(0)),
        (&["-q", "1", "-x", "10"], [true, false], Some(10), None),
        (&["-q", "1", "-x", "0"], [true, true], Some(0), None),
        (
            &["-q", "1", "-c", "-i", "me", "-x", "60"],
            [false, false],
            Some(60),
            None,
        ),
        (
            &["-x", "10", "-D", "disconnect", EXPIRY, "7"],
            [true, false],
            Some(10),
            Some(7),
        ),
    ];
    together(CASES, |(args, clean, expiry, at_the_end)| {
        let (connects, farewell) = two_connections(args);
        assert_eq!(connects.clone().map(|c| c.clean), clean, "{args:?}");
        for connect in connects {
            assert_eq!(session_expiry(&connect.properties), expiry, "{args:?}");
        }
        assert_eq!(of_farewell(&farewell), at_the_end, "{args:?}");
    });
}

/// The broker repeats what it got no answer to; at QoS 2 nothing is printed twice.
#[test]
fn exactly_once_over_two_connections() {
    together(TELLING, |version| {
        let broker = FakeBroker::start(|mut conn| {
            if conn.number() == 0 {
                accept_anew(&mut conn);
                conn.publish(&Publish::new("a", "answered", 2, 1));
                conn.expect_kind(PUBREC);
                conn.publish(&Publish::new("a", "unanswered", 2, 2));
                // Nothing is read any more, and what came is not known to have come.
                return conn.close();
            }
            accept(&mut conn, true);
            for (id, text) in [(1, "answered"), (2, "unanswered"), (3, "new")] {
                let dup = id < 3;
                conn.publish(&Publish {
                    dup,
                    ..Publish::new("a", text, 2, id)
                });
                assert_eq!(conn.expect_kind(PUBREC).packet_id(), id);
            }
            conn.expect_disconnect();
        });
        let output = tool(&broker, &["-V", version, "-c", "-i", "me", "-q", "2"])
            .args(["-t", "a", "-C", "3"])
            .run()
            .assert_success();
        assert_eq!(output.stdout_str(), "answered\nunanswered\nnew\n");
        broker.finish();
    });
}

#[test]
fn losses_are_told_of_in_more_or_less_detail() {
    together(["--quiet", "-d"], |option| {
        let broker = FakeBroker::start(|mut conn| match conn.number() {
            1 => {
                conn.expect_connect();
                conn.close();
            }
            number => {
                accept_anew(&mut conn);
                if number == 0 {
                    return conn.close();
                }
                conn.publish(&Publish::new("a", "text", 0, 0));
                conn.hold();
            }
        });
        let output = tool(&broker, &["-t", "a", "-C", "1", option])
            .run()
            .assert_success();
        let stderr = output.stderr_str();
        if option == "--quiet" {
            assert_eq!(stderr, "");
        } else {
            assert!(stderr.contains(&lost(&broker)), "{output}");
            assert!(stderr.contains("note: connected to "), "{output}");
            let failed = "closed the connection before it answered the CONNECT";
            let told = stderr
                .lines()
                .any(|l| l.starts_with("debug: ") && l.contains(failed) && l.contains("next"));
            assert!(told, "{output}");
        }
        broker.finish();
    });
}

/// A broker that refuses with this code from the connection of this number on.
fn refusing(from: usize, code: u8) -> FakeBroker {
    FakeBroker::start(move |mut conn| {
        if conn.number() < from {
            accept_anew(&mut conn);
            return conn.close();
        }
        conn.expect_connect();
        conn.connack(code);
        conn.expect_close();
    })
}

#[test]
fn how_often_it_tries() {
    // Connections that come up, code of the refusal, options, attempts.
    const CASES: [(usize, u8, &[&str], usize); 7] = [
        (0, 3, &[], 1),
        (0, 3, &["--retry", "0"], 1),
        (0, 3, &["--retry", "2"], 3),
        // Not authorised: that does not heal.
        (0, 5, &["--retry", "forever"], 1),
        (1, 5, &[], 2),
        (1, 5, &["--retry", "forever"], 2),
        (1, 3, &["--retry", "2"], 3),
    ];
    together(CASES, |(from, code, options, attempts)| {
        let broker = refusing(from, code);
        let output = tool(&broker, &["-t", "a"])
            .args(options)
            .run()
            .assert_code(code.into());
        assert_eq!(broker.connections(), attempts, "{output}");
        let tried = attempts - from;
        let note = format!("{tried} attempts in a row failed");
        assert_eq!(output.stderr_str().contains(&note), tried > 1, "{output}");
        broker.finish();
    });
}

#[test]
fn a_session_that_was_taken_over_is_not_fought_for() {
    let broker = FakeBroker::start(|mut conn| {
        accept_anew(&mut conn);
        conn.disconnect_v5(0x8e);
        conn.expect_close();
    });
    let output = tool(
        &broker,
        &["-V", "5", "-t", "a", "-i", "me", "--retry", "forever"],
    )
    .run()
    .assert_code(142);
    assert!(
        output
            .stderr_str()
            .ends_with("the same client identifier: give each its own\n"),
        "{output}"
    );
    assert_eq!(broker.connections(), 1);
    broker.finish();
}

/// A broker with a retained message that does not answer to its removal, and closes.
fn forgetful() -> (FakeBroker, Receiver<u16>) {
    let (gone, removals) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        accept(&mut conn, false);
        // What was not acknowledged may go out before the subscription is made again.
        let mut removed = None;
        while removed.is_none() {
            let packet = conn.read_packet();
            match packet.kind() {
                SUBSCRIBE => {
                    conn.suback(packet.packet_id(), &[0]);
                    if conn.number() == 0 {
                        conn.publish(&Publish {
                            retain: true,
                            ..Publish::new("a", "retained", 0, 0)
                        });
                    }
                }
                _ => removed = Publish::parse(&packet, false).packet_id,
            }
        }
        if conn.number() == 0 {
            return conn.close();
        }
        conn.puback(removed.unwrap());
        gone.send(removed.unwrap()).unwrap();
        conn.hold();
    });
    (broker, removals)
}

#[test]
fn a_removal_on_its_way_is_sent_again() {
    let (broker, removals) = forgetful();
    let mqsub = tool(&broker, &["-t", "a", "--remove-retained", "-d"]).spawn();
    removals.recv_timeout(PATIENCE).unwrap();
    mqsub.wait_for_stderr("received PUBACK");
    assert_eq!(terminate(mqsub).stdout_str(), "retained\n");
    broker.finish();
}

/// Once all is printed, nobody knows how long another connection would take.
#[test]
fn at_the_end_there_is_no_other_connection() {
    let (broker, _removals) = forgetful();
    let output = tool(&broker, &["-t", "a", "--remove-retained", "-C", "1"])
        .run()
        .assert_code(7);
    assert!(!output.stderr_str().contains("trying again"), "{output}");
    let note = "of 1 retained message to remove, the broker acknowledged 0, refused 0 and left 1";
    assert!(output.stderr_str().contains(note), "{output}");
    assert_eq!(broker.connections(), 1);
    broker.finish();
}

/// What `--json-summary` says: received, printed, reconnects and the exit code.
#[track_caller]
fn summary(output: &Output) -> [u64; 4] {
    let last = output.stderr_str().lines().last().unwrap();
    let counts: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_eq!(counts.as_object().unwrap().len(), 4, "{output}");
    ["received", "printed", "reconnects", "exit_code"].map(|name| counts[name].as_u64().unwrap())
}

#[test]
fn the_summary_counts_it_all() {
    // Options; messages over each connection; what is told.
    const CASES: [(&[&str], &[usize], [u64; 4]); 5] = [
        (&["-C", "2"], &[2], [2, 2, 0, 0]),
        (&["-C", "2", "--quiet"], &[1, 1], [2, 2, 1, 0]),
        (&["-W", "20"], &[0], [0, 0, 0, 27]),
        (&["--retry", "0"], &[1, 0], [1, 1, 0, 7]),
        (&["-E"], &[0], [0, 0, 0, 0]),
    ];
    together(CASES, |(options, messages, expected)| {
        let broker = FakeBroker::start(move |mut conn| {
            accept_anew(&mut conn);
            for _ in 0..messages[conn.number()] {
                conn.publish(&Publish::new("a", "text", 0, 0));
            }
            if conn.number() + 1 < messages.len() {
                return conn.close();
            }
            conn.hold();
        });
        let output = tool(&broker, &["-t", "a", "--json-summary"])
            .args(options)
            .run();
        assert_eq!(summary(&output), expected, "{output}");
        let code = i32::try_from(expected[3]).unwrap();
        output.assert_code(code);
        broker.finish();
    });
}

#[test]
fn it_counts_up_to_a_signal_too() {
    let broker = FakeBroker::start(|mut conn| {
        accept_anew(&mut conn);
        conn.publish(&Publish::new("b", "hidden", 0, 0));
        conn.publish(&Publish::new("a", "shown", 0, 0));
        conn.hold();
    });
    let mqsub = tool(&broker, &["-t", "#", "-T", "b", "--json-summary"]).spawn();
    mqsub.wait_for_stdout("shown\n");
    assert_eq!(summary(&terminate(mqsub)), [2, 1, 0, 0]);
    broker.finish();
}

#[test]
fn without_a_connection_there_is_a_summary_too() {
    let port = harness::unused_port();
    let run = |options: &[&str]| {
        let args = ["-t", "a", "--json-summary"];
        mqsub().args(port.args()).args(args).args(options).run()
    };
    assert_eq!(summary(&run(&[])), [0, 0, 0, 14]);
    assert_eq!(summary(&run(&["-F", "%"])), [0, 0, 0, 1]);
    let refusing = refusing(0, 5);
    let output = tool(&refusing, &["-t", "a", "--json-summary"]).run();
    assert_eq!(summary(&output), [0, 0, 0, 5]);
    refusing.finish();
}
