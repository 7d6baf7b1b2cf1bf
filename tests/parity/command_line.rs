//! How command lines are read: order, repetition, values that look like options, mistakes.

use harness::{Tool, mqpub, mqsub};

use crate::support::{
    BOTH, Stage, VERSIONS, accepts, both_send, expect, printed, published, publisher, refuses,
    sent, subscriber,
};

#[test]
fn the_last_of_a_repeated_option_wins() {
    for sent in both_send(&["-i", "a", "-k", "10", "-i", "b", "-k", "20"]) {
        assert_eq!(sent.connect.client_id, "b");
        assert_eq!(sent.connect.keep_alive, 20);
    }
    let args = ["-t", "a", "-q", "1", "-t", "b", "-m", "one", "-q", "0"];
    assert_eq!(published(&args), ["b q0 one"]);
}

/// Ours: superset. The original sends the first of two texts and refuses two kinds of payload.
#[test]
fn a_repeated_text() {
    let args = ["-t", "a", "-m", "one", "-m", "two"];
    let tool = mqpub().args(args);
    match expect(0, 1) {
        0 => assert_eq!(sent(tool).publishes[0].payload, b"two"),
        code => {
            tool.args(harness::unused_port().args())
                .run()
                .assert_code(code);
        }
    }
}

#[test]
fn topics_accumulate() {
    let args = [
        "-t", "a", "-t", "b", "-T", "x", "-T", "y", "-U", "u", "-U", "v", "-E",
    ];
    let sent = sent(mqsub().args(args));
    let filters: Vec<_> = sent.subscribes.iter().flat_map(|s| &s.filters).collect();
    assert_eq!(filters, [&("a".to_owned(), 0), &("b".to_owned(), 0)]);
    let unsubscribed: Vec<_> = sent.unsubscribes.iter().flat_map(|p| &p.body).collect();
    assert!(unsubscribed.contains(&&b'u') && unsubscribed.contains(&&b'v'));
    let messages = [("a/x", "1"), ("a/y", "2"), ("a/z", "3")];
    let args = ["-t", "a/#", "-T", "a/x", "-T", "a/y", "-C", "1"];
    assert_eq!(printed(&args, &messages), "3\n");
}

#[test]
fn a_value_may_begin_with_a_dash() {
    assert_eq!(published(&["-t", "-t", "-m", "-5"]), ["-t q0 -5"]);
    assert_eq!(published(&["-t", "a", "-m", "--help"]), ["a q0 --help"]);
    for sent in both_send(&["-i", "-id", "-u", "-user", "-P", "-secret"]) {
        assert_eq!(sent.connect.client_id, "-id");
        assert_eq!(sent.connect.username.as_deref(), Some("-user"));
        assert_eq!(sent.connect.password.as_deref(), Some(&b"-secret"[..]));
    }
}

#[test]
fn order_does_not_matter() {
    for args in [
        &["-m", "x", "-q", "1", "-t", "a", "-r"][..],
        &["-r", "-t", "a", "-q", "1", "-m", "x"],
    ] {
        assert_eq!(published(args), ["a q1 r x"]);
    }
}

#[test]
fn only_one_kind_of_payload_is_allowed() {
    let kinds: [&[&str]; 5] = [
        &["-m", "x"],
        &["-f", "/dev/null"],
        &["-l"],
        &["-s"],
        &["-n"],
    ];
    for (index, one) in kinds.iter().enumerate() {
        for other in &kinds[index + 1..] {
            let args = [&["-t", "a"], *one, *other].concat();
            refuses(mqpub, &[&args]);
        }
    }
}

#[test]
fn what_is_missing_or_unknown_is_a_usage_error() {
    for tool in BOTH {
        refuses(
            tool,
            &[&["--bogus"], &["-Z"], &["stray"], &["-h"], &["-i"], &["-k"]],
        );
    }
    refuses(
        mqpub,
        &[&["-m", "x"], &["-t", "a"], &["-t", "a", "-m"], &[]],
    );
    refuses(mqsub, &[&[], &["-v"], &["-t"]]);
}

