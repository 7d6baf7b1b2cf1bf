//! `--stats`: what came, counted.

use harness::{Broker, Tool, mqsub};

use crate::support::{VERSIONS, publish, publish_lines, subscribed};

/// The lines of the table, without the rates, which differ from run to run.
fn table(stderr: &str) -> Vec<String> {
    let (_, table) = stderr.split_once("  topic\n").unwrap();
    let row = |line: &str| {
        let mut cells: Vec<_> = line.split_whitespace().collect();
        let rate: f64 = cells.remove(2).parse().unwrap();
        assert!(rate >= 0.0);
        cells.join(" ")
    };
    table.lines().map(row).collect()
}

#[test]
fn messages_bytes_topics_and_gaps_are_counted() {
    let broker = Broker::start();
    for version in VERSIONS {
        let options = ["-V", version, "-t", "#", "-T", "no", "-C", "8", "--stats"];
        let mqsub = subscribed(&broker, &options);
        publish_lines(&broker, "numbers", "1", &["1", "2", "3 x", "7", "7"]);
        publish(&broker, &["-t", "no", "-m", "filtered out"]);
        publish_lines(&broker, "a/b c", "0", &["21.5", "text"]);
        publish(&broker, &["-t", "b", "-n"]);
        let output = mqsub.wait().assert_success();
        assert_eq!(output.stdout_str(), "1\n2\n3 x\n7\n7\n21.5\ntext\n");
        let stderr = output.stderr_str();
        assert!(
            stderr.contains("\nstats: 8 messages, 15 B, 3 topics in "),
            "{output}"
        );
        let gaps = "\nstats: of the numbered messages 3 are missing, 1 came again or late\n";
        assert!(stderr.contains(gaps), "{output}");
        assert_eq!(
            table(stderr),
            ["5 7 3 1 numbers", "2 8 - - a/b c", "1 0 - - b"]
        );
    }
}

/// It is there however the run ends, and it is what was asked for.
#[test]
fn a_signal_and_quiet_do_not_hide_it() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-t", "a", "--stats", "--quiet"]);
    publish(&broker, &["-t", "a", "-m", "text"]);
    mqsub.wait_for_stdout("text\n");
    mqsub.interrupt();
    let output = mqsub.wait().assert_success();
    assert!(
        output
            .stderr_str()
            .contains("stats: 1 message, 4 B, 1 topic in "),
        "{output}"
    );
}

/// The names of topics come from others.
#[test]
fn a_topic_gives_the_terminal_no_command() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-t", "#", "--stats", "-C", "1"]);
    publish(&broker, &["-t", "a\u{202e}b", "-m", "text"]);
    let output = mqsub.wait().assert_success();
    assert!(output.stderr_str().contains("  a\\u{202e}b\n"), "{output}");
}

/// The lines of the last picture without the empty ones, and whether it is on the alternate screen.
/// Those before it may have been drawn for another window.
fn picture(written: &str) -> (Vec<String>, bool) {
    let (before, _) = written.rsplit_once("\x1b[?2026l").unwrap_or_default();
    let (_, last) = before.rsplit_once("\x1b[?2026h").unwrap_or_default();
    let mut parser = vt100::Parser::new(24, 100, 0);
    parser.process(last.as_bytes());
    let rows = parser.screen().rows(0, 100);
    let rows = rows.map(|row| row.trim_end().to_owned());
    let is_alternate = written.rfind("\x1b[?1049h") > written.rfind("\x1b[?1049l");
    (rows.filter(|row| !row.is_empty()).collect(), is_alternate)
}

