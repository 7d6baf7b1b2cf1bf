//! `-s`.

use std::fs::File;

use harness::{mqpub, unused_port};

use crate::support::{Collector, VERSIONS, complaint};

#[test]
fn all_of_stdin_is_one_message() {
    let binary: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
    for version in VERSIONS {
        let broker = Collector::start();
        for input in [&b"a\0b\nc\r\n\0"[..], b"\n", &binary] {
            broker
                .mqpub(["-V", version, "-q", "1", "-s"])
                .stdin(input)
                .run()
                .assert_success();
        }
        assert!(broker.payloads() == [&b"a\0b\nc\r\n\0"[..], b"\n", &binary]);
    }
}

#[test]
fn it_waits_for_the_end_of_a_slow_stdin() {
    let broker = Collector::start();
    let mut publisher = broker.mqpub(["-s"]).spawn();
    publisher.write_stdin("one ");
    publisher.write_stdin("message");
    publisher.close_stdin();
    publisher.wait().assert_success();
    assert_eq!(broker.payloads(), [b"one message"]);
}

#[test]
fn an_empty_stdin_is_an_error_that_names_the_way() {
    let nobody = unused_port();
    for input in [None, Some(File::open("/dev/null").unwrap())] {
        let mut tool = mqpub().args(nobody.args()).args(["-t", "a", "-s"]);
        if let Some(file) = input {
            tool = tool.stdin_from(file);
        }
        let complaint = complaint(tool.run(), 1);
        assert!(complaint.error.contains("is empty"), "{complaint:?}");
        assert!(complaint.hint.contains("-n"), "{complaint:?}");
    }
}

#[test]
fn a_stdin_that_cannot_be_read_is_an_error() {
    let nobody = unused_port();
    for source in ["-s", "-l"] {
        let tool = || mqpub().args(nobody.args()).args(["-t", "a", source]);
        let closed = complaint(tool().stdin_closed().run(), 14);
        assert_eq!(closed.error, "cannot read standard input", "{source}");
        assert!(closed.cause.contains("closed"), "{closed:?}");
    }
    let broker = Collector::start();
    for source in ["-s", "-l"] {
        let folder = File::open("/").unwrap();
        let output = broker.mqpub([source]).stdin_from(folder).run();
        let complaint = complaint(output, 14);
        assert_eq!(complaint.error, "cannot read standard input", "{source}");
        assert!(complaint.cause.contains("directory"), "{complaint:?}");
    }
    assert!(broker.payloads().is_empty());
}
