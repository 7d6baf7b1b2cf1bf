//! `--generate`: the manual page and the completions, alone on the command line, and as they are
//! checked in.

use std::os::unix::fs::symlink;

use harness::{Tool, generated, mqpub};
use tempfile::TempDir;

#[test]
fn what_is_checked_in_is_what_it_prints() {
    generated::assert_current("mqpub", mqpub);
}

#[test]
fn under_the_original_name_the_texts_speak_of_that() {
    let folder = TempDir::new().unwrap();
    let link = folder.path().join("mosquitto_pub");
    symlink(mqpub().path(), &link).unwrap();
    for what in ["man", "bash", "zsh", "fish", "powershell", "elvish"] {
        let option = format!("--generate={what}");
        let output = Tool::new(&link).arg(option).run().assert_success();
        let name = if what == "man" {
            "MOSQUITTO_PUB"
        } else {
            "mosquitto_pub"
        };
        assert!(output.stdout_str().contains(name), "{what}: {output}");
    }
}

#[test]
fn options_of_other_places_are_not_in_its_way() {
    let tool = mqpub().env("MQ_HOST", "nowhere.example");
    std::fs::write(tool.home().join(".config/mqpub"), "-t a/topic\n-V mqttv9\n").unwrap();
    let output = tool.args(["--generate", "man"]).run().assert_success();
    assert!(output.stdout_str().starts_with(".ie"), "{output}");
}

#[test]
fn with_anything_else_it_is_an_error() {
    for (args, error) in [
        (
            &["--generate", "ksh"][..],
            "invalid value 'ksh' for '--generate <WHAT>' [possible values: man, bash, zsh, fish, powershell, elvish]",
        ),
        (
            &["--generate", "man", "-d"],
            "invalid value 'man' for '--generate <WHAT>': it has to be alone on the command line",
        ),
        (
            &["-h", "localhost", "--generate=bash"],
            "invalid value 'bash' for '--generate <WHAT>': it has to be alone on the command line",
        ),
    ] {
        let complaint = crate::support::complaint(mqpub().args(args).run(), 1);
        assert_eq!(complaint.error, error);
    }
}
