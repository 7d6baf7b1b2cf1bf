//! `--generate`: the manual page and the completions, alone on the command line, and as they are
//! checked in.

use std::os::unix::fs::symlink;

use harness::{Tool, generated, mqpasswd};
use tempfile::TempDir;

#[test]
fn what_is_checked_in_is_what_it_prints() {
    generated::assert_current("mqpasswd", mqpasswd);
}

#[test]
fn under_the_original_name_the_texts_speak_of_that() {
    let folder = TempDir::new().unwrap();
    let link = folder.path().join("mosquitto_passwd");
    symlink(mqpasswd().path(), &link).unwrap();
    for what in ["man", "bash", "zsh", "fish", "powershell", "elvish"] {
        let option = format!("--generate={what}");
        let output = Tool::new(&link).arg(option).run().assert_success();
        let name = if what == "man" {
            "MOSQUITTO_PASSWD"
        } else {
            "mosquitto_passwd"
        };
        assert!(output.stdout_str().contains(name), "{what}: {output}");
    }
}
