//! CONNACKs that say no.

use harness::FakeBroker;

use crate::support::{Complaint, complaint, publisher};

/// The meanings of MQTT 5's table 3-1, and of codes a CONNACK does not know but may carry.
const REASONS: [(u8, &str); 24] = [
    (0x80, "unspecified error"),
    (0x81, "malformed packet"),
    (0x82, "protocol error"),
    (0x83, "implementation specific error"),
    (0x84, "unsupported protocol version"),
    (0x85, "client identifier not valid"),
    (0x86, "bad user name or password"),
    (0x87, "not authorised"),
    (0x88, "server unavailable"),
    (0x89, "server busy"),
    (0x8A, "banned"),
    (0x8C, "bad authentication method"),
    (0x8E, "session taken over"),
    (0x90, "topic name invalid"),
    (0x95, "packet too large"),
    (0x97, "quota exceeded"),
    (0x99, "payload format invalid"),
    (0x9A, "retain not supported"),
    (0x9B, "QoS not supported"),
    (0x9C, "use another server"),
    (0x9D, "server moved"),
    (0x9E, "shared subscriptions not supported"),
    (0x9F, "connection rate exceeded"),
    (0xF0, "unknown reason 240"),
];

#[track_caller]
fn check(complaint: &Complaint, code: u8, words: &str) {
    assert!(
        complaint.error.ends_with("refused the connection"),
        "{complaint:?}"
    );
    assert!(complaint.cause.contains(words), "{complaint:?}");
    assert!(
        complaint.cause.ends_with(&format!(", code {code}")),
        "{complaint:?}"
    );
}

#[test]
fn each_return_code_of_3_1_1_is_the_exit_code() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack(u8::try_from(conn.number()).unwrap() + 1);
        conn.expect_close();
    });
    for (code, words) in [
        (1, "unacceptable protocol version"),
        (2, "client identifier rejected"),
        (3, "server unavailable"),
        (4, "bad user name or password"),
        (5, "not authorised"),
    ] {
        let output = publisher(&broker).args(["-m", "text"]).run();
        let complaint = complaint(output, code.into());
        check(&complaint, code, words);
        assert!(!complaint.hint.is_empty(), "{complaint:?}");
    }
    broker.finish();
}

#[test]
fn each_reason_code_of_5_is_the_exit_code() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack_v5(u8::try_from(conn.number()).unwrap() + 0x80);
        conn.expect_close();
    });
    for code in 0x80..=0x9F {
        let output = publisher(&broker)
            .args(["-V", "mqttv5", "-m", "text"])
            .run();
        let complaint = complaint(output, code.into());
        check(&complaint, code, "");
        assert!(!complaint.cause.contains("unknown"), "{complaint:?}");
    }
    broker.finish();
}

#[test]
fn each_reason_has_its_sentence() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack_v5(REASONS[conn.number()].0);
        conn.expect_close();
    });
    for (code, words) in REASONS {
        let output = publisher(&broker)
            .args(["-V", "mqttv5", "-m", "text"])
            .run();
        check(&complaint(output, code.into()), code, words);
    }
    broker.finish();
}

/// The client asked for a clean start, so there can be none (MQTT 5, section 3.2.2.1.1).
#[test]
fn a_session_that_cannot_be_there_is_21() {
    for version in ["mqttv311", "mqttv5"] {
        let broker = FakeBroker::start(|mut conn| {
            if conn.expect_connect().level == 5 {
                conn.connack_v5_with(true, 0, &[]);
            } else {
                conn.connack_session_present();
            }
            conn.expect_close();
        });
        let output = publisher(&broker)
            .args(["-V", version, "-q", "1", "-m", "text"])
            .run();
        broker.finish();
        let complaint = complaint(output, 21);
        assert!(
            complaint
                .cause
                .contains("Session Present after a clean start"),
            "{complaint:?}"
        );
    }
}

#[test]
fn a_broker_that_knows_only_3_1_1_is_understood_by_an_mqtt_5_client() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack([1, 0x84][conn.number()]);
        conn.expect_close();
    });
    for (code, words) in [
        (1, "unacceptable protocol version"),
        (0x84, "unsupported protocol version"),
    ] {
        let output = publisher(&broker)
            .args(["-V", "mqttv5", "-m", "text"])
            .run();
        let complaint = complaint(output, code.into());
        check(&complaint, code, words);
        assert!(complaint.hint.contains("-V mqttv311"), "{complaint:?}");
    }
    broker.finish();
}

#[test]
fn the_brokers_own_words_are_shown_and_harmless() {
    const WORDS: [(&str, &str); 3] = [
        ("licence expired", r#"("licence expired")"#),
        (
            "\x1b]0;title\x07\r\nerror: fake\u{9b}",
            r#"("\u{1b}]0;title\u{7}\r\nerror: fake\u{9b}")"#,
        ),
        (
            "\u{202e}reversed \u{1f600}",
            "(\"\\u{202e}reversed \u{1f600}\")",
        ),
    ];
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        let words = WORDS[conn.number()].0;
        let mut properties = vec![0x1F, 0, u8::try_from(words.len()).unwrap()];
        properties.extend(words.as_bytes());
        conn.connack_v5_with(false, 0x87, &properties);
        conn.expect_close();
    });
    for (_, shown) in WORDS {
        let output = publisher(&broker)
            .args(["-V", "mqttv5", "-m", "text"])
            .run();
        let complaint = complaint(output, 0x87);
        check(&complaint, 0x87, shown);
    }
    broker.finish();
}

#[test]
fn quiet_leaves_the_code_alone() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack(5);
        conn.expect_close();
    });
    let output = publisher(&broker)
        .args(["--quiet", "-m", "text"])
        .run()
        .assert_code(5);
    broker.finish();
    assert!(
        output.stdout.is_empty() && output.stderr.is_empty(),
        "{output}"
    );
}
