//! `-c` and `-x`: sessions that outlive their connection.

use crate::properties;
use crate::support::{BOTH, Stage, both_send, expect, refuses};

#[test]
fn c_asks_for_the_old_session() {
    for name in ["-c", "--disable-clean-session"] {
        for sent in both_send(&[name, "-i", "me"]) {
            assert!(!sent.connect.clean);
            assert_eq!(sent.connect.client_id, "me");
        }
        for sent in both_send(&["-V", "5", name, "-i", "me"]) {
            assert!(!sent.connect.clean);
            let list = properties::read(&sent.connect.properties);
            assert!(
                list.contains(&"session-expiry-interval=4294967295".to_owned()),
                "{list:?}"
            );
        }
    }
    for sent in both_send(&[]) {
        assert!(sent.connect.clean);
    }
}

#[test]
fn c_needs_an_id() {
    for tool in BOTH {
        refuses(tool, &[&["-c"], &["-V", "5", "-c"]]);
    }
}

#[test]
fn x_is_the_session_expiry_interval() {
    for (text, seconds) in [
        ("0", None),
        ("1", Some(1)),
        ("4294967294", Some(4_294_967_294_u32)),
        ("4294967295", Some(u32::MAX)),
        ("-1", Some(u32::MAX)),
        ("∞", Some(u32::MAX)),
    ] {
        for sent in both_send(&["-V", "5", "-i", "me", "-x", text]) {
            let list = properties::read(&sent.connect.properties);
            let found = list
                .iter()
                .find_map(|text| text.strip_prefix("session-expiry-interval="));
            // 0 is the default of the protocol, so saying it or not is the same.
            let found = found.filter(|value| *value != "0").map(str::to_owned);
            assert_eq!(found, seconds.map(|number| number.to_string()), "{text}");
        }
    }
}

/// Ours: there is no other use for it. 2.0.11 ignores it until `-V 5` is there.
#[test]
fn x_makes_it_mqtt_5() {
    for sent in both_send(&["-i", "me", "-x", "5"]) {
        assert_eq!(sent.connect.level, expect(5, 4));
    }
}

#[test]
fn x_with_c_limits_the_session() {
    for sent in both_send(&["-V", "5", "-i", "me", "-c", "-x", "77"]) {
        assert!(!sent.connect.clean);
        let list = properties::read(&sent.connect.properties);
        assert!(
            list.contains(&"session-expiry-interval=77".to_owned()),
            "{list:?}"
        );
    }
}

#[test]
fn an_endless_session_needs_an_id() {
    for tool in BOTH {
        refuses(
            tool,
            &[
                &["-V", "5", "-x", "-1"],
                &["-V", "5", "-x", "4294967295"],
                &["-V", "5", "-x", "∞"],
            ],
        );
    }
}

/// Ours: `-x` is for MQTT 5, so an older version beside it is a usage error. The original lets
/// the last one win.
#[test]
fn x_with_an_older_version() {
    for tool in BOTH {
        let broker = harness::Broker::start();
        let output = tool()
            .args(broker.args())
            .args(["-x", "5", "-V", "311"])
            .run();
        assert_eq!(output.status, expect(1, 0), "{output}");
    }
}

#[test]
fn messages_wait_for_a_client_that_comes_back() {
    for version in ["311", "5"] {
        let mut stage = Stage::start();
        let args = ["-V", version, "-c", "-q", "1", "-t", "a"];
        stage.mqsub(&args).arg("-E").run().assert_success();
        for text in ["one", "two"] {
            stage.publish("a", text);
        }
        let output = stage.mqsub(&args).args(["-C", "2"]).run();
        assert_eq!(output.assert_success().stdout_str(), "one\ntwo\n");
        // Without -c, it starts afresh.
        stage.publish("a", "three");
        let fresh = stage.mqsub(&["-V", version, "-t", "a", "-E"]).run();
        assert!(fresh.assert_success().stdout.is_empty());
    }
}
