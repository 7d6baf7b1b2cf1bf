//! `mqsub --psk` in a build with the feature `psk`: TLS with a pre-shared key by OpenSSL.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code, helpers included, fails by a panic"
)]

mod support;

use harness::{Authority, Broker, Tool, mqsub};

use crate::support::{SHARED, Secret, failed, links_libssl};

#[test]
fn messages_are_received_in_both_versions_of_tls() {
    for only_tls12 in [false, true] {
        let there = Secret::start(only_tls12, &[]);
        let subscriber = there
            .client(mqsub())
            .args(["-t", "a/#", "-q", "1", "-C", "2", "-v"])
            .spawn();
        there.broker.wait_for_log("Sending SUBACK");
        for text in ["one", "two"] {
            there
                .client(Tool::new("mosquitto_pub"))
                .args(["-t", "a/b", "-q", "1", "-m", text])
                .run()
                .assert_success();
        }
        let output = subscriber.wait().assert_success();
        assert_eq!(output.stdout_str(), "a/b one\na/b two\n");
        assert!(output.stderr.is_empty(), "{output}");
    }
}

#[test]
fn a_broker_that_goes_away_is_noticed() {
    let there = Secret::start(false, &[]);
    let subscriber = there
        .client(mqsub())
        .args(["-t", "a", "--retry", "0"])
        .spawn();
    there.broker.wait_for_log("Sending SUBACK");
    there.broker.kill();
    failed(subscriber.wait(), 7);
}

#[test]
fn a_listener_with_a_certificate_is_refused() {
    let authority = Authority::new();
    let broker = Broker::builder()
        .tls(&authority.server("localhost"))
        .start();
    let output = mqsub()
        .env("SSL_CERT_FILE", authority.pem_path())
        .args(broker.args())
        .args(["-t", "a", "-E"])
        .args(SHARED)
        .run();
    let text = failed(output, 8);
    assert!(text.contains("shows a certificate"), "{text}");
}

#[test]
fn openssl_is_linked() {
    assert!(links_libssl(&mqsub()));
}