/// On a terminal where nothing else is printed, the table goes on.
#[test]
fn a_terminal_shows_the_table_live() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let pty = mqsub()
        .args(broker.args())
        .args(["-i", "me", "-t", "#", "--stats", "--save-dir", path])
        .run_on_pty();
    broker.wait_for_log("Sending SUBACK to me");
    publish(&broker, &["-t", "a/b", "-m", "text"]);
    publish_lines(&broker, "numbers", "0", &["1", "4"]);
    pty.wait_for(|screen| {
        let (rows, is_alternate) = picture(screen);
        let words = |row: usize| -> Vec<String> {
            let row = rows.get(row).map_or("", String::as_str);
            row.split_whitespace().map(str::to_owned).collect()
        };
        is_alternate
            && rows.len() == 6
            && rows[0].starts_with("now: ")
            && rows[1].starts_with("stats: 3 messages, 6 B, 2 topics in ")
            && rows[2] == "stats: of the numbered messages 2 are missing, 0 came again or late"
            && words(3).last().is_some_and(|word| word == "topic")
            && words(4).last().is_some_and(|word| word == "numbers")
            && words(5).last().is_some_and(|word| word == "a/b")
    });
    // A smaller window shows less, and says so.
    pty.resize(5, 30);
    pty.wait_for(|screen| {
        let (rows, _) = picture(screen);
        rows.len() == 5
            && rows[1] == "stats: 3 messages, 6 B, 2 top…"
            && rows[4] == "and 2 topics with fewer messa…"
    });
    pty.resize(1, 12);
    pty.wait_for(|screen| {
        let (rows, _) = picture(screen);
        rows.len() == 1 && rows[0].starts_with("now: ") && rows[0].chars().count() <= 12
    });
    pty.terminate();
    assert_eq!(pty.wait(), 0);
    // The terminal is given back, and the table stays on it.
    let screen = pty.screen();
    let (_, after) = screen.rsplit_once("\x1b[?1049l").unwrap();
    assert!(
        after.starts_with("stats: 3 messages, 6 B, 2 topics in "),
        "{after:?}"
    );
    assert!(screen.contains("\x1b[?25h") && screen.contains("\x1b[?7h"));
    assert!(pty.echo_is_on());
}

/// Whoever is stopped gives the terminal back, and takes it again.
#[test]
fn control_z_gives_the_terminal_back() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let pty = mqsub()
        .args(broker.args())
        .args(["-i", "me", "-t", "#", "--stats", "--save-dir", path])
        .run_on_pty();
    broker.wait_for_log("Sending SUBACK to me");
    pty.wait_for(|screen| screen.contains("stats: 0 messages"));
    pty.suspend();
    pty.wait_for(|screen| screen.ends_with("\x1b[?1049l"));
    let stat = format!("/proc/{}/stat", pty.pid());
    while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
        std::thread::yield_now();
    }
    assert!(pty.echo_is_on());
    pty.resume();
    pty.wait_for(|screen| picture(screen).1);
    publish(&broker, &["-t", "a", "-m", "text"]);
    pty.wait_for(|screen| screen.contains("stats: 1 message, "));
    pty.terminate();
    assert_eq!(pty.wait(), 0);
}

/// A job in the background neither draws nor is stopped because it tries to.
#[test]
fn in_the_background_nothing_is_drawn() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let pty = Tool::new("/bin/sh")
        .args(["-c", "set -m; \"$0\" \"$@\" & wait $!"])
        .arg(mqsub().path())
        .args(broker.args())
        .args(["-i", "me", "-t", "#", "--stats", "-C", "1", "--save-dir"])
        .arg(folder.path())
        .run_on_pty();
    broker.wait_for_log("Sending SUBACK to me");
    publish(&broker, &["-t", "a", "-m", "text"]);
    assert_eq!(pty.wait(), 0);
    let screen = pty.screen();
    assert!(screen.contains("stats: 1 message, 4 B, "), "{screen}");
    assert!(!screen.contains("\x1b[?1049h"), "{screen}");
}

/// Commands may write on the terminal: a line makes room for them.
#[test]
fn beside_commands_there_is_a_line() {
    let broker = Broker::start();
    let pty = mqsub()
        .args(broker.args())
        .args(["-i", "me", "-t", "#", "--stats", "--exec", "cat"])
        .run_on_pty();
    broker.wait_for_log("Sending SUBACK to me");
    publish(&broker, &["-t", "a", "-m", "text"]);
    publish(&broker, &["-t", "b", "-m", "text"]);
    pty.wait_for(|screen| screen.contains("\r\x1b[K2 messages, 8 B, 2 topics, "));
    pty.terminate();
    assert_eq!(pty.wait(), 0);
    // The line is gone, the table stays.
    assert!(
        pty.screen()
            .contains("\r\x1b[Kstats: 2 messages, 8 B, 2 topics in ")
    );
}

/// Where messages are printed, they are not torn by it.
#[test]
fn a_terminal_with_messages_shows_it_at_the_end_only() {
    let broker = Broker::start();
    publish(&broker, &["-t", "a", "-m", "text", "-r"]);
    let pty = mqsub()
        .args(broker.args())
        .args(["-t", "a", "--stats", "-C", "1"])
        .run_on_pty();
    assert_eq!(pty.wait(), 0);
    assert!(
        pty.screen().starts_with("text\r\nstats: 1 message, "),
        "{}",
        pty.screen()
    );
    assert!(!pty.screen().contains("\x1b[K"));
}
