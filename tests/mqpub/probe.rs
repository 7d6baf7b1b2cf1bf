//! `--probe`: a health check.

use harness::fake_broker::Publish;
use harness::{Authority, Broker, Conn, FakeBroker, Output, mqpub, unused_port};
use serde_json::Value;

use crate::support::{VERSIONS, complaint, greet, part};

const STEPS: [&str; 5] = ["connect", "subscribe", "publish", "receive", "disconnect"];

/// The object that `--json` printed, which must be one line.
#[track_caller]
fn object(output: &Output) -> Value {
    let text = output.stdout_str();
    assert!(
        text.ends_with('\n') && text.lines().count() == 1,
        "{output}"
    );
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_healthy_broker_is_told_with_the_time_of_each_step() {
    let broker = Broker::start();
    for version in VERSIONS {
        for qos in ["0", "1", "2"] {
            let probe = || {
                let tool = mqpub().args(broker.args()).arg("--probe");
                // Under load the default would be a limit on the machine.
                tool.args(["-V", version, "-q", qos, "-W", "60"])
            };
            let output = probe().run().assert_success();
            assert!(output.stderr.is_empty(), "{output}");
            let line = output.stdout_str().strip_suffix('\n').unwrap();
            let steps: Vec<_> = line.split(", ").collect();
            assert_eq!(steps.len(), STEPS.len(), "{line}");
            for (step, name) in steps.iter().zip(STEPS) {
                let words: Vec<_> = step.split(' ').collect();
                assert!(words[0] == name && words[2] == "ms", "{line}");
                assert!(words[1].parse::<f64>().unwrap() >= 0.0, "{line}");
            }
            let output = probe().arg("--json").run().assert_success();
            let object = object(&output);
            assert_eq!(object["ok"], true);
            assert_eq!(object["exit_code"], 0);
            for step in STEPS {
                assert!(object[format!("{step}_ms")].is_number(), "{object}");
            }
        }
    }
}

#[test]
fn it_uses_a_topic_of_its_own_or_the_one_that_is_given() {
    let broker = FakeBroker::start(|mut conn| {
        let number = conn.number();
        greet(&mut conn);
        let subscribe = conn.expect_subscribe();
        conn.suback(subscribe.packet_id, &[0]);
        let publish = conn.expect_publish();
        assert_eq!(subscribe.filters[0].0, publish.topic);
        match number {
            0 => assert_eq!(publish.topic, "health/check"),
            _ => assert!(publish.topic.starts_with("mqpub/probe/")),
        }
        // Of somebody else's probe, then ours.
        let mut other = publish.clone();
        other.payload = b"other".to_vec();
        conn.publish(&other);
        conn.publish(&publish);
        part(&mut conn);
    });
    for topic in [&["-t", "health/check"][..], &[]] {
        let tool = mqpub().args(broker.args()).args(["--probe", "-W", "60"]);
        tool.args(topic).run().assert_success();
    }
    broker.finish();
}

/// Runs a probe against a broker that goes wrong: its exit code and the step are as expected.
#[track_caller]
fn failing(script: fn(&mut Conn), code: i32, step: &str) {
    let broker = FakeBroker::start(move |mut conn| {
        // The time may be over before it is done.
        script(&mut conn);
        // Until the client has gone.
        while conn.try_read_packet().is_some() {}
    });
    let probe = |seconds: &str| {
        let tool = mqpub().args(broker.args());
        tool.args(["--probe", "-V", "5", "-q", "1", "-W", seconds])
    };
    // Where nothing comes, the time has to be over, but not before that step.
    let times = if code == 27 {
        &["1", "8", "60"][..]
    } else {
        &["60"]
    };
    let output = times
        .iter()
        .map(|seconds| probe(seconds).arg("--json").run().assert_code(code))
        .find(|output| object(output)["failed"] == step)
        .unwrap_or_else(|| panic!("it never came to: {step}"));
    let object = object(&output);
    assert_eq!(object["ok"], false);
    assert_eq!(object["exit_code"], code);
    assert!(object["error"].as_str().is_some_and(|e| !e.is_empty()));
    // The steps before it have their times.
    let at = STEPS.iter().position(|other| *other == step).unwrap();
    for (index, name) in STEPS.iter().enumerate() {
        let member = &object[format!("{name}_ms")];
        assert_eq!(member.is_number(), index < at, "{object}");
    }
    let complaint = complaint(probe(times[0]).run(), code);
    let told = complaint.note.strip_prefix("the probe failed at: ");
    let told = told.unwrap_or_else(|| panic!("{complaint:?}"));
    assert!(STEPS[..=at].contains(&told), "{complaint:?}");
    broker.finish();
}

#[test]
fn the_exit_code_and_the_output_say_which_step_failed() {
    failing(
        |conn| {
            conn.expect_connect();
            conn.connack_v5(0x88);
        },
        136,
        "connect",
    );
    failing(
        |conn| {
            greet(conn);
            let subscribe = conn.expect_subscribe();
            conn.suback_v5(subscribe.packet_id, &[0x87]);
        },
        135,
        "subscribe",
    );
    failing(
        |conn| {
            // It takes everything and says nothing more.
            if conn.try_read_packet().is_some() {
                conn.connack_v5(0);
            }
        },
        27,
        "subscribe",
    );
    failing(
        |conn| {
            greet(conn);
            let subscribe = conn.expect_subscribe();
            conn.suback_v5(subscribe.packet_id, &[1]);
            let publish = conn.expect_publish();
            conn.puback_v5(publish.packet_id.unwrap(), 0x87);
        },
        135,
        "publish",
    );
    failing(
        |conn| {
            // It acknowledges everything and sends nothing.
            while let Some(packet) = conn.try_read_packet() {
                match packet.kind() {
                    1 => conn.connack_v5(0),
                    8 => conn.suback_v5(packet.packet_id(), &[1]),
                    3 => {
                        let publish = Publish::parse(&packet, true);
                        conn.puback_v5(publish.packet_id.unwrap(), 0);
                    }
                    _ => {}
                }
            }
        },
        27,
        "receive",
    );
}

#[test]
fn nobody_there_is_a_failure_to_connect() {
    let nobody = unused_port();
    let output = mqpub()
        .args(nobody.args())
        .args(["--probe", "--json", "-W", "60"])
        .run()
        .assert_code(14);
    let object = object(&output);
    assert_eq!(object["failed"], "connect");
    assert!(object["error"].as_str().unwrap().contains("refused"));
    for args in [
        &["--json", "-t", "a", "-m", "x"][..],
        &["--probe", "-m", "x"],
    ] {
        let tool = mqpub().args(nobody.args()).args(args);
        complaint(tool.run(), 1);
    }
}

/// The same over each transport, and a login that is refused is told by its step.
#[test]
fn every_transport_can_be_probed() {
    let authority = Authority::new();
    let secure = Broker::builder()
        .tls(&authority.server("localhost"))
        .start();
    let web = Broker::builder().websockets().start();
    let ca = authority.pem_path().to_str().unwrap();
    let port = |broker: &Broker| broker.port().to_string();
    for version in VERSIONS {
        for args in [
            &["-h", "localhost", "-p", &port(&secure), "--cafile", ca][..],
            &["-h", "127.0.0.1", "-p", &port(&web), "--ws"],
        ] {
            let tool = mqpub()
                .args(args)
                .args(["-V", version, "--probe", "--json", "-W", "60"]);
            let outcome = object(&tool.run().assert_success());
            assert_eq!(outcome["ok"], true, "{outcome}");
            assert!(outcome["receive_ms"].is_f64(), "{outcome}");
        }
    }
    let closed = Broker::builder().anonymous(false).start();
    for (version, code) in [("mqttv311", 5), ("5", 135)] {
        let output = mqpub()
            .args(closed.args())
            .args(["-V", version, "--probe", "--json", "-W", "60"])
            .run()
            .assert_code(code);
        let outcome = object(&output);
        assert_eq!(outcome["ok"], false, "{outcome}");
        assert_eq!(outcome["failed"], "connect", "{outcome}");
        assert_eq!(outcome["exit_code"], code, "{outcome}");
    }
}
