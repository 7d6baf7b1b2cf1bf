//! `--retry`: how often it connects again, when it does not, and what it says meanwhile.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use harness::{Authority, Broker, FakeBroker, SocksProxy, mqpub, together, unused_port};

use crate::support::{PATIENCE, complaint, greet, last_complaint, part, publisher};

/// CONNACKs that the same CONNECT meets again: the version and the code.
const LASTING: [(&str, u8); 12] = [
    ("mqttv311", 1),
    ("mqttv311", 2),
    ("mqttv311", 4),
    ("mqttv311", 5),
    ("mqttv5", 0x84),
    ("mqttv5", 0x85),
    ("mqttv5", 0x86),
    ("mqttv5", 0x87),
    ("mqttv5", 0x8A),
    ("mqttv5", 0x8C),
    ("mqttv5", 0x9C),
    ("mqttv5", 0x9D),
];

/// CONNACKs of the moment.
const PASSING: [(&str, u8); 5] = [
    ("mqttv311", 3),
    ("mqttv5", 0x88),
    ("mqttv5", 0x89),
    ("mqttv5", 0x97),
    ("mqttv5", 0x9F),
];

/// How a connection of the scripted broker goes.
#[derive(Debug, Clone, Copy)]
enum Script {
    /// CONNACK with this code.
    Refuse(u8),
    /// Accepts, takes a message without an answer and closes.
    Lose,
    /// The same with a DISCONNECT of this code.
    Dismiss(u8),
    /// Accepts, takes a message and everything else.
    Take,
    /// Says nothing.
    Close,
}

/// A scripted broker whose connections go like that, one after the other.
fn broker(scripts: impl Into<Vec<Script>>) -> FakeBroker {
    let scripts = scripts.into();
    FakeBroker::start(move |mut conn| {
        let script = scripts.get(conn.number()).copied();
        match script.expect("no more connections than that") {
            Script::Refuse(code) => {
                match conn.expect_connect().level {
                    5 => conn.connack_v5(code),
                    _ => conn.connack(code),
                }
                conn.expect_close();
            }
            Script::Lose => {
                greet(&mut conn);
                conn.expect_publish();
                conn.close();
            }
            Script::Dismiss(code) => {
                greet(&mut conn);
                conn.expect_publish();
                conn.disconnect_v5(code);
                // It must not keep the old connection beside the next.
                conn.expect_close();
            }
            Script::Take => {
                greet(&mut conn);
                let id = conn.expect_publish().packet_id.unwrap();
                conn.puback(id);
                part(&mut conn);
            }
            Script::Close => {
                conn.expect_connect();
                conn.close();
            }
        }
    })
}

#[test]
fn a_single_message_is_not_tried_again_unless_asked() {
    let lost = broker([Script::Lose]);
    let output = publisher(&lost).args(["-q", "1", "-m", "text"]).run();
    lost.finish();
    let complaint = complaint(output, 7);
    assert_eq!(
        complaint.note,
        "of 1 message sent, 0 were acknowledged, 0 refused, 1 is unknown"
    );
    let once_more = broker([Script::Lose, Script::Take]);
    publisher(&once_more)
        .args(["-q", "1", "-m", "text", "--retry", "3"])
        .run()
        .assert_success();
    once_more.finish();
}

#[test]
fn the_first_connection_is_not_tried_again_unless_asked() {
    let port = unused_port();
    for source in ["-n", "-l"] {
        let output = mqpub()
            .args(port.args())
            .args(["-t", "a", source])
            .stdin("one\n")
            .run();
        assert_eq!(complaint(output, 14).note, "");
    }
}

#[test]
fn attempts_are_counted_and_spaced() {
    let begun = Instant::now();
    let closing = broker([Script::Close; 3]);
    let output = publisher(&closing)
        .args(["-m", "text", "--retry", "2"])
        .run();
    // One second, then two, and something at random.
    assert!(begun.elapsed() >= Duration::from_secs(3));
    assert_eq!(closing.connections(), 3);
    closing.finish();
    assert_eq!(output.stderr_str().matches("trying again").count(), 1);
    let complaint = last_complaint(output, 5);
    assert_eq!(complaint.note, "3 attempts in a row failed");
    assert!(!complaint.hint.is_empty(), "{complaint:?}");

    let nobody = unused_port();
    let output = mqpub()
        .args(nobody.args())
        .args(["-t", "a", "-n", "--retry", "1"])
        .run();
    let complaint = last_complaint(output, 14);
    assert_eq!(complaint.note, "2 attempts in a row failed");
}

