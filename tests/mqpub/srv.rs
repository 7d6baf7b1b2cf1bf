//! `-S`: the DNS says where the broker is.

use std::net::UdpSocket;
use std::thread;

use harness::{Authority, Broker, DnsServer, SocksProxy, Tool, mqpub, silent_port, unused_port};

use crate::support::{Collector, PATIENCE, complaint};

/// A record `_mqtt._tcp.example.test`.
fn record(target: &str, port: u16, priority: u16, weight: u16) -> String {
    format!("--srv-host=_mqtt._tcp.example.test,{target},{port},{priority},{weight}")
}

/// `mqpub -S -h example.test -t a -m text`, asking this server.
fn to(dns: &DnsServer) -> Tool {
    mqpub().env("MQ_DNS_SERVER", dns.address()).args([
        "-S",
        "-h",
        "example.test",
        "-t",
        "a",
        "-m",
        "text",
    ])
}

fn port_of(args: &[String]) -> u16 {
    args.last().unwrap().parse().unwrap()
}

#[test]
fn the_record_says_where_the_broker_is() {
    let broker = Broker::start();
    let dns = DnsServer::start(&[record("localhost", broker.port(), 0, 0)]);
    for args in [&[][..], &["-q", "2"], &["-V", "5", "-q", "1"]] {
        to(&dns).args(args).run().assert_success();
    }
    broker.wait_for_log_times("Received PUBLISH", 3);
    dns.wait_for_log("query[SRV] _mqtt._tcp.example.test");
    // A URL's host, and a domain with its final dot.
    for args in [
        &["-L", "mqtt://example.test/a"][..],
        &["-h", "example.test.", "-t", "a"],
    ] {
        mqpub()
            .env("MQ_DNS_SERVER", dns.address())
            .args(["-S", "-m", "text"])
            .args(args)
            .run()
            .assert_success();
    }
}

#[test]
fn targets_are_tried_by_priority_until_one_answers() {
    let first = Collector::start();
    let second = Collector::start();
    let [first_port, second_port] = [&first, &second].map(|broker| port_of(&broker.args()));
    let (nobody, other) = (unused_port(), unused_port());
    let dns = DnsServer::start(&[
        record("localhost", second_port, 30, 0),
        record("localhost", other.port(), 10, 50),
        record("127.0.0.1", first_port, 20, 0),
        record("localhost", nobody.port(), 10, 0),
    ]);
    for _ in 0..5 {
        to(&dns).run().assert_success();
        assert_eq!(first.next().payload, b"text");
    }
    mqpub()
        .args(second.args())
        .args(["-t", "a", "-m", "alone"])
        .run();
    assert_eq!(second.payloads(), [b"alone"]);
}

#[test]
fn a_target_that_keeps_silent_does_not_take_all_the_time() {
    let authority = Authority::new();
    let broker = Broker::builder()
        .tls(&authority.server("example.test"))
        .start();
    let silent = silent_port();
    let dns = DnsServer::start(&[
        format!(
            "--srv-host=_secure-mqtt._tcp.example.test,localhost,{},0,0",
            silent.port()
        ),
        format!(
            "--srv-host=_secure-mqtt._tcp.example.test,localhost,{},1,0",
            broker.port()
        ),
    ]);
    to(&dns)
        // Half of it is for the silent one.
        .args(["--connect-timeout", "40", "--cafile"])
        .arg(authority.pem_path())
        .run()
        .assert_success();
}

#[test]
fn weights_decide_within_a_priority() {
    let (one, many) = (unused_port(), unused_port());
    let dns = DnsServer::start(&[
        record("localhost", one.port(), 0, 1),
        record("localhost", many.port(), 0, 60_000),
    ]);
    // Nobody is at either, so each run tells of both, in its order.
    let mut many_first = 0;
    for _ in 0..20 {
        let note = complaint(to(&dns).run(), 14).note;
        let place = |port: u16| note.find(&format!("localhost:{port}")).unwrap();
        many_first += usize::from(place(many.port()) < place(one.port()));
    }
    assert!(many_first >= 18, "{many_first} of 20");
}

