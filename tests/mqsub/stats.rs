//! `--stats`: what came, counted.

use harness::{Broker, mqsub};

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

/// On a terminal where nothing else is printed, a line tells how it goes.
#[test]
fn a_terminal_shows_it_live() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let pty = mqsub()
        .args(broker.args())
        .args(["-i", "me", "-t", "#", "--stats", "--save-dir", path])
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
