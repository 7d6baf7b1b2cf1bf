//! `-F` and `--pretty`: beside mosquitto_sub, which prints the same messages in the same formats.

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use harness::fake_broker::{Publish, encode};
use harness::{Broker, FakeBroker, Tool, mqsub, unused_port};
use tempfile::NamedTempFile;

use crate::support::{VERSIONS, accept, publish, subscribed};

/// What ours and mosquitto's printed.
struct Both {
    ours: Vec<u8>,
    theirs: Vec<u8>,
}

/// Both subscribers print one message of mosquitto_pub.
#[track_caller]
fn print(options: &[&str], format: &str, message: &[&str]) -> Both {
    print_at("UTC", options, format, message)
}

#[track_caller]
fn print_at(zone: &str, options: &[&str], format: &str, message: &[&str]) -> Both {
    let broker = Broker::start();
    let tools = [mqsub(), Tool::new("mosquitto_sub")].map(|tool| {
        tool.env("TZ", zone)
            .args(broker.args())
            .args(["-t", "f/#", "-C", "1", "-F", format])
            .args(options)
            .spawn()
    });
    broker.wait_for_log_times("Sending SUBACK to", 2);
    Tool::new("mosquitto_pub")
        .args(broker.args())
        .args(message)
        .run()
        .assert_success();
    let [ours, theirs] = tools.map(|tool| tool.wait().assert_success().stdout);
    Both { ours, theirs }
}

/// Each conversion with each layout prints the same.
#[track_caller]
fn assert_alike(options: &[&str], letters: &str, layouts: &[&str], message: &[&str]) {
    let mut format = String::new();
    for letter in letters.chars() {
        for layout in layouts {
            // What is compared is told in the line itself.
            let name = if letter == '%' {
                "%%"
            } else {
                &letter.to_string()
            };
            let _ = write!(format, "{layout}{name} [%{layout}{letter}]\\n");
        }
    }
    let Both { ours, theirs } = print(options, &format, message);
    for (ours, theirs) in ours
        .split(|b| *b == b'\n')
        .zip(theirs.split(|b| *b == b'\n'))
    {
        let [ours, theirs] = [ours, theirs].map(<[u8]>::escape_ascii);
        assert_eq!(ours.to_string(), theirs.to_string(), "{message:?}");
    }
    assert!(ours == theirs);
    assert!(ours.len() > format.len() / 2, "{}", ours.escape_ascii());
}

const LAYOUTS: [&str; 19] = [
    "", "1", "3", "12", "-12", "012", "-012", "00", "05", ".0", ".", ".3", ".40", "12.3", "-12.3",
    "012.3", "-2", "300", "-07.2",
];

/// Without those whose difference is on purpose: `x`, `X`, `j`, `J`.
const LETTERS: &str = "ACDEFPRSlmpqrt%";

const PROPERTIES: [&str; 32] = [
    "-D",
    "publish",
    "content-type",
    "text/plain", //
    "-D",
    "publish",
    "correlation-data",
    "corr é", //
    "-D",
    "publish",
    "message-expiry-interval",
    "86400", //
    "-D",
    "publish",
    "payload-format-indicator",
    "1", //
    "-D",
    "publish",
    "response-topic",
    "answers/here", //
    "-D",
    "publish",
    "user-property",
    "key", //
    "first value",
    "-D",
    "publish",
    "user-property", //
    "key",
    "second",
    "-V",
    "5",
];

#[test]
fn width_and_precision_are_mosquitto_subs() {
    for version in VERSIONS {
        for qos in ["0", "1", "2"] {
            let options = ["-V", version, "-q", qos];
            let message = ["-t", "f/é/topic", "-m", "Hello, MQTT", "-q", "2"];
            assert_alike(&options, LETTERS, &LAYOUTS, &message);
        }
        let empty = ["-t", "f/a", "-n", "-V", version];
        assert_alike(&["-V", version], LETTERS, &LAYOUTS, &empty);
    }
}

#[test]
fn properties_are_mosquitto_subs() {
    let message = [&PROPERTIES[..], &["-t", "f/a", "-m", "text", "-q", "1"]].concat();
    assert_alike(&["-V", "5", "-q", "1"], LETTERS, &LAYOUTS, &message);
    // Nothing of them in 3.1.1.
    assert_alike(&["-V", "311", "-q", "1"], LETTERS, &LAYOUTS, &message);
}

