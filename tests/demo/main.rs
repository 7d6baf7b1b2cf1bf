//! `cargo xtask demo`, as a newcomer runs it.

use std::time::Duration;

use harness::{Broker, Output, Tool};

/// Runs the demo; a first run builds a whole broker. It builds with cargo, so it gets the
/// environment that cargo gave this test (above all RUSTUP_TOOLCHAIN), not the sealed one.
fn demo(args: &[&str]) -> Output {
    Tool::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("demo")
        .args(args)
        .envs(std::env::vars_os())
        // Some crates name a toolchain of their own; nothing must be fetched for that.
        .env("RUSTUP_AUTO_INSTALL", "0")
        .limit(Duration::from_secs(1200))
        .run()
}

fn shows_the_whole_story(output: &Output) {
    let text = output.stdout_str();
    for line in [
        "$ mqpasswd -c -b passwd username password",
        "username:$7$",
        "--cafile rootCA.pem -u username -P password",
        "test/topic Hello, MQTT with TLS!",
        "--cafile mosquitto.crt",
        "home/kitchen/temperature 21.5",
        "status/worker gone",
        "(exit code 5: what the broker answered)",
    ] {
        assert!(text.contains(line), "{line:?} is missing\n{output}");
    }
    assert!(
        output
            .stderr_str()
            .contains("cause: not authorised, code 5"),
        "{output}"
    );
}

#[test]
fn with_mosquitto() {
    let output = demo(&[]).assert_success();
    assert!(output.stdout_str().contains("$ mosquitto -c"), "{output}");
    shows_the_whole_story(&output);
}

#[test]
fn with_the_embedded_broker() {
    let output = demo(&["--embedded"]).assert_success();
    assert!(!output.stdout_str().contains("$ mosquitto"), "{output}");
    shows_the_whole_story(&output);
}

#[test]
fn with_a_broker_that_is_already_there() {
    let broker = Broker::start();
    let url = format!("mqtt://localhost:{}", broker.port());
    let output = demo(&["--broker", &url]).assert_success();
    assert!(output.stdout_str().contains(" Hello, MQTT\n"), "{output}");
}
