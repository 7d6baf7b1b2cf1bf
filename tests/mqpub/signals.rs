//! Signals: the source ends, what was read still arrives, and the process ends by the signal.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{self, Receiver};

use harness::{FakeBroker, Running, Tool, mqpub};

use crate::support::{Collector, PATIENCE, VERSIONS, complaint, greet, inputs, part, publisher};

/// Sends a signal.
type Send = fn(&Running);

/// How they are sent, and what a shell shows for a process that they end.
const SIGNALS: [(Send, i32); 3] = [
    (Running::interrupt, 130),
    (Running::terminate, 143),
    (Running::hang_up, 129),
];

/// A broker that takes the first message, or as many as the window allows, and then does
/// nothing but tell it; goes on to its end when the client is gone.
fn silent_broker(messages: usize) -> (FakeBroker, Receiver<()>) {
    let (sender, arrived) = mpsc::channel();
    let broker = FakeBroker::start(move |mut conn| {
        greet(&mut conn);
        for _ in 0..messages {
            conn.expect_publish();
        }
        sender.send(()).unwrap();
        conn.hold();
    });
    (broker, arrived)
}

#[track_caller]
fn wait(arrived: &Receiver<()>) {
    arrived
        .recv_timeout(PATIENCE)
        .expect("the broker gets there");
}

#[test]
fn lines_that_were_read_have_arrived_and_the_process_ends_by_the_signal() {
    for (signal, code) in SIGNALS {
        for (version, qos) in [(VERSIONS[0], "0"), (VERSIONS[1], "1"), (VERSIONS[0], "2")] {
            for (stdin, mut writer) in inputs() {
                // It insists on a DISCONNECT.
                let broker = Collector::start();
                let tool = broker.mqpub(["-V", version, "-q", qos, "-l"]);
                let running = tool.stdin_from(stdin).spawn();
                writer.write_all(b"one\ntwo\nhal").unwrap();
                assert_eq!(broker.next().payload, b"one");
                assert_eq!(broker.next().payload, b"two");
                signal(&running);
                // Its stdin is still open.
                running.wait_for_end();
                let output = running.wait().assert_code(code);
                assert!(output.stderr.is_empty(), "{output}");
                assert!(broker.payloads().is_empty(), "half a line is no message");
                drop(writer);
            }
        }
    }
}

#[test]
fn lines_that_wait_for_the_window_are_still_sent() {
    let (arrived_sender, arrived) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    let may_go = std::sync::Mutex::new(may_go);
    let broker = FakeBroker::start(move |mut conn| {
        greet(&mut conn);
        let first = conn.expect_publish();
        arrived_sender.send(()).unwrap();
        may_go.lock().unwrap().recv().unwrap();
        conn.puback(first.packet_id.unwrap());
        for payload in [b"two", b"tri"] {
            let publish = conn.expect_publish();
            assert_eq!(publish.payload, payload);
            conn.puback(publish.packet_id.unwrap());
        }
        part(&mut conn);
    });
    let running = publisher(&broker)
        .args(["-q", "1", "-M", "1", "-l"])
        .spawn();
    running.write_stdin("one\ntwo\ntri\n");
    wait(&arrived);
    running.terminate();
    go.send(()).unwrap();
    running.wait_for_end();
    running.wait().assert_code(143);
    broker.finish();
}

#[test]
fn a_broker_that_does_not_answer_is_given_up_and_the_messages_are_counted() {
    let (broker, arrived) = silent_broker(2);
    let running = publisher(&broker)
        .args(["-q", "1", "-M", "2", "-l"])
        .spawn();
    running.write_stdin("one\ntwo\nthree\nfour\n");
    wait(&arrived);
    running.terminate();
    running.wait_for_end();
    let complaint = complaint(running.wait(), 7);
    assert_eq!(
        complaint.error,
        "SIGTERM ended it before everything was delivered"
    );
    assert_eq!(complaint.cause, "the broker did not answer within 5 s");
    assert_eq!(
        complaint.note,
        "of 2 messages sent, 0 were acknowledged, 0 refused, 2 are unknown; 2 more were read and not sent"
    );
    broker.finish();
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (broker, arrived) = silent_broker(1);
    let running = publisher(&broker).args(["-q", "2", "-l"]).spawn();
    running.write_stdin("one\n");
    wait(&arrived);
    // Two of a kind could count as one.
    running.terminate();
    running.interrupt();
    running.wait_for_end();
    let output = running.wait();
    assert!([130, 143].contains(&output.status), "{output}");
    let text = output.stderr_str();
    assert!(
        text.contains("cause: it came again, which means at once\n"),
        "{output}"
    );
    assert!(
        text.contains("of 1 message sent, 0 were acknowledged"),
        "{output}"
    );
    broker.finish();
}