#[test]
fn a_binary_payload_is_mosquitto_subs() {
    let file = NamedTempFile::new().unwrap();
    let mut bytes: Vec<u8> = (0..=255).collect();
    bytes.extend(0..=255);
    fs::write(file.path(), &bytes).unwrap();
    let message = ["-t", "f/a", "-f", file.path().to_str().unwrap()];
    let format =
        "%p|%x|%X|%10p|%-10p|%300p|%600p|%0600p|%-600p|%9x|%10x|%-11x|%010X|%512x|%513x|%l";
    let Both { ours, theirs } = print(&[], format, &message);
    assert!(ours == theirs, "{}", ours.escape_ascii());
    assert!(ours.windows(512).any(|part| part == bytes));
}

#[test]
fn a_retained_message_says_so() {
    for retained in [true, false] {
        let broker = Broker::start();
        if retained {
            publish(&broker, &["-t", "f", "-m", "x", "-r"]);
        }
        let mqsub = subscribed(&broker, &["-t", "f", "-C", "1", "-F", "%r"]);
        if !retained {
            publish(&broker, &["-t", "f", "-m", "x", "-r"]);
        }
        let expected = format!("{}\n", u8::from(retained));
        assert_eq!(mqsub.wait().assert_success().stdout_str(), expected);
    }
}

#[test]
fn escapes_and_other_text_are_mosquitto_subs() {
    let escapes = "\\\\ \\0 \\a \\e \\n \\r \\t \\v é %% @@ @% {}";
    for format in [escapes, "-5", ""] {
        for options in [&[][..], &["-N"], &["-v"]] {
            let Both { ours, theirs } = print(options, format, &["-t", "f/a", "-m", "text"]);
            let [ours, theirs] = [ours, theirs].map(|out| out.escape_ascii().to_string());
            assert_eq!(ours, theirs, "{format:?} {options:?}");
        }
    }
}

/// A port that refuses would give another code: neither has tried to connect.
#[test]
fn both_refuse_what_means_nothing() {
    let port = unused_port();
    for format in [
        "%", "%5", "a%Z", "% l", "%+l", "%--l", "%0-5l", "%..3l", "%é", "\\q", "\\", "@",
    ] {
        for tool in [mqsub(), Tool::new("mosquitto_sub")] {
            let args = ["-t", "f", "-F", format];
            tool.args(port.args()).args(args).run().assert_code(1);
        }
    }
}

/// Runs both until they have printed all of it in the same second; gives what they printed.
fn in_one_second(zone: &str, format: &str) -> [String; 2] {
    let format = format!("@s\\n{format}\\n@s");
    let start = Instant::now();
    loop {
        let both = print_at(zone, &[], &format, &["-t", "f/a", "-m", "text"]);
        let [ours, theirs] = [both.ours, both.theirs].map(|out| String::from_utf8(out).unwrap());
        let (second, ours) = ours.split_once('\n').unwrap();
        let framed = |out: &str| {
            let inner = out.strip_suffix(&format!("\n{second}\n"))?;
            Some(inner.to_owned())
        };
        let theirs = theirs.strip_prefix(&format!("{second}\n"));
        if let (Some(ours), Some(theirs)) = (framed(ours), theirs.and_then(framed)) {
            return [ours, theirs];
        }
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "never in one second"
        );
    }
}

#[test]
fn times_are_mosquitto_subs() {
    let mut format = String::new();
    for letter in "aAbBcCdDeFgGhHIjklmMnpPrRStTuUVwWxXyYzZ".chars() {
        let _ = write!(format, "{letter} [@{letter}]\\n");
    }
    format.push_str("[%I] [%30I] [%-30I] [%.10I] [%030I]");
    for zone in [
        "UTC",
        "Asia/Kolkata",
        "America/New_York",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "",
        ":Asia/Kathmandu",
        ":/usr/share/zoneinfo/Asia/Kathmandu",
        "/usr/share/zoneinfo/Australia/Lord_Howe",
        "posix/Asia/Kathmandu",
        "EST5EDT",
        "XYZ-9:30",
        "<-03>3",
        // Without a rule for the summer time that it names.
        "NZST-12NZDT",
    ] {
        let [ours, theirs] = in_one_second(zone, &format);
        assert_eq!(ours, theirs, "{zone}");
    }
}

/// The zone of the machine.
#[test]
fn without_tz_times_are_mosquitto_subs() {
    let broker = Broker::start();
    publish(&broker, &["-t", "f", "-m", "x", "-r"]);
    let run = |tool: &Tool| {
        let output = Tool::new("/usr/bin/env")
            .args(["-u", "TZ"])
            .arg(tool.path())
            .args(broker.args())
            .args(["-t", "f", "-C", "1", "-F", "@Y-@m-@d @H:@M @z @Z"])
            .run()
            .assert_success();
        assert_eq!(output.stderr_str(), "");
        output.stdout
    };
    let start = Instant::now();
    // The minute may end between both.
    while run(&mqsub()) != run(&Tool::new("mosquitto_sub")) {
        assert!(start.elapsed() < Duration::from_secs(60), "never alike");
    }
}

