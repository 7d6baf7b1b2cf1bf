//! A connection that ends before the messages do.

use harness::fake_broker::{Publish, encode};
use harness::{Authority, Broker, Conn, FakeBroker, Output, mqsub};

use crate::support::{VERSIONS, accept, publish, subscribe, subscribed};

const LOG: &str = "hint: the broker's log may say more\n";
const TWO: &str =
    "hint: another client has connected with the same client identifier: give each its own\n";

#[track_caller]
fn run(broker: &FakeBroker, args: &[&str]) -> Output {
    mqsub()
        .args(broker.args())
        .args(["-t", "a", "--retry", "0"])
        .args(args)
        .run()
}

#[test]
fn a_killed_broker_is_a_lost_connection() {
    for version in VERSIONS {
        let broker = Broker::start();
        let running = mqsub()
            .args(broker.args())
            .args(["-V", version, "-t", "a", "--retry", "0"])
            .spawn();
        broker.wait_for_log("Sending SUBACK to");
        publish(&broker, &["-t", "a", "-m", "before"]);
        running.wait_for_stdout("before\n");
        broker.kill();
        let output = running.wait().assert_code(7);
        assert_eq!(output.stdout_str(), "before\n");
        let address = format!("localhost:{}", broker.port());
        assert_eq!(
            output.stderr_str(),
            format!(
                "error: the connection to {address} was lost\n\
                 cause: the broker closed the connection\n\
                 {LOG}"
            )
        );
    }
}

#[test]
fn over_tls_it_reads_the_same() {
    let authority = Authority::new();
    let broker = Broker::builder()
        .tls(&authority.server("localhost"))
        .start();
    let running = mqsub()
        .args(broker.args())
        .args(["-t", "a", "--retry", "0", "--cafile"])
        .arg(authority.pem_path())
        .spawn();
    broker.wait_for_log("Sending SUBACK to");
    broker.kill();
    let output = running.wait().assert_code(7);
    let end = format!("cause: the broker closed the connection\n{LOG}");
    assert!(output.stderr_str().ends_with(&end), "{output}");
}

#[test]
fn what_came_before_the_end_is_printed() {
    let broker = FakeBroker::start(|mut conn| {
        accept(&mut conn, 0);
        for text in ["1", "2", "3"] {
            conn.publish(&Publish::new("a", text, 0, 0));
        }
        conn.close();
    });
    assert_eq!(run(&broker, &[]).assert_code(7).stdout_str(), "1\n2\n3\n");
    broker.finish();
}

#[test]
fn a_client_with_the_same_identifier_takes_the_session_over() {
    for version in VERSIONS {
        let broker = Broker::start();
        let first = subscribed(
            &broker,
            &["-V", version, "-i", "me", "-t", "a", "--retry", "0"],
        );
        subscribe(&broker, &["-V", version, "-i", "me", "-t", "a", "-E"]).assert_success();
        broker.wait_for_log_times("New client connected", 2);
        // mosquitto 2.0 closes without a word; MQTT 5 would let it say why.
        let (code, cause, hint) = if broker.log().contains("Sending DISCONNECT to me") {
            (
                142,
                "session taken over by another client with the same client identifier, code 142",
                TWO,
            )
        } else {
            (7, "the broker closed the connection", LOG)
        };
        let output = first.wait().assert_code(code);
        let end = format!("cause: {cause}\n{hint}");
        assert!(output.stderr_str().ends_with(&end), "{output}");
    }
}

#[test]
fn a_disconnect_of_5_says_why() {
    /// MQTT 5, table 3.14: what a server may say, but 0; and one that no table has.
    const REASONS: [(u8, &str); 28] = [
        (0x80, "unspecified error"),
        (0x81, "malformed packet"),
        (0x82, "protocol error"),
        (0x83, "implementation specific error"),
        (0x87, "not authorised"),
        (0x89, "server busy"),
        (0x8B, "server shutting down"),
        (0x8D, "keep alive timeout"),
        (
            0x8E,
            "session taken over by another client with the same client identifier",
        ),
        (0x8F, "topic filter invalid"),
        (0x90, "topic name invalid"),
        (0x93, "receive maximum exceeded"),
        (0x94, "topic alias invalid"),
        (0x95, "packet too large"),
        (0x96, "message rate too high"),
        (0x97, "quota exceeded"),
        (0x98, "administrative action"),
        (0x99, "payload format invalid"),
        (0x9A, "retain not supported"),
        (0x9B, "QoS not supported"),
        (0x9C, "use another server"),
        (0x9D, "server moved"),
        (0x9E, "shared subscriptions not supported"),
        (0x9F, "connection rate exceeded"),
        (0xA0, "maximum connect time"),
        (0xA1, "subscription identifiers not supported"),
        (0xA2, "wildcard subscriptions not supported"),
        (0xEF, "unknown reason 239 (0xEF)"),
    ];
    for (code, words) in REASONS {
        let broker = FakeBroker::start(move |mut conn| {
            conn.expect_connect();
            conn.connack_v5(0);
            let subscribe = conn.expect_subscribe();
            conn.suback_v5(subscribe.packet_id, &[0]);
            conn.publish(&Publish::new("a", "last", 0, 0));
            conn.disconnect_v5(code);
            conn.expect_close();
        });
        let output = run(&broker, &["-V", "5"]).assert_code(code.into());
        assert_eq!(output.stdout_str(), "last\n");
        let address = format!("127.0.0.1:{}", broker.port());
        let hint = if code == 0x8e { TWO } else { LOG };
        assert_eq!(
            output.stderr_str(),
            format!("error: {address} ended the session\ncause: {words}, code {code}\n{hint}")
        );
        broker.finish();
    }
}

