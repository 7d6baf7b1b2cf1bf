//! Subscriptions that the broker refuses in its SUBACK.

use harness::fake_broker::{Publish, encode};
use harness::{Broker, FakeBroker, Output, Tool, mqsub};
use tempfile::NamedTempFile;

use crate::support::publish;

/// A broker that answers each SUBSCRIBE with a body made of the Packet Identifier and `rest`,
/// then sends a message at QoS 0.
fn answering(version: &str, rest: &'static [u8]) -> FakeBroker {
    let is_v5 = version == "mqttv5";
    FakeBroker::start(move |mut conn| {
        conn.expect_connect();
        if is_v5 {
            conn.connack_v5(0);
        } else {
            conn.connack(0);
        }
        let subscribe = conn.expect_subscribe();
        let body = [&subscribe.packet_id.to_be_bytes(), rest].concat();
        conn.send(&encode::packet(0x90, &body));
        conn.publish(&Publish::new("b", "text", 0, 0));
        conn.hold();
    })
}

#[track_caller]
fn run(broker: &FakeBroker, version: &str, args: &[&str]) -> Output {
    mqsub()
        .args(broker.args())
        .args(["-V", version, "-t", "a", "-t", "b"])
        .args(args)
        .run()
}

#[test]
fn when_all_are_refused_it_ends_with_the_first_code() {
    let hint = "hint: the broker's access control decides what this user may subscribe to\n";
    for (version, rest, code, cause) in [
        ("mqttv311", &[0x80, 0x80][..], 128, "unspecified error"),
        ("mqttv5", &[0, 0x87, 0x80][..], 135, "not authorised"),
        (
            "mqttv5",
            &[0, 0xa2, 0x87][..],
            162,
            "wildcard subscriptions not supported",
        ),
        (
            "mqttv5",
            b"\x0b\x1f\x00\x08ask\x07 Ann\x87\x87",
            135,
            "not authorised (\"ask\\u{7} Ann\")",
        ),
    ] {
        let broker = answering(version, rest);
        let output = run(&broker, version, &[]).assert_code(code);
        assert_eq!(output.stdout_str(), "");
        assert_eq!(
            output.stderr_str(),
            format!(
                "error: the broker refused every subscription\ncause: {cause}, code {code}\n{hint}"
            )
        );
        broker.finish();
    }
}

/// A mosquitto that lets everybody subscribe to `yes/#` and nothing else.
fn choosy() -> (Broker, NamedTempFile) {
    let plugin = std::fs::read_dir("/usr/lib")
        .unwrap()
        .map(|folder| folder.unwrap().path())
        .map(|folder| folder.join("mosquitto_dynamic_security.so"))
        .find(|plugin| plugin.exists())
        .unwrap_or_else(|| panic!("no mosquitto_dynamic_security.so (Debian: mosquitto)"));
    let rights = NamedTempFile::new().unwrap();
    let json = r#"{"defaultACLAccess": {"publishClientSend": true, "publishClientReceive": true,
        "subscribe": false, "unsubscribe": true}, "clients": [], "anonymousGroup": "all",
        "groups": [{"groupname": "all", "roles": [{"rolename": "reader"}]}],
        "roles": [{"rolename": "reader", "acls": [{"acltype": "subscribePattern",
        "topic": "yes/#", "priority": 0, "allow": true}]}]}"#;
    std::fs::write(rights.path(), json).unwrap();
    let broker = Broker::builder()
        .config(format!("plugin {}", plugin.display()))
        .config(format!(
            "plugin_opt_config_file {}",
            rights.path().display()
        ))
        .start();
    (broker, rights)
}

/// Ours: mosquitto_sub ends with 0.
#[test]
fn a_real_broker_refuses_with_the_same_codes() {
    let (broker, _rights) = choosy();
    publish(&broker, &["-t", "yes/a", "-m", "text", "-r"]);
    // MQTT 3.1 has no code for it: mosquitto pretends to have granted the QoS.
    for (version, code) in [("mqttv311", 128), ("mqttv5", 135)] {
        for options in [&[][..], &["-E"], &["-C", "1", "-W", "1000"]] {
            let refused = ["-V", version, "-t", "no", "-t", "no/#"];
            for (tool, code) in [(mqsub(), code), (Tool::new("mosquitto_sub"), 0)] {
                let output = tool
                    .args(broker.args())
                    .args(refused)
                    .args(options)
                    .run()
                    .assert_code(code);
                assert_eq!(output.stdout_str(), "");
                assert_ne!(output.stderr_str(), "");
            }
        }
        for tool in [mqsub(), Tool::new("mosquitto_sub")] {
            let output = tool
                .args(broker.args())
                .args(["-V", version, "-t", "no", "-t", "yes/#", "-C", "1"])
                .run()
                .assert_success();
            assert_eq!(output.stdout_str(), "text\n");
        }
    }
}

#[test]
fn all_refused_is_no_success_for_capital_e() {
    let broker = answering("mqttv311", &[0x80, 0x80]);
    run(&broker, "mqttv311", &["-E"]).assert_code(128);
    broker.finish();
}

#[test]
fn when_some_are_refused_it_warns_and_goes_on() {
    for (version, rest, words) in [
        ("mqttv311", &[0x80, 0][..], "unspecified error, code 128"),
        ("mqttv5", &[0, 0x87, 0][..], "not authorised, code 135"),
    ] {
        let broker = answering(version, rest);
        let output = run(&broker, version, &["-C", "1"]).assert_success();
        assert_eq!(output.stdout_str(), "text\n");
        assert_eq!(
            output.stderr_str(),
            format!("warning: the broker refused to subscribe to \"a\": {words}\n")
        );
        broker.finish();
    }
}

#[test]
fn a_lower_qos_than_asked_for_is_no_refusal() {
    let broker = answering("mqttv311", &[0, 1]);
    let output = run(&broker, "mqttv311", &["-q", "2", "-C", "1"]).assert_success();
    assert_eq!(output.stdout_str(), "text\n");
    assert_eq!(output.stderr_str(), "");
    broker.finish();
}

#[test]
fn an_answer_that_leaves_a_filter_out_or_adds_one_is_malformed() {
    for (version, rest) in [
        ("mqttv311", &[][..]),
        ("mqttv311", &[0]),
        ("mqttv311", &[0, 0, 0]),
        ("mqttv5", &[0]),
        ("mqttv5", &[0, 0]),
        ("mqttv5", &[0, 0, 0, 0]),
    ] {
        let broker = answering(version, rest);
        run(&broker, version, &[]).assert_code(21);
        broker.finish();
    }
}
