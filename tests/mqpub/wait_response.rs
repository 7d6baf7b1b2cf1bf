//! `--wait-response`: a request, and what comes back.

use harness::{Broker, FakeBroker, Running, Tool, mqpub, mqsub, unused_port};

use crate::support::{complaint, expect_pause, greet, part};

/// Takes one request from the topic `ask`; prints its payload, Response Topic and Correlation
/// Data.
fn servant(broker: &Broker, version: &str) -> Running {
    let servant = mqsub()
        .args(broker.args())
        .args(["-V", version, "-t", "ask", "-q", "1", "-C", "1"])
        .args(["-F", "%p|%R|%D"])
        .spawn();
    broker.wait_for_log("Sending SUBACK");
    servant
}

/// `mqpub --wait-response -t ask` with these options.
fn asking(broker: &Broker, args: &[&str]) -> Tool {
    mqpub()
        .args(broker.args())
        .args(["-t", "ask", "--wait-response"])
        .args(args)
}

#[track_caller]
fn answer(broker: &Broker, topic: &str, payload: &str, correlation: Option<&str>) {
    let mut tool = mqpub()
        .args(broker.args())
        .args(["-q", "1", "-t", topic, "-m", payload]);
    if let Some(correlation) = correlation {
        tool = tool.args(["-D", "publish", "correlation-data", correlation]);
    }
    tool.run().assert_success();
}

#[test]
fn an_answer_is_told_by_its_correlation_data() {
    for topic in [None, Some("answers/here")] {
        // Its log must know of one SUBACK only.
        let broker = Broker::start();
        let servant = servant(&broker, "mqttv5");
        let mut asking = asking(&broker, &["-V", "5", "-m", "what?", "-C", "3", "-q", "1"]);
        if let Some(topic) = topic {
            asking = asking.args(["-e", topic]);
        }
        let asking = asking.args(["-F", "%t: %p"]).spawn();
        let request = servant.wait().assert_success();
        let words: Vec<_> = request.stdout_str().trim_end().split('|').collect();
        let [question, respond_to, correlation] = words[..] else {
            panic!("{request}");
        };
        assert_eq!(question, "what?");
        assert!(!correlation.is_empty());
        match topic {
            Some(topic) => assert_eq!(respond_to, topic),
            None => assert!(respond_to.starts_with("mqpub/response/"), "{request}"),
        }
        answer(&broker, respond_to, "of another question", Some("x"));
        answer(&broker, respond_to, "one", Some(correlation));
        answer(&broker, "elsewhere", "lost", Some(correlation));
        answer(&broker, respond_to, "two", None);
        answer(&broker, respond_to, "", Some(correlation));
        let output = asking.wait().assert_success();
        let expected = format!("{respond_to}: one\n{respond_to}: two\n{respond_to}: \n");
        assert_eq!(output.stdout_str(), expected);
        assert!(output.stderr.is_empty(), "{output}");
    }
}

#[test]
fn in_mqtt_3_both_have_to_know_the_topic() {
    for version in ["mqttv31", "mqttv311"] {
        let broker = Broker::start();
        // What is retained there is older than the question.
        mqpub()
            .args(broker.args())
            .args(["-q", "1", "-r", "-t", "answers", "-m", "old"])
            .run()
            .assert_success();
        let servant = servant(&broker, version);
        let args = ["-V", version, "-e", "answers", "--latency", "-m", "what?"];
        let asking = asking(&broker, &args).spawn();
        let request = servant.wait().assert_success();
        assert_eq!(request.stdout_str(), "what?||\n");
        answer(&broker, "answers", "new", None);
        let output = asking.wait().assert_success();
        assert_eq!(output.stdout_str(), "new\n");
        let latency = output.stderr_str().trim_end();
        let took = latency
            .strip_prefix("latency: ")
            .and_then(|rest| rest.strip_suffix(" ms"))
            .unwrap_or_else(|| panic!("{output}"));
        assert!(took.parse::<f64>().unwrap() > 0.0);
    }
}

#[test]
fn without_an_answer_it_ends_with_27() {
    let broker = Broker::start();
    // On a loaded machine a short time may be over before anything was asked.
    for seconds in ["0.2", "2", "20", "60"] {
        let args = ["-m", "what?", "-e", "nobody", "-C", "2", "-W", seconds];
        let complaint = complaint(asking(&broker, &args).run(), 27);
        assert!(
            complaint.error.contains("the time is over"),
            "{complaint:?}"
        );
        if complaint.error.contains("0 of 2 answers") {
            assert!(complaint.hint.contains("nobody"), "{complaint:?}");
            return;
        }
    }
    panic!("it never came so far as to ask");
}

#[test]
fn it_publishes_when_the_broker_has_taken_the_subscription() {
    for qos in [0, 1, 2] {
        let broker = FakeBroker::start(move |mut conn| {
            greet(&mut conn);
            let subscribe = conn.expect_subscribe();
            assert_eq!(subscribe.filters, [("answers".to_owned(), qos)]);
            expect_pause(&mut conn);
            conn.suback(subscribe.packet_id, &[qos]);
            let mut publish = conn.expect_publish();
            assert_eq!((publish.topic.as_str(), publish.qos), ("ask", qos));
            // The answer comes before the acknowledgement, for which it waits all the same.
            publish.topic = "answers".to_owned();
            publish.qos = 0;
            let id = publish.packet_id.take();
            conn.publish(&publish);
            if let Some(id) = id {
                expect_pause(&mut conn);
                if qos == 1 {
                    conn.puback(id);
                } else {
                    conn.pubrec(id);
                    assert_eq!(conn.expect_pubrel(), id);
                    conn.pubcomp(id);
                }
            }
            conn.expect_disconnect();
            conn.expect_close();
        });
        let output = mqpub()
            .args(broker.args())
            .args(["-t", "ask", "-m", "x", "-q", &qos.to_string()])
            .args(["--wait-response", "-e", "answers"])
            .run()
            .assert_success();
        assert_eq!(output.stdout_str(), "x\n");
        broker.finish();
    }
}

