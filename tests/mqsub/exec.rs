//! `--exec`: a command for each message, which is acknowledged once the command succeeded.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use harness::fake_broker::Publish;
use harness::{Broker, FakeBroker, Running, Tool, mqpub, mqsub, unused_port};
use tempfile::TempDir;

use crate::support::{VERSIONS, publish, publish_lines, subscribe, terminate};

/// Runs until the command finds a file named `go`.
const WAIT: &str = "while [ ! -e go ]; do sleep 0.05; done";

/// A subscriber whose commands run in a folder.
fn tool(broker: &Broker, folder: &TempDir, options: &[&str], command: &[&str]) -> Tool {
    mqsub()
        .args(broker.args())
        .args(options)
        .current_dir(folder.path())
        .arg("--exec")
        .args(command)
}

#[track_caller]
fn executing(broker: &Broker, folder: &TempDir, options: &[&str], command: &[&str]) -> Running {
    let options = [&["-d"], options].concat();
    let running = tool(broker, folder, &options, command).spawn();
    running.wait_for_stderr("received SUBACK");
    running
}

/// A command is a text for a shell here.
fn shell(text: &str) -> [&str; 3] {
    ["sh", "-c", text]
}

/// Waits for a file with this text in it.
#[track_caller]
fn wait_for_file(path: &Path, text: &str) {
    let start = Instant::now();
    while !fs::read_to_string(path).is_ok_and(|found| found.contains(text)) {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "no {text:?} in {path:?}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What a broker still has for a session.
fn left(broker: &Broker, session: &[&str]) -> String {
    publish(broker, &["-t", "a", "-q", "1", "-m", "end of the rest"]);
    let options = ["-v", "--until", "end of the rest"];
    let output = subscribe(broker, &[session, &options].concat()).assert_success();
    let rest = output.stdout_str().strip_suffix("a end of the rest\n");
    rest.unwrap().to_owned()
}

#[test]
fn the_command_gets_the_payload_and_the_topic() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    for version in VERSIONS {
        for qos in ["0", "1", "2"] {
            let options = ["-V", version, "-q", qos, "-t", "a/#", "-C", "2"];
            let show = "cat; echo \" $MQ_TOPIC $MQ_QOS $MQ_RETAIN $MQ_PAYLOAD_LEN $*\"";
            // What looks like our own options, and what a shell would take apart.
            let words = [
                "sh",
                "-c",
                show,
                "sh",
                "-D",
                "--",
                "-t",
                "--json",
                "$HOME *; x",
            ];
            let mqsub = executing(&broker, &folder, &options, &words);
            publish(&broker, &["-t", "a/b c", "-q", qos, "-m", "one"]);
            publish(&broker, &["-t", "a/$(x)", "-q", qos, "-n"]);
            let output = mqsub.wait().assert_success();
            assert_eq!(
                output.stdout_str(),
                format!(
                    "one a/b c {qos} 0 3 -D -- -t --json $HOME *; x\n \
                     a/$(x) {qos} 0 0 -D -- -t --json $HOME *; x\n"
                )
            );
        }
    }
}

#[test]
fn the_properties_are_in_the_environment() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let list = shell("env | grep ^MQ_ | sort; echo");
    let mqsub = tool(
        &broker,
        &folder,
        &["-V", "5", "-t", "a", "-C", "2", "-d"],
        &list,
    )
    .env("MQ_CONTENT_TYPE", "of another message")
    .spawn();
    mqsub.wait_for_stderr("received SUBACK");
    let properties = "-D publish content-type text/plain -D publish response-topic answers \
                      -D publish correlation-data \u{e4} -D publish payload-format-indicator 1 \
                      -D publish message-expiry-interval 1000000 \
                      -D publish user-property k \"v\" -D publish user-property k w";
    mqpub()
        .args(broker.args())
        .args(["-V", "5", "-t", "a", "-m", "text"])
        .args(properties.split_whitespace())
        .run()
        .assert_success();
    publish(&broker, &["-t", "a", "-m", "text"]);
    let output = mqsub.wait().assert_success();
    let (first, second) = output.stdout_str().split_once("\n\n").unwrap();
    let (interval, others): (Vec<_>, Vec<_>) = first
        .lines()
        .partition(|line| line.starts_with("MQ_MESSAGE_EXPIRY_INTERVAL="));
    // The broker takes off how long it had it.
    assert!(
        interval[0].starts_with("MQ_MESSAGE_EXPIRY_INTERVAL=999")
            || interval[0].ends_with("=1000000")
    );
    assert_eq!(
        others,
        [
            "MQ_CONTENT_TYPE=text/plain",
            "MQ_CORRELATION_DATA_HEX=c3a4",
            "MQ_PAYLOAD_FORMAT_INDICATOR=1",
            "MQ_PAYLOAD_LEN=4",
            "MQ_QOS=0",
            "MQ_RESPONSE_TOPIC=answers",
            "MQ_RETAIN=0",
            "MQ_TOPIC=a",
            "MQ_USER_PROPERTIES=[{\"k\":\"\\\"v\\\"\"},{\"k\":\"w\"}]",
        ]
    );
    assert_eq!(
        second,
        "MQ_PAYLOAD_LEN=4\nMQ_QOS=0\nMQ_RETAIN=0\nMQ_TOPIC=a\n\n"
    );
}