#[test]
fn numbers_out_of_range_are_usage_errors() {
    for tool in BOTH {
        refuses(
            tool,
            &[
                &["-p", "65536"],
                &["-p", "-1"],
                &["-q", "3"],
                &["-q", "-1"],
                &["-k", "65536"],
                &["-k", "4"],
                &["-V", "4"],
                &["-M", "0"],
                &["-M", "-1"],
                &["-x", "4294967296"],
                &["-x", "soon"],
            ],
        );
    }
}

#[test]
fn blanks_around_numbers_are_skipped() {
    for tool in BOTH {
        let sent = sent(tool().args(["-k", " 60 ", "-q", " 1", "-M", " 5"]));
        assert_eq!(sent.connect.keep_alive, 60);
        let qos = match &sent.subscribes[..] {
            [] => sent.publishes[0].qos,
            [subscribe, ..] => subscribe.filters[0].1 & 3,
        };
        assert_eq!(qos, 1);
    }
    let stage = Stage::start();
    let port = format!(" {}", stage.broker.port());
    let args = ["-t", "t", "-C", " 1", "-W", " 30", "-p", &port];
    let tool = stage.subscribed(&args);
    stage
        .mqpub(&["-t", "t", "-m", "x", "--repeat", " 1", "-p", &port])
        .args(["-i", "other"])
        .run()
        .assert_success();
    assert_eq!(tool.wait().assert_success().stdout_str(), "x\n");
}

#[test]
fn a_window_over_every_packet_identifier_is_that_of_all() {
    for tool in BOTH {
        accepts(
            tool,
            &[&["-M", "65535"], &["-M", "65536"], &["-M", "70000"]],
        );
    }
}

#[test]
fn an_empty_client_identifier_is_refused() {
    for tool in BOTH {
        for version in VERSIONS {
            refuses(tool, &[&["-V", version, "-i", ""]]);
        }
    }
}

/// Ours: what means something else than it says is refused; the original's atoi cuts it off.
#[test]
fn a_fraction_is_no_keep_alive() {
    for tool in BOTH {
        let broker = harness::Broker::start();
        let output = tool().args(broker.args()).args(["-k", "60.5"]).run();
        assert_eq!(output.status, expect(1, 0), "{output}");
    }
}

/// Ours: the original prints what it does not know, or a width of megabytes.
#[test]
fn a_mistake_in_a_format() {
    for format in ["@Q", "@é", "%10000000p"] {
        let broker = harness::Broker::start();
        let args = ["-t", "t", "-E", "-F", format];
        let output = mqsub().args(broker.args()).args(args).run();
        assert_eq!(output.status, expect(1, 0), "{format}\n{output}");
    }
}

/// Ours: text and clusters where a number belongs are refused; the original's atoi reads 0.
#[test]
fn text_is_no_number() {
    for tool in BOTH {
        let broker = harness::Broker::start();
        for args in [["-q", "high"], ["-q", ""]] {
            let output = tool().args(broker.args()).args(args).run();
            assert_eq!(output.status, expect(1, 0), "{args:?}\n{output}");
        }
    }
}

/// Ours: help was asked for and given, so that is no failure.
#[test]
fn help_and_version() {
    for tool in [mqpub as fn() -> Tool, mqsub] {
        for option in ["--help", "--version"] {
            let output = tool().arg(option).run().assert_code(expect(0, 1));
            assert!(
                !output.stdout.is_empty() && output.stderr.is_empty(),
                "{output}"
            );
        }
    }
}

/// Ours: `--host=x`, `-p1883` and clusters are understood, as a superset.
#[test]
fn options_and_values_in_one_word() {
    for tool in [publisher, subscriber] {
        let broker = harness::Broker::start();
        let port = format!("-p{}", broker.port());
        for args in [["--host=localhost", &port], ["-hlocalhost", &port]] {
            let output = tool().args(args).run();
            assert_eq!(output.status, expect(0, 1), "{output}");
        }
    }
}

#[test]
fn unknown_commands_of_the_future_are_not_guessed() {
    // A prefix of a long name is none.
    refuses(publisher, &[&["--hos", "localhost"], &["--will-t", "x"]]);
}