#[test]
fn the_brokers_own_words_are_quoted() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack_v5(0);
        let mut body = vec![0x8b];
        let mut reason_string = vec![0x1f];
        encode::text(&mut reason_string, "back at nine\x1b[31m".as_bytes());
        encode::properties(&mut body, &reason_string);
        conn.send(&encode::packet(0xe0, &body));
        conn.hold();
    });
    let output = run(&broker, &["-V", "5"]).assert_code(0x8b);
    // Escaped: a broker must not steer the user's terminal.
    let cause = "server shutting down (\"back at nine\\u{1b}[31m\"), code 139\n";
    assert!(
        output.stderr_str().ends_with(&format!("{cause}{LOG}")),
        "{output}"
    );
    broker.finish();
}

/// Whatever the broker calls it, the messages have ended and nobody here wanted that.
#[test]
fn a_disconnect_without_a_complaint_is_a_lost_connection() {
    for bytes in [&[0xe0, 0][..], &[0xe0, 1, 0], &[0xe0, 2, 0, 0]] {
        let broker = FakeBroker::start(move |mut conn| {
            conn.expect_connect();
            conn.connack_v5(0);
            conn.send(bytes);
            conn.hold();
        });
        let output = run(&broker, &["-V", "5"]).assert_code(7);
        let error = format!("error: 127.0.0.1:{} ended the session\n", broker.port());
        assert!(output.stderr_str().starts_with(&error), "{output}");
        broker.finish();
    }
}

#[test]
fn what_is_not_mqtt_ends_it() {
    for version in VERSIONS {
        for bytes in [
            // As MQTT, a PUBACK of 84 bytes.
            [&b"HTTP/1.1 400 Bad Request"[..], &[b' '; 84]].concat(),
            vec![0x30, 0xff, 0xff, 0xff, 0xff, 0x01],
            // QoS 3.
            vec![0x36, 3, 0, 1, b'a'],
            // A second CONNACK.
            vec![0x20, 2, 0, 0],
            vec![0x00, 0],
            // CONNECT, SUBSCRIBE, UNSUBSCRIBE and PINGREQ are for a client to send.
            vec![0x10, 0],
            vec![0x82, 2, 0, 1],
            vec![0xa2, 2, 0, 1],
            vec![0xc0, 0],
        ] {
            let broker = FakeBroker::start(move |mut conn| {
                conn.expect_connect();
                answer(&mut conn, version, 0);
                let subscribe = conn.expect_subscribe();
                if version == "mqttv5" {
                    conn.suback_v5(subscribe.packet_id, &[0]);
                } else {
                    conn.suback(subscribe.packet_id, &[0]);
                }
                conn.send(&bytes);
                conn.hold();
            });
            let output = run(&broker, &["-V", version]).assert_code(21);
            assert!(output.stderr_str().starts_with("error: "), "{output}");
            broker.finish();
        }
    }
}

/// CONNACK in the client's version.
fn answer(conn: &mut Conn, version: &str, present: u8) {
    let bytes: &[u8] = match version {
        "mqttv5" => &[0x20, 3, present, 0, 0],
        _ => &[0x20, 2, present, 0],
    };
    conn.send(bytes);
}

/// MQTT 5, section 3.2.2.1.1: without `-c` there is no session that could be there.
#[test]
fn a_session_after_a_clean_start_ends_it() {
    for version in ["mqttv311", "mqttv5"] {
        let broker = FakeBroker::start(move |mut conn| {
            conn.expect_connect();
            answer(&mut conn, version, 1);
            conn.expect_close();
        });
        let output = run(&broker, &["-V", version]).assert_code(21);
        let cause = "a CONNACK with Session Present after a clean start";
        assert!(output.stderr_str().contains(cause), "{output}");
        broker.finish();
    }
}

#[test]
fn a_broker_that_went_silent_is_noticed_by_the_keep_alive() {
    let broker = Broker::start();
    let running = subscribed(&broker, &["-t", "a", "-k", "5", "--retry", "0"]);
    broker.pause();
    let output = running.wait().assert_code(19);
    assert!(output.stderr_str().contains("error: "), "{output}");
    broker.resume();
}
