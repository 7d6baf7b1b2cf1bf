//! Options that are given together, beside mosquitto_sub, which is run with the same ones.

use std::time::{Duration, Instant};

use harness::{Broker, FakeBroker, Tool, mqsub};

use crate::support::{VERSIONS, publish, publish_lines, subscribe, subscribed, terminate};

/// Both print the same and end with the same code, for each set of options.
#[track_caller]
fn assert_alike(broker: &Broker, always: &[&str], cases: &[(&[&str], i32, &str)]) {
    let start =
        |tool: Tool, options: &[&str]| tool.args(broker.args()).args(always).args(options).spawn();
    // At the same time, because some take theirs.
    let running: Vec<_> = cases
        .iter()
        .flat_map(|case| {
            let both = [mqsub(), Tool::new("mosquitto_sub")];
            both.map(|tool| (start(tool, case.0), case))
        })
        .collect();
    for (tool, (_, code, printed)) in running {
        let output = tool.wait().assert_code(*code);
        assert_eq!(output.stdout_str(), *printed, "{output}");
    }
}

#[test]
fn what_is_printed_is_mosquitto_subs() {
    let broker = Broker::start();
    publish(&broker, &["-t", "a/b", "-m", "text", "-r"]);
    let cases: [(&[&str], i32, &str); 9] = [
        (&["-N"], 0, "text"),
        (&["-N", "-v"], 0, "a/b text"),
        (&["-N", "-F", "%p|"], 0, "text|"),
        // The format wins.
        (&["-v", "-F", "%p|"], 0, "text|\n"),
        (&["-v", "-F", ""], 0, "\n"),
        // Without JSON there is nothing to indent.
        (&["--pretty"], 0, "text\n"),
        (&["--pretty", "-v"], 0, "a/b text\n"),
        (&["-t", "x", "-q", "2"], 0, "text\n"),
        (&["-T", "x", "-T", "a", "-T", "a/b/c"], 0, "text\n"),
    ];
    assert_alike(&broker, &["-t", "a/b", "-C", "1"], &cases);
    // A shared subscription is a subscription.
    publish(&broker, &["-t", "a/b", "-n", "-r"]);
    for version in VERSIONS {
        let group = ["-V", version, "-t", "$share/group/a/b"];
        let both = [0, 1].map(|_| subscribed(&broker, &group));
        publish_lines(&broker, "a/b", "1", &["1", "2", "3", "4"]);
        let printed = || -> usize {
            let lines = both.iter().map(|one| one.stdout_so_far().lines().count());
            lines.sum()
        };
        let start = Instant::now();
        while printed() < 4 && start.elapsed() < Duration::from_secs(60) {
            std::thread::yield_now();
        }
        let lines = both.map(|one| terminate(one).stdout_str().to_owned());
        let mut lines: Vec<_> = lines.iter().flat_map(|text| text.lines()).collect();
        lines.sort_unstable();
        assert_eq!(lines, ["1", "2", "3", "4"]);
    }
}

#[test]
fn how_it_ends_is_mosquitto_subs() {
    let broker = Broker::start();
    publish(&broker, &["-t", "a/b", "-m", "text", "-r"]);
    let cases: [(&[&str], i32, &str); 7] = [
        (&["-t", "a/b", "--retained-only"], 27, "text\n"),
        (&["-t", "a/b", "--retained-only", "-C", "2"], 27, "text\n"),
        (&["-t", "a/b", "--retained-only", "-C", "1"], 0, "text\n"),
        (&["-t", "a/b", "-T", "a/+", "-C", "1"], 27, ""),
        (&["-t", "a/b", "-R", "-C", "1"], 27, ""),
        (&["-t", "other", "-E"], 0, ""),
        (&["-t", "other", "-U", "a/b", "-E"], 0, ""),
    ];
    assert_alike(&broker, &["-W", "30"], &cases);
}

/// Both refuse them before they connect.
#[test]
fn what_does_not_go_together_is_refused() {
    let port = harness::unused_port();
    for options in [
        &["-R", "--retained-only"][..],
        &["-i", "me", "-I", "prefix"],
        &["-c"],
        &["-C", "0"],
        &["-W", "0"],
        &["--will-payload", "text"],
        &["--will-retain"],
        &["-T", "a/#/b"],
        &["-U", "a+"],
    ] {
        for tool in [mqsub(), Tool::new("mosquitto_sub")] {
            tool.args(port.args())
                .args(["-t", "a"])
                .args(options)
                .run()
                .assert_code(1);
        }
    }
}

/// Ours: mosquitto_sub wants a Topic Filter to subscribe to.
#[test]
fn unsubscribing_alone_keeps_running() {
    let broker = Broker::start();
    for version in VERSIONS {
        let tool = mqsub()
            .args(broker.args())
            .args(["-V", version, "-i", version, "-U", "a", "-d"])
            .spawn();
        tool.wait_for_stderr("received UNSUBACK");
        assert!(tool.is_running());
        assert!(!terminate(tool).stderr_str().contains("SUBSCRIBE (m2"));
        broker.wait_for_log(&format!("Received DISCONNECT from {version}"));
    }
    Tool::new("mosquitto_sub")
        .args(broker.args())
        .args(["-U", "a"])
        .run()
        .assert_code(1);
}

/// Whoever stops it leaves the subscriptions of a kept session as they are.
#[test]
fn signals_unsubscribe_nothing() {
    let broker = Broker::start();
    for version in VERSIONS {
        let session = ["-V", version, "-i", version, "-c", "-q", "1", "-t", "a"];
        for interrupt in [true, false] {
            let mqsub = subscribed(&broker, &session);
            if interrupt {
                mqsub.interrupt();
            } else {
                mqsub.terminate();
            }
            let output = mqsub.wait().assert_success();
            assert!(!output.stderr_str().contains("UNSUBSCRIBE"), "{output}");
            assert!(
                output.stderr_str().contains("sending DISCONNECT"),
                "{output}"
            );
            publish(&broker, &["-t", "a", "-q", "1", "-m", "meanwhile"]);
            let next = subscribe(&broker, &[&session[..], &["-C", "1"]].concat());
            assert_eq!(next.assert_success().stdout_str(), "meanwhile\n");
        }
    }
}

#[test]
fn a_subscription_over_the_brokers_maximum_ends_with_25() {
    for option in ["-t", "-U"] {
        let broker = FakeBroker::start(|mut conn| {
            conn.expect_connect();
            // Maximum Packet Size: 30 bytes.
            conn.connack_v5_with(false, 0, &[0x27, 0, 0, 0, 30]);
            conn.expect_disconnect();
            conn.expect_close();
        });
        let output = mqsub()
            .args(broker.args())
            .args(["-V", "5", option, &"x".repeat(30)])
            .run()
            .assert_code(25);
        let stderr = output.stderr_str();
        assert!(stderr.starts_with("error: cannot "), "{output}");
        assert!(stderr.contains("the broker takes 30\n"), "{output}");
        broker.finish();
    }
}
