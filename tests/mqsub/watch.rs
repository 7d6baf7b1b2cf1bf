//! `-w` on a real pseudo terminal, seen through a terminal emulator.

use std::fs;

use harness::{Broker, Pty, Tool, mqsub, unused_port};
use vt100::Parser;

use crate::support::{VERSIONS, publish};

/// The window of [`Pty`].
const LINES: u16 = 24;
const COLUMNS: u16 = 100;

fn watching(broker: &Broker, args: &[&str]) -> Pty {
    let pty = mqsub()
        .args(broker.args())
        .args(["-i", "me", "-w"])
        .args(args)
        .run_on_pty();
    broker.wait_for_log("Sending SUBACK to me");
    pty
}

/// What the terminal shows, after everything that was written to it.
fn emulate(written: &str) -> Parser {
    let mut parser = Parser::new(LINES, COLUMNS, 0);
    parser.process(written.as_bytes());
    parser
}

/// The columns in front of a message, if they are there: age and rate.
fn columns(line: &str) -> Option<(&str, &str)> {
    let columns = line.get(..14).filter(|columns| columns.is_ascii())?;
    let (age, rate) = (columns[..4].trim(), columns[4..].trim());
    let is_number = |text: &str, units: [char; 4]| {
        let number = text.strip_suffix(units)?;
        number.trim_end_matches('/').parse::<f64>().ok()
    };
    is_number(age, ['s', 'm', 'h', 'd'])?;
    if !rate.is_empty() {
        is_number(rate, ['s', 'm', 'm', 'm'])?;
    }
    columns.ends_with("  ").then_some((age, rate))
}