/// Ours: with a warning. mosquitto_sub prints UTC under the name that means nothing.
#[test]
fn a_zone_that_is_none_is_utc() {
    let broken = NamedTempFile::new().unwrap();
    fs::write(broken.path(), "TZif2").unwrap();
    let broker = Broker::start();
    publish(&broker, &["-t", "f", "-m", "x", "-r"]);
    let run = |tool: Tool, zone: &str, args: &[&str]| {
        tool.env("TZ", zone)
            .args(broker.args())
            .args(["-t", "f", "-C", "1", "-F"])
            .args(args)
            .run()
            .assert_success()
    };
    for zone in [
        "Nowhere/City",
        ":nonsense",
        "../../../etc/passwd",
        "/etc",
        broken.path().to_str().unwrap(),
    ] {
        let ours = run(mqsub(), zone, &["@z @Z"]);
        assert_eq!(ours.stdout_str(), "+0000 UTC\n");
        let warning = format!("warning: TZ={zone:?} is no time zone: times are in UTC\n");
        assert_eq!(ours.stderr_str(), warning);
        let theirs = run(Tool::new("mosquitto_sub"), zone, &["@z"]);
        assert_eq!(theirs.stdout_str(), "+0000\n");
        assert_eq!(run(mqsub(), zone, &["%j", "--quiet"]).stderr_str(), "");
        // Who prints no local time needs no zone.
        assert_eq!(run(mqsub(), zone, &["%U %p @N"]).stderr_str(), "");
    }
}

#[test]
fn the_time_of_json_has_microseconds_and_the_offset() {
    let [ours, theirs] = in_one_second("Asia/Kolkata", "%I\\n%j");
    let (time, ours) = ours.split_once('\n').unwrap();
    let tst = |text: &str| text.get(8..).unwrap().split('"').next().unwrap().to_owned();
    let ours = tst(ours);
    assert_eq!(ours.len(), "2024-05-06T21:48:00.123456+0530".len());
    assert_eq!(ours.get(..19), time.get(..19));
    assert!(
        ours.ends_with("+0530") && time.ends_with("+0530"),
        "{ours} {time}"
    );
    // Ours: without mosquitto_sub's Z, which contradicts the offset.
    let (_, theirs) = theirs.split_once('\n').unwrap();
    assert!(tst(theirs).ends_with("Z+0530"), "{theirs}");
}

#[test]
fn unix_time_and_nanoseconds_have_nine_digits() {
    let Both { ours, theirs } = print(&[], "@s %U %20.2U @N", &["-t", "f/a", "-m", "x"]);
    for out in [ours, theirs] {
        let out = String::from_utf8(out).unwrap();
        let [seconds, unix, again, nanoseconds] =
            <[&str; 4]>::try_from(out.split_whitespace().collect::<Vec<_>>()).unwrap();
        for unix in [unix, again] {
            let (whole, fraction) = unix.split_once('.').unwrap();
            let late = whole.parse::<i64>().unwrap() - seconds.parse::<i64>().unwrap();
            assert!((0..=1).contains(&late), "{out}");
            assert_eq!(fraction.len(), 9, "{out}");
        }
        assert_eq!(nanoseconds.len(), 9, "{out}");
    }
}

/// Ours: a width that has room for all digits shows them all; mosquitto_sub 2.0 halves the
/// payload, and knows no separators.
#[test]
fn hexadecimal_digits_are_not_lost_in_a_wide_field() {
    let Both { ours, theirs } = print(&[], "[%12x] [%.2x]", &["-t", "f/a", "-m", "hello"]);
    assert_eq!(ours, b"[  68656c6c6f] [68 65 6c 6c 6f]\n");
    assert_eq!(theirs, b"[        6865] [68656c6c6f]\n");
}

/// The object without its time.
#[track_caller]
fn without_time(out: &[u8]) -> String {
    let text = String::from_utf8_lossy(out).into_owned();
    let (before, rest) = text.split_once("\"tst\":").unwrap();
    let (_, after) = rest.split_once(',').unwrap();
    format!("{before}{after}")
}

/// mosquitto_sub's JSON as ours would write it: the known differences of 2.0.
fn as_ours(theirs: &str) -> String {
    theirs
        .replace("\"retain\":0", "\"retain\":false")
        .replace("\"retain\":\t0", "\"retain\":\tfalse")
}