/// Ours is hidden from `ps`, and the command may need it.
#[test]
fn the_password_of_the_environment_is_the_commands_too() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    publish(&broker, &["-t", "a", "-m", "text", "-r"]);
    let show = shell("echo \"$MQ_USERNAME ${MQ_PASSWORD-none}\"");
    for (options, password) in [(&[][..], "secret"), (&["-P", "other"], "none")] {
        let options = [&["-t", "a", "-C", "1"], options].concat();
        let output = tool(&broker, &folder, &options, &show)
            .env("MQ_USERNAME", "user")
            .env("MQ_PASSWORD", "secret")
            .run()
            .assert_success();
        assert_eq!(output.stdout_str(), format!("user {password}\n"));
    }
}

#[test]
fn with_shell_it_is_a_text_for_the_shell() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    publish(&broker, &["-t", "a", "-m", "text", "-r"]);
    let command = ["tr a-z A-Z | sed \"s/^/$1 /\"; echo", "the first"];
    let options = ["-t", "a", "-C", "1", "--shell"];
    let output = tool(&broker, &folder, &options, &command)
        .run()
        .assert_success();
    assert_eq!(output.stdout_str(), "the first TEXT\n");
    // Without, there is no such program.
    let output = tool(&broker, &folder, &options[..4], &command)
        .run()
        .assert_code(14);
    let error = "error: cannot run the command \"tr a-z A-Z | sed ";
    assert!(output.stderr_str().starts_with(error), "{output}");
}

#[test]
fn one_after_the_other_they_keep_the_order() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let numbers: Vec<_> = (1..=40).map(|number| number.to_string()).collect();
    let lines: Vec<_> = numbers.iter().map(String::as_str).collect();
    for qos in ["0", "1", "2"] {
        let options = ["-q", qos, "-t", "a", "-C", "40"];
        // None begins before the one before it has ended.
        let command = shell("mkdir running && cat && echo && rmdir running");
        let mqsub = executing(&broker, &folder, &options, &command);
        publish_lines(&broker, "a", qos, &lines);
        let output = mqsub.wait().assert_success();
        assert_eq!(output.stdout_str(), numbers.join("\n") + "\n");
    }
}

/// Three meet, and never four.
#[test]
fn so_many_jobs_run_at_the_same_time() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let meet = shell(
        "touch running.$$; n=$(ls -d running.* | wc -l); [ $n -le 3 ] || exit 1; \
         touch met.$(cat); \
         while [ $(ls -d met.* | wc -l) -lt 3 ]; do sleep 0.05; done; rm running.$$",
    );
    let options = ["-q", "1", "-t", "a", "-C", "12", "--jobs", "3"];
    let mqsub = executing(&broker, &folder, &options, &meet);
    let numbers: Vec<_> = (1..=12).map(|number| number.to_string()).collect();
    let lines: Vec<_> = numbers.iter().map(String::as_str).collect();
    publish_lines(&broker, "a", "1", &lines);
    mqsub.wait().assert_success();
    for number in numbers {
        assert!(
            folder.path().join(format!("met.{number}")).exists(),
            "{number}"
        );
    }
}

