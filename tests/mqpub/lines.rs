//! `-l`.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

use harness::{Output, Tool, mqpub, namespace};

use crate::support::{Collector, VERSIONS, Witness, inputs};

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
            for (stdin, writer) in inputs() {
                let broker = Collector::start();
                let tool = broker.mqpub(["-V", version, "-q", qos, "-l"]);
                line_by_line(broker, tool.stdin_from(stdin), writer);
            }
        }
    }
}

#[test]
fn a_pipe_that_cannot_be_opened_again_is_read_as_well() {
    let (reader, writer) = std::io::pipe().unwrap();
    let broker = Collector::start();
    let mqpub = broker.mqpub(["-l"]);
    let hide = "mount -t tmpfs tmpfs /proc && ! [ -e /proc/self ] && echo hidden >&2";
    let tool = namespace("--mount")
        .args(["sh", "-c"])
        .arg(format!("{hide} && exec \"$0\" \"$@\""))
        .arg(mqpub.path())
        .args(broker.args())
        .args(["-t", "a", "-q", "1", "-l"])
        .stdin_from(OwnedFd::from(reader).into());
    let output = line_by_line(broker, tool, writer);
    assert_eq!(output.stderr_str(), "hidden\n");
}

/// Writes to a publisher line by line, and sees each arrive before the next.
#[track_caller]
fn line_by_line(broker: Collector, tool: Tool, mut writer: impl Write) -> Output {
    let publisher = tool.spawn();
    for line in ["one", "", "three"] {
        writer.write_all(format!("{line}\n").as_bytes()).unwrap();
        assert_eq!(broker.next().payload, line.as_bytes());
    }
    // The first half of a line is none yet.
    writer.write_all(b"four\nfi").unwrap();
    assert_eq!(broker.next().payload, b"four");
    writer.write_all(b"ve\nsix").unwrap();
    assert_eq!(broker.next().payload, b"five");
    drop(writer);
    assert_eq!(broker.next().payload, b"six");
    let output = publisher.wait().assert_success();
    assert!(broker.payloads().is_empty());
    output
}

#[test]
fn a_fifo_that_a_shell_opens_ends_when_its_writer_leaves() {
    let broker = Collector::start();
    // Each side waits for the other when it opens it.
    Tool::new("/bin/sh")
        .arg("-c")
        .arg("mkfifo fifo && { \"$0\" \"$@\" <fifo & { echo one; printf two; } >fifo; wait $!; }")
        .arg(mqpub().path())
        .args(broker.args())
        .args(["-t", "a", "-q", "1", "-l"])
        .run()
        .assert_success();
    assert_eq!(broker.payloads(), [b"one", b"two"]);
}

#[test]
fn two_that_share_a_pipe_lose_nothing_of_it() {
    // So many that a read that takes all it can ends with a line.
    const LENGTH: usize = 8;
    const COUNT: usize = 20_000;
    let (reader, mut writer) = std::io::pipe().unwrap();
    let broker = Collector::start();
    let publishers = [0, 1].map(|_| {
        let stdin = OwnedFd::from(reader.try_clone().unwrap());
        let tool = broker.mqpub(["-l", "-q", "1"]);
        tool.stdin_from(stdin.into()).spawn()
    });
    drop(reader);
    let lines: Vec<_> = (0..COUNT).map(|number| format!("{number:07}\n")).collect();
    assert!(lines.iter().all(|line| line.len() == LENGTH));
    for some in lines.chunks(10) {
        writer.write_all(some.concat().as_bytes()).unwrap();
    }
    drop(writer);
    for publisher in publishers {
        publisher.wait().assert_success();
    }
    let mut payloads = broker.payloads();
    payloads.sort();
    let expected: Vec<_> = lines.iter().map(|line| line.trim().as_bytes()).collect();
    assert!(payloads == expected);
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
