//! A standard output that ends before the messages do.

use std::fs::File;
use std::io::{BufRead as _, BufReader, PipeReader, Read as _};
use std::os::fd::OwnedFd;

use harness::{Broker, Running, Tool, mqpub, mqsub};

use crate::support::{VERSIONS, publish, subscribe, terminate};

/// `mqsub -d … | READER`, subscribed.
#[track_caller]
fn into_a_pipe(broker: &Broker, args: &[&str]) -> (Running, PipeReader) {
    let (reader, writer) = std::io::pipe().unwrap();
    let mqsub = mqsub()
        .args(broker.args())
        .args(args)
        .arg("-d")
        .stdout_to(File::from(OwnedFd::from(writer)))
        .spawn();
    mqsub.wait_for_stderr("received SUBACK");
    (mqsub, reader)
}

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

#[test]
fn a_reader_that_has_left_ends_it_quietly() {
    let broker = Broker::start();
    for version in VERSIONS {
        let (mqsub, reader) = into_a_pipe(&broker, &["-V", version, "-t", "a"]);
        publish(&broker, &["-t", "a", "-m", "first"]);
        let mut line = String::new();
        BufReader::new(reader).read_line(&mut line).unwrap();
        assert_eq!(line, "first\n");
        publish(&broker, &["-t", "a", "-m", "second"]);
        let output = mqsub.wait().assert_success();
        let stderr = output.stderr_str();
        assert!(
            stderr.lines().all(|line| line.starts_with("debug: ")),
            "{output}"
        );
        assert!(stderr.contains("sending DISCONNECT"), "{output}");
    }
}

/// Whatever it writes, and whether or not there is something new to write.
#[test]
fn so_it_does_in_every_format() {
    let broker = Broker::start();
    for options in [
        &["-v"][..],
        &["-N"],
        &["-F", "%t %p"],
        &["-F", "%j"],
        &["-F", "%J", "--pretty"],
        &["--message-rate"],
        &["--random-filter", "100"],
    ] {
        let (mqsub, reader) = into_a_pipe(&broker, &[&["-t", "a", "-q", "1"], options].concat());
        publish(&broker, &["-t", "a", "-m", "1", "-q", "1"]);
        let mut first = [0];
        (&reader).read_exact(&mut first).unwrap();
        drop(reader);
        publish(&broker, &["-t", "a", "-m", "2", "-q", "1"]);
        let output = mqsub.wait().assert_success();
        let mut told = output.stderr_str().lines();
        assert!(told.all(|line| line.starts_with("debug: ")), "{output}");
    }
}

#[test]
fn head_gets_its_line_and_the_shell_its_prompt() {
    let broker = Broker::start();
    let script = r#"("$@"; echo "status $?" >&2) | head -n 1"#;
    let pipeline = Tool::new("/bin/sh")
        .args(["-c", script, "sh"])
        .arg(mqsub().path())
        .args(broker.args())
        .args(["-t", "a"])
        .spawn();
    broker.wait_for_log("Sending SUBACK to");
    publish(&broker, &["-t", "a", "-m", "first"]);
    pipeline.wait_for_stdout("first\n");
    // head may need a moment to leave after its line.
    while pipeline.is_running() {
        publish(&broker, &["-t", "a", "-m", "more"]);
    }
    let output = pipeline.wait().assert_success();
    assert_eq!(output.stdout_str(), "first\n");
    assert_eq!(output.stderr_str(), "status 0\n");
}

#[test]
fn what_the_reader_did_not_get_stays_at_the_broker() {
    // The large one does not fit into any buffer.
    let large = "x".repeat(100_000);
    for payload in ["short", &large] {
        for version in VERSIONS {
            for qos in ["1", "2"] {
                let broker = Broker::start();
                let session = ["-V", version, "-i", "me", "-c", "-q", qos, "-t", "a"];
                let (mqsub, reader) = into_a_pipe(&broker, &session);
                drop(reader);
                publish(&broker, &["-t", "a", "-q", qos, "-m", payload]);
                mqsub.wait().assert_success();
                let next = [&session, &["-C", "1"][..]].concat();
                let output = subscribe(&broker, &next).assert_success();
                assert!(output.stdout_str().trim_end() == payload, "{output}");
            }
        }
    }
}