#[test]
fn json_is_mosquitto_subs() {
    for version in VERSIONS {
        for (format, payload) in [
            (
                "%j",
                "text \"with\" \\ / \t \u{1} \u{7f} é \u{2028} and\nlines",
            ),
            ("%j", ""),
            ("%J", ""),
            (
                "%J",
                r#" { "b" : [1, 2.5, {}, [], {"x": null}], "a" : { "é" : "\u00e9\/\n" } , "e":{} } "#,
            ),
            ("%J", "true"),
            ("%J", "-12"),
        ] {
            for qos in ["0", "1"] {
                for pretty in [None, Some("--pretty")] {
                    let mut options = vec!["-V", version, "-q", qos];
                    options.extend(pretty);
                    let message = ["-t", "f/\"é", "-m", payload, "-q", "1"];
                    let Both { ours, theirs } = print(&options, format, &message);
                    let theirs = as_ours(&without_time(&theirs));
                    assert_eq!(without_time(&ours), theirs, "{options:?} {format}");
                }
            }
        }
    }
}

/// Ours: an array of user properties, as in mosquitto_sub 2.1, because keys may repeat.
#[test]
fn json_has_the_properties() {
    let message = [&PROPERTIES[..], &["-t", "f/a", "-m", "x"]].concat();
    let Both { ours, theirs } = print(&["-V", "5"], "%j", &message);
    assert_eq!(
        without_time(&ours),
        "{\"topic\":\"f/a\",\"qos\":0,\"retain\":false,\"payloadlen\":1,\"properties\":{\
         \"payload-format-indicator\":1,\"message-expiry-interval\":86400,\
         \"content-type\":\"text/plain\",\"response-topic\":\"answers/here\",\
         \"correlation-data\":\"corr é\",\
         \"user-properties\":[{\"key\":\"first value\"},{\"key\":\"second\"}]},\
         \"payload\":\"x\"}\n"
    );
    let theirs = without_time(&theirs);
    let object = "\"user-properties\":{\"key\":\"first value\",\"key\":\"second\"}";
    assert!(theirs.contains(object), "{theirs}");
}

/// Ours: mosquitto_sub cuts a payload at NUL and prints invalid UTF-8.
#[test]
fn json_is_valid_whatever_the_payload() {
    for (payload, ours_end, theirs_end) in [
        (
            &b"a\0b"[..],
            "\"payload\":\"a\\u0000b\"}\n",
            &b"\"payload\":\"a\"}\n"[..],
        ),
        (
            b"\xff",
            "\"payload\":\"/w==\",\"payload_encoding\":\"base64\"}\n",
            b"\"payload\":\"\xff\"}\n",
        ),
    ] {
        let file = NamedTempFile::new().unwrap();
        fs::write(file.path(), payload).unwrap();
        let message = ["-t", "f/a", "-f", file.path().to_str().unwrap()];
        let Both { ours, theirs } = print(&[], "%j", &message);
        assert!(
            ours.ends_with(ours_end.as_bytes()),
            "{}",
            ours.escape_ascii()
        );
        assert!(theirs.ends_with(theirs_end), "{}", theirs.escape_ascii());
    }
}

/// Ours: nothing on stdout, where mosquitto_sub prints an empty line. It is no printed message,
/// so `-C` does not count it, and its QoS 1 is acknowledged.
#[test]
fn a_payload_that_is_not_json_is_told_on_stderr_only() {
    for (option, warnings) in [(None, 1), (Some("--quiet"), 0)] {
        let broker = Broker::start();
        let tool = mqsub()
            .args(broker.args())
            .args(["-t", "f", "-q", "1", "-C", "1", "-F", "%t %J"])
            .args(option)
            .spawn();
        broker.wait_for_log("Sending SUBACK to");
        for text in ["[1,2", "[1, 2]"] {
            publish(&broker, &["-t", "f", "-m", text, "-q", "1"]);
        }
        let output = tool.wait().assert_success();
        let out = output.stdout_str();
        assert!(
            out.starts_with("f {\"tst\":") && out.ends_with("\"payload\":[1,2]}\n"),
            "{output}"
        );
        assert_eq!(out.lines().count(), 1);
        let told = "warning: a payload on the topic \"f\" is not JSON: EOF while parsing a list";
        assert_eq!(
            output.stderr_str().matches(told).count(),
            warnings,
            "{output}"
        );
        assert_eq!(output.stderr_str().lines().count(), warnings, "{output}");
        broker.wait_for_log_times("Received PUBACK from", 2);
    }
    let broker = Broker::start();
    let theirs = Tool::new("mosquitto_sub")
        .args(broker.args())
        .args(["-t", "f", "-C", "1", "-F", "%J"])
        .spawn();
    broker.wait_for_log("Sending SUBACK to");
    publish(&broker, &["-t", "f", "-m", "[1,2"]);
    assert_eq!(theirs.wait().assert_success().stdout_str(), "\n");
}