/// All but those whose command failed; what was filtered out in between is no exception.
#[test]
fn a_failure_is_told_counted_and_not_acknowledged() {
    let broker = Broker::start();
    for version in VERSIONS {
        for (qos, jobs) in [("1", "1"), ("2", "1"), ("1", "4")] {
            let folder = tempfile::tempdir().unwrap();
            let id = format!("{version}-{qos}-{jobs}");
            let session = [
                "-V", version, "-i", &id, "-c", "-q", qos, "-t", "a", "-t", "b",
            ];
            subscribe(&broker, &[&session[..], &["-E"]].concat()).assert_success();
            for (topic, text) in [
                ("a", "1"),
                ("a", "bad"),
                ("b", "x"),
                ("a", "3"),
                ("b", "x"),
                ("a", "worse"),
            ] {
                publish(&broker, &["-t", topic, "-q", qos, "-m", text]);
            }
            let options = ["-T", "b", "-C", "4", "--jobs", jobs, "--json-summary"];
            let options = [&session[..], &options].concat();
            let command = shell("case $(cat) in bad) exit 3;; worse) kill -9 $$;; esac");
            let output = tool(&broker, &folder, &options, &command)
                .run()
                .assert_code(13);
            let warning = "warning: the command for a message on the topic \"a\" failed: ";
            assert_eq!(output.stderr_str().matches(warning).count(), 2, "{output}");
            for told in [
                "failed: exit status: 3\n",
                "failed: signal: 9 (SIGKILL)",
                "error: 2 of 4 commands failed\n",
                "\"commands_failed\":2,",
            ] {
                assert!(output.stderr_str().contains(told), "{output}");
            }
            assert_eq!(left(&broker, &session), "a bad\na worse\n");
        }
    }
}

#[test]
fn exit_on_error_ends_with_the_first_failure() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let session = ["-i", "me", "-c", "-q", "1", "-t", "a"];
    subscribe(&broker, &[&session[..], &["-E"]].concat()).assert_success();
    for text in ["1", "bad", "3", "4"] {
        publish(&broker, &["-t", "a", "-q", "1", "-m", text]);
    }
    let options = [&session[..], &["--exit-on-error"]].concat();
    let command = shell("read -r text; [ \"$text\" != bad ] && echo $text");
    let output = tool(&broker, &folder, &options, &command)
        .run()
        .assert_code(13);
    assert_eq!(output.stdout_str(), "1\n");
    let error = "error: the command for a message on the topic \"a\" failed\n\
                 cause: exit status: 1\nhint: its message was not acknowledged\n";
    assert_eq!(output.stderr_str(), error);
    assert_eq!(left(&broker, &session), "a bad\na 3\na 4\n");
}

#[test]
fn the_connection_is_kept_while_the_other_commands_end() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let session = ["-i", "me", "-c", "-q", "1", "-t", "a"];
    let options = [&session[..], &["--exit-on-error", "--jobs", "2", "-k", "5"]].concat();
    let command = format!("read -r text; [ $text = good ] || exit 1; {WAIT}");
    let running = executing(&broker, &folder, &options, &shell(&command));
    publish_lines(&broker, "a", "1", &["good", "bad"]);
    // After the failure only the Keep Alive goes on.
    broker.wait_for_log_times("Received PINGREQ from me", 2);
    fs::write(folder.path().join("go"), "").unwrap();
    running.wait().assert_code(13);
    assert_eq!(left(&broker, &session), "a bad\n");
}

