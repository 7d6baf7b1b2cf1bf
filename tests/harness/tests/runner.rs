//! The command runner.

use std::fs::File;
use std::time::Duration;

use harness::Tool;

use crate::panic_message;

fn shell(script: &str) -> Tool {
    Tool::new("/bin/sh").arg("-c").arg(script)
}

#[test]
fn a_tool_sees_a_sealed_environment() {
    let tool = Tool::new("env").env("EXTRA", "1");
    let home = tool.home().display().to_string();
    let output = tool.run().assert_success();
    let mut names: Vec<_> = output
        .stdout_str()
        .lines()
        .map(|line| line.split_once('=').unwrap())
        .filter(|(name, _)| *name != "PATH")
        .collect();
    names.sort_unstable();
    let config = format!("{home}/.config");
    let expected = [
        ("COLUMNS", "100"),
        ("EXTRA", "1"),
        ("HOME", home.as_str()),
        ("LC_ALL", "C.UTF-8"),
        ("TZ", "UTC"),
        ("XDG_CONFIG_HOME", config.as_str()),
    ];
    assert_eq!(names, expected);
}

#[test]
fn more_than_a_pipe_holds_goes_through_both_ways() {
    let input = "line\n".repeat(200_000);
    let output = Tool::new("cat").stdin(input.clone()).run().assert_success();
    assert_eq!(output.stdout, input.as_bytes());
}

#[test]
fn a_wrong_exit_code_shows_everything() {
    let output = shell("echo data; echo message >&2; exit 3").run();
    assert_eq!(output.status, 3);
    let message = panic_message(|| drop(output.assert_success()));
    for part in [
        "exit status 0, got 3",
        "echo data",
        "--- stdout\ndata",
        "--- stderr\nmessage",
    ] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
}

#[test]
fn a_signal_is_reported_as_the_shell_does() {
    for (send, status) in [
        (harness::Running::terminate as fn(&harness::Running), 143),
        (harness::Running::interrupt, 130),
        (harness::Running::kill, 137),
    ] {
        let running = shell("echo ready; exec sleep 600").spawn();
        running.wait_for_stdout("ready");
        send(&running);
        assert_eq!(running.wait().status, status);
    }
}

#[test]
fn a_tool_that_never_ends_is_killed() {
    let tool = shell("echo $$; exec sleep 600").limit(Duration::from_secs(1));
    let message = panic_message(|| drop(tool.run()));
    assert!(message.contains("no end within 1s"), "{message}");
    let pid = message.lines().find(|line| line.parse::<u32>().is_ok());
    let pid = pid.expect("what it printed so far");
    assert!(
        !std::path::Path::new("/proc").join(pid).exists(),
        "still runs"
    );
}

#[test]
fn waiting_for_text_ends_when_the_tool_does() {
    let running = shell("echo something else").spawn();
    let message = panic_message(|| running.wait_for_stdout("the text"));
    assert!(message.contains("ended without \"the text\""), "{message}");
    assert!(message.contains("something else"), "{message}");
}

#[test]
fn stdin_can_be_fed_step_by_step() {
    let mut running = Tool::new("cat").spawn();
    running.write_stdin("first\n");
    running.wait_for_stdout("first\n");
    running.write_stdin("second\n");
    running.wait_for_stdout(|text: &str| text.lines().count() == 2);
    running.close_stdin();
    assert_eq!(
        running.wait().assert_success().stdout_str(),
        "first\nsecond\n"
    );
}

#[test]
fn closed_descriptors_are_really_closed() {
    let list = "ls /proc/self/fd/0 /proc/self/fd/1; true";
    let open = shell(list).run();
    assert!(!open.stderr_str().contains("cannot access"), "{open}");
    // ls itself is started with what the shell has.
    let closed = shell(list).stdin_closed().stdout_closed().run();
    for gone in ["'/proc/self/fd/0'", "'/proc/self/fd/1'"] {
        let wanted = format!("cannot access {gone}");
        assert!(closed.stderr_str().contains(&wanted), "{closed}");
    }
}

#[test]
fn stdout_can_be_a_full_disk() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = Tool::new("echo").arg("text").stdout_to(full).run();
    assert_ne!(output.status, 0);
}

#[test]
fn peak_memory_is_that_of_the_tool() {
    let script = "a=$(head -c 20000000 /dev/zero | tr '\\0' x); echo filled; read wait";
    let running = shell(script).measure_memory().spawn();
    running.wait_for_stdout("filled");
    let large = running.wait().peak_rss_kib();
    assert!((20_000..200_000).contains(&large), "{large} KiB");

    let running = shell("echo started; read wait").measure_memory().spawn();
    running.wait_for_stdout("started");
    let small = running.wait().peak_rss_kib();
    assert!(small < 10_000, "{small} KiB");
}

#[test]
fn the_tools_are_found() {
    for tool in [harness::mqpub(), harness::mqsub(), harness::mqpasswd()] {
        assert!(
            tool.path().is_file(),
            "{} is missing",
            tool.path().display()
        );
    }
}
