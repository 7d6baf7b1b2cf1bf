//! Killed at any moment, the tool leaves the old file or the new one, and nothing that the next
//! run does not clean.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use harness::{Tool, mqpasswd};

use crate::support::Folder;

const OLD: &str = "# users\nalice:x\nbob:y\n";

/// The whole file, old or new; then what the next run makes of it.
#[track_caller]
fn assert_whole(folder: &Folder, when: &str, in_place: bool) {
    let text = folder.text();
    if !in_place {
        assert!(is_old_or_new(&text), "killed {when}:\n{text}");
    }
    folder
        .mqpasswd(&["--if-changed", "-D", "passwd", "nobody"])
        .run()
        .assert_success();
    let text = folder.text();
    assert!(is_old_or_new(&text), "mended after {when}:\n{text}");
    assert_eq!(folder.names(), ["passwd"], "mended after {when}");
}

/// The new file has another hash each time.
fn is_old_or_new(text: &str) -> bool {
    text == OLD || text.strip_prefix(OLD).is_some_and(is_new_line)
}

fn is_new_line(text: &str) -> bool {
    text.starts_with("carol:$7$1$") && text.ends_with("==\n") && text.lines().count() == 1
}

const ADD: &[&str] = &["-I", "1", "-b", "passwd", "carol", "pw"];
const CREATE: &[&str] = &["-I", "1", "-c", "-b", "passwd", "carol", "pw"];

fn strace(folder: &Folder, options: &[&str], args: &[&str]) -> Tool {
    Tool::new("strace")
        .current_dir(folder.path())
        .args(["-f", "-qq", "-o", "/dev/null"])
        .args(options)
        .arg("--")
        .arg(mqpasswd().path())
        .args(args)
}

/// Every system call from the first that names the file on, as its name and which one of that
/// name it is.
fn calls(folder: &Folder, options: &[&str], args: &[&str]) -> Vec<(String, usize)> {
    let log = tempfile::NamedTempFile::new().unwrap();
    Tool::new("strace")
        .current_dir(folder.path())
        .args(["-f", "-qq", "-o"])
        .arg(log.path())
        .args(options)
        .arg("--")
        .arg(mqpasswd().path())
        .args(args)
        .run()
        .assert_success();
    let mut numbers = std::collections::HashMap::new();
    let mut calls = Vec::new();
    let mut is_ours = false;
    for line in fs::read_to_string(log.path()).unwrap().lines() {
        let call = line.split_once(' ').unwrap().1.trim_start();
        let Some((name, rest)) = call.split_once('(') else {
            continue;
        };
        let number = numbers.entry(name.to_owned()).or_insert(0);
        *number += 1;
        is_ours |= name != "execve" && rest.contains("\"passwd\"");
        if is_ours && name != "exit_group" {
            calls.push((name.to_owned(), *number));
        }
    }
    calls
}

#[track_caller]
fn kill_at_every_call(options: &[&str], in_place: bool) {
    let calls = calls(&Folder::with(OLD), options, ADD);
    for needed in if in_place {
        &["flock", "pwrite64", "fsync", "ftruncate"][..]
    } else {
        &["flock", "write", "fsync", "renameat"]
    } {
        assert!(
            calls.iter().any(|(name, _)| name == needed),
            "no {needed} in {calls:?}"
        );
    }
    for (name, number) in calls {
        // The call whose failure leads to the other way cannot be killed, too.
        if options
            .iter()
            .any(|option| option.contains(&format!("{name}:error")))
        {
            continue;
        }
        let folder = Folder::with(OLD);
        let inject = format!("inject={name}:signal=KILL:when={number}");
        let output = strace(&folder, &[options, &["-e", &inject]].concat(), ADD).run();
        assert_eq!(output.status, 128 + 9, "{inject}\n{output}");
        assert_whole(&folder, &inject, in_place);
    }
}

#[test]
fn at_every_system_call() {
    kill_at_every_call(&[], false);
}

#[test]
fn at_every_system_call_where_the_file_cannot_be_replaced() {
    kill_at_every_call(&["-e", "inject=renameat:error=EBUSY"], true);
}