/// The rest would fare no better.
#[test]
fn a_command_that_is_not_there_is_the_end() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("data"), "").unwrap();
    let session = ["-i", "me", "-c", "-q", "1", "-t", "a"];
    subscribe(&broker, &[&session[..], &["-E"]].concat()).assert_success();
    publish(&broker, &["-t", "a", "-q", "1", "-m", "text"]);
    for program in ["no-such-program", "./data"] {
        let output = tool(&broker, &folder, &session, &[program])
            .run()
            .assert_code(14);
        let error = format!("error: cannot run the command {program:?}\ncause: ");
        assert!(output.stderr_str().starts_with(&error), "{output}");
    }
    assert_eq!(left(&broker, &session), "a text\n");
}

/// Neither a command that ends without reading, nor one that closes its input, nor one whose
/// child holds it open.
#[test]
fn a_command_need_not_read() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    // More than a pipe holds.
    fs::write(folder.path().join("payload"), vec![b'x'; 1_000_000]).unwrap();
    let payload = folder.path().join("payload");
    let holds = "(while [ ! -e go ]; do sleep 0.05; done) >&- 2>&- & exit 0";
    for text in [":", "exec <&-; echo closed >&2", holds] {
        let options = ["-q", "1", "-t", "a", "-C", "3"];
        let mqsub = executing(&broker, &folder, &options, &shell(text));
        for _ in 0..3 {
            let file = payload.to_str().unwrap();
            publish(&broker, &["-t", "a", "-q", "1", "-f", file]);
        }
        mqsub.wait().assert_success();
    }
    fs::write(folder.path().join("go"), "").unwrap();
}

#[test]
fn what_is_asked_for_is_printed_too() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    publish(&broker, &["-t", "a", "-m", "text", "-r"]);
    let path = folder.path().join("saved");
    let options = [
        "-t",
        "a",
        "-C",
        "1",
        "-v",
        "--save-dir",
        path.to_str().unwrap(),
    ];
    let output = tool(&broker, &folder, &options, &shell("cat > executed")).run();
    assert_eq!(output.assert_success().stdout_str(), "a text\n");
    assert_eq!(fs::read(folder.path().join("executed")).unwrap(), b"text");
    assert_eq!(fs::read_dir(path.join("a")).unwrap().count(), 1);
}

/// Only that whose command succeeded goes.
#[test]
fn a_retained_message_is_removed_after_its_command() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    publish(&broker, &["-t", "good", "-m", "1", "-r", "-q", "1"]);
    publish(&broker, &["-t", "bad", "-m", "2", "-r", "-q", "1"]);
    let options = ["-t", "good", "-t", "bad", "-C", "2", "--remove-retained"];
    let command = shell("[ $MQ_TOPIC = good ]");
    let output = tool(&broker, &folder, &options, &command)
        .run()
        .assert_code(13);
    let note = "note: removed 1 retained message\n";
    assert!(output.stderr_str().contains(note), "{output}");
    let left = subscribe(&broker, &["-t", "#", "-v", "-C", "1"]).assert_success();
    assert_eq!(left.stdout_str(), "bad 2\n");
}

/// Who stops it waits for the command that runs, for some seconds; if it takes longer, the message
/// stays with the broker. Either way it is not lost.
#[test]
fn a_signal_loses_no_message() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let session = ["-i", "me", "-c", "-q", "1", "-t", "a"];
    let command = format!("echo > started; {WAIT}; cat >> done; echo >> done");
    let mqsub = executing(&broker, &folder, &session, &shell(&command));
    publish(&broker, &["-t", "a", "-q", "1", "-m", "first"]);
    publish(&broker, &["-t", "a", "-q", "1", "-m", "second"]);
    wait_for_file(&folder.path().join("started"), "\n");
    mqsub.terminate();
    fs::write(folder.path().join("go"), "").unwrap();
    mqsub.wait().assert_success();
    let done = fs::read_to_string(folder.path().join("done")).unwrap_or_default();
    let left = left(&broker, &session);
    for text in ["first\n", "second\n"] {
        assert!(done.contains(text) || left.contains(text), "{done}{left}");
    }
}

