//! `-L`.

use harness::{Broker, mqpub, mqsub};

use crate::support::{Stage, expect, line, sent};

/// Runs with the URL's authority replaced by a recording broker's port.
macro_rules! sent_with_url {
    ($tool:expr, $url:expr) => {{
        let broker = Broker::start();
        let url = $url.replace("PORT", &broker.port().to_string());
        let output = $tool.args(["-L", &url]).run();
        (output, broker)
    }};
}

#[test]
fn host_port_and_topic() {
    let mut stage = Stage::start();
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("mqtt://{host}:{}/a/b c", stage.broker.port());
        mqpub()
            .args(["-i", "tool", "-m", "x", "--url", &url])
            .run()
            .assert_success();
    }
    let good_bye = "Received DISCONNECT from tool";
    stage.broker.wait_for_log_times(good_bye, 2);
    let arrived: Vec<_> = stage.messages().iter().map(line).collect();
    assert_eq!(arrived, ["a/b c q0 x", "a/b c q0 x"]);
}

#[test]
fn credentials() {
    let url = "mqtt://user:secret@localhost:PORT/t";
    for tool in [mqpub().args(["-m", "x"]), mqsub().arg("-E")] {
        let (output, broker) = sent_with_url!(tool, url);
        output.assert_success();
        broker.wait_for_log("u'user'");
    }
}

/// Ours: `%XX` stands for a byte. The original takes it as it is.
#[test]
fn percent_signs() {
    let url = "mqtt://us%41er@localhost:PORT/a%2Fb";
    let (output, broker) = sent_with_url!(mqpub().args(["-m", "x"]), url);
    output.assert_success();
    broker.wait_for_log(expect("u'usAer'", "u'us%41er'"));
    broker.wait_for_log(expect("'a/b'", "'a%2Fb'"));
}

#[test]
fn mqsub_takes_its_filter_from_it() {
    let (output, broker) = sent_with_url!(mqsub().arg("-E"), "mqtt://localhost:PORT/a/%2B");
    output.assert_success();
    broker.wait_for_log(expect("\ta/+ (QoS 0)", "\ta/%2B (QoS 0)"));
}

/// mosquitto_sub wants a topic in the URL even when `-t` is there; ours takes that one.
#[test]
fn a_url_without_a_topic() {
    let (output, _broker) =
        sent_with_url!(mqsub().args(["-t", "a", "-E"]), "mqtt://localhost:PORT");
    assert_eq!(output.status, expect(0, 1), "{output}");
    let (output, _broker) = sent_with_url!(mqsub().arg("-E"), "mqtt://localhost:PORT");
    assert_eq!(output.status, 1, "{output}");
}

#[test]
fn other_schemes_are_refused() {
    for url in [
        "http://localhost:PORT/t",
        "localhost:PORT/t",
        "mqtt:/localhost:PORT/t",
    ] {
        let (output, broker) = sent_with_url!(mqpub().args(["-m", "x"]), url);
        assert_eq!(output.status, 1, "{url} {output}");
        assert!(!broker.log().contains("New connection"));
    }
}

#[test]
fn a_later_option_overrides_it() {
    let tool = mqpub()
        .args(["-L", "mqtt://user:pw@192.0.2.1:1/t", "-m", "x"])
        .args(["-u", "later", "-P", "other"]);
    // The recording broker's address comes last.
    let sent = sent(tool);
    assert_eq!(sent.connect.username.as_deref(), Some("later"));
    assert_eq!(sent.connect.password.as_deref(), Some(&b"other"[..]));
    assert_eq!(sent.publishes[0].topic, "t");
}
