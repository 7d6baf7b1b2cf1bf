//! `--topic-separator`: each line has a topic of its own.

use harness::{Tool, mqpub, unused_port};

use crate::support::{Collector, Complaint, Seen, VERSIONS, Witness, complaint, last_complaint};

fn published(lines: &[u8], args: &[&str]) -> Vec<Seen> {
    let witness = Witness::start();
    witness
        .mqpub_anywhere(["-l", "--topic-separator"])
        .args(args)
        .stdin(lines)
        .run()
        .assert_success();
    witness.seen()
}

fn seen(topic: &str, qos: u8, payload: &[u8]) -> Seen {
    Seen {
        topic: topic.to_owned(),
        qos,
        payload: payload.to_vec(),
    }
}

#[test]
fn each_line_goes_to_its_topic() {
    for version in VERSIONS {
        for qos in 0..3 {
            assert_eq!(
                published(
                    b"a/b one two\n\xc3\xa4/c  \xff\n/ \nlast x",
                    &[" ", "-V", version, "-q", &qos.to_string()]
                ),
                [
                    seen("a/b", qos, b"one two"),
                    seen("\u{e4}/c", qos, b" \xff"),
                    seen("/", qos, b""),
                    seen("last", qos, b"x"),
                ],
                "{version}"
            );
        }
    }
}

#[test]
fn a_separator_may_be_long_and_records_may_end_with_nul() {
    assert_eq!(
        published(b"a -> b -> c\nd\0e -> \0", &[" -> ", "-0", "-q", "1"]),
        [seen("a", 1, b"b -> c\nd"), seen("e", 1, b"")]
    );
    assert_eq!(published(b"a-x\n", &["-", "-q", "1"]), [seen("a", 1, b"x")]);
}

#[test]
fn thousands_of_topics_stay_in_order() {
    let lines: Vec<_> = (0..5_000).map(|n| format!("a/{n}\t{n}")).collect();
    // A real one throws away what a slow subscriber leaves in its queue.
    let broker = Collector::start();
    mqpub()
        .args(broker.args())
        .args(["-q", "2", "-l", "--topic-separator", "\t"])
        .stdin(lines.join("\n"))
        .run()
        .assert_success();
    let seen = broker.finish().into_iter();
    let seen: Vec<_> = seen
        .map(|m| format!("{}\t{}", m.topic, str::from_utf8(&m.payload).unwrap()))
        .collect();
    assert!(seen == lines);
}

#[test]
fn what_mqsub_prints_with_v_can_be_published_elsewhere() {
    let there = Witness::start();
    let lines = Tool::new("mosquitto_pub")
        .args(["-h", "127.0.0.1", "-p", &there.port().to_string()])
        .args(["-q", "1", "-r", "-t", "a/b", "-m", "kept text"]);
    lines.run().assert_success();
    let lines = Tool::new("mosquitto_sub")
        .args(["-h", "127.0.0.1", "-p", &there.port().to_string()])
        .args(["-v", "-t", "#", "-C", "1"])
        .run()
        .assert_success();
    assert_eq!(
        published(&lines.stdout, &[" ", "-q", "1"]),
        [seen("a/b", 1, b"kept text")]
    );
}

/// Of a run that published `before` lines and then met the bad one.
#[track_caller]
fn bad_line(before: usize, line: &[u8]) -> Complaint {
    let witness = Witness::start();
    let input = [&b"good = x\n".repeat(before)[..], line, b"\nnever = x\n"].concat();
    let output = witness
        .mqpub_anywhere(["-q", "1", "-l", "--topic-separator", " = "])
        .stdin(input)
        .run();
    let complaint = if before == 0 {
        complaint(output, 1)
    } else {
        last_complaint(output, 1)
    };
    let number = format!("line {}", before + 1);
    assert!(complaint.error.contains(&number), "{complaint:?}");
    assert_eq!(witness.seen(), vec![seen("good", 1, b"x"); before]);
    complaint
}

#[test]
fn a_bad_line_is_named_and_what_came_before_it_has_arrived() {
    for (line, reason) in [
        (&b"no separator"[..], "\" = \""),
        (b"", "\" = \""),
        (b" = payload", "empty"),
        (b"a/# = payload", "wildcard"),
        (b"a\0 = payload", "NUL"),
        (b"\xff = payload", "UTF-8"),
    ] {
        let complaint = bad_line(0, line);
        assert!(complaint.cause.contains(reason), "{complaint:?}");
        assert!(!complaint.hint.is_empty(), "{complaint:?}");
        let complaint = bad_line(300, line);
        assert!(complaint.note.contains("300"), "{complaint:?}");
    }
}

#[test]
fn it_goes_with_lines_only_and_with_no_other_topic() {
    let nobody = unused_port();
    for (args, named) in [
        (&["-m", "x"][..], "goes with -l only"),
        (&["-s"], "goes with -l only"),
        (&["-l", "-t", "a"], "--topic"),
        (&["-l", "-L", "mqtt://localhost/a"], "topic of its own"),
        (&["-l", "--topic-separator", ""], "--topic-separator"),
    ] {
        let tool = mqpub().args(nobody.args()).args(["--topic-separator", " "]);
        let complaint = complaint(tool.args(args).run(), 1);
        assert!(complaint.error.contains(named), "{complaint:?}");
    }
}