/// Its lines, without these columns, and without the empty ones at the end.
fn lines(parser: &Parser) -> Vec<String> {
    let mut lines: Vec<_> = parser
        .screen()
        .rows(0, COLUMNS)
        .map(|line| {
            let from = columns(&line).map_or(0, |_| 14);
            line[from..].trim_end().to_owned()
        })
        .collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// Waits until the last picture alone has these lines and no other: those before it may have
/// been drawn for another window.
#[track_caller]
fn expect_picture(pty: &Pty, expected: &[&str]) {
    pty.wait_for(|written: &str| {
        let Some((before, _)) = written.rsplit_once("\x1b[?2026l") else {
            return false;
        };
        let (_, picture) = before.rsplit_once("\x1b[?2026h").unwrap();
        lines(&emulate(picture)) == expected
    });
}

#[track_caller]
fn expect(pty: &Pty, expected: &[&str]) {
    pty.wait_for(|written: &str| lines(&emulate(written)) == expected);
}

/// The terminal is as it was before, with these lines left on it.
#[track_caller]
fn assert_given_back(pty: &Pty, left: &[&str]) {
    let parser = emulate(&pty.screen());
    assert!(!parser.screen().alternate_screen());
    assert!(!parser.screen().hide_cursor());
    assert!(pty.screen().contains("\x1b[?7h"));
    assert!(pty.echo_is_on());
    assert_eq!(lines(&parser), left);
}

#[test]
fn each_topic_has_its_line() {
    let broker = Broker::start();
    for version in VERSIONS {
        let broker = Broker::start();
        let pty = watching(&broker, &["-t", "#", "-V", version]);
        publish(&broker, &["-t", "a", "-m", "first"]);
        publish(&broker, &["-t", "b/b", "-m", "a rather long text"]);
        publish(&broker, &["-t", "c", "-m", "x"]);
        expect(&pty, &["a first", "b/b a rather long text", "c x"]);
        publish(&broker, &["-t", "b/b", "-m", "short"]);
        publish(&broker, &["-t", "a", "-n"]);
        expect(&pty, &["a (null)", "b/b short", "c x"]);
        let parser = emulate(&pty.screen());
        assert!(parser.screen().alternate_screen());
        assert!(parser.screen().hide_cursor());
        assert!(!pty.echo_is_on());
    }
    // A message that is not printed is not shown either.
    let pty = watching(&broker, &["-t", "#", "-T", "no", "-C", "1", "-q", "1"]);
    publish(&broker, &["-t", "no", "-m", "hidden"]);
    publish(&broker, &["-t", "yes", "-m", "shown", "-q", "1"]);
    assert_eq!(pty.wait(), 0);
    assert_given_back(&pty, &["yes shown"]);
    broker.wait_for_log("Received PUBACK from me");
}

/// In front of each message, unless -F says what a line is.
#[test]
fn age_and_rate_are_shown_and_go_on() {
    let broker = Broker::start();
    let pty = watching(&broker, &["-t", "#"]);
    publish(&broker, &["-t", "a", "-m", "once"]);
    publish(&broker, &["-t", "b", "-m", "1"]);
    publish(&broker, &["-t", "b", "-m", "twice"]);
    let rows = |written: &str| -> Vec<String> {
        let parser = emulate(written);
        parser.screen().rows(0, COLUMNS).take(3).collect()
    };
    pty.wait_for(|written: &str| {
        let rows = rows(written);
        let is_old = |row: &str| columns(row).is_some_and(|(age, _)| age != "0s");
        let has_rate = |row: &str| columns(row).is_some_and(|(_, rate)| !rate.is_empty());
        // Without another message.
        is_old(&rows[0]) && is_old(&rows[1]) && !has_rate(&rows[0]) && has_rate(&rows[1])
    });
    let rows = rows(&pty.screen());
    assert!(
        rows[0].ends_with("  a once") && rows[1].ends_with("  b twice"),
        "{rows:?}"
    );
}

#[test]
fn names_may_give_the_order() {
    for (order, expected) in [
        ("name", ["a 2", "b 3", "c 1"]),
        ("arrival", ["c 1", "a 2", "b 3"]),
    ] {
        let broker = Broker::start();
        let pty = watching(&broker, &["-t", "+", "--watch-sort", order, "-C", "3"]);
        for (topic, text) in [("c", "1"), ("a", "2"), ("b", "3")] {
            publish(&broker, &["-t", topic, "-m", text]);
        }
        assert_eq!(pty.wait(), 0);
        assert_given_back(&pty, &expected);
    }
    mqsub()
        .args(unused_port().args())
        .args(["-t", "a", "--watch-sort", "name"])
        .run()
        .assert_code(1);
}

#[test]
fn a_stopped_terminal_does_not_hold_up_the_connection() {
    let broker = Broker::start();
    let pty = watching(&broker, &["-t", "a", "-k", "5"]);
    publish(&broker, &["-t", "a", "-m", "first"]);
    expect_picture(&pty, &["a first"]);
    pty.send_control_s();
    publish(&broker, &["-t", "a", "-m", "second"]);
    broker.wait_for_log_times("Received PINGREQ from me", 2);
    assert!(!pty.screen().contains("second"));
    pty.send_control_q();
    expect_picture(&pty, &["a second"]);
}

/// What is typed is not shown.
fn typed_and_interrupted(pty: &Pty, _: &Broker) {
    pty.send_line("typed");
    pty.send_control_c();
}

#[test]
fn the_terminal_is_given_back() {
    type Stop = fn(&Pty, &Broker);
    let stops: [(Stop, i32, &str); 4] = [
        (typed_and_interrupted, 0, ""),
        (|pty, _| pty.terminate(), 0, ""),
        (|pty, _| pty.hang_up(), 0, ""),
        (|_, broker| broker.kill(), 7, "error: "),
    ];
    for (stop, code, error) in stops {
        let broker = Broker::start();
        let pty = watching(&broker, &["-t", "a", "--retry", "0"]);
        publish(&broker, &["-t", "a", "-m", "text"]);
        expect(&pty, &["a text"]);
        stop(&pty, &broker);
        assert_eq!(pty.wait(), code);
        assert!(!pty.screen().contains("typed"));
        let shown = lines(&emulate(&pty.screen()));
        let (first, rest) = shown.split_first().unwrap();
        // The terminal shows Ctrl-C itself while it echoes.
        assert_eq!(first, "a text");
        assert_eq!(
            rest.first().is_some_and(|l| l.starts_with("error: ")),
            !error.is_empty()
        );
        let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
        assert_given_back(&pty, &shown);
    }
}

#[test]
fn the_end_of_the_time_gives_it_back_too() {
    let broker = Broker::start();
    publish(&broker, &["-t", "a", "-m", "text", "-r"]);
    // A busy machine may need all of a short time to connect.
    for seconds in ["2", "8", "32"] {
        let pty = mqsub()
            .args(broker.args())
            .args(["-w", "-t", "a", "-W", seconds])
            .run_on_pty();
        assert_eq!(pty.wait(), 27);
        if !lines(&emulate(&pty.screen())).is_empty() {
            assert_given_back(&pty, &["a text"]);
            return;
        }
    }
    panic!("no message within 32 s");
}

/// Without a connection there is nothing to show, and the terminal is left alone.
#[test]
fn an_error_before_is_told_on_the_ordinary_screen() {
    let port = unused_port();
    let pty = mqsub()
        .args(port.args())
        .args(["-w", "-t", "a"])
        .run_on_pty();
    assert_eq!(pty.wait(), 14);
    assert!(pty.screen().starts_with("error: "));
    assert!(!pty.screen().contains('\x1b'));
}

#[test]
fn any_size_will_do() {
    let broker = Broker::start();
    let pty = watching(&broker, &["-t", "+"]);
    for topic in ["a", "b", "c", "d", "e"] {
        publish(&broker, &["-t", topic, "-m", "0123456789"]);
    }
    let all = ["a", "b", "c", "d", "e"].map(|topic| format!("{topic} 0123456789"));
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    expect(&pty, &all);
    pty.resize(5, 12);
    expect_picture(&pty, &all);
    pty.resize(4, 11);
    let cut = ["c 01234567…", "d 01234567…", "e 01234567…", "2 more top…"];
    expect_picture(&pty, &cut);
    // The line of the one that was silent for longest.
    publish(&broker, &["-t", "a", "-m", "new"]);
    let newer = ["a new", "d 01234567…", "e 01234567…", "2 more top…"];
    expect_picture(&pty, &newer);
    pty.resize(1, 5);
    expect_picture(&pty, &["a new"]);
    pty.resize(2, 3);
    expect_picture(&pty, &["a …", "4 …"]);
    pty.resize(1, 1);
    expect_picture(&pty, &["…"]);
    pty.resize(LINES, COLUMNS);
    let all = ["a new", all[1], all[2], all[3], all[4]];
    expect(&pty, &all);
    pty.send_control_c();
    assert_eq!(pty.wait(), 0);
    assert_given_back(&pty, &all);
}

#[test]
fn what_would_move_the_cursor_is_shown_instead() {
    let broker = Broker::start();
    let pty = watching(&broker, &["-t", "#", "-F", "%t %p"]);
    publish(&broker, &["-t", "a", "-m", "1\x1b[2J2\r\n3\t4\x07"]);
    publish(&broker, &["-t", "b", "-m", &"日本".repeat(60)]);
    publish(&broker, &["-t", "c", "-m", &"x".repeat(100_000)]);
    publish(&broker, &["-t", "d", "-m", "last"]);
    let wide: String = "日本".chars().cycle().take(48).collect();
    let wide = format!("b {wide}…");
    let long = format!("c {}…", "x".repeat(97));
    expect(&pty, &["a 1␛[2J2␍␊3 4␇", &wide, &long, "d last"]);
}

#[test]
fn a_format_gives_the_line() {
    for (options, expected) in [
        (&["-F", "%q %-6t|%p|"][..], "0 a     |text|"),
        (&["-F", "%p\\nmore", "-N"], "text␊more"),
        (&["-v"], "a text"),
        (&["-N"], "a text"),
    ] {
        let broker = Broker::start();
        let pty = watching(&broker, &[&["-t", "a", "-C", "1"], options].concat());
        publish(&broker, &["-t", "a", "-m", "text"]);
        assert_eq!(pty.wait(), 0);
        assert_given_back(&pty, &[expected]);
    }
    let broker = Broker::start();
    let pty = watching(&broker, &["-t", "a", "-F", "%J", "--pretty"]);
    publish(&broker, &["-t", "a", "-m", "no json"]);
    publish(&broker, &["-t", "a", "-m", "{\"x\":1}"]);
    pty.wait_for(|written: &str| {
        let lines = lines(&emulate(written));
        lines.len() == 1 && lines[0].starts_with("{␊ \"tst\": ") && lines[0].ends_with('…')
    });
}

/// Ctrl-Z gives the terminal to the shell, and `fg` takes it again.
#[test]
fn it_can_be_suspended() {
    let broker = Broker::start();
    let pty = watching(&broker, &["-t", "#"]);
    publish(&broker, &["-t", "a", "-m", "text"]);
    expect(&pty, &["a text"]);
    pty.send_control_z();
    let stat = format!("/proc/{}/stat", pty.pid());
    pty.wait_for(|written: &str| !emulate(written).screen().alternate_screen());
    while !fs::read_to_string(&stat).unwrap().contains(") T ") {
        std::thread::yield_now();
    }
    let parser = emulate(&pty.screen());
    assert!(!parser.screen().hide_cursor());
    assert!(pty.echo_is_on());
    publish(&broker, &["-t", "b", "-m", "meanwhile"]);
    pty.resume();
    expect(&pty, &["a text", "b meanwhile"]);
    let parser = emulate(&pty.screen());
    assert!(parser.screen().alternate_screen());
    assert!(parser.screen().hide_cursor());
    assert!(!pty.echo_is_on());
    pty.send_control_c();
    assert_eq!(pty.wait(), 0);
    assert_given_back(&pty, &["a text", "b meanwhile"]);
}

/// More than can be read is not drawn one by one.
#[test]
fn the_last_of_many_is_shown() {
    let broker = Broker::builder().config("max_queued_messages 0").start();
    let pty = watching(&broker, &["-t", "a"]);
    Tool::new("mosquitto_pub")
        .args(broker.args())
        .args(["-t", "a", "-l"])
        .stdin((1..=5000).map(|n| format!("{n}\n")).collect::<String>())
        .run()
        .assert_success();
    expect(&pty, &["a 5000"]);
    let pictures = pty.screen().matches("\x1b[?2026h").count();
    assert!(pictures < 2500, "{pictures} pictures");
}

#[test]
fn it_needs_a_terminal() {
    let port = unused_port();
    let output = mqsub()
        .args(port.args())
        .args(["-w", "-t", "a"])
        .run()
        .assert_code(1);
    assert_eq!(
        output.stderr_str(),
        "error: -w needs a terminal, and standard output is none\n\
         hint: without -w each message is printed on a line of its own\n"
    );
    let pty = mqsub()
        .args(port.args())
        .args(["--watch", "-t", "a"])
        .env("TERM", "dumb")
        .run_on_pty();
    assert_eq!(pty.wait(), 1);
    assert!(pty.screen().starts_with("error: -w cannot draw"));
}

#[test]
fn debug_lines_are_printed_once_the_terminal_is_given_back() {
    let broker = Broker::start();
    let pty = watching(&broker, &["-d", "-t", "a", "-C", "1"]);
    publish(&broker, &["-t", "a", "-m", "x"]);
    assert_eq!(pty.wait(), 0, "{}", pty.screen());
    let shown = lines(&emulate(&pty.screen()));
    let debugged = |what: &str| {
        let is_it = |line: &String| line.starts_with("debug: ") && line.contains(what);
        assert!(shown.iter().any(is_it), "no {what} in {shown:#?}");
    };
    debugged("SUBACK");
    debugged("PUBLISH");
    assert!(shown.contains(&"a x".to_owned()), "{shown:#?}");
}

/// The warning is kept back until the end, and the picture alone would look alive.
#[test]
fn a_lost_connection_is_shown() {
    let mut broker = Broker::start();
    let pty = watching(&broker, &["-t", "a"]);
    publish(&broker, &["-t", "a", "-m", "before"]);
    expect(&pty, &["a before"]);
    broker.kill();
    let mut picture = vec![""; usize::from(LINES)];
    picture[0] = "a before";
    picture[usize::from(LINES) - 1] = "connection lost, trying again";
    expect(&pty, &picture);
    broker.restart();
    broker.wait_for_log_times("Sending SUBACK to me", 2);
    publish(&broker, &["-t", "a", "-m", "after"]);
    expect(&pty, &["a after"]);
}
