//! Hosts and ports where no MQTT broker is.

use std::time::{Duration, Instant};

use harness::{FakeBroker, Tool, mqpub, silent_port, together, unanswering_port, unused_port};

use crate::support::{VERSIONS, complaint, publisher};

fn to(args: impl IntoIterator<Item = String>) -> Tool {
    mqpub().args(args).args(["-t", "a", "-m", "text"])
}

#[test]
fn an_unknown_host_is_15() {
    for host in ["no-such-host.invalid", "with space.invalid", "..", "-x"] {
        // Some machines' resolvers take their time to say no.
        let output = mqpub()
            .args(["-h", host, "--connect-timeout", "100"])
            .args(["-t", "a", "-m", "text"])
            .run();
        let complaint = complaint(output, 15);
        assert!(complaint.error.contains(host), "{complaint:?}");
        assert!(complaint.hint.contains("-h"), "{complaint:?}");
    }
}

#[test]
fn a_refused_port_is_14() {
    let nobody = unused_port();
    let complaint = complaint(to(nobody.args()).run(), 14);
    let port = nobody.port().to_string();
    assert!(complaint.error.contains(&port), "{complaint:?}");
    assert!(complaint.cause.contains("refused"), "{complaint:?}");
    assert!(complaint.hint.contains("-p"), "{complaint:?}");
}

#[test]
fn a_port_that_ignores_connections_is_14_when_the_time_is_over() {
    let port = unanswering_port();
    let start = Instant::now();
    let output = mqpub()
        .args(["-h", "127.0.0.1", "-p", &port.port().to_string()])
        .args(["--connect-timeout", "0.5", "-t", "a", "-m", "text"])
        .run();
    assert!(start.elapsed() >= Duration::from_millis(500));
    let complaint = complaint(output, 14);
    assert!(complaint.cause.contains("0.5 s"), "{complaint:?}");
}

#[test]
fn a_port_that_accepts_and_never_answers_is_5_when_the_time_is_over() {
    let port = silent_port();
    // Enough to be connected on a loaded machine.
    together(VERSIONS, |version| {
        let start = Instant::now();
        let output = to(port.args())
            .args(["-V", version, "--connect-timeout", "10"])
            .run();
        assert!(start.elapsed() >= Duration::from_secs(10));
        let complaint = complaint(output, 5);
        assert!(complaint.cause.contains("no CONNACK"), "{complaint:?}");
        assert!(complaint.cause.contains("10 s"), "{complaint:?}");
    });
}

#[test]
fn a_port_that_closes_before_connack_is_5() {
    for version in VERSIONS {
        let broker = FakeBroker::start(|mut conn| {
            conn.expect_connect();
            // Less than a packet.
            conn.send(&[0x20, 2][..conn.number()]);
            conn.close();
        });
        for _ in 0..3 {
            let output = publisher(&broker).args(["-V", version, "-m", "text"]).run();
            let complaint = complaint(output, 5);
            assert!(complaint.cause.contains("closed"), "{complaint:?}");
        }
        broker.finish();
    }
}

#[test]
fn a_port_that_speaks_http_is_21() {
    for version in VERSIONS {
        for page in [
            "HTTP/1.1 400 Bad Request\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\
             Connection: close\r\n\r\nBad Request",
        ] {
            let server = FakeBroker::start(|mut conn| {
                conn.expect_connect();
                conn.send(page.as_bytes());
                // It does not depend on the server to leave.
                conn.expect_close();
            });
            let output = publisher(&server).args(["-V", version, "-m", "text"]).run();
            server.finish();
            let complaint = complaint(output, 21);
            assert!(complaint.hint.contains("an MQTT listener"), "{complaint:?}");
        }
    }
}
