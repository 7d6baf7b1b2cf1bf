//! `--help` and `--version`: groups, width, and that nothing is missing.

use std::fs::File;

use harness::mqpub;
use mqpub::cli;

use crate::support::complaint;

const GROUPS: [&str; 6] = [
    "Message",
    "Response",
    "Connection",
    "TLS",
    "Will",
    "General",
];

fn help(columns: usize) -> String {
    let output = mqpub()
        .arg("--help")
        .env("COLUMNS", columns.to_string())
        .run()
        .assert_success();
    assert!(output.stderr.is_empty(), "{output}");
    output.stdout_str().to_owned()
}

#[test]
fn every_option_stands_in_one_group_once() {
    let help = help(80);
    let mut seen: Vec<&str> = Vec::new();
    let mut groups: Vec<&str> = Vec::new();
    for line in help.lines() {
        if let Some(group) = line.strip_suffix(':').filter(|line| !line.starts_with(' ')) {
            groups.push(group);
        } else if line.starts_with("  -") || line.starts_with("      --") {
            let names = line.trim_start().split("  ").next().unwrap();
            seen.extend(
                names
                    .split(", ")
                    .map(|name| name.split(' ').next().unwrap()),
            );
        }
    }
    assert_eq!(groups[..GROUPS.len()], GROUPS);
    assert_eq!(groups[GROUPS.len()..], ["Examples"]);
    let command = cli::command("mqpub");
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    for arg in shown {
        let heading = arg.get_help_heading().unwrap_or_default();
        assert!(GROUPS.contains(&heading), "{} is in no group", arg.get_id());
        let long = arg.get_long().map(|long| format!("--{long}"));
        let short = arg.get_short().map(|short| format!("-{short}"));
        for name in long.iter().chain(&short) {
            let times = seen.iter().filter(|seen| *seen == name).count();
            assert_eq!(times, 1, "{name} stands in the help {times} times");
        }
    }
}

#[test]
fn it_fits_the_terminal() {
    for columns in [60, 80, 90, 100, 200] {
        let help = help(columns);
        for line in help.lines() {
            let most = columns.min(100);
            assert!(line.chars().count() <= most, "over {most}: {line:?}");
            assert_eq!(line.trim_end(), line, "ends with a space");
        }
    }
    assert_ne!(help(80), help(100), "more room is used");
    // The examples are not wrapped, so that they can be copied.
    for example in [
        "  mqpub -t camera/door -f picture.jpg -r\n",
        " mqpub -t logs/host -l -q 1\n",
    ] {
        assert!(help(80).contains(example), "{example}");
    }
}

#[test]
fn defaults_and_ranges_are_shown() {
    let words: Vec<_> = help(100).split_whitespace().map(str::to_owned).collect();
    let help = words.join(" ");
    for text in [
        "[default: localhost]",
        "[default: 1883",
        "5 to 65535, or 0 for none [default: 60]",
        "0, 1 or 2 [default: 0]",
        "1 to 65535 [default: 100",
        "[env: MQ_HOST]",
        "[possible values: mqttv31",
    ] {
        assert!(help.contains(text), "{text}");
    }
}

#[test]
fn version_names_the_tool_and_the_tls_library() {
    let output = mqpub().arg("--version").run().assert_success();
    assert!(output.stderr.is_empty(), "{output}");
    let expected = format!(
        "mqpub {}\nTLS: {}\n",
        env!("CARGO_PKG_VERSION"),
        mqtools_common::tls::library()
    );
    assert_eq!(output.stdout_str(), expected);
}

#[test]
fn help_that_cannot_be_written_is_an_error() {
    let full = || File::options().write(true).open("/dev/full").unwrap();
    for option in ["--help", "--version"] {
        let output = mqpub().arg(option).stdout_to(full()).run();
        let complaint = complaint(output, 14);
        assert!(complaint.error.contains("standard output"), "{complaint:?}");
    }
}

#[test]
fn each_option_stands_in_the_group_it_belongs_to() {
    crate::groups::check(&cli::command("mqpub"), &["Message", "Response"]);
}
