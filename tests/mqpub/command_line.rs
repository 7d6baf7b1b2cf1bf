//! Options that make no sense.

use harness::{Tool, mqpub, unused_port};

use crate::support::{Collector, Complaint, complaint};

/// Runs `mqpub` with these options and a port nobody listens on: were it tried, the report
/// would be about it.
#[track_caller]
fn misused(args: &[&str]) -> Complaint {
    let nobody = unused_port();
    complaint(mqpub().args(nobody.args()).args(args).run(), 1)
}

#[test]
fn exactly_one_source_must_be_given() {
    let sources: [&[&str]; 9] = [
        &["-m", "x"],
        &["-f", "x"],
        &["-l"],
        &["-s"],
        &["-n"],
        &["--json-lines"],
        &["--replay", "x"],
        &["--template", "x"],
        &["--probe"],
    ];
    for (index, first) in sources.iter().enumerate() {
        for second in &sources[index + 1..] {
            if (first[0], second[0]) == ("-l", "--template") {
                // This one is made of the lines.
                continue;
            }
            let words = [&["-t", "a"][..], first, second].concat();
            let complaint = misused(&words);
            assert!(
                complaint.error.contains("cannot be used with"),
                "{complaint:?}"
            );
        }
    }
    let complaint = misused(&["-t", "a"]);
    for source in [
        "--message",
        "--file",
        "--stdin-line",
        "--stdin-file",
        "--null-message",
    ] {
        assert!(complaint.error.contains(source), "{complaint:?}");
    }
}

#[test]
fn every_misuse_says_what_to_do_next() {
    let long = "x".repeat(65_536);
    for args in [
        &["-t", ""][..],
        &["-t", &long],
        &["-t", "a\u{1}"],
        &["-t", "a/#"],
        &["-u", &long],
        &["-i", &long],
        &["-i", ""],
        &["--will-topic", "a/#"],
        &["-D", "publish", "topic-alias", "65536"],
        &["-D", "publish", "content-type", &long],
    ] {
        assert!(!misused(args).hint.is_empty());
    }
    let missing = mqpub().args(unused_port().args());
    let missing = missing.args(["-t", "a", "-f", "/nope"]).run();
    assert!(complaint(missing, 14).hint.contains("-f"));
}

#[test]
fn options_that_make_no_sense_are_named() {
    for (args, named) in [
        (&["-q", "3"][..], "--qos"),
        (&["-q", "-1"], "-1"),
        (&["-q", "one"], "--qos"),
        (&["-k", "3"], "--keepalive"),
        (&["-k", "65536"], "--keepalive"),
        (&["-k", "soon"], "--keepalive"),
        (&["-c"], "--id"),
        (&["-c", "-i", ""], "client identifier"),
        (&["-i", "a", "-I", "b"], "--id"),
        (&["-P", "secret"], "user name"),
        (&["-p", "0"], "--port"),
        (&["-p", "70000"], "--port"),
        (&["-p", "mqtt"], "--port"),
        (&["-M", "0"], "--max-inflight"),
        (&["-V", "mqttv4"], "--protocol-version"),
        (&["--connect-timeout", "0"], "--connect-timeout"),
        (&["--connect-timeout", "nan"], "--connect-timeout"),
        (&["--will-payload", "x"], "--will-topic"),
        (&["--will-retain"], "--will-topic"),
        (&["--will-topic", "w", "--will-qos", "3"], "--will-qos"),
        (&["--psk", "ab", "--cafile", "x"], "--cafile"),
        (&["--psk-identity", "x", "--capath", "x"], "--capath"),
        (&["--cert", "x"], "--cert"),
        (&["--key", "x"], "--key"),
        (&["--tls-version", "tlsv1.0"], "--tls-version"),
        (&["--tls-alpn", ""], "--tls-alpn"),
        (&["-h", ""], "host"),
        (&["--no-such-option"], "--no-such-option"),
        (&["-Z"], "-Z"),
        (&["word"], "word"),
    ] {
        let words = [&["-t", "a", "-m", "text"][..], args].concat();
        let complaint = misused(&words);
        assert!(complaint.error.contains(named), "{args:?}: {complaint:?}");
    }
}

#[test]
fn an_option_without_its_value_is_named() {
    for option in [
        "-t", "-m", "-f", "-q", "-h", "-p", "-i", "-u", "-P", "-k", "--cafile",
    ] {
        let complaint = misused(&[option]);
        assert!(complaint.error.contains("required"), "{complaint:?}");
    }
}

