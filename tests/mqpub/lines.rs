//! `-l`.

use std::fs::File;

use crate::support::{Collector, VERSIONS, Witness};

#[test]
fn each_line_is_a_message_without_its_newline() {
    let long = [&b"x".repeat(1_000_000)[..], b"\n"].concat();
    let cases: [(&[u8], Vec<&[u8]>); 8] = [
        (b"one\ntwo\n", vec![b"one", b"two"]),
        (b"one\ntwo", vec![b"one", b"two"]),
        (b"one\n\n\ntwo\n\n", vec![b"one", b"", b"", b"two", b""]),
        (b"\n", vec![b""]),
        (b"a\0b\n\0\n\0", vec![b"a\0b", b"\0", b"\0"]),
        (b"one\r\n\r\ntwo\r\n", vec![b"one\r", b"\r", b"two\r"]),
        (b"\xff\xfe\n  -n \n", vec![b"\xff\xfe", b"  -n "]),
        (&long, vec![&long[..1_000_000]]),
    ];
    for version in VERSIONS {
        for qos in ["0", "1", "2"] {
            let broker = Collector::start();
            let mut expected: Vec<&[u8]> = Vec::new();
            for (input, lines) in &cases {
                broker
                    .mqpub(["-V", version, "-q", qos, "-l"])
                    .stdin(*input)
                    .run()
                    .assert_success();
                expected.extend(lines);
            }
            assert!(broker.payloads() == expected, "{version}, QoS {qos}");
        }
    }
}

#[test]
fn no_lines_are_no_messages_and_no_error() {
    let broker = Collector::start();
    broker.mqpub(["-l"]).stdin("").run().assert_success();
    let null = File::open("/dev/null").unwrap();
    broker
        .mqpub(["-l", "-q", "2"])
        .stdin_from(null)
        .run()
        .assert_success();
    assert_eq!(broker.payloads(), [b""; 0]);
}

#[test]
fn a_line_leaves_before_the_next_one_is_written() {
    for version in VERSIONS {
        for qos in ["0", "1", "2"] {
            let broker = Collector::start();
            let mut publisher = broker.mqpub(["-V", version, "-q", qos, "-l"]).spawn();
            for line in ["one", "", "three"] {
                publisher.write_stdin(format!("{line}\n"));
                assert_eq!(broker.next().payload, line.as_bytes());
            }
            // The first half of a line is none yet.
            publisher.write_stdin("four\nfi");
            assert_eq!(broker.next().payload, b"four");
            publisher.write_stdin("ve\nsix");
            assert_eq!(broker.next().payload, b"five");
            publisher.close_stdin();
            assert_eq!(broker.next().payload, b"six");
            publisher.wait().assert_success();
            assert!(broker.payloads().is_empty());
        }
    }
}

#[test]
fn many_lines_stay_in_order() {
    let lines: Vec<_> = (0..20_000).map(|number| format!("line {number}")).collect();
    for (version, qos) in [("mqttv311", "0"), ("mqttv5", "1"), ("mqttv311", "2")] {
        let broker = Collector::start();
        broker
            .mqpub(["-V", version, "-q", qos, "-l"])
            .stdin(lines.join("\n"))
            .run()
            .assert_success();
        let payloads = broker.payloads();
        let expected: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        assert!(payloads == expected, "{version}, QoS {qos}");
    }
}

#[test]
fn a_real_broker_passes_on_each_line() {
    let witness = Witness::start();
    for version in VERSIONS {
        witness
            .mqpub(["-V", version, "-q", "1", "-l"])
            .stdin("one\n\nnul \0 here\r\nlast")
            .run()
            .assert_success();
    }
    let seen = witness.seen();
    let payloads: Vec<_> = seen.iter().map(|seen| &seen.payload[..]).collect();
    let once = [&b"one"[..], b"", b"nul \0 here\r", b"last"];
    assert_eq!(payloads, once.repeat(VERSIONS.len()));
}
