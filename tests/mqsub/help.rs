//! `--help` and `--version`: groups, width, and that nothing is missing.

use harness::mqsub;
use mqsub::cli;

const GROUPS: [&str; 7] = [
    "Topics",
    "End",
    "Output",
    "Connection",
    "TLS",
    "Will",
    "General",
];

fn help(columns: usize) -> String {
    let output = mqsub()
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
    for line in help.lines() {
        if line.starts_with("  -") || line.starts_with("      --") {
            let names = line.trim_start().split("  ").next().unwrap();
            seen.extend(
                names
                    .split(", ")
                    .map(|name| name.split(' ').next().unwrap()),
            );
        }
    }
    for group in GROUPS {
        assert!(help.contains(&format!("\n{group}:\n")), "no group {group}");
    }
    let command = cli::command("mqsub");
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
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
    for columns in [60, 80, 100, 200] {
        for line in help(columns).lines() {
            let most = columns.min(100);
            assert!(line.chars().count() <= most, "over {most}: {line:?}");
            assert_eq!(line.trim_end(), line, "ends with a space");
        }
    }
    // Wrapped examples could not be copied.
    let example = "  mqsub -t door/state -C 1 -W 5 || echo 'no message within 5 seconds'\n";
    assert!(help(80).contains(example));
    let formats = "    %m packet identifier  %j JSON               %J JSON, payload parsed\n";
    assert!(help(80).contains(formats));
}

#[test]
fn version_names_the_tool_and_the_tls_library() {
    let output = mqsub().arg("--version").run().assert_success();
    let expected = format!(
        "mqsub {}\nTLS: {}\n",
        env!("CARGO_PKG_VERSION"),
        mqtools_common::tls::library()
    );
    assert_eq!(output.stdout_str(), expected);
}

#[test]
fn each_option_stands_in_the_group_it_belongs_to() {
    crate::groups::check(&cli::command("mqsub"), &["Topics", "End", "Output"]);
}
