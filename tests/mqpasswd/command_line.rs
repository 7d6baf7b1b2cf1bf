//! Help, version, usage errors, and the name the tool speaks of itself by.

use std::fs::File;
use std::os::unix::fs::symlink;

use harness::{Tool, mqpasswd};

use crate::support::Folder;

#[test]
fn help_and_version_are_data() {
    let help = mqpasswd().arg("--help").run().assert_success();
    assert!(help.stdout_str().contains("\nExamples:\n"), "{help}");
    assert!(help.stderr.is_empty(), "{help}");
    let version = mqpasswd().arg("--version").run().assert_success();
    assert_eq!(
        version.stdout_str(),
        format!("mqpasswd {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn help_fits_the_terminal_and_its_examples_can_be_copied() {
    let folder = Folder::empty();
    let link = folder.path().join("mosquitto_passwd");
    symlink(mqpasswd().path(), &link).unwrap();
    for columns in [80, 100, 200] {
        for (tool, name) in [
            (mqpasswd(), "mqpasswd"),
            (Tool::new(&link), "mosquitto_passwd"),
        ] {
            let help = tool
                .arg("--help")
                .env("COLUMNS", columns.to_string())
                .run()
                .assert_success();
            for line in help.stdout_str().lines() {
                let most = columns.min(100);
                assert!(line.chars().count() <= most, "over {most}: {line:?}");
            }
            let example = format!("  {name} -c passwd alice      ");
            assert!(help.stdout_str().contains(&example), "{help}");
        }
    }
}

#[test]
fn a_usage_error_goes_to_stderr_and_exits_1() {
    for args in [
        &[][..],
        &["-X", "passwd", "alice"],
        &["--nonsense"],
        &["passwd"],
        &["-b", "passwd", "alice"],
        &["-D", "passwd"],
        &["-U"],
        &["-U", "passwd", "alice"],
        &["passwd", "alice", "secret"],
        &["-b", "passwd", "alice", "my", "secret"],
        &["passwd", "alice", "-b", "secret"],
    ] {
        let folder = Folder::with("alice:x\n");
        let output = folder.mqpasswd(args).run().assert_code(1);
        let stderr = output.stderr_str();
        assert!(stderr.starts_with("error: "), "{output}");
        assert!(
            stderr.contains("\nhint: ") && stderr.contains("--help"),
            "{output}"
        );
        assert!(!stderr.contains("secret"), "{output}");
        assert!(output.stdout.is_empty(), "{output}");
        assert_eq!(folder.text(), "alice:x\n");
    }
}

#[test]
fn under_the_name_of_the_original_it_speaks_of_itself_so() {
    let folder = Folder::empty();
    let link = folder.path().join("mosquitto_passwd");
    symlink(mqpasswd().path(), &link).unwrap();
    let help = Tool::new(&link)
        .env("COLUMNS", "60")
        .arg("--help")
        .run()
        .assert_success();
    let usage = help.stdout_str().split("\n\n").nth(1).unwrap();
    assert!(usage.lines().all(|line| line.len() <= 60), "{usage}");
    assert!(
        help.stdout_str().contains("Usage: mosquitto_passwd "),
        "{help}"
    );
    assert!(!help.stdout_str().contains("mqpasswd"), "{help}");
    let output = Tool::new(&link)
        .args(["passwd", "alice"])
        .run()
        .assert_code(1);
    assert!(
        output
            .stderr_str()
            .contains("mosquitto_passwd -c passwd alice"),
        "{output}"
    );
}

#[test]
fn a_stdout_that_takes_nothing_is_an_error() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = mqpasswd()
        .args(["-c", "-b", "-", "alice", "pw"])
        .stdout_to(full)
        .run()
        .assert_code(1);
    assert!(
        output
            .stderr_str()
            .starts_with("error: cannot write to stdout\n"),
        "{output}"
    );
}