/// With TLS, another service; the certificate must name the domain, not the target.
#[test]
fn the_certificate_must_name_the_domain_that_was_given() {
    let authority = Authority::new();
    for (name, code) in [("example.test", 0), ("target.test", 8)] {
        let broker = Broker::builder()
            .tls(&authority.certificate().names(&[name, "localhost"]).make())
            .start();
        let dns = DnsServer::start(&[
            format!(
                "--srv-host=_secure-mqtt._tcp.example.test,localhost,{},0,0",
                broker.port()
            ),
            record("localhost", unused_port().port(), 0, 0),
        ]);
        let output = to(&dns)
            .arg("--cafile")
            .arg(authority.pem_path())
            .run()
            .assert_code(code);
        if code != 0 {
            let report = complaint(output, code);
            assert!(report.cause.contains("\"example.test\""), "{report:?}");
            assert!(report.note.contains("must name example.test"), "{report:?}");
        }
    }
}

#[test]
fn the_other_ways_combine_with_it() {
    let authority = Authority::new();
    let broker = Broker::builder()
        .tls(&authority.server("example.test"))
        .websockets()
        .start();
    let proxy = SocksProxy::start();
    let dns = DnsServer::start(&[format!(
        "--srv-host=_secure-mqtt._tcp.example.test,localhost,{},0,0",
        broker.port()
    )]);
    to(&dns)
        .args(["--ws", "-q", "1", "-A", "127.0.0.1", "--proxy"])
        .arg(format!("socks5h://127.0.0.1:{}", proxy.port()))
        .arg("--cafile")
        .arg(authority.pem_path())
        .run()
        .assert_success();
    // The proxy is given the target's name.
    let target = format!("connected to localhost:{}", broker.port());
    proxy.wait_for_log_times(&target, 1);
}

/// A relay in front of the DNS server loses the first question.
#[test]
fn a_lost_question_is_repeated() {
    let broker = Broker::start();
    let dns = DnsServer::start(&[record("localhost", broker.port(), 0, 0)]);
    // IPv6 where the machine has it.
    let relay = UdpSocket::bind("[::1]:0").or_else(|_| UdpSocket::bind("127.0.0.1:0"));
    let relay = relay.unwrap();
    let address = relay.local_addr().unwrap();
    let ending = relay.try_clone().unwrap();
    let server = dns.address();
    let questions = thread::spawn(move || {
        let mut buffer = [0; 2048];
        let mut questions = Vec::new();
        relay.set_read_timeout(Some(2 * PATIENCE)).unwrap();
        // An answer that is too late makes another question.
        loop {
            let (size, client) = relay.recv_from(&mut buffer).unwrap();
            if size == 0 {
                return questions;
            }
            questions.push(buffer[..size].to_vec());
            if questions.len() > 1 {
                let upstream = UdpSocket::bind("127.0.0.1:0").unwrap();
                upstream.send_to(&buffer[..size], &server).unwrap();
                let size = upstream.recv(&mut buffer).unwrap();
                relay.send_to(&buffer[..size], client).unwrap();
            }
        }
    });
    to(&dns)
        .env("MQ_DNS_SERVER", address.to_string())
        .args(["--connect-timeout", "60"])
        .run()
        .assert_success();
    ending.send_to(&[], address).unwrap();
    let questions = questions.join().unwrap();
    assert!(questions.len() > 1, "{questions:?}");
    for question in questions {
        let name = b"\x05_mqtt\x04_tcp\x07example\x04test\0\0\x21\0\x01";
        assert!(question[12..].starts_with(name), "{question:?}");
        // One additional record: the OPT of EDNS (RFC 6891), with room for 1232 bytes.
        assert_eq!(question[10..12], [0, 1]);
        assert_eq!(question[12 + name.len()..][..5], [0, 0, 41, 4, 0xd0]);
    }
}

