//! The password is in the CONNECT and nowhere else.

use harness::{Authority, FakeBroker, Output, Tool, mqpub, silent_port, unused_port};

use crate::support::{Collector, VERSIONS, greet, part, publisher};

const SECRET: &str = "s3cr3t-pass-w0rd";

fn with_secret(tool: Tool) -> Tool {
    tool.args(["-d", "-u", "user", "-P", SECRET])
}

#[track_caller]
fn check(output: &Output) {
    for stream in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(stream);
        assert!(!text.contains(SECRET), "it shows the password\n{output}");
    }
}

#[test]
fn debug_output_of_a_run_that_works_hides_it() {
    for version in VERSIONS {
        let broker = FakeBroker::start(|mut conn| {
            let connect = greet(&mut conn);
            assert_eq!(connect.password.as_deref(), Some(SECRET.as_bytes()));
            conn.expect_publish();
            part(&mut conn);
        });
        let output = with_secret(publisher(&broker))
            .args(["-V", version, "-m", "text"])
            .run()
            .assert_success();
        broker.finish();
        assert!(output.stderr_str().contains("sending CONNECT"), "{output}");
        check(&output);
    }
}

#[test]
fn refusals_and_losses_hide_it() {
    let endings: [(fn(harness::Conn), i32); 5] = [
        (|mut conn| conn.connack(4), 4),
        (|mut conn| conn.send(b"HTTP/1.1 400"), 21),
        (|mut conn| conn.send(&[0x15, 3, 1, 0, 2, 2, 70]), 5),
        (harness::Conn::close, 5),
        (
            |mut conn| {
                conn.connack(0);
                conn.expect_publish();
                conn.close();
            },
            7,
        ),
    ];
    for (ending, code) in endings {
        let broker = FakeBroker::start(move |mut conn| {
            let connect = conn.expect_connect();
            assert_eq!(connect.password.as_deref(), Some(SECRET.as_bytes()));
            ending(conn);
        });
        let output = with_secret(publisher(&broker))
            .args(["-q", "1", "-m", "text"])
            .run()
            .assert_code(code);
        broker.finish();
        check(&output);
    }
}

#[test]
fn connections_that_never_come_up_hide_it() {
    let (nobody, silent) = (unused_port(), silent_port());
    let authority = Authority::new();
    let cafile = authority.pem_path().to_str().unwrap();
    let tool = || with_secret(mqpub()).args(["-t", "a", "-m", "text"]);
    for (tool, code) in [
        (tool().args(nobody.args()), 14),
        (
            tool().args(["-h", "no-such-host.invalid", "--connect-timeout", "100"]),
            15,
        ),
        (
            // Enough to be connected on a loaded machine.
            tool().args(silent.args()).args(["--connect-timeout", "10"]),
            5,
        ),
        (tool().args(nobody.args()).args(["--cafile", "missing"]), 8),
        (tool().args(nobody.args()).args(["--cafile", cafile]), 14),
    ] {
        check(&tool.run().assert_code(code));
    }
}

#[test]
fn usage_errors_hide_it() {
    let broker = Collector::start();
    let secret_option = format!("--password={SECRET}");
    let attached = format!("-P{SECRET}");
    for args in [
        &["-u", "user", "-P", SECRET, "-q", "3"][..],
        &["-u", "user", "-P", SECRET, "--no-such-option"],
        &["-u", "user", "-P", SECRET, "-t", "a/#"],
        &["-u", "user", "-P", SECRET, "-s"],
        &["-P", SECRET],
        &["-P", SECRET, "-k", "3"],
        &[&secret_option],
        &[&attached],
        &["--pw", SECRET],
    ] {
        let output = broker.mqpub(["-m", "text"]).args(args).run().assert_code(1);
        assert!(!output.stderr.is_empty());
        check(&output);
    }
    // The same options without a fault do connect.
    with_secret(broker.mqpub(["-m", "text"]))
        .run()
        .assert_success();
    assert_eq!(broker.payloads(), [b"text"]);
}
