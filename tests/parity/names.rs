//! The tools under their original names, which are symbolic links to ours.

use std::os::unix::fs::symlink;

use harness::{Tool, mqpasswd, mqpub, mqsub};

#[test]
fn they_speak_of_themselves_by_that_name() {
    let folder = tempfile::tempdir().unwrap();
    for (tool, name) in [
        (mqpub(), "mosquitto_pub"),
        (mqsub(), "mosquitto_sub"),
        (mqpasswd(), "mosquitto_passwd"),
    ] {
        let link = folder.path().join(name);
        symlink(tool.path(), &link).unwrap();
        let output = Tool::new(&link).arg("--help").run();
        let text = output.stdout_str();
        assert!(text.contains(name), "{output}");
        // The others' names are ours.
        assert!(
            !text.contains(&name.replace("mosquitto_", "mq")),
            "{output}"
        );
    }
}
