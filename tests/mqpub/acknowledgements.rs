//! What becomes of messages at QoS 1 and 2: nothing counts as done before the broker said so,
//! and a refusal is told.

use harness::{Conn, FakeBroker};

use crate::support::{Complaint, VERSIONS, complaint, greet, greet_v5, part, publisher};

/// The error codes MQTT 5 allows in a PUBACK and a PUBREC, in its words (sections 3.4.2.1 and
/// 3.5.2.1); the last one is from no version of MQTT.
const REFUSALS: [(u8, &str); 8] = [
    (0x80, "unspecified error"),
    (0x83, "implementation specific error"),
    (0x87, "not authorised"),
    (0x90, "topic name invalid"),
    (0x91, "packet identifier in use"),
    (0x97, "quota exceeded"),
    (0x99, "payload format invalid"),
    (0xF0, "240"),
];

#[track_caller]
fn publish_id(conn: &mut Conn, payload: &str) -> u16 {
    let publish = conn.expect_publish();
    assert_eq!(publish.payload, payload.as_bytes());
    assert!(!publish.dup);
    publish.packet_id.expect("a Packet Identifier")
}

#[test]
fn a_connection_that_ends_before_the_acknowledgement_is_a_loss() {
    for version in VERSIONS {
        for qos in ["1", "2"] {
            let broker = FakeBroker::start(move |mut conn| {
                greet(&mut conn);
                publish_id(&mut conn, "text");
                if qos == "2" {
                    // Half of the exchange is not the whole.
                    conn.pubrec(1);
                    conn.expect_pubrel();
                }
                conn.close();
            });
            let output = publisher(&broker)
                .args(["-V", version, "-q", qos, "-m", "text"])
                .run();
            broker.finish();
            let complaint = complaint(output, 7);
            assert!(complaint.error.contains("was lost"), "{complaint:?}");
            assert_eq!(
                complaint.note,
                "of 1 message sent, 0 were acknowledged, 0 refused, 1 is unknown"
            );
        }
    }
}

#[test]
fn a_loss_says_how_many_messages_it_concerns() {
    let broker = FakeBroker::start(|mut conn| {
        greet_v5(&mut conn, &[]);
        let ids = ["1", "2", "3", "4", "5"].map(|text| publish_id(&mut conn, text));
        conn.puback(ids[3]);
        conn.puback(ids[0]);
        conn.puback_v5(ids[1], 0x97);
        conn.close();
    });
    let output = publisher(&broker)
        .args(["-V", "mqttv5", "-q", "1", "-l", "--retry", "0"])
        .stdin("1\n2\n3\n4\n5\n")
        .run();
    broker.finish();
    let Complaint { error, note, .. } = complaint(output, 7);
    assert!(error.contains("was lost"), "{error}");
    assert_eq!(
        note,
        "of 5 messages sent, 2 were acknowledged, 1 refused, 2 are unknown"
    );
}

#[test]
fn a_refused_message_gives_the_code_and_the_others_still_arrive() {
    for qos in ["1", "2"] {
        let broker = FakeBroker::start(move |mut conn| {
            let (code, _) = REFUSALS[conn.number()];
            greet_v5(&mut conn, &[]);
            let ids = ["first", "second", "third"].map(|text| publish_id(&mut conn, text));
            for (index, id) in ids.into_iter().enumerate() {
                let verdict = if index == 1 { code } else { 0 };
                if qos == "1" {
                    conn.puback_v5(id, verdict);
                    continue;
                }
                conn.pubrec_v5(id, verdict);
                if index != 1 {
                    assert_eq!(conn.expect_pubrel(), id);
                    conn.pubcomp_v5(id, 0);
                }
            }
            // A PUBREL for the refused one would come before this.
            part(&mut conn);
        });
        for (code, words) in REFUSALS {
            let output = publisher(&broker)
                .args(["-V", "mqttv5", "-q", qos, "-l"])
                .stdin("first\nsecond\nthird\n")
                .run();
            let complaint = complaint(output, code.into());
            assert_eq!(complaint.error, "the broker refused 1 of 3 messages");
            assert!(complaint.cause.contains(words), "{complaint:?}");
            assert!(
                complaint.cause.ends_with(&format!(", code {code}")),
                "{complaint:?}"
            );
        }
        broker.finish();
    }
}

#[test]
fn of_several_refusals_the_first_gives_the_code() {
    let broker = FakeBroker::start(|mut conn| {
        greet_v5(&mut conn, &[]);
        for (text, code) in [("1", 0x10), ("2", 0x97), ("3", 0x87)] {
            let id = publish_id(&mut conn, text);
            conn.puback_v5(id, code);
        }
        part(&mut conn);
    });
    let output = publisher(&broker)
        .args(["-V", "mqttv5", "-q", "1", "-M", "1", "-l"])
        .stdin("1\n2\n3\n")
        .run();
    broker.finish();
    let complaint = complaint(output, 0x97);
    assert_eq!(complaint.error, "the broker refused 2 of 3 messages");
}