#[test]
fn why_the_broker_ends_the_session_is_told() {
    let broker = FakeBroker::start(|mut conn| {
        greet(&mut conn);
        let subscribe = conn.expect_subscribe();
        conn.suback_v5(subscribe.packet_id, &[0]);
        conn.expect_publish();
        conn.disconnect_v5(0x97);
    });
    let output = mqpub()
        .args(broker.args())
        .args(["-V", "5", "-t", "ask", "-m", "x", "--wait-response"])
        .run();
    let complaint = complaint(output, 0x97);
    assert!(
        complaint.error.ends_with("ended the session"),
        "{complaint:?}"
    );
    broker.finish();
}

#[test]
fn a_refusal_is_told() {
    let broker = FakeBroker::start(|mut conn| {
        let number = conn.number();
        greet(&mut conn);
        let subscribe = conn.expect_subscribe();
        if number == 0 {
            conn.suback_v5(subscribe.packet_id, &[0x87]);
        } else {
            conn.suback_v5(subscribe.packet_id, &[0]);
            let publish = conn.expect_publish();
            conn.puback_v5(publish.packet_id.unwrap(), 0x87);
        }
        // Nothing is published without a subscription.
        while let Some(packet) = conn.try_read_packet() {
            assert_eq!(packet.kind(), 14, "{packet:?}");
        }
    });
    for refused in ["subscription", "message"] {
        let output = mqpub()
            .args(broker.args())
            .args(["-V", "5", "-t", "ask", "-m", "x", "-q", "1"])
            .arg("--wait-response")
            .run();
        let complaint = complaint(output, 135);
        assert!(complaint.error.contains(refused), "{complaint:?}");
    }
    broker.finish();
}

#[test]
fn a_template_and_an_encoding_are_possible() {
    let broker = FakeBroker::start(|mut conn| {
        greet(&mut conn);
        let subscribe = conn.expect_subscribe();
        conn.suback(subscribe.packet_id, &[0]);
        let publish = conn.expect_publish();
        assert_eq!(publish.topic, "ask/1");
        conn.publish(&harness::fake_broker::Publish {
            topic: "answers".to_owned(),
            payload: publish.payload,
            ..Default::default()
        });
        part(&mut conn);
    });
    let output = mqpub()
        .args(broker.args())
        .args([
            "-t",
            "ask/{seq}",
            "--template",
            "6{seq}",
            "--payload-is",
            "hex",
        ])
        .args(["--wait-response", "-e", "answers"])
        .run()
        .assert_success();
    assert_eq!(output.stdout_str(), "a\n");
    broker.finish();
}

#[test]
fn what_makes_no_sense_is_refused() {
    let nobody = unused_port();
    for (args, named) in [
        (&["-m", "x", "-e", "a"][..], "-e goes with --wait-response"),
        (&["-m", "x", "-C", "1"], "-C goes with --wait-response"),
        (&["-m", "x", "-F", "%p"], "-F goes with --wait-response"),
        (&["-m", "x", "--latency"], "--latency goes with"),
        (&["-m", "x", "-W", "1"], "-W goes with"),
        (
            &["--json-summary", "-m", "x", "--wait-response", "-e", "a"],
            "--json-summary",
        ),
        (&["-l", "--wait-response", "-e", "a"], "one message"),
        (
            &["-m", "x", "--repeat", "2", "--wait-response", "-e", "a"],
            "one message",
        ),
        (
            &["-m", "x", "--every", "2", "--wait-response", "-e", "a"],
            "one message",
        ),
        (&["-m", "x", "--wait-response", "-e", "a/#"], "a/#"),
        (
            &["-t", "same", "-m", "x", "--wait-response", "-e", "same"],
            "cannot come on the topic of the message",
        ),
        (&["--probe", "--every", "1"], "--every is for others"),
        (&["--probe", "--repeat", "3"], "--repeat is for others"),
        (&["--probe", "-r"], "-r is for others"),
        (
            &["-m", "x", "--on-bad-line", "skip"],
            "--on-bad-line goes with",
        ),
        (&["-m", "x", "--wait-response", "-e", "a", "-F", "%?"], "-F"),
        (
            &["-m", "x", "--wait-response", "-V", "311"],
            "--wait-response without -e",
        ),
        (
            &[
                "-m",
                "x",
                "--wait-response",
                "-D",
                "publish",
                "correlation-data",
                "x",
            ],
            "correlation-data",
        ),
    ] {
        let tool = mqpub().args(nobody.args()).args(["-t", "a"]).args(args);
        let complaint = complaint(tool.run(), 1);
        assert!(complaint.error.contains(named), "{args:?}: {complaint:?}");
    }
}