#[test]
fn at_every_system_call_of_a_new_file() {
    let calls = calls(&Folder::empty(), &[], CREATE);
    for needed in ["write", "fsync", "openat"] {
        assert!(
            calls.iter().any(|(name, _)| name == needed),
            "no {needed} in {calls:?}"
        );
    }
    for (name, number) in calls {
        let folder = Folder::empty();
        let inject = format!("inject={name}:signal=KILL:when={number}");
        let output = strace(&folder, &["-e", &inject], CREATE).run();
        assert_eq!(output.status, 128 + 9, "{inject}\n{output}");
        let is_there = folder.file().exists();
        assert!(!is_there || is_new_line(&folder.text()), "{inject}");
        // Where there is no file, this fails, and cleans all the same.
        folder
            .mqpasswd(&["--if-changed", "-D", "passwd", "nobody"])
            .run()
            .assert_code(i32::from(!is_there));
        let left = folder.names();
        assert!(left.iter().all(|name| name == "passwd"), "{left:?}");
    }
}

#[test]
fn at_every_system_call_of_the_repair() {
    // Half of the new content is written over the old.
    let interrupted = {
        let folder = Folder::with(OLD);
        let options = ["-e", "inject=renameat:error=EBUSY"];
        let ftruncate = ["-e", "inject=ftruncate:signal=KILL:when=1"];
        strace(&folder, &[options, ftruncate].concat(), ADD).run();
        let text = folder.text();
        assert!(text.contains("#mqpasswd-end"), "{text}");
        text
    };
    let interrupted = interrupted.replacen("carol:$7$1$", "#mqpassw$7$", 1);
    let calls = calls(&Folder::with(&interrupted), &[], ADD);
    assert!(
        calls.iter().any(|(name, _)| name == "ftruncate"),
        "{calls:?}"
    );
    for (name, number) in calls {
        let folder = Folder::with(&interrupted);
        let inject = format!("inject={name}:signal=KILL:when={number}");
        let output = strace(&folder, &["-e", &inject], ADD).run();
        assert_eq!(output.status, 128 + 9, "{inject}\n{output}");
        assert_whole(&folder, &inject, true);
    }
}

/// A disk that is full, a quota, a broken disk, wherever it shows.
#[test]
fn a_call_that_fails_leaves_the_old_file() {
    for (call, error, cause) in [
        ("write", "ENOSPC", "No space left on device"),
        ("write", "EDQUOT", "Disk quota exceeded"),
        ("fsync", "EIO", "Input/output error"),
        ("fsync", "EDQUOT", "Disk quota exceeded"),
        ("renameat", "ENOSPC", "No space left on device"),
    ] {
        let folder = Folder::with(OLD);
        let inject = format!("inject={call}:error={error}:when=1");
        let output = strace(&folder, &["-e", &inject], ADD).run().assert_code(1);
        assert!(output.stderr_str().contains(cause), "{inject}\n{output}");
        assert_eq!(folder.text(), OLD);
        assert_eq!(folder.names(), ["passwd"]);
    }
}

/// At 500 moments that nobody chose.
#[test]
fn at_random_moments() {
    let folder = Folder::with(OLD);
    let start = || {
        Command::new(mqpasswd().path())
            .current_dir(folder.path())
            .args(ADD)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let begun = Instant::now();
    assert!(start().wait().unwrap().success());
    let mut whole = begun.elapsed();
    let mut kills = 0;
    let mut runs = 0_u32;
    while kills < 500 {
        fs::write(folder.file(), OLD).unwrap();
        let mut child = start();
        // The moments are spread evenly; what a run takes changes with the load of the machine.
        runs += 1;
        thread::sleep(whole.mul_f64(f64::from(runs * 37 % 101) / 100.0));
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            whole = whole.mul_f64(0.9);
        } else {
            kills += 1;
            whole = whole.mul_f64(1.1);
        }
        let text = folder.text();
        assert!(is_old_or_new(&text), "{text}");
        assert!(
            runs < 100_000,
            "only {kills} of {runs} runs could be killed"
        );
    }
    assert_whole(&folder, "at the end", false);
}
