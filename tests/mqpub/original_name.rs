//! Installed as `mosquitto_pub`: it speaks of itself by that name and reads that one's file.

use std::fs;
use std::os::unix::fs::symlink;

use harness::{Tool, mqpub};
use tempfile::TempDir;

use crate::support::{Collector, complaint};

/// A folder with the link in it, to be kept as long as the tool.
fn link() -> (TempDir, Tool) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mosquitto_pub");
    symlink(mqpub().path(), &path).unwrap();
    let tool = Tool::new(path);
    (folder, tool)
}

#[test]
fn help_and_version_speak_of_it_by_that_name() {
    for columns in ["80", "100"] {
        let (_folder, tool) = link();
        let output = tool
            .env("COLUMNS", columns)
            .arg("--help")
            .run()
            .assert_success();
        let help = output.stdout_str();
        assert!(help.contains("\nUsage: mosquitto_pub "), "{help}");
        assert!(help.contains("\n  mosquitto_pub -h "), "{help}");
        assert!(!help.contains("mqpub"), "{help}");
    }
    let (_folder, tool) = link();
    let version = tool.arg("--version").run().assert_success();
    assert!(
        version.stdout_str().starts_with("mosquitto_pub "),
        "{version}"
    );
}

#[test]
fn a_usage_error_sends_to_its_help() {
    let (_folder, tool) = link();
    let complaint = complaint(tool.arg("-q").run(), 1);
    assert_eq!(complaint.hint, "mosquitto_pub --help lists the options");
}

#[test]
fn it_reads_the_originals_options_file_only() {
    let broker = Collector::start();
    let (_folder, tool) = link();
    let config = tool.home().join(".config");
    let args = broker.args();
    let lines = format!(
        "{} {}\n{} {}\n-t a\n-m theirs",
        args[0], args[1], args[2], args[3]
    );
    fs::write(config.join("mosquitto_pub"), lines).unwrap();
    fs::write(config.join("mqpub"), "-nonsense").unwrap();
    tool.run().assert_success();
    assert_eq!(broker.payloads(), [b"theirs"]);

    let (_folder, tool) = link();
    fs::write(tool.home().join(".config/mosquitto_pub"), "--nonsense").unwrap();
    let complaint = complaint(tool.run(), 1);
    assert_eq!(
        complaint.cause,
        "--nonsense is not an option of mosquitto_pub"
    );
}

/// As with the original, the broker assigns it: there is no prefix of the tool's name.
#[test]
fn without_an_identifier_the_broker_assigns_one() {
    use crate::support::greet;
    use harness::FakeBroker;
    // MQTT 3.1 cannot do without one.
    for version in ["mqttv311", "mqttv5"] {
        let broker = FakeBroker::start(|mut conn| {
            assert_eq!(greet(&mut conn).client_id, "");
            conn.expect_publish();
            conn.expect_disconnect();
        });
        let (_folder, tool) = link();
        tool.args(broker.args())
            .args(["-V", version, "-t", "a", "-m", "x"])
            .run()
            .assert_success();
        broker.finish();
    }
}
