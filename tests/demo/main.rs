//! `cargo xtask demo`, as a newcomer runs it.

use harness::{Broker, Output, Tool};

/// Runs the demo; a first run builds a whole broker.
fn demo(args: &[&str]) -> Output {
    // The sealed environment hides where cargo keeps its things; the demo builds with it.
    let cargo_home = std::env::var_os("CARGO_HOME");
    let rustup_home = std::env::var_os("RUSTUP_HOME");
    let home = std::env::var_os("HOME");
    let mut tool = Tool::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("demo")
        .args(args)
        .limit(std::time::Duration::from_secs(1200));
    for (name, value) in [
        ("CARGO_HOME", cargo_home),
        ("RUSTUP_HOME", rustup_home),
        ("HOME", home),
        ("CARGO", std::env::var_os("CARGO")),
        ("CARGO_TARGET_DIR", std::env::var_os("CARGO_TARGET_DIR")),
    ] {
        if let Some(value) = value {
            tool = tool.env(name, value);
        }
    }
    tool.run()
}

fn shows_the_whole_story(output: &Output) {
    let text = output.stdout_str();
    for line in [
        "$ mqpasswd -c -b passwd username password",
        "username:$7$",
        "--cafile rootCA.pem -u username -P password",
        "test/topic Hello, MQTT with TLS!",
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
