//! `-L`: address, credentials and topic in one word.

use std::fs;

use harness::{Authority, Broker, mqpasswd, mqpub, mqsub, unused_port};
use tempfile::TempDir;

use crate::support::{Collector, VERSIONS, Witness, complaint};

/// The port of `-h localhost -p PORT`.
fn port_of(args: &[String]) -> &str {
    args.last().unwrap()
}

#[test]
fn user_password_and_topic_are_decoded_in_both_tools() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("passwd");
    mqpasswd()
        .args(["-c", "-b"])
        .arg(&file)
        .args(["us@er", "p/a:s%s"])
        .run()
        .assert_success();
    let broker = Broker::builder()
        .anonymous(false)
        .password_file(&file)
        .start();
    let port = broker.port();
    for version in VERSIONS {
        let url = format!("mqtt://us%40er:p%2Fa:s%25s@localhost:{port}/caf%C3%A9/table%201");
        let mqsub = mqsub()
            .args([
                "-L", &url, "-t", "more", "-V", version, "-d", "-v", "-C", "2",
            ])
            .spawn();
        mqsub.wait_for_stderr("received SUBACK");
        for args in [&[][..], &["-t", "more"]] {
            mqpub()
                .args(["-V", version, "-q", "1", "-m", "hello", "--url", &url])
                .args(args)
                .run()
                .assert_success();
        }
        let output = mqsub.wait().assert_success();
        assert_eq!(output.stdout_str(), "café/table 1 hello\nmore hello\n");
    }
    let wrong = format!("mqtt://us%40er:hunter2@localhost:{port}/t");
    let output = mqpub()
        .args(["-L", &wrong, "-m", "x", "-d"])
        .run()
        .assert_code(5);
    assert!(!output.stderr_str().contains("hunter2"), "{output}");
}

#[test]
fn the_last_of_a_url_and_an_option_wins() {
    let broker = Collector::start();
    let address = broker.args();
    let here = format!("mqtt://localhost:{}/url", port_of(&address));
    let nobody = unused_port().port().to_string();
    let elsewhere = format!("mqtt://no-such-host.invalid:{nobody}/url");
    let publish = |args: &[&str]| mqpub().args(["-m", "x"]).args(args).run().assert_success();
    publish(&[
        "-h",
        "no-such-host.invalid",
        "-p",
        &nobody,
        "-t",
        "option",
        "-L",
        &here,
    ]);
    publish(&[
        "-L",
        &elsewhere,
        "-h",
        "localhost",
        "-p",
        port_of(&address),
        "-t",
        "option",
    ]);
    publish(&["-L", &here, "-t", "a", "-t", "option"]);
    let without_topic = format!("mqtt://[::ffff:127.0.0.1]:{}", port_of(&address));
    publish(&["-t", "option", "-L", &without_topic]);
    publish(&["--unix", "/no/such/socket", "-L", &here]);
    let topics: Vec<_> = broker.finish().into_iter().map(|seen| seen.topic).collect();
    assert_eq!(topics, ["url", "option", "option", "option", "url"]);

    let args = ["-L", &here, "--unix", "/no/such/socket", "-m", "x"];
    let report = complaint(mqpub().args(args).run(), 14);
    assert!(report.error.contains("/no/such/socket"), "{report:?}");
}

#[test]
fn mqtts_checks_the_certificate() {
    let authority = Authority::new();
    let broker = Broker::builder()
        .tls(&authority.server("localhost"))
        .start();
    let url = format!("mqtts://localhost:{}/t", broker.port());
    mqpub()
        .args(["-m", "x", "-L", &url, "--cafile"])
        .arg(authority.pem_path())
        .run()
        .assert_success();
    // What the system trusts, here: one authority, and then another.
    for (trusted, code) in [(&authority, 0), (&Authority::new(), 8)] {
        mqpub()
            .env("SSL_CERT_FILE", trusted.pem_path())
            .args(["-m", "x", "-L", &url])
            .run()
            .assert_code(code);
    }
}

#[test]
fn a_filter_may_have_wildcards() {
    let witness = Witness::start();
    let port = witness.port();
    let url = format!("mqtt://localhost:{port}/a/+/#");
    let mqsub = mqsub().args(["-L", &url, "-d", "-C", "1"]).spawn();
    mqsub.wait_for_stderr("received SUBACK");
    witness
        .mqpub(["-t", "a/b/c", "-m", "found"])
        .run()
        .assert_success();
    assert_eq!(mqsub.wait().assert_success().stdout_str(), "found\n");
}

#[test]
fn a_wrong_url_is_a_usage_error() {
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "x").unwrap();
    for (url, why) in [
        ("localhost/topic", "scheme"),
        ("http://u:hunter2@localhost/topic", "scheme"),
        ("mqtt:///topic", "host"),
        ("mqtt://u:hunter2@localhost:hunter2/topic", "port"),
        ("mqtt://localhost", "topic"),
        ("mqtt://localhost/", "topic"),
        ("ws://u:hunter2@localhost:0/topic", "port"),
        ("wss://u:hunter2@/topic", "host"),
    ] {
        for tool in [mqpub().args(["-m", "x"]), mqsub()] {
            let output = tool.args(["-L", url]).run();
            assert!(!output.stderr_str().contains("hunter2"), "{output}");
            let output = output.assert_code(1);
            assert!(output.stderr_str().to_lowercase().contains(why), "{output}");
        }
    }
}
