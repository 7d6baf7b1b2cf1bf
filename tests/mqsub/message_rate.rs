//! `--message-rate`: a number each second.

use std::time::{Duration, Instant};

use harness::{Broker, mqsub, unused_port};

use crate::support::{VERSIONS, publish, publish_lines, subscribed, terminate};

fn numbers(text: &str) -> Vec<u64> {
    text.split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
        .map(|line| line.parse().unwrap())
        .collect()
}

#[test]
fn there_is_a_line_each_second() {
    let broker = Broker::start();
    for version in VERSIONS {
        let start = Instant::now();
        let mqsub = subscribed(&broker, &["-t", "a", "--message-rate", "-V", version]);
        mqsub.wait_for_stdout("0\n0\n0\n");
        let lines = mqsub.stdout_so_far().lines().count();
        assert!(start.elapsed() >= Duration::from_secs(lines.try_into().unwrap()));
        let output = terminate(mqsub);
        assert_eq!(output.stdout_str().replace("0\n", ""), "");
    }
}

#[test]
fn the_numbers_add_up() {
    let broker = Broker::builder().config("max_queued_messages 0").start();
    for version in VERSIONS {
        let options = ["-t", "a/+", "-T", "a/no", "-q", "1", "--message-rate", "-v"];
        let mqsub = subscribed(&broker, &[&options[..], &["-V", version]].concat());
        let lines: Vec<String> = (0..500).map(|n| n.to_string()).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        publish_lines(&broker, "a/yes", "1", &lines);
        publish_lines(&broker, "a/no", "1", &lines);
        publish(&broker, &["-t", "a/yes", "-n"]);
        mqsub.wait_for_stdout(|text: &str| numbers(text).iter().sum::<u64>() == 501);
        // What comes afterwards is zeros.
        let so_far = mqsub.stdout_so_far();
        mqsub.wait_for_stdout(|text: &str| text.len() > so_far.len());
        let output = terminate(mqsub);
        assert_eq!(numbers(output.stdout_str()).iter().sum::<u64>(), 501);
    }
}

/// What came in a second that was not over is told at the end.
#[test]
fn the_last_second_is_not_forgotten() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-t", "a", "-C", "3", "--message-rate"]);
    publish_lines(&broker, "a", "0", &["1", "2", "3", "4"]);
    let output = mqsub.wait().assert_success();
    let numbers = numbers(output.stdout_str());
    assert_eq!(numbers.iter().sum::<u64>(), 3, "{output}");
    assert_ne!(*numbers.last().unwrap(), 0, "{output}");
}

#[test]
fn it_goes_without_messages() {
    let port = unused_port();
    for other in [&["-w"][..], &["-F", "%p"]] {
        let output = mqsub()
            .args(port.args())
            .args(["-t", "a", "--message-rate"])
            .args(other)
            .run()
            .assert_code(1);
        assert!(output.stderr_str().starts_with("error: "), "{output}");
    }
}