#[test]
fn a_command_that_does_not_end_is_asked_to() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let session = ["-i", "me", "-c", "-q", "1", "-t", "a"];
    let command =
        shell("trap 'echo > asked; exit 1' TERM; echo > started; while :; do sleep 0.05; done");
    let mqsub = executing(&broker, &folder, &session, &command);
    publish(&broker, &["-t", "a", "-q", "1", "-m", "text"]);
    wait_for_file(&folder.path().join("started"), "\n");
    mqsub.terminate();
    mqsub.wait().assert_success();
    wait_for_file(&folder.path().join("asked"), "\n");
    assert_eq!(left(&broker, &session), "a text\n");
}

/// Its message comes again over the next connection, and is executed again: at least once.
#[test]
fn a_broker_may_go_away_meanwhile() {
    let mut broker = Broker::builder().persistent().start();
    let folder = tempfile::tempdir().unwrap();
    let session = ["-i", "me", "-c", "-q", "1", "-t", "a"];
    let command = format!("cat >> log; echo >> log; {WAIT}");
    let mqsub = executing(&broker, &folder, &session, &shell(&command));
    let log = folder.path().join("log");
    publish(&broker, &["-t", "a", "-q", "1", "-m", "first"]);
    wait_for_file(&log, "first\n");
    broker.restart();
    mqsub.wait_for_stderr(|text: &str| text.matches("received CONNACK").count() == 2);
    fs::write(folder.path().join("go"), "").unwrap();
    publish(&broker, &["-t", "a", "-q", "1", "-m", "second"]);
    wait_for_file(&log, "second\n");
    terminate(mqsub);
    let log = fs::read_to_string(&log).unwrap();
    let firsts = log.matches("first\n").count();
    assert!((1..=2).contains(&firsts), "{log}");
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    let port = unused_port();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("options");
    fs::write(&file, "--exec true\n").unwrap();
    let file = file.to_str().unwrap();
    for (options, part) in [
        (&["--jobs", "0", "--exec", "true"][..], "--jobs"),
        (&["--jobs", "1001", "--exec", "true"], "--jobs"),
        (&["--jobs", "2"], "--exec"),
        (&["--shell"], "--exec"),
        (&["--exec"], "--exec"),
        (&["-o", file], "has no place in an options file"),
    ] {
        let output = mqsub()
            .args(port.args())
            .args(["-t", "a"])
            .args(options)
            .run()
            .assert_code(1);
        assert!(output.stderr_str().contains(part), "{output}");
    }
}

/// A message whose command failed says nothing new when it comes again, and is executed again.
#[test]
fn changed_only_does_not_take_a_second_try_for_done() {
    let (again, failed) = mpsc::channel::<()>();
    let failed = Mutex::new(failed);
    let broker = FakeBroker::start(move |mut conn| {
        conn.expect_connect();
        let mut message = Publish::new("a", "text", 1, 7);
        if conn.number() == 0 {
            conn.connack(0);
            let id = conn.expect_subscribe().packet_id;
            conn.suback(id, &[1]);
            conn.publish(&message);
            // It is not acknowledged before.
            failed.lock().unwrap().recv().unwrap();
            return conn.close();
        }
        conn.connack_session_present();
        message.dup = true;
        conn.publish(&message);
        assert_eq!(conn.expect_kind(4).packet_id(), 7);
        conn.expect_disconnect();
        conn.expect_close();
    });
    let folder = TempDir::new().unwrap();
    let mqsub = mqsub()
        .args(broker.args())
        .args(["-i", "me", "-c", "-q", "1", "-t", "a", "--changed-only"])
        .args(["-C", "2", "--exec", "test", "-e", "there"])
        .current_dir(folder.path())
        .spawn();
    mqsub.wait_for_stderr("failed");
    fs::write(folder.path().join("there"), "").unwrap();
    again.send(()).unwrap();
    // One of both commands failed.
    mqsub.wait().assert_code(13);
    broker.finish();
}
