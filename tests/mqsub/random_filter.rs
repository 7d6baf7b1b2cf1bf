//! `--random-filter`: prints a share of the messages.

use harness::{Broker, Tool, mqsub, unused_port};

use crate::support::{publish_lines, subscribe, subscribed};

fn numbers(count: usize) -> Vec<String> {
    (1..=count).map(|number| number.to_string()).collect()
}

/// How many of `count` messages are printed; all of them count for `-C`.
#[track_caller]
fn printed(percent: &str, count: usize) -> usize {
    printed_by(mqsub(), percent, count)
}

#[track_caller]
fn printed_by(tool: Tool, percent: &str, count: usize) -> usize {
    let broker = Broker::builder()
        .config("max_queued_messages 0")
        .log_every_packet(false)
        .start();
    let numbers = numbers(count);
    let lines: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let session = ["-i", "me", "-c", "-t", "a", "-q", "1"];
    subscribe(&broker, &[&session[..], &["-E"]].concat()).assert_success();
    publish_lines(&broker, "a", "1", &lines);
    let output = tool
        .args(broker.args())
        .args(session)
        .args(["-C", &count.to_string(), "--random-filter", percent])
        .run()
        .assert_success();
    // In their order, each once.
    let mut rest = lines.iter();
    for line in output.stdout_str().lines() {
        assert!(rest.any(|number| *number == line), "{output}");
    }
    output.stdout_str().lines().count()
}

/// Seven standard deviations to both sides.
#[test]
fn about_so_many_are_printed() {
    let many = printed("25", 4000);
    assert!((800..1200).contains(&many), "{many} of 4000");
    let few = printed("0.5", 4000);
    assert!((1..=52).contains(&few), "{few} of 4000");
    assert_eq!(printed("100", 200), 200);
}

/// Ours: the share that was asked for. mosquitto_sub 2.0 prints a tenth of it.
#[test]
fn all_of_them_is_all() {
    assert_eq!(printed("100", 1000), 1000);
    let theirs = printed_by(Tool::new("mosquitto_sub"), "100", 1000);
    assert!((30..300).contains(&theirs), "{theirs} of 1000");
}

/// Two runs do not print the same ones.
#[test]
fn chance_is_another_each_time() {
    let run = || {
        let broker = Broker::start();
        let mqsub = subscribed(&broker, &["-t", "a", "-C", "64", "--random-filter", "50"]);
        let numbers = numbers(64);
        let lines: Vec<&str> = numbers.iter().map(String::as_str).collect();
        publish_lines(&broker, "a", "0", &lines);
        mqsub.wait().assert_success().stdout
    };
    assert!(run() != run());
}

#[test]
fn both_refuse_what_is_no_percentage() {
    let port = unused_port();
    for percent in ["0", "0.09", "-1", "x", ""] {
        for tool in [mqsub(), Tool::new("mosquitto_sub")] {
            let args = ["-t", "a", "--random-filter", percent];
            tool.args(port.args()).args(args).run().assert_code(1);
        }
    }
    // Ours: mosquitto_sub takes more than all as all.
    for percent in ["100.1", "nan", "inf"] {
        let output = mqsub()
            .args(port.args())
            .args(["-t", "a", "--random-filter", percent])
            .run()
            .assert_code(1);
        assert!(
            output.stderr_str().contains("0.1 to 100 percent"),
            "{output}"
        );
    }
}