#[test]
fn repetitions_end_between_two_messages() {
    for (signal, code) in SIGNALS {
        let broker = Collector::start();
        let running = broker
            .mqpub([
                "-m",
                "tick",
                "-q",
                "1",
                "--repeat",
                "2",
                "--repeat-delay",
                "100000",
            ])
            .spawn();
        assert_eq!(broker.next().payload, b"tick");
        signal(&running);
        running.wait().assert_code(code);
        assert!(broker.payloads().is_empty());
    }
}

#[test]
fn input_without_end_does_not_keep_a_signal_waiting() {
    for qos in ["0", "1"] {
        // Its own, so that what is seen of it was sent by this run.
        let broker = Collector::start();
        // Of long lines no more are on their way than the broker can read within the time for the end.
        let shell = Tool::new("/bin/sh")
            .arg("-c")
            .arg(r#"yes "$(printf %0999d 0)" | "$0" "$@" & echo "pid $!"; wait $!; echo "code $?""#)
            .arg(mqpub().path())
            .args(broker.args())
            .args(["-t", "a", "-l", "-q", qos])
            .spawn();
        shell.wait_for_stdout("pid ");
        shell.wait_for_stdout("\n");
        let text = shell.stdout_so_far();
        let pid = text.trim_start_matches("pid ").trim();
        for _ in 0..1000 {
            assert_eq!(broker.next().payload, [b'0'; 999]);
        }
        Tool::new("/bin/sh")
            .args(["-c", "kill -TERM \"$0\"", pid])
            .run()
            .assert_success();
        shell.wait_for_stdout("code 143\n");
        broker.finish();
    }
}

#[test]
fn while_it_connects_and_for_a_single_message_it_ends_at_once() {
    for source in [&["-l"][..], &["-m", "x"]] {
        for (signal, code) in SIGNALS {
            let (sender, arrived) = mpsc::channel();
            let broker = FakeBroker::start(move |mut conn| {
                conn.expect_connect();
                sender.send(()).unwrap();
                conn.hold();
            });
            let running = publisher(&broker)
                .args(source)
                .args(["--connect-timeout", "100000"])
                .spawn();
            wait(&arrived);
            signal(&running);
            running.wait_for_end();
            running.wait().assert_code(code);
            broker.finish();
        }
    }
    let (broker, arrived) = silent_broker(1);
    let running = publisher(&broker).args(["-q", "1", "-m", "x"]).spawn();
    wait(&arrived);
    running.terminate();
    running.wait_for_end();
    running.wait().assert_code(143);
    broker.finish();
}

#[test]
fn under_nohup_a_hang_up_means_nothing() {
    let broker = Collector::start();
    let mut running = Tool::new("nohup")
        .arg(mqpub().path())
        .args(broker.args())
        .args(["-t", "a", "-l"])
        .spawn();
    running.write_stdin("one\n");
    assert_eq!(broker.next().payload, b"one");
    running.hang_up();
    running.write_stdin("two\n");
    assert_eq!(broker.next().payload, b"two");
    running.close_stdin();
    running.wait().assert_success();
    broker.finish();
}

#[test]
fn a_pipe_that_nobody_reads_ends_nothing() {
    let broken = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        File::from(OwnedFd::from(writer))
    };
    for option in ["--help", "--version"] {
        let output = mqpub().arg(option).stdout_to(broken()).run();
        assert!(output.assert_success().stderr.is_empty());
    }
    let broker = Collector::start();
    // stderr, too: each protocol step would be told there.
    Tool::new("/bin/sh")
        .args(["-c", "exec \"$0\" \"$@\" 2>&1"])
        .arg(mqpub().path())
        .args(broker.args())
        .args(["-t", "a", "-d", "-l"])
        .stdin("one\ntwo\n")
        .stdout_to(broken())
        .run()
        .assert_success();
    assert_eq!(broker.payloads(), [b"one", b"two"]);
}
