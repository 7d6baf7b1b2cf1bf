//! `--repeat` and `--repeat-delay`.

use std::time::{Duration, Instant};

use harness::mqpub;

use crate::support::{expect, published, published_from, refuses};

#[test]
fn the_message_is_sent_that_often() {
    for qos in ["0", "1", "2"] {
        let args = ["-t", "a", "-m", "x", "-q", qos, "--repeat", "4"];
        assert_eq!(published(&args), vec![format!("a q{qos} x"); 4]);
    }
    assert_eq!(published(&["-t", "a", "-n", "--repeat", "2"]), ["a q0 "; 2]);
    assert_eq!(
        published_from("in", &["-t", "a", "-s", "--repeat", "2"]),
        ["a q0 in"; 2]
    );
}

#[test]
fn the_delay_lies_between_two_messages() {
    let start = Instant::now();
    let args = [
        "-t",
        "a",
        "-m",
        "x",
        "--repeat",
        "3",
        "--repeat-delay",
        "0.25",
    ];
    assert_eq!(published(&args).len(), 3);
    assert!(start.elapsed() >= Duration::from_millis(450));
}

#[test]
fn numbers_must_make_sense() {
    for args in [
        &["--repeat", "0"][..],
        &["--repeat", "-1"],
        &["--repeat", "2", "--repeat-delay", "-1"],
    ] {
        refuses(mqpub, &[&[&["-t", "a", "-m", "x"], args].concat()]);
    }
}

/// Ours: a usage error. The original ignores it.
#[test]
fn not_with_lines() {
    let broker = harness::Broker::start();
    let output = mqpub()
        .args(broker.args())
        .args(["-t", "a", "-l", "--repeat", "2"])
        .run();
    assert_eq!(output.status, expect(1, 0), "{output}");
}
