//! What is written, and where: `-v`, `-N`, `-d`, `--quiet`.

use harness::{Broker, FakeBroker, mqsub, unused_port};

use crate::support::{publish, subscribe, subscribed};

#[test]
fn capital_n_prints_no_newline() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-t", "a", "-N", "-C", "2"]);
    publish(&broker, &["-t", "a", "-m", "one"]);
    // Not even a message without a newline is held back.
    mqsub.wait_for_stdout("one");
    publish(&broker, &["-t", "a", "-m", "two"]);
    assert_eq!(mqsub.wait().assert_success().stdout_str(), "onetwo");
}

#[test]
fn v_prints_the_topic_first() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-t", "#", "-v", "-C", "2"]);
    publish(&broker, &["-t", "a/b", "-m", "text"]);
    publish(&broker, &["-t", "a/b", "-n"]);
    assert_eq!(
        mqsub.wait().assert_success().stdout_str(),
        "a/b text\na/b (null)\n"
    );
}

#[test]
fn an_empty_message_prints_nothing() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-t", "a", "-C", "2"]);
    publish(&broker, &["-t", "a", "-n"]);
    publish(&broker, &["-t", "a", "-m", "text"]);
    assert_eq!(mqsub.wait().assert_success().stdout_str(), "text\n");
}

#[test]
fn d_tells_each_step_on_stderr_only() {
    let broker = Broker::start();
    let mqsub = subscribed(&broker, &["-t", "a", "-q", "2", "-C", "1", "-i", "me"]);
    publish(&broker, &["-t", "a", "-q", "1", "-m", "text"]);
    let output = mqsub.wait().assert_success();
    assert_eq!(output.stdout_str(), "text\n");
    assert_eq!(
        output.stderr_str(),
        "debug: sending CONNECT (MQTT 3.1.1, id \"me\", clean 1, keep alive 60 s)\n\
         debug: received CONNACK (0, session present 0)\n\
         debug: sending SUBSCRIBE (m1, \"a\", QoS 2)\n\
         debug: received SUBACK (m1, codes [2])\n\
         debug: received PUBLISH (d0, q1, r0, m1, \"a\", 4 bytes)\n\
         debug: sending PUBACK (m1, reason 0)\n\
         debug: sending DISCONNECT (0)\n"
    );
}

#[test]
fn nothing_is_told_without_being_asked() {
    let broker = Broker::start();
    publish(&broker, &["-t", "a", "-m", "text", "-r"]);
    let output = subscribe(&broker, &["-t", "a", "-C", "1"]).assert_success();
    assert_eq!(output.stderr_str(), "");
}

#[test]
fn quiet_silences_errors_and_keeps_their_codes() {
    let port = unused_port();
    let run = |args: &[&str]| mqsub().args(port.args()).args(["-t", "a"]).args(args).run();
    let told = run(&[]).assert_code(14);
    assert!(told.stderr_str().starts_with("error: "), "{told}");
    let silent = run(&["--quiet"]).assert_code(14);
    assert_eq!(silent.stderr_str(), "");

    let broker = Broker::builder().anonymous(false).start();
    for (version, code) in [("311", 5), ("5", 135)] {
        let silent = subscribe(&broker, &["-t", "a", "--quiet", "-V", version]).assert_code(code);
        assert_eq!(silent.stderr_str(), "");
    }
}

#[test]
fn quiet_silences_warnings() {
    let refuse_one = || {
        FakeBroker::start(|mut conn| {
            conn.expect_connect();
            conn.connack(0);
            let subscribe = conn.expect_subscribe();
            conn.suback(subscribe.packet_id, &[0, 0x80]);
            conn.hold();
        })
    };
    for (option, warnings) in [(None, 1), (Some("--quiet"), 0)] {
        let broker = refuse_one();
        let output = mqsub()
            .args(broker.args())
            .args(["-t", "a", "-t", "b", "-E"])
            .args(option)
            .run()
            .assert_success();
        let lines = output.stderr_str().lines();
        assert_eq!(lines.count(), warnings, "{output}");
        broker.finish();
    }
}