#[test]
fn a_refusal_shows_the_brokers_own_words() {
    let broker = FakeBroker::start(|mut conn| {
        greet_v5(&mut conn, &[]);
        let [high, low] = publish_id(&mut conn, "text").to_be_bytes();
        let words = "no \x1b[31mroom\x1b[0m\r\nerror: fake";
        let mut packet = vec![0x40, 0, high, low, 0x97, 0, 0x1F, 0];
        packet.push(words.len().try_into().unwrap());
        packet.extend(words.as_bytes());
        packet[1] = (packet.len() - 2).try_into().unwrap();
        packet[5] = (packet.len() - 6).try_into().unwrap();
        conn.send(&packet);
        part(&mut conn);
    });
    let output = publisher(&broker)
        .args(["-V", "mqttv5", "-q", "1", "-m", "text"])
        .run();
    broker.finish();
    let complaint = complaint(output, 0x97);
    assert_eq!(
        complaint.cause,
        r#"quota exceeded ("no \u{1b}[31mroom\u{1b}[0m\r\nerror: fake"), code 151"#
    );
}

#[test]
fn no_matching_subscribers_is_a_success() {
    let broker = FakeBroker::start(|mut conn| {
        greet_v5(&mut conn, &[]);
        let id = publish_id(&mut conn, "text");
        conn.puback_v5(id, 0x10);
        part(&mut conn);
    });
    let output = publisher(&broker)
        .args(["-V", "mqttv5", "-q", "1", "-m", "text"])
        .run()
        .assert_success();
    broker.finish();
    assert!(output.stderr.is_empty(), "{output}");
}

#[test]
fn a_refused_qos_2_message_frees_its_place() {
    let broker = FakeBroker::start(|mut conn| {
        greet_v5(&mut conn, &[]);
        for text in ["1", "2", "3"] {
            // With a window of one, each comes only once the one before is out of it.
            let id = publish_id(&mut conn, text);
            conn.pubrec_v5(id, 0x87);
        }
        part(&mut conn);
    });
    let output = publisher(&broker)
        .args(["-V", "mqttv5", "-q", "2", "-M", "1", "-l"])
        .stdin("1\n2\n3\n")
        .run();
    broker.finish();
    let complaint = complaint(output, 0x87);
    assert_eq!(complaint.error, "the broker refused 3 of 3 messages");
}

#[test]
fn a_failed_pubcomp_is_a_refusal() {
    let broker = FakeBroker::start(|mut conn| {
        greet_v5(&mut conn, &[]);
        let id = publish_id(&mut conn, "text");
        conn.pubrec_v5(id, 0);
        assert_eq!(conn.expect_pubrel(), id);
        conn.pubcomp_v5(id, 0x92);
        part(&mut conn);
    });
    let output = publisher(&broker)
        .args(["-V", "mqttv5", "-q", "2", "-m", "text"])
        .run();
    broker.finish();
    complaint(output, 0x92);
}

#[test]
fn acknowledgements_may_come_in_any_order() {
    for version in VERSIONS {
        for qos in ["1", "2"] {
            let broker = FakeBroker::start(move |mut conn| {
                greet(&mut conn);
                let ids = ["1", "2", "3", "4", "5"].map(|text| publish_id(&mut conn, text));
                for id in ids.into_iter().rev() {
                    match qos {
                        "1" => conn.puback(id),
                        _ => conn.pubrec(id),
                    }
                }
                if qos == "2" {
                    let released = [(); 5].map(|()| conn.expect_pubrel());
                    assert!(released.iter().rev().eq(&ids));
                    for index in [2, 0, 4, 1, 3] {
                        conn.pubcomp(ids[index]);
                    }
                }
                part(&mut conn);
            });
            publisher(&broker)
                .args(["-V", version, "-q", qos, "-l"])
                .stdin("1\n2\n3\n4\n5\n")
                .run()
                .assert_success();
            broker.finish();
        }
    }
}

#[test]
fn acknowledgements_of_something_else_do_not_count() {
    for version in VERSIONS {
        let broker = FakeBroker::start(|mut conn| {
            greet(&mut conn);
            let id = publish_id(&mut conn, "text");
            conn.puback(id + 1);
            conn.puback(id + 1);
            conn.pubcomp(id + 1);
            // Answered, so the three were read; DISCONNECT would have come first.
            crate::support::expect_pause(&mut conn);
            conn.close();
        });
        let output = publisher(&broker)
            .args(["-V", version, "-q", "1", "-m", "text"])
            .run();
        broker.finish();
        complaint(output, 7);
    }
}