/// More than fits into a datagram: the answer comes over TCP.
#[test]
fn a_long_answer_is_read_whole() {
    let broker = Collector::start();
    let nobody = unused_port();
    let mut records: Vec<_> = (1..=80)
        .map(|number| record("localhost", nobody.port(), number, number))
        .collect();
    records.push(record("localhost", port_of(&broker.args()), 999, 0));
    let dns = DnsServer::start(&records);
    to(&dns).run().assert_success();
    assert_eq!(broker.payloads(), [b"text"]);
}

#[test]
fn nobody_at_any_target_is_told_with_their_number() {
    let (nobody, other) = (unused_port(), unused_port());
    let dns = DnsServer::start(&[record("localhost", nobody.port(), 0, 0)]);
    let report = complaint(to(&dns).run(), 14);
    let place = format!("localhost:{}", nobody.port());
    assert!(report.error.contains(&place), "{report:?}");
    assert!(report.note.is_empty(), "{report:?}");

    let dns = DnsServer::start(&[
        record("localhost", nobody.port(), 0, 0),
        record("localhost", other.port(), 1, 0),
    ]);
    let report = complaint(to(&dns).run(), 14);
    assert!(report.note.contains("names 2 hosts"), "{report:?}");
    assert!(report.note.contains(&place), "{report:?}");
    assert!(
        report.note.contains("_mqtt._tcp.example.test"),
        "{report:?}"
    );
}

#[test]
fn no_service_is_15() {
    let dns = DnsServer::start(&[
        // No target: the service is not available.
        "--srv-host=_mqtt._tcp.none.invalid".to_owned(),
        // A name without such a record.
        "--txt-record=_mqtt._tcp.text.test,hello".to_owned(),
    ]);
    for (host, cause) in [
        ("none.invalid", "not available"),
        ("text.test", "no such SRV record"),
        ("unknown.test", "no such SRV record"),
        ("example.invalid", "REFUSED"),
        ("a..test", "not a DNS name"),
    ] {
        let report = complaint(to(&dns).args(["-h", host]).run(), 15);
        assert!(report.error.contains(host), "{report:?}");
        assert!(report.cause.contains(cause), "{host}: {report:?}");
        assert!(!report.hint.is_empty(), "{report:?}");
    }
}

#[test]
fn a_dns_server_that_does_not_answer_is_15_in_time() {
    let nobody = format!("127.0.0.1:{}", unused_port().port());
    let output = mqpub()
        .env("MQ_DNS_SERVER", nobody)
        .args(["-S", "-h", "example.test", "-t", "a", "-m", "text"])
        .args(["--connect-timeout", "0.5"])
        .run();
    let report = complaint(output, 15);
    assert!(report.hint.contains("MQ_DNS_SERVER"), "{report:?}");
}

#[test]
fn what_cannot_be_is_a_usage_error() {
    let message = || mqpub().args(["-S", "-t", "a", "-m", "text"]);
    for (args, word) in [
        (&["-h", "127.0.0.1"][..], "SRV"),
        (&["-h", "::1"], "SRV"),
        (&["--unix", "/tmp/mqtt"], "--unix"),
    ] {
        let report = complaint(message().args(args).run(), 1);
        assert!(format!("{report:?}").contains(word), "{report:?}");
    }
    for server in ["", "localhost", "127.0.0.1:x"] {
        let output = message().env("MQ_DNS_SERVER", server).run();
        let report = complaint(output, 1);
        assert!(report.error.contains("MQ_DNS_SERVER"), "{report:?}");
        // It is for SRV records only.
        let output = mqpub()
            .env("MQ_DNS_SERVER", server)
            .args(unused_port().args())
            .args(["-t", "a", "-m", "text"])
            .run();
        complaint(output, 14);
    }
}

#[test]
fn a_port_beside_it_is_warned_of() {
    let broker = Broker::start();
    let dns = DnsServer::start(&[record("localhost", broker.port(), 0, 0)]);
    let output = to(&dns).args(["-p", "9"]).run().assert_success();
    assert!(
        output.stderr_str().contains("no effect with -S"),
        "{output}"
    );
    let output = to(&dns).args(["-p", "9", "--quiet"]).run().assert_success();
    assert_eq!(output.stderr_str(), "");
}
