//! What must work with every broker: each QoS, binary and large payloads, thousands of lines,
//! retained messages, Wills and sessions.

use std::fmt::Write as _;

use harness::{mqpub, mqsub};

use crate::brokers::{ALL, Place};

/// Runs a case with every broker, in every version that it speaks.
fn everywhere(case: impl Fn(&Place, &str)) {
    for start in ALL {
        let place = start();
        for version in place.versions {
            case(&place, version);
        }
    }
}

#[test]
fn each_qos_with_every_byte() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bytes");
    let bytes: Vec<u8> = (0..=255).collect();
    std::fs::write(&file, &bytes).unwrap();
    let hex = bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    everywhere(|place, version| {
        // A subscription each: rumqttd raises every message to the QoS of the subscription.
        for qos in ["0", "1", "2"] {
            let topic = format!("bytes/é/{qos}");
            let args = ["-t", &topic, "-q", qos, "-C", "1", "-F", "%t %q %x"];
            let subscriber = place.subscribed(version, &args);
            let file = file.to_str().unwrap();
            place.publish(version, &["-t", &topic, "-q", qos, "-f", file]);
            let output = subscriber.wait().assert_success();
            assert_eq!(output.stdout_str(), format!("{topic} {qos} {hex}\n"));
        }
    });
}

#[test]
fn thousands_of_lines() {
    let lines: Vec<_> = (0..5000).map(|number| format!("line {number}")).collect();
    let text = lines.join("\n") + "\n";
    everywhere(|place, version| {
        for qos in ["0", "1", "2"] {
            let topic = format!("lines/{qos}");
            let args = ["-t", &topic, "-q", qos, "-C", "5000"];
            let subscriber = place.subscribed(version, &args);
            place
                .tool(mqpub, version, &["-t", &topic, "-q", qos, "-l"])
                .stdin(text.as_str())
                .run()
                .assert_success();
            assert!(
                subscriber.wait().assert_success().stdout_str() == text,
                "{version} {qos}"
            );
        }
    });
}

#[test]
fn a_large_payload() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large");
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    std::fs::write(&file, &bytes).unwrap();
    everywhere(|place, version| {
        for qos in ["0", "1", "2"] {
            let args = ["-t", "large", "-q", qos, "-C", "1", "-N"];
            let subscriber = place.subscribed(version, &args);
            place.publish(
                version,
                &["-t", "large", "-q", qos, "-f", file.to_str().unwrap()],
            );
            assert!(
                subscriber.wait().assert_success().stdout == bytes,
                "{version} {qos}"
            );
        }
    });
}

#[test]
fn retained_messages() {
    everywhere(|place, version| {
        let topic = format!("retained/{version}");
        place.publish(version, &["-t", &topic, "-m", "kept", "-r", "-q", "1"]);
        let late = place.subscribe(version, &["-t", &topic, "-C", "1", "-F", "%r %p"]);
        assert_eq!(late.stdout_str(), "1 kept\n");
        place.publish(version, &["-t", &topic, "-n", "-r", "-q", "1"]);
        let later = place.subscribed(version, &["-t", &topic, "-C", "1", "-F", "%r %p"]);
        place.publish(version, &["-t", &topic, "-m", "new", "-q", "1"]);
        assert_eq!(later.wait().assert_success().stdout_str(), "0 new\n");
    });
}

#[test]
fn a_will() {
    everywhere(|place, version| {
        let topic = format!("will/{version}");
        let heir = place.subscribed(version, &["-t", &topic, "-q", "1", "-C", "1", "-v"]);
        let args = [
            "-t",
            "other",
            "--will-topic",
            &topic,
            "--will-payload",
            "gone",
            "--will-qos",
            "1",
        ];
        let testator = place.subscribed(version, &args);
        testator.kill();
        let output = heir.wait().assert_success();
        assert_eq!(output.stdout_str(), format!("{topic} gone\n"));
    });
}

#[test]
fn no_will_after_a_good_bye() {
    everywhere(|place, version| {
        if version == "mqttv5" {
            // There mqsub asks for its Will, as mosquitto_sub does.
            return;
        }
        let topic = format!("good-bye/{version}");
        let heir = place.subscribed(version, &["-t", &topic, "-q", "1", "-C", "1", "-v"]);
        let args = [
            "-t",
            "other",
            "--will-topic",
            &topic,
            "--will-payload",
            "gone",
        ];
        let testator = place.subscribed(version, &args);
        testator.terminate();
        testator.wait().assert_success();
        place.publish(version, &["-t", &topic, "-m", "end", "-q", "1"]);
        assert_eq!(
            heir.wait().assert_success().stdout_str(),
            format!("{topic} end\n")
        );
    });
}

#[test]
fn sessions() {
    everywhere(|place, version| {
        let topic = format!("session/{version}");
        let id = format!("kept-{version}");
        let args = ["-i", &id, "-c", "-q", "1", "-t", &topic];
        place.subscribe(version, &[&args[..], &["-E"]].concat());
        for text in ["one", "two", "three"] {
            place.publish(version, &["-t", &topic, "-m", text, "-q", "1"]);
        }
        let output = place.subscribe(version, &[&args[..], &["-C", "3"]].concat());
        assert_eq!(output.stdout_str(), "one\ntwo\nthree\n", "{version}");
    });
}

#[test]
fn a_version_that_the_broker_does_not_speak() {
    let aedes = crate::brokers::aedes();
    for (tool, args) in [
        (mqpub as fn() -> _, &["-t", "a", "-m", "x"][..]),
        (mqsub, &["-t", "a", "-E"]),
    ] {
        let output = aedes.tool(tool, "mqttv5", args).run();
        // CONNACK with Reason Code 132, Unsupported Protocol Version; or the connection is closed.
        assert!([132, 1, 5].contains(&output.status), "{output}");
        assert!(!output.stderr.is_empty(), "{output}");
    }
}
