//! SIGINT and SIGTERM.

use harness::mqpasswd;

use crate::support::{Stage, expect};

/// In MQTT 5 the DISCONNECT asks for the Will, so its Reason Code is looked at as well.
#[test]
fn mqsub_says_good_bye() {
    for version in ["311", "5"] {
        for interrupt in [true, false] {
            let mut stage = Stage::start();
            let args = ["-V", version, "-t", "a", "--will-topic", "will"];
            let tool = stage.subscribed(&args);
            stage.publish("a", "x");
            tool.wait_for_stdout("x\n");
            if interrupt {
                tool.interrupt();
            } else {
                tool.terminate();
            }
            let output = tool.wait().assert_success();
            assert_eq!(output.stdout_str(), "x\n");
            let messages = stage.messages();
            let will = messages.iter().any(|message| message.topic == "will");
            assert_eq!(will, version == "5");
        }
    }
}

/// Both end by the signal; ours when what was read has arrived (tests/mqpub/signals.rs).
#[test]
fn mqpub_reading_lines() {
    let mut stage = Stage::start();
    let tool = stage.mqpub(&["-t", "a", "-l", "-q", "1"]).spawn();
    tool.write_stdin("one\n");
    assert_eq!(stage.peer.receive().payload, b"one");
    tool.terminate();
    // Its stdin is still open.
    tool.wait_for_end();
    tool.wait().assert_code(143);
}

/// Ours: 130, by which a shell knows that it was interrupted.
#[test]
fn mqpasswd_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passwd");
    std::fs::write(&file, "").unwrap();
    let mut terminal = mqpasswd().arg(&file).arg("bob").run_on_pty();
    terminal.expect("Password: ");
    // The prompt is there before the terminal is ready for a secret.
    while terminal.echo_is_on() {
        std::thread::yield_now();
    }
    terminal.send_control_c();
    assert_eq!(terminal.wait(), expect(130, 0));
    assert!(terminal.echo_is_on());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "");
}
