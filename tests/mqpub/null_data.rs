//! `-0`: NUL bytes end the records of standard input.

use std::fs;

use harness::{Tool, mqpub, unused_port};

use crate::support::{VERSIONS, Witness, complaint};

#[test]
fn each_record_is_a_message_with_every_other_byte() {
    let witness = Witness::start();
    for version in VERSIONS {
        witness
            .mqpub(["-V", version, "-q", "1", "-l", "-0"])
            .stdin(b"one\ntwo\0\0\xff \r\n\0last".as_slice())
            .run()
            .assert_success();
    }
    let seen = witness.seen();
    let payloads: Vec<_> = seen.iter().map(|seen| &seen.payload[..]).collect();
    let once = [&b"one\ntwo"[..], b"", b"\xff \r\n", b"last"];
    assert_eq!(payloads, once.repeat(VERSIONS.len()));
}

#[test]
fn it_takes_what_find_prints() {
    let witness = Witness::start();
    let find = Tool::new("find");
    let folder = find.home();
    fs::write(folder.join("a name\nof two lines"), "").unwrap();
    let found = find
        .args([folder.as_os_str()])
        .args(["-type", "f", "-printf", "%f\\0"])
        .run()
        .assert_success();
    witness
        .mqpub(["-q", "1", "-l", "--null-data"])
        .stdin(found.stdout)
        .run()
        .assert_success();
    let seen = witness.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].payload, b"a name\nof two lines");
}

#[test]
fn it_needs_the_source_that_it_changes() {
    let nobody = unused_port();
    for source in [&["-m", "x"][..], &["-s"], &["-n"]] {
        let tool = mqpub().args(nobody.args()).args(["-t", "a", "-0"]);
        let complaint = complaint(tool.args(source).run(), 1);
        assert!(complaint.error.contains("-0 goes with -l"), "{complaint:?}");
    }
}
