//! Command lines that cannot be: code 1, a message, and no connection.

use harness::{FakeBroker, Output, mqsub, unused_port};

/// A port that refuses would give code 14: code 1 shows that nobody tried to connect.
#[track_caller]
fn misused(args: &[&str]) -> Output {
    let port = unused_port();
    let output = mqsub().args(port.args()).args(args).run().assert_code(1);
    assert!(output.stderr_str().starts_with("error: "), "{output}");
    assert_eq!(output.stdout_str(), "");
    output
}

#[test]
fn a_filter_must_be_valid() {
    for (filter, why) in [
        ("a/#/b", "`#` must be the last character"),
        ("#/a", "`#` must be the last character"),
        ("a#", "`#` must be the last character"),
        ("a+", "`+` must be a whole level of its own"),
        ("+a/b", "`+` must be a whole level of its own"),
        ("", "it is empty"),
        (&"x".repeat(65_536), "it is 65536 bytes long"),
    ] {
        for option in ["-t", "-U", "-T"] {
            let mut args = vec![option, filter];
            if option == "-T" {
                args.extend(["-t", "a"]);
            }
            let output = misused(&args);
            let stderr = output.stderr_str();
            assert!(stderr.contains("is not a valid Topic Filter"), "{output}");
            assert!(stderr.contains(option) && stderr.contains(why), "{output}");
        }
    }
}

#[test]
fn one_bad_filter_among_good_ones_is_enough() {
    misused(&["-t", "a", "-t", "b/#/c", "-t", "d"]);
}

#[test]
fn a_filter_must_be_utf_8() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let port = unused_port();
    let output = mqsub()
        .args(port.args())
        .arg("-t")
        .arg(OsStr::from_bytes(b"a/\xff"))
        .run()
        .assert_code(1);
    let error = "error: the value of -t is not valid UTF-8\n";
    assert!(output.stderr_str().starts_with(error), "{output}");
}

#[test]
fn the_qos_is_0_1_or_2() {
    for qos in ["3", "1.0", "high", "256", ""] {
        let output = misused(&["-t", "a", "-q", qos]);
        assert!(output.stderr_str().contains("QoS is 0, 1 or 2"), "{output}");
    }
    misused(&["-t", "a", "-q", "-1"]);
}

#[test]
fn a_topic_is_required() {
    let output = misused(&[]);
    let error =
        "error: one of --url <URL>, --topic <FILTER> and --unsubscribe <FILTER> is missing\n";
    assert!(output.stderr_str().starts_with(error), "{output}");
    misused(&["-T", "a"]);
}

#[test]
fn a_word_too_many_and_an_unknown_option() {
    misused(&["-t", "a", "b"]);
    misused(&["-t", "a", "--no-such-option"]);
    misused(&["-t"]);
}

/// The other side of the tests above: with the mistake mended, it does connect.
#[test]
fn a_valid_command_line_connects() {
    let port = unused_port();
    let output = mqsub()
        .args(port.args())
        .args(["-t", "a/+/#", "-q", "2"])
        .run()
        .assert_code(14);
    assert!(output.stderr_str().contains("cannot connect"), "{output}");

    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack(0);
        let subscribe = conn.expect_subscribe();
        let filters = [("a/+/#", 2), ("$SYS/#", 2), ("+", 2)];
        assert_eq!(subscribe.filters, filters.map(|(f, q)| (f.to_owned(), q)));
        conn.suback(subscribe.packet_id, &[2, 2, 2]);
        conn.hold();
    });
    mqsub()
        .args(broker.args())
        .args(["-q", "2", "-t", "a/+/#", "-t", "$SYS/#", "-t", "+", "-E"])
        .run()
        .assert_success();
    broker.finish();
}

#[test]
fn a_filter_that_is_none_says_what_to_do_next() {
    for filter in [
        "",
        "a#",
        "a+/b",
        "$share/g",
        "$share//a",
        "$share/+/a",
        "$share/g/",
    ] {
        for version in ["mqttv311", "mqttv5"] {
            for args in [&["-t", filter][..], &["-t", "a", "-T", filter]] {
                let output = mqsub()
                    .args(unused_port().args())
                    .args(["-V", version])
                    .args(args)
                    .run()
                    .assert_code(1);
                let text = output.stderr_str();
                assert!(text.contains("Topic Filter\ncause: "), "{text}");
                assert!(text.contains("\nhint: "), "{text}");
            }
        }
    }
}