#[test]
fn a_loss_counts_as_the_first_failure() {
    let scripts = [Script::Lose, Script::Refuse(3), Script::Close];
    let broker = broker(scripts);
    let output = publisher(&broker)
        .args(["-q", "1", "-m", "text", "--retry", "2"])
        .run();
    assert_eq!(broker.connections(), 3);
    broker.finish();
    let complaint = last_complaint(output, 5);
    assert_eq!(
        complaint.note,
        "2 attempts in a row failed; of 1 message sent, 0 were acknowledged, 0 refused, 1 is unknown"
    );
    assert!(!complaint.hint.is_empty(), "{complaint:?}");
}

#[test]
fn forever_lasts_until_the_broker_is_there() {
    let mut broker = Broker::start();
    broker.kill();
    let running = mqpub()
        .args(broker.args())
        .args(["-t", "a", "-q", "1", "-m", "text", "--retry", "forever"])
        .spawn();
    running.wait_for_stderr("; trying again\n");
    broker.restart();
    broker.wait_for_log("Received PUBLISH");
    let output = running.wait().assert_success();
    let lines: Vec<_> = output.stderr_str().lines().collect();
    assert_eq!(lines.len(), 2, "{output}");
    assert!(
        lines[0].starts_with("warning: cannot connect to "),
        "{output}"
    );
    assert!(lines[1].starts_with("note: connected to "), "{output}");
}

#[test]
fn a_refusal_that_lasts_is_the_end() {
    together(LASTING, |(version, code)| {
        let at_first = broker([Script::Refuse(code)]);
        let run = |broker: &FakeBroker| {
            publisher(broker)
                .args(["-V", version, "-q", "1", "-m", "text", "--retry", "forever"])
                .run()
        };
        let output = run(&at_first);
        assert_eq!(at_first.connections(), 1);
        at_first.finish();
        complaint(output, code.into());

        let later = broker([Script::Lose, Script::Refuse(code)]);
        let output = run(&later);
        assert_eq!(later.connections(), 2);
        later.finish();
        let complaint = last_complaint(output, code.into());
        assert!(complaint.error.ends_with("refused the connection"));
        assert_eq!(
            complaint.note,
            "of 1 message sent, 0 were acknowledged, 0 refused, 1 is unknown"
        );
    });
}

#[test]
fn a_refusal_of_the_moment_is_not() {
    let cases = PASSING.map(|case| [(case, false), (case, true)]);
    together(cases.concat(), |((version, code), is_later)| {
        let mut scripts = vec![Script::Refuse(code), Script::Take];
        if is_later {
            scripts.insert(0, Script::Lose);
        }
        let broker = broker(scripts);
        publisher(&broker)
            .args(["-V", version, "-q", "1", "-m", "text", "--retry", "forever"])
            .run()
            .assert_success();
        broker.finish();
    });
}

#[test]
fn what_only_others_can_mend_is_the_end() {
    let certificate = Authority::new().server("localhost");
    let server = Broker::builder().tls(&certificate).start();
    let stranger = Authority::new();
    let forever = |args: Vec<String>| {
        mqpub()
            .args(args)
            .args(["-t", "a", "-n", "--retry", "forever"])
    };
    let output = forever(server.args())
        .arg("--cafile")
        .arg(stranger.pem_path())
        .run();
    complaint(output, 8);

    let web = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.send(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        conn.expect_close();
    });
    complaint(forever(web.args()).run(), 21);
    assert_eq!(web.connections(), 1);

    let proxy = SocksProxy::for_user("user", "right");
    let url = format!("socks5h://user:wrong@localhost:{}", proxy.port());
    let output = forever(server.args()).args(["--proxy", &url]).run();
    assert!(!output.stderr_str().contains("wrong@"), "{output}");
    complaint(output, 16);
}

