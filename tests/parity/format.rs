//! `-F`: exact output. Widths, precisions and times are held against mosquitto_sub side by
//! side in tests/mqsub/format.rs; here is what each conversion prints.

use harness::fake_broker::Publish;
use harness::mqsub;

use crate::support::{Stage, VERSIONS, expect, refuses};

/// What a format prints of one message, which comes with QoS 1 to a subscription of QoS 1.
#[track_caller]
fn format(format: &str, message: &Publish, more: &[&str]) -> String {
    let mut stage = Stage::start();
    if message.retain {
        stage.peer.publish(message);
    }
    let args = ["-t", &message.topic, "-q", "1", "-C", "1", "-F", format];
    let tool = stage.subscribed(&[&args, more].concat());
    if !message.retain {
        stage.peer.publish(message);
    }
    let output = tool.wait().assert_success();
    output.stdout.escape_ascii().to_string()
}

fn message(payload: &[u8]) -> Publish {
    Publish::new("a/b", payload, 1, 0)
}

#[test]
fn each_letter() {
    let hello = message(b"Hello");
    for version in VERSIONS {
        for (text, out) in [
            ("%t", "a/b\\n"),
            ("%p", "Hello\\n"),
            ("%q", "1\\n"),
            ("%r", "0\\n"),
            ("%l", "5\\n"),
            ("%m", "1\\n"),
            ("%x", "48656c6c6f\\n"),
            ("%X", "48656C6C6F\\n"),
            ("%%", "%\\n"),
            ("@@", "@\\n"),
            ("%A%C%D%E%F%P%R%S", "\\n"),
            ("[%10t|%-10t|%.2t]", "[       a/b|a/b       |a/]\\n"),
            ("[%5l|%05l|%-5l]", "[    5|00005|5    ]\\n"),
            (
                "\\\\ \\a\\e\\n\\r\\t\\v",
                "\\\\ \\x07\\x1b\\n\\r\\t\\x0b\\n",
            ),
            ("plain", "plain\\n"),
        ] {
            assert_eq!(format(text, &hello, &["-V", version]), out, "{text}");
        }
    }
    let mut retained = message(b"x");
    retained.retain = true;
    assert_eq!(format("%r", &retained, &[]), "1\\n");
}

#[test]
fn a_nul_in_the_format() {
    assert_eq!(format("a\\0b", &message(b"x"), &[]), "a\\x00b\\n");
}

#[test]
fn every_byte_of_the_payload() {
    assert_eq!(
        format("%p|%x", &message(b"\0\xff\n"), &[]),
        "\\x00\\xff\\n|00ff0a\\n"
    );
}

#[test]
fn no_newline_with_n() {
    assert_eq!(format("%p;", &message(b"x"), &["-N"]), "x;");
}

#[test]
fn an_empty_payload_is_printed_with_a_format() {
    assert_eq!(format("[%p] %l", &message(b""), &[]), "[] 0\\n");
}

#[test]
fn properties() {
    let mut publish = message(b"x");
    publish.properties = [
        &b"\x01\x01"[..],
        b"\x02\0\0\x0e\x10",
        b"\x03\0\x04text",
        b"\x08\0\x06answer",
        b"\x09\0\x04corr",
        b"\x26\0\x01k\0\x01v",
        b"\x26\0\x01k\0\x01w",
    ]
    .concat();
    let text = "%F|%E|%C|%R|%D|%P";
    let out = format(text, &publish, &["-V", "5"]);
    // mosquitto counts the seconds that a message waited.
    let seconds = out
        .strip_prefix("1|")
        .and_then(|rest| rest.strip_suffix("|text|answer|corr|k:v k:w\\n"));
    let seconds: u32 = seconds.and_then(|text| text.parse().ok()).expect(&out);
    assert!((3540..=3600).contains(&seconds), "{out}");
    assert_eq!(format(text, &publish, &["-V", "311"]), "|||||\\n");
}

#[test]
fn times() {
    let out = format("%U %I @Y-@m-@d @H:@M:@S @Z @N", &message(b"x"), &[]);
    let words: Vec<_> = out.trim_end_matches("\\n").split(' ').collect();
    assert_eq!(words.len(), 6, "{out}");
    let (seconds, nanos) = words[0].split_once('.').unwrap();
    assert!(seconds.len() == 10 && nanos.len() == 9, "{out}");
    assert!(words[1].ends_with("+0000") && words[1].len() == 24, "{out}");
    assert_eq!(words[1][..10], *words[2]);
    assert_eq!(words[4], "UTC");
    assert_eq!(words[5].len(), 9);
}

/// Ours: 2.1's separators and floats. 2.0.11 knows neither.
#[test]
fn additions_of_later_releases() {
    assert_eq!(
        format("%.2x", &message(b"Hi"), &[]),
        expect("48 69\\n", "4869\\n")
    );
    refuses_in_the_original(&["%f", "%d", "%.2:x"]);
}

#[track_caller]
fn refuses_in_the_original(formats: &[&str]) {
    let broker = harness::Broker::start();
    for format in formats {
        let output = mqsub()
            .args(broker.args())
            .args(["-t", "a", "-E", "-F", format])
            .run();
        assert_eq!(output.status, expect(0, 1), "{format} {output}");
    }
}

#[test]
fn mistakes_are_usage_errors() {
    for text in ["%Z", "%", "%5", "\\q", "\\", "@", "%+l"] {
        refuses(mqsub, &[&["-t", "a", "-F", text]]);
    }
}
