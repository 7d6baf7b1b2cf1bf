//! `--until`: the first message whose payload matches is the last.

use std::fs;

use harness::{Broker, mqsub, unused_port};

use crate::support::{VERSIONS, publish, publish_lines, subscribe, subscribed};

const LINES: [&str; 4] = ["starting", "not passed yet", "passed", "too late"];

#[test]
fn it_ends_with_the_first_that_matches_and_prints_it() {
    let broker = Broker::start();
    for version in VERSIONS {
        for qos in ["0", "1", "2"] {
            let mqsub = subscribed(
                &broker,
                &[
                    "-V",
                    version,
                    "-q",
                    qos,
                    "-t",
                    "log",
                    "--until",
                    "^(passed|failed)$",
                ],
            );
            publish_lines(&broker, "log", qos, &LINES);
            let output = mqsub.wait().assert_success();
            assert_eq!(output.stdout_str(), "starting\nnot passed yet\npassed\n");
        }
    }
}

/// What came behind it stays with the broker, itself does not.
#[test]
fn it_is_acknowledged_and_the_next_is_not() {
    let broker = Broker::start();
    let session = ["-i", "me", "-c", "-q", "1", "-t", "log"];
    let run = |more: &[&str]| subscribe(&broker, &[&session, more].concat()).assert_success();
    run(&["-E"]);
    publish_lines(&broker, "log", "1", &LINES);
    let first = run(&["--until", "ass"]);
    assert_eq!(first.stdout_str(), "starting\nnot passed yet\n");
    assert_eq!(run(&["-C", "2"]).stdout_str(), "passed\ntoo late\n");
}

#[test]
fn only_what_is_printed_counts() {
    let broker = Broker::start();
    publish(&broker, &["-t", "log/old", "-m", "passed", "-r"]);
    let filters = [
        "-t",
        "log/#",
        "-T",
        "log/other",
        "-R",
        "-v",
        "--until",
        "passed",
    ];
    let mqsub = subscribed(&broker, &filters);
    publish(&broker, &["-t", "log/other", "-m", "passed"]);
    publish(&broker, &["-t", "log/mine", "-m", "passed"]);
    let output = mqsub.wait().assert_success();
    assert_eq!(output.stdout_str(), "log/mine passed\n");
}

/// Payloads are bytes, and letters are those of every language.
#[test]
fn it_looks_at_bytes() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payload");
    let cases: [(&str, &[u8]); 4] = [
        (r"(?-u)^\xff\x00", b"\xff\x00rest"),
        (r"(?i)größe=\d+\b", "\u{1F980}GRÖSSE GRÖßE=12".as_bytes()),
        (r"^\w+$", "日本".as_bytes()),
        ("end", b"\xff\xfe broken, and then the end"),
    ];
    for (regex, payload) in cases {
        let mqsub = subscribed(&broker, &["-t", "a", "-F", "%l", "--until", regex]);
        publish(&broker, &["-t", "a", "-m", "-"]);
        fs::write(&file, payload).unwrap();
        publish(&broker, &["-t", "a", "-f", file.to_str().unwrap()]);
        let output = mqsub.wait().assert_success();
        assert_eq!(output.stdout_str(), format!("1\n{}\n", payload.len()));
    }
}

#[test]
fn what_is_no_regular_expression_is_a_usage_error() {
    let port = unused_port();
    let code = |regex: &str| {
        mqsub()
            .args(port.args())
            .args(["-t", "a", "--until", regex])
            .run()
            .assert_code(1)
    };
    let output = code("(a");
    assert!(output.stderr_str().contains("unclosed group"), "{output}");
    assert!(output.stderr_str().contains("--until"), "{output}");
    code("a{1000}{1000}{1000}");
    code(r"\p{No_Such}");
}