#[test]
fn a_full_disk_is_an_error_and_loses_nothing() {
    let large = "x".repeat(100_000);
    for payload in ["short", &large] {
        for version in VERSIONS {
            for qos in ["1", "2"] {
                let broker = Broker::start();
                let session = ["-V", version, "-i", "me", "-c", "-q", qos, "-t", "a"];
                subscribe(&broker, &[&session, &["-E"][..]].concat()).assert_success();
                publish(&broker, &["-t", "a", "-q", qos, "-m", payload]);
                let output = mqsub()
                    .args(broker.args())
                    .args(session)
                    .stdout_to(full())
                    .run()
                    .assert_code(14);
                assert_eq!(
                    output.stderr_str(),
                    "error: cannot write to standard output\n\
                     cause: No space left on device (os error 28)\n\
                     hint: what was not written was not acknowledged either: with -c and -q 1 \
                     the broker keeps it\n"
                );
                let next = [&session, &["-C", "1"][..]].concat();
                let output = subscribe(&broker, &next).assert_success();
                assert!(output.stdout_str().trim_end() == payload, "{output}");
            }
        }
    }
}

#[test]
fn a_full_disk_is_an_error_at_the_last_message_too() {
    let broker = Broker::start();
    publish(&broker, &["-t", "a", "-m", "retained", "-r"]);
    mqsub()
        .args(broker.args())
        .args(["-t", "a", "-C", "1"])
        .stdout_to(full())
        .run()
        .assert_code(14);
}

#[test]
fn a_closed_stdout_is_warned_of_and_ends_nothing() {
    let broker = Broker::start();
    let warning = "warning: standard output is closed";
    for (options, warned) in [(["-d"].as_slice(), true), (&["--quiet"], false)] {
        let mqsub = mqsub()
            .args(broker.args())
            .args(["-t", "a", "-q", "1", "-i", "me"])
            .args(options)
            .stdout_closed()
            .spawn();
        let times = if warned { 1 } else { 2 };
        broker.wait_for_log_times("Sending SUBACK to me", times);
        publish(&broker, &["-t", "a", "-q", "1", "-m", "text"]);
        broker.wait_for_log_times("Received PUBACK from me", times);
        assert!(mqsub.is_running());
        let output = terminate(mqsub);
        assert_eq!(output.stderr_str().contains(warning), warned, "{output}");
    }
}

#[test]
fn the_null_device_is_not_a_closed_stdout() {
    let broker = Broker::start();
    publish(&broker, &["-t", "a", "-m", "retained", "-r"]);
    let output = mqsub()
        .args(broker.args())
        .args(["-t", "a", "-C", "1"])
        .stdout_to(File::options().write(true).open("/dev/null").unwrap())
        .run()
        .assert_success();
    assert_eq!(output.stderr_str(), "");
}

/// Publishes more than a pipe holds, so that `mqsub` gets stuck in a write.
fn fill_the_pipe(broker: &Broker) {
    let payload = vec![b'x'; 1_000_000];
    mqpub()
        .args(broker.args())
        .args(["-t", "a", "-s"])
        .stdin(payload)
        .run()
        .assert_success();
}

#[test]
fn a_reader_that_stalls_does_not_hold_up_the_end_of_the_time() {
    let broker = Broker::start();
    let (mqsub, reader) = into_a_pipe(&broker, &["-t", "a", "-W", "20"]);
    fill_the_pipe(&broker);
    mqsub.wait().assert_code(27);
    drop(reader);
}

#[test]
fn a_reader_that_stalls_does_not_hold_up_sigterm() {
    let broker = Broker::start();
    let (mqsub, reader) = into_a_pipe(&broker, &["-t", "a"]);
    fill_the_pipe(&broker);
    mqsub.wait_for_stderr("received PUBLISH");
    mqsub.terminate();
    mqsub.wait().assert_success();
    drop(reader);
}
