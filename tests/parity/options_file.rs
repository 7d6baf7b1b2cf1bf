//! The options files that are read without being named. 2.0.11 has no `-o`.

use std::fs;

use harness::{Tool, mqpub, mqsub};

use crate::not_yet::not_yet;
use crate::support::{expect, sent};

/// The tool, with an options file where mosquitto's tools look for it.
fn with_file(tool: fn() -> Tool, name: &str, text: &str) -> Tool {
    let tool = tool();
    fs::write(tool.home().join(".config").join(name), text).unwrap();
    tool
}

type Case = (fn() -> Tool, &'static str, &'static [&'static str]);

/// Each tool, the name of its file, and a command line.
const TOOLS: [Case; 2] = [
    (mqpub, "mosquitto_pub", &["-t", "cli", "-m", "x"]),
    (mqsub, "mosquitto_sub", &["-t", "cli", "-E"]),
];

#[test]
fn options_come_from_xdg_config_home() {
    if not_yet("options file") {
        return;
    }
    for (tool, name, args) in TOOLS {
        let text = "# a comment\n-i from the file\n--username user\n\n-k 17\n";
        let sent = sent(with_file(tool, name, text).args(args));
        assert_eq!(sent.connect.client_id, "from the file");
        assert_eq!(sent.connect.username.as_deref(), Some("user"));
        assert_eq!(sent.connect.keep_alive, 17);
    }
}

#[test]
fn the_home_folder_is_looked_at_without_xdg_config_home() {
    if not_yet("options file") {
        return;
    }
    for (tool, name, args) in TOOLS {
        // The sealed environment sets the variable; an empty value counts as none for env(1).
        let inner = with_file(tool, name, "-k 17\n");
        let program = inner.path().to_owned();
        let home = inner.home();
        let sent = sent(
            Tool::new("env")
                .args(["-u", "XDG_CONFIG_HOME"])
                .arg(format!("HOME={}", home.display()))
                .arg(program)
                .args(args),
        );
        assert_eq!(sent.connect.keep_alive, 17);
        drop(inner);
    }
}

#[test]
fn the_command_line_comes_after_the_file() {
    if not_yet("options file") {
        return;
    }
    for (tool, name, args) in TOOLS {
        let sent = sent(
            with_file(tool, name, "-k 17\n-i file\n")
                .args(["-k", "18"])
                .args(args),
        );
        assert_eq!(sent.connect.keep_alive, 18);
        assert_eq!(sent.connect.client_id, "file");
    }
}

#[test]
fn topics_add_up() {
    if not_yet("options file") {
        return;
    }
    let tool = with_file(mqsub, "mosquitto_sub", "-t file/one\n-t file/two\n");
    let sent = sent(tool.args(["-t", "cli", "-E"]));
    let topics: Vec<_> = sent
        .subscribes
        .iter()
        .flat_map(|s| s.filters.iter().map(|(filter, _)| filter.as_str()))
        .collect();
    assert_eq!(topics, ["file/one", "file/two", "cli"]);
}

/// Ours: names file and line. Both refuse it.
#[test]
fn an_unknown_option_in_the_file_is_a_usage_error() {
    if not_yet("options file") {
        return;
    }
    for (tool, name, args) in TOOLS {
        with_file(tool, name, "--bogus 1\n")
            .args(args)
            .run()
            .assert_code(expect(1, 1));
    }
}