#[test]
fn what_is_wrong_is_told_in_plain_sentences() {
    let message = ["-t", "a", "-m", "x"];
    for (args, error) in [
        (
            &["-p", "70000"][..],
            "invalid value '70000' for '--port <PORT>': a port is 1 to 65535, or 0 with --unix",
        ),
        (
            &["--repeat", "0"],
            "invalid value '0' for '--repeat <COUNT>': it must be a whole number, 1 or more",
        ),
        (
            &["--repeat", "-1"],
            "invalid value '-1' for '--repeat <COUNT>': it must be a whole number, 1 or more",
        ),
        (
            &["--repeat", "many"],
            "invalid value 'many' for '--repeat <COUNT>': it must be a whole number, 1 or more",
        ),
        (
            &["--repeat", "99999999999999999999"],
            "invalid value '99999999999999999999' for '--repeat <COUNT>': it must be a whole number, 1 or more",
        ),
        (&["-c"], "-c (--disable-clean-session) needs --id <ID>"),
        (
            &["--will-retain"],
            "--will-payload and --will-retain need --will-topic <TOPIC>",
        ),
        (
            &["--key-passphrase-file", "x"],
            "--key-passphrase-file needs --key <FILE>",
        ),
        (
            &["--cafile", ""],
            "a value is required for '--cafile <FILE>', and the one given is empty",
        ),
        (
            &["--cafile=", "-r"],
            "a value is required for '--cafile <FILE>', and the one given is empty",
        ),
        (
            &["--cafile"],
            "a value is required for '--cafile <FILE>' but none was supplied",
        ),
    ] {
        let complaint = misused(&[&message[..], args].concat());
        assert_eq!(complaint.error, error);
    }
    assert_eq!(misused(&["-m", "x"]).error, "--topic <TOPIC> is missing");
    let error = misused(&["-f", "", "-t", "a"]).error;
    assert!(error.contains("'--file <FILE>', and"), "{error}");
    let source = "one of --message <TEXT>, --file <FILE>, --stdin-line, --json-lines, --replay <FILE>, --stdin-file, --null-message, --template <TEXT> and --probe";
    assert_eq!(misused(&["-t", "a"]).error, format!("{source} is missing"));
    assert_eq!(
        misused(&[]).error,
        format!("--topic <TOPIC>, and {source} are missing")
    );
}

#[test]
fn who_tries_it_out_is_told_what_to_try() {
    let hint = "for example mqpub -t test/topic -m hello; mqpub --help lists the options";
    for words in [&[][..], &["-t", "a"], &["hello"]] {
        assert_eq!(misused(words).hint, hint, "{words:?}");
    }
    let hint = misused(&["-t", "a", "-m", "b", "-c"]).hint;
    assert_eq!(hint, "mqpub --help lists the options");
    let hint = misused(&["-t", "a", "--massage", "x"]).hint;
    assert!(
        hint.starts_with("a similar argument exists: '--message'"),
        "{hint}"
    );
}

#[test]
fn a_text_that_is_not_utf_8_is_told_with_its_option() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let wrong = |words: &[&[u8]]| {
        let nobody = unused_port();
        let words = words.iter().map(|word| OsStr::from_bytes(word));
        let tool = mqpub().args(nobody.args());
        complaint(tool.args(words).run(), 1).error
    };
    for (words, option) in [
        (&[&b"-t"[..], b"\xff"][..], "-t"),
        (&[b"-t\xff"], "-t"),
        (&[b"-rt", b"a\xff"], "-t"),
        (&[b"--topic=\xff"], "--topic"),
        (&[b"-m", b"\xff", b"-P", b"\xff", b"-u", b"\xff"], "-u"),
        (
            &[b"-D", b"publish", b"content-type", b"\xff", b"-i", b"\xff"],
            "-i",
        ),
        (&[b"-h", b"\xff"], "-h"),
        (&[b"-p", b"\xff"], "-p"),
    ] {
        assert_eq!(
            wrong(words),
            format!("the value of {option} is not valid UTF-8")
        );
    }
}

#[test]
fn a_mistyped_option_gets_a_proposal() {
    let complaint = misused(&["-t", "a", "--mesage", "x"]);
    assert!(complaint.hint.contains("--message"), "{complaint:?}");
}

#[test]
fn values_that_fit_no_packet_are_refused() {
    let long = "x".repeat(65_536);
    for (args, code, named) in [
        (&["-u", &long][..], 1, "user name"),
        (&["-u", "name", "-P", &long], 1, "password"),
        (&["-i", &long], 1, "client identifier"),
        (&["-I", &long], 1, "client identifier"),
        (
            &["--will-topic", "w", "--will-payload", &long],
            9,
            "Will payload",
        ),
    ] {
        let nobody = unused_port();
        let output = mqpub()
            .args(nobody.args())
            .args(["-t", "a", "-m", "text"])
            .args(args)
            .run();
        let complaint = complaint(output, code);
        assert!(complaint.error.contains(named), "{complaint:?}");
        assert!(complaint.cause.contains("65535"), "{complaint:?}");
    }
}

#[test]
fn keep_alive_may_be_off_or_five_seconds_or_more() {
    let broker = Collector::start();
    for seconds in ["0", "5", "65535"] {
        broker
            .mqpub(["-k", seconds, "-m", seconds])
            .run()
            .assert_success();
    }
    assert_eq!(broker.payloads(), [&b"0"[..], b"5", b"65535"]);
}

#[test]
fn debug_goes_to_stderr_and_quiet_says_nothing() {
    let broker = Collector::start();
    let output = broker.mqpub(["-d", "-m", "text"]).run().assert_success();
    assert!(output.stdout.is_empty(), "{output}");
    for step in ["CONNECT", "CONNACK", "PUBLISH", "DISCONNECT"] {
        assert!(output.stderr_str().contains(step), "no {step}\n{output}");
    }
    broker.finish();

    let nobody = unused_port();
    let quiet: Tool = mqpub().args(nobody.args());
    let output = quiet
        .args(["--quiet", "-t", "a", "-n"])
        .run()
        .assert_code(14);
    assert!(
        output.stdout.is_empty() && output.stderr.is_empty(),
        "{output}"
    );
}
