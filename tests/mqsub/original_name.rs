//! Installed as `mosquitto_sub`: it speaks of itself by that name.

use std::os::unix::fs::symlink;

use harness::{Tool, mqsub};

#[test]
fn help_version_and_errors_speak_of_it_by_that_name() {
    let folder = tempfile::TempDir::new().unwrap();
    let link = folder.path().join("mosquitto_sub");
    symlink(mqsub().path(), &link).unwrap();
    let help = Tool::new(&link)
        .env("COLUMNS", "60")
        .arg("--help")
        .run()
        .assert_success();
    let text = help.stdout_str();
    assert!(text.contains("\nUsage: mosquitto_sub "), "{help}");
    assert!(text.contains("\n  mosquitto_sub -h "), "{help}");
    assert!(!text.contains("mqsub"), "{help}");
    assert!(text.lines().take(4).all(|line| line.len() <= 60), "{help}");
    let version = Tool::new(&link).arg("--version").run().assert_success();
    assert!(
        version.stdout_str().starts_with("mosquitto_sub "),
        "{version}"
    );
    let error = Tool::new(&link).arg("-q").run().assert_code(1);
    let hint = "hint: mosquitto_sub --help lists the options\n";
    assert!(error.stderr_str().ends_with(hint), "{error}");
}
