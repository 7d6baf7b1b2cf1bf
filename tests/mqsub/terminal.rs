//! A message on a terminal gives it no command; in a pipe or a file its bytes are untouched.

use std::fs::{self, File};

use harness::fake_broker::{Publish, encode};
use harness::{FakeBroker, Tool, mqsub};
use tempfile::TempDir;

/// It would rename the window, clear the screen, ring, go back to the start of the line, and turn
/// the direction of the text, in C0, C1 and Unicode.
const PAYLOAD: &[u8] = b"one\n\ttwo\x1b]0;owned\x07\x1b[2J\r\x7f\xc2\x9b31m\xe2\x80\xae\xff end";
const SHOWN: &str = "one\r\n\ttwo\\x1b]0;owned\\x07\\x1b[2J\\x0d\\x7f\\u{9b}31m\\u{202e}\\xff end";

const TOPIC: &str = "a\u{1b}[31m/b\nc";
const SHOWN_TOPIC: &str = "a\\x1b[31m/b\\x0ac";

/// A broker that sends one message of MQTT 5 with a control character in everything.
fn broker() -> FakeBroker {
    FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack_v5(0);
        let id = conn.expect_subscribe().packet_id;
        conn.suback_v5(id, &[0]);
        let mut publish = Publish::new(TOPIC, PAYLOAD, 0, 0);
        for (identifier, texts) in [
            (0x03, &[&b"type\x1b"[..]][..]),
            (0x08, &[b"response\x1b"]),
            (0x09, &[b"data\x1b\xff"]),
            (0x26, &[b"key\x1b", "value\u{9b}".as_bytes()]),
        ] {
            publish.properties.push(identifier);
            for text in texts {
                encode::text(&mut publish.properties, text);
            }
        }
        conn.publish(&publish);
        conn.expect_disconnect();
        conn.expect_close();
    })
}

fn receiver(broker: &FakeBroker, args: &[&str]) -> Tool {
    mqsub()
        .args(broker.args())
        .args(["-V", "5", "-t", "#", "-C", "1"])
        .args(args)
}

/// What the terminal is given.
#[track_caller]
fn on_terminal(args: &[&str]) -> String {
    let broker = broker();
    let terminal = receiver(&broker, args).run_on_pty();
    assert_eq!(terminal.wait(), 0, "{}", terminal.screen());
    broker.finish();
    terminal.screen()
}

#[track_caller]
fn in_pipe(args: &[&str]) -> Vec<u8> {
    let broker = broker();
    let output = receiver(&broker, args).run().assert_success();
    broker.finish();
    output.stdout
}

#[test]
fn a_payload_is_shown_and_not_obeyed() {
    assert_eq!(on_terminal(&[]), format!("{SHOWN}\r\n"));
    assert_eq!(on_terminal(&["-N"]), SHOWN);
}

#[test]
fn so_is_a_topic() {
    assert_eq!(on_terminal(&["-v"]), format!("{SHOWN_TOPIC} {SHOWN}\r\n"));
}

#[test]
fn so_is_everything_that_a_format_takes_from_the_message() {
    for (format, expected) in [
        ("%p", SHOWN),
        ("%t", SHOWN_TOPIC),
        ("%.2t|", "a\\x1b|"),
        ("%C", "type\\x1b"),
        ("%R", "response\\x1b"),
        ("%D", "data\\x1b\\xff"),
        ("%P", "key\\x1b:value\\u{9b}"),
        ("%5p|", "one\r\n\t|"),
    ] {
        assert_eq!(on_terminal(&["-N", "-F", format]), expected, "{format}");
    }
    let json = on_terminal(&["-F", "%j"]);
    let value: serde_json::Value = serde_json::from_str(json.trim_end()).unwrap();
    assert_eq!(value["topic"], TOPIC);
    assert_eq!(
        value["properties"]["user-properties"][0]["key\u{1b}"],
        "value\u{9b}"
    );
    assert!(json.contains("value\\u009b"), "{json}");
}

#[test]
fn the_users_own_escapes_in_a_format_are_obeyed() {
    assert_eq!(
        on_terminal(&["-N", "-F", "\\e[1m%t\\e[0m\\a\u{9b}\r%%"]),
        format!("\x1b[1m{SHOWN_TOPIC}\x1b[0m\x07\u{9b}\r%")
    );
}

#[test]
fn raw_is_obeyed() {
    // The terminal itself puts the carriage return in front of each newline.
    let bytes = |text: &[u8]| String::from_utf8_lossy(text).replace('\n', "\r\n");
    assert_eq!(on_terminal(&["--raw"]), bytes(PAYLOAD) + "\r\n");
    assert_eq!(
        on_terminal(&["--raw", "-N", "-F", "%t %P"]),
        bytes(format!("{TOPIC} key\u{1b}:value\u{9b}").as_bytes())
    );
}

#[test]
fn a_pipe_gets_every_byte_as_it_was_sent() {
    let with_newline = [PAYLOAD, b"\n"].concat();
    assert_eq!(in_pipe(&[]), with_newline);
    assert_eq!(in_pipe(&["--raw"]), with_newline);
    assert_eq!(
        in_pipe(&["-v"]),
        [TOPIC.as_bytes(), b" ", &with_newline].concat()
    );
    assert_eq!(
        in_pipe(&["-N", "-F", "%p%D%P"]),
        [PAYLOAD, b"data\x1b\xff", "key\x1b:value\u{9b}".as_bytes()].concat()
    );
}

#[test]
fn so_does_a_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("out");
    let broker = broker();
    receiver(&broker, &["-N"])
        .stdout_to(File::create(&path).unwrap())
        .run()
        .assert_success();
    broker.finish();
    assert_eq!(fs::read(&path).unwrap(), PAYLOAD);
}

#[test]
fn what_is_told_on_stderr_is_never_obeyed() {
    // The debug lines, and a warning that names the topic.
    let broker = broker();
    let output = receiver(&broker, &["-d", "-F", "%J", "-W", "60"])
        .args(["-T", "none"])
        .spawn();
    output.wait_for_stderr("is not JSON");
    output.terminate();
    let output = output.wait().assert_success();
    broker.finish();
    check_clean(&output.stderr);

    // A reason string in a refusal.
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        let mut properties = vec![0x1f];
        encode::text(
            &mut properties,
            "go away\u{1b}[2J\u{9b}\u{202e}\nerror: x".as_bytes(),
        );
        conn.connack_v5_with(false, 0x87, &properties);
        conn.expect_close();
    });
    let output = receiver(&broker, &["-d"]).run().assert_code(0x87);
    broker.finish();
    assert!(output.stderr_str().contains("go away"), "{output}");
    check_clean(&output.stderr);
}

#[track_caller]
fn check_clean(stderr: &[u8]) {
    let text = std::str::from_utf8(stderr).unwrap();
    for line in text.lines() {
        assert!(
            !line.chars().any(|c| c.is_control() || c == '\u{202e}'),
            "{line:?}"
        );
        let known = ["debug: ", "warning: ", "error: ", "cause: ", "hint: "];
        assert!(
            known.iter().any(|start| line.starts_with(start)),
            "{line:?}"
        );
    }
    assert_eq!(
        text.matches("error: x").count(),
        text.matches("\\nerror: x").count()
    );
}
