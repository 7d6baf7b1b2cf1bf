//! `-c`: the broker keeps the session between runs.

use harness::Broker;

use crate::support::{VERSIONS, publish, publish_lines, subscribe, subscribed, terminate};

#[test]
fn messages_wait_for_the_next_run() {
    let broker = Broker::start();
    for version in VERSIONS {
        for qos in ["1", "2"] {
            let id = format!("{version}-{qos}");
            let session = ["-V", version, "-i", &id, "-c", "-q", qos, "-t", "kept"];
            let mqsub = subscribed(&broker, &session);
            publish(&broker, &["-t", "kept", "-q", qos, "-m", "while it runs"]);
            mqsub.wait_for_stdout("while it runs\n");
            terminate(mqsub);
            publish_lines(&broker, "kept", qos, &["while", "it", "rests"]);
            let mqsub = subscribed(&broker, &session);
            // A CONNACK of MQTT 3.1 does not tell.
            if version != "mqttv31" {
                mqsub.wait_for_stderr("session present 1");
            }
            mqsub.wait_for_stdout("rests\n");
            publish(&broker, &["-t", "kept", "-q", qos, "-m", "again"]);
            mqsub.wait_for_stdout("again\n");
            assert_eq!(terminate(mqsub).stdout_str(), "while\nit\nrests\nagain\n");
        }
    }
}

#[test]
fn they_wait_for_a_killed_mqsub_too() {
    let broker = Broker::start();
    for version in VERSIONS {
        let session = ["-V", version, "-i", version, "-c", "-q", "1", "-t", "kept"];
        let mqsub = subscribed(&broker, &session);
        mqsub.kill();
        mqsub.wait().assert_code(128 + 9);
        publish(&broker, &["-t", "kept", "-q", "1", "-m", version]);
        let output = subscribe(&broker, &[&session, &["-C", "1"][..]].concat()).assert_success();
        assert_eq!(output.stdout_str(), format!("{version}\n"));
    }
}

#[test]
fn without_it_nothing_is_kept() {
    let broker = Broker::start();
    for version in VERSIONS {
        let session = ["-V", version, "-i", version, "-q", "1", "-t", "kept"];
        subscribe(&broker, &[&session, &["-E"][..]].concat()).assert_success();
        publish(&broker, &["-t", "kept", "-q", "1", "-m", "lost"]);
        let mqsub = subscribed(&broker, &[&session, &["-C", "1"][..]].concat());
        mqsub.wait_for_stderr("session present 0");
        publish(&broker, &["-t", "kept", "-q", "1", "-m", "new"]);
        assert_eq!(mqsub.wait().assert_success().stdout_str(), "new\n");
    }
}

#[test]
fn a_run_without_it_throws_the_session_away() {
    let broker = Broker::start();
    for version in VERSIONS {
        let id = ["-V", version, "-i", version, "-q", "1", "-t", "kept"];
        subscribe(&broker, &[&id, &["-c", "-E"][..]].concat()).assert_success();
        subscribe(&broker, &[&id, &["-E"][..]].concat()).assert_success();
        publish(&broker, &["-t", "kept", "-q", "1", "-m", "lost"]);
        let mqsub = subscribed(&broker, &[&id, &["-c", "-C", "1"][..]].concat());
        mqsub.wait_for_stderr("session present 0");
        publish(&broker, &["-t", "kept", "-q", "1", "-m", "new"]);
        assert_eq!(mqsub.wait().assert_success().stdout_str(), "new\n");
    }
}

#[test]
fn it_needs_a_client_identifier() {
    let port = harness::unused_port();
    for id in [[].as_slice(), &["-i", ""], &["-I", "prefix"]] {
        let output = harness::mqsub()
            .args(port.args())
            .args(["-c", "-t", "kept"])
            .args(id)
            .run()
            .assert_code(1);
        assert!(output.stderr_str().starts_with("error: "), "{output}");
    }
}
