//! The environment variables: between the command line and the options file.

use std::fs;

use harness::{Authority, Broker, FakeBroker, Tool, mqpub, unused_port};

use crate::support::{Collector, complaint, greet, publisher};

const VARIABLES: [&str; 7] = [
    "MQ_HOST",
    "MQ_PORT",
    "MQ_USERNAME",
    "MQ_PASSWORD",
    "MQ_CAFILE",
    "MQ_CERT",
    "MQ_KEY",
];

fn with_file(text: &str) -> Tool {
    let tool = mqpub();
    fs::write(tool.home().join(".config/mqpub"), text).unwrap();
    tool
}

#[test]
fn they_say_where_the_broker_is() {
    let broker = Collector::start();
    let args = broker.args();
    mqpub()
        .env("MQ_HOST", &args[1])
        .env("MQ_PORT", &args[3])
        .args(["-t", "a", "-m", "x"])
        .run()
        .assert_success();
    assert_eq!(broker.payloads(), [b"x"]);
}

#[test]
fn the_command_line_beats_the_environment_and_that_the_file() {
    let broker = Collector::start();
    let nobody = unused_port();
    let (host, port) = (broker.args()[1].clone(), broker.args()[3].clone());
    let wrong = nobody.args()[3].clone();
    let words = ["-t", "a", "-m", "x"];
    mqpub()
        .env("MQ_HOST", "host.invalid")
        .env("MQ_PORT", &wrong)
        .args(broker.args())
        .args(words)
        .run()
        .assert_success();
    with_file(&format!("-h host.invalid\n-p {wrong}"))
        .env("MQ_HOST", &host)
        .env("MQ_PORT", &port)
        .args(words)
        .run()
        .assert_success();
    with_file("--unix /missing")
        .env("MQ_HOST", &host)
        .args(["-p", &port])
        .args(words)
        .run()
        .assert_success();
    // A URL that is typed comes later, that of the file earlier.
    let url = |port: &str| format!("mqtt://{host}:{port}/a");
    mqpub()
        .env("MQ_HOST", "host.invalid")
        .env("MQ_PORT", &wrong)
        .args(["-m", "x", "-L", &url(&port)])
        .run()
        .assert_success();
    with_file(&format!("-L {}", url(&wrong)))
        .env("MQ_PORT", &port)
        .args(["-m", "x"])
        .run()
        .assert_success();
    assert_eq!(broker.payloads(), [b"x"; 5]);
}

#[test]
fn they_say_who_the_user_is() {
    let broker = FakeBroker::start(|mut conn| {
        let connect = greet(&mut conn);
        assert_eq!(connect.username.as_deref(), Some("me"));
        assert_eq!(connect.password.as_deref(), Some(&b"hunter2"[..]));
        conn.expect_publish();
        conn.expect_disconnect();
    });
    publisher(&broker)
        .env("MQ_USERNAME", "me")
        .env("MQ_PASSWORD", "hunter2")
        .args(["-m", "x"])
        .run()
        .assert_success();
    publisher(&broker)
        .env("MQ_USERNAME", "you")
        .env("MQ_PASSWORD", "wrong")
        .args(["-m", "x", "-u", "me", "-P", "hunter2"])
        .run()
        .assert_success();
    broker.finish();
}

#[test]
fn they_name_the_certificates() {
    let authority = Authority::new();
    let broker = Broker::builder()
        .tls(&authority.server("localhost"))
        .start();
    mqpub()
        .args(broker.args())
        .args(["-t", "a", "-m", "x"])
        .env("MQ_CAFILE", authority.pem_path())
        .run()
        .assert_success();
    for (variable, option) in [("MQ_CERT", "--cert"), ("MQ_KEY", "--key")] {
        let output = mqpub()
            .args(broker.args())
            .args(["-t", "a", "-m", "x"])
            .env(variable, "file.pem")
            .run();
        let complaint = complaint(output, 1);
        assert!(complaint.error.starts_with(option), "{complaint:?}");
    }
}

#[test]
fn what_is_typed_excludes_them() {
    let nobody = unused_port();
    // --cafile and --psk contradict each other when both are typed.
    let output = mqpub()
        .env("MQ_CAFILE", "/missing")
        .args(nobody.args())
        .args(["-t", "a", "-m", "x", "--psk", "ab", "--psk-identity", "me"])
        .run();
    let output = output.assert_code(if cfg!(feature = "psk") { 14 } else { 1 });
    assert!(!output.stderr_str().contains("--cafile"), "{output}");
}

#[test]
fn a_value_that_does_not_fit_is_told_with_its_variable() {
    for value in ["abc", "65536", "-1", "18 83"] {
        let output = mqpub()
            .env("MQ_PORT", value)
            .args(["-t", "a", "-m", "x"])
            .run();
        let complaint = complaint(output, 1);
        assert_eq!(
            complaint.error,
            "the environment variable MQ_PORT cannot be used"
        );
        assert!(complaint.cause.contains(value), "{complaint:?}");
    }
}

#[test]
fn an_empty_variable_is_as_good_as_none() {
    let broker = Collector::start();
    let empty = VARIABLES.map(|name| (name, ""));
    broker.mqpub(["-m", "x"]).envs(empty).run().assert_success();
    assert_eq!(broker.payloads(), [b"x"]);
}

#[test]
fn the_help_names_all_of_them_and_shows_no_value() {
    let output = mqpub()
        .env("MQ_PASSWORD", "hunter2")
        .arg("--help")
        .run()
        .assert_success();
    let words: Vec<_> = output.stdout_str().split_whitespace().collect();
    let help = words.join(" ");
    for name in VARIABLES {
        assert!(help.contains(&format!("[env: {name}]")), "{name}");
    }
    assert!(!output.stdout_str().contains("hunter2"), "{output}");
}