/// What a broker may send and mosquitto's would not, or not without help.
#[test]
fn subscription_identifiers_and_binary_correlation_data_arrive() {
    let broker = FakeBroker::start(|mut conn| {
        conn.expect_connect();
        conn.connack_v5(0);
        let subscribe = conn.expect_subscribe();
        conn.suback_v5(subscribe.packet_id, &[0]);
        let mut publish = Publish::new("f", "text", 0, 0);
        publish.properties = vec![0x0B, 42, 0x09];
        encode::text(&mut publish.properties, b"\0\xffdata");
        conn.publish(&publish);
        conn.hold();
    });
    let [ours, theirs] = [mqsub(), Tool::new("mosquitto_sub")].map(|tool| {
        let format = "%S|%5S|%-5S|%05S|%.1S|%D|%20D|%P|%A|%t %p";
        tool.args(broker.args())
            .args(["-V", "5", "-t", "f", "-C", "1", "-F", format])
            .run()
            .assert_success()
            .stdout
    });
    assert_eq!(
        ours.escape_ascii().to_string(),
        theirs.escape_ascii().to_string()
    );
    assert!(ours.starts_with(b"42|   42|42   |00042|42|\0\xffdata|\0\xffdata|||f text"));
    broker.finish();
}

#[test]
fn messages_that_arrive_together_bear_one_time_and_later_ones_another() {
    let broker = FakeBroker::start(|mut conn| {
        accept(&mut conn, 1);
        for ids in [1..=3, 4..=6] {
            let together: Vec<u8> = ids
                .clone()
                .flat_map(|id| Publish::new("f", "text", 1, id).encode(false))
                .collect();
            conn.send(&together);
            for id in ids {
                assert_eq!(conn.read_packet().packet_id(), id);
            }
        }
        conn.hold();
    });
    let output = mqsub()
        .args(broker.args())
        .args(["-t", "f", "-q", "1", "-C", "6", "-F", "%U"])
        .run()
        .assert_success();
    broker.finish();
    let times: Vec<_> = output.stdout_str().lines().collect();
    let (first, second) = (times[0], times[3]);
    assert_eq!(times, [first, first, first, second, second, second]);
    assert!(first < second, "{times:?}");
}

#[test]
fn a_float_can_be_read() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-t", "f", "-C", "2", "-F", "[%f] [%.1d]"]);
    let file = NamedTempFile::new().unwrap();
    for bytes in [&21.5_f32.to_ne_bytes()[..], &(-0.25_f64).to_ne_bytes()] {
        fs::write(file.path(), bytes).unwrap();
        publish(&broker, &["-t", "f", "-f", file.path().to_str().unwrap()]);
    }
    assert_eq!(
        mqsub.wait().assert_success().stdout_str(),
        "[21.500000] []\n[] [-0.2]\n"
    );
}

#[test]
fn a_wrong_format_is_a_usage_error_at_start() {
    let port = unused_port();
    for (format, cause) in [
        ("%t %Z", "%Z at character 4 is no conversion"),
        ("@Q", "@Q at character 1 is no part of a time"),
        ("\\q", "\\\\q at character 1 is no escape"),
        ("50%", "% at character 3 is incomplete"),
    ] {
        let output = mqsub()
            .args(port.args())
            .args(["-t", "f", "-F", format])
            .run()
            .assert_code(1);
        let lines: Vec<_> = output.stderr_str().lines().collect();
        assert_eq!(
            lines[0],
            format!("error: -F {format:?} is not a valid format")
        );
        assert_eq!(lines[1], format!("cause: {cause}"));
        assert!(lines[2].starts_with("hint: "), "{output}");
        assert_eq!(lines.len(), 3, "{output}");
    }
}

/// Everything that means something is in the help, which fits a screen of 100 columns.
#[test]
fn the_help_lists_the_conversions() {
    let help = mqsub()
        .env("COLUMNS", "100")
        .arg("--help")
        .run()
        .assert_success();
    let help = help.stdout_str();
    for letter in "ACDEFIJPRSUXdfjlmpqrtx%".chars() {
        assert!(help.contains(&format!("%{letter}")), "%{letter}");
    }
    for line in help.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}