#[test]
fn a_disconnect_of_the_moment_is_made_up_for_and_another_is_the_end() {
    const PASSING: [u8; 12] = [
        0x00, 0x04, 0x80, 0x83, 0x89, 0x8B, 0x8D, 0x96, 0x97, 0x98, 0x9F, 0xA0,
    ];
    const LASTING: [u8; 14] = [
        0x81, 0x82, 0x87, 0x8E, 0x90, 0x93, 0x94, 0x95, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0xF0,
    ];
    let cases = PASSING.map(|code| (code, true)).into_iter();
    let cases = cases.chain(LASTING.map(|code| (code, false)));
    together(cases, |(code, is_passing)| {
        let mut scripts = vec![Script::Dismiss(code)];
        if is_passing {
            scripts.push(Script::Take);
        }
        let broker = broker(scripts);
        let output = publisher(&broker)
            .args(["-V", "mqttv5", "-q", "1", "-l"])
            .stdin("one\n")
            .run();
        broker.finish();
        if is_passing {
            output.assert_success();
            return;
        }
        let complaint = complaint(output, code.into());
        assert!(complaint.error.ends_with("ended the session"));
        assert_eq!(
            complaint.note,
            "of 1 message sent, 0 were acknowledged, 0 refused, 1 is unknown"
        );
    });
}

#[test]
fn quiet_says_nothing_and_debug_more() {
    together([&["--quiet"][..], &["-d"], &[]], |options| {
        let broker = broker([Script::Lose, Script::Refuse(3), Script::Take]);
        let output = publisher(&broker)
            .args(["-q", "1", "-l"])
            .args(options)
            .stdin("one\n")
            .run()
            .assert_success();
        broker.finish();
        let text = output.stderr_str();
        let count = |what: &str| text.matches(what).count();
        match options {
            ["--quiet"] => assert_eq!(text, ""),
            ["-d"] => {
                assert_eq!(count("debug: sending CONNECT "), 3, "{output}");
                assert_eq!(count("; next attempt in "), 1, "{output}");
                assert_eq!(count("warning: ") + count("note: "), 2, "{output}");
            }
            _ => assert_eq!(text.lines().count(), 2, "{output}"),
        }
    });
}

/// One message that is acknowledged or not, and then no connection any more.
fn without_a_connection(acknowledged: bool) -> (FakeBroker, mpsc::Receiver<()>) {
    let (sender, gone) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        if conn.number() > 0 {
            conn.hold();
            return;
        }
        greet(&mut conn);
        let id = conn.expect_publish().packet_id.unwrap();
        if acknowledged {
            conn.puback(id);
        }
        conn.close();
        sender.send(()).unwrap();
    });
    (broker, gone)
}

#[test]
fn signals_end_it_without_a_connection_too() {
    const ERROR: &str = "SIGTERM ended it before everything was delivered";
    const NOTE: &str = "of 1 message sent, 0 were acknowledged, 0 refused, 1 is unknown";
    // Whether the message was acknowledged, and how many signals come.
    together(
        [(true, 1), (false, 1), (false, 2)],
        |(acknowledged, signals)| {
            let (broker, gone) = without_a_connection(acknowledged);
            let running = publisher(&broker)
                .args(["-q", "1", "-l", "--connect-timeout", "100000"])
                .spawn();
            running.write_stdin("one\n");
            gone.recv_timeout(PATIENCE).unwrap();
            running.wait_for_stderr("was lost");
            running.terminate();
            if signals == 2 {
                running.interrupt();
            }
            // Its stdin is still open.
            running.wait_for_end();
            let output = running.wait();
            broker.finish();
            match (acknowledged, signals) {
                // Nothing is left to do.
                (true, _) => {
                    let output = output.assert_code(143);
                    assert_eq!(output.stderr_str().lines().count(), 1, "{output}");
                }
                (false, 1) => {
                    let complaint = last_complaint(output, 7);
                    assert_eq!(complaint.error, ERROR);
                    assert_eq!(
                        complaint.cause,
                        "there was no connection to the broker within 5 s"
                    );
                    assert_eq!(complaint.note, NOTE);
                }
                _ => {
                    let code = output.status;
                    assert!([130, 143].contains(&code), "{output}");
                    let complaint = last_complaint(output, code);
                    assert_eq!(complaint.cause, "it came again, which means at once");
                    assert_eq!(complaint.note, NOTE);
                }
            }
        },
    );
}
