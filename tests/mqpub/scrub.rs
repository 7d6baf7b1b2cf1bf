//! What `ps` shows of a running tool: its command line without the secrets. `mqsub` shares all
//! of it and is looked at here too.

use std::fs;
use std::os::unix::fs::symlink;
use std::thread;
use std::time::{Duration, Instant};

use harness::{Broker, Running, Tool, mqpub, mqsub, namespace, silent_port};
use tempfile::TempDir;

use crate::support::PATIENCE;

const SECRET: &str = "s3cr3t-pass-w0rd";
const STARS: &str = "****************";

/// The words of a process, as every user of the machine can read them.
#[track_caller]
fn words_of(running: &Running) -> Vec<String> {
    read(running, "cmdline")
}

#[track_caller]
fn read(running: &Running, name: &str) -> Vec<String> {
    let text = fs::read(format!("/proc/{}/{name}", running.pid())).unwrap();
    assert!(text.ends_with(b"\0"), "{text:?}");
    String::from_utf8(text)
        .unwrap()
        .split_terminator('\0')
        .map(str::to_owned)
        .collect()
}

/// Starts a tool that connects and then waits.
#[track_caller]
fn waiting(tool: Tool) -> Running {
    let running = tool.arg("-d").spawn();
    running.wait_for_stderr("received CONNACK");
    running
}

/// Checks what is shown of `args` once a tool is connected.
#[track_caller]
fn check(tool: Tool, args: &[&str], expected: &[&str]) {
    let running = waiting(tool.args(args));
    let words = words_of(&running);
    let shown: Vec<_> = words.iter().map(String::as_str).collect();
    assert!(
        shown
            .windows(expected.len())
            .any(|window| window == expected),
        "{shown:?}"
    );
    assert!(!words.concat().contains(SECRET), "{shown:?}");
}

#[test]
fn a_password_is_hidden_in_every_spelling() {
    let broker = Broker::start();
    for (args, expected) in [
        (
            &["-u", "me", "-P", SECRET][..],
            &["-u", "me", "-P", STARS][..],
        ),
        (&["-u", "me", "--pw", SECRET], &["-u", "me", "--pw", STARS]),
        (
            &["-u", "me", "-Ps3cr3t-pass-w0rd"],
            &["-u", "me", "-P****************"],
        ),
        (
            &["--pw=s3cr3t-pass-w0rd", "-u", "me"],
            &["--pw=****************", "-u", "me"],
        ),
        (&["-u", "me", "-dP", SECRET], &["-u", "me", "-dP", STARS]),
        (
            &["-P", "s3cr3t-pass-w0rd-1", "-u", "me", "-P", SECRET],
            &["-P", "******************", "-u", "me", "-P", STARS],
        ),
    ] {
        let mqpub = mqpub().args(broker.args()).args(["-t", "a", "-l"]);
        check(mqpub, args, expected);
        check(
            mqsub().args(broker.args()).args(["-t", "a"]),
            args,
            expected,
        );
    }
}

#[test]
fn of_a_url_the_rest_stays_readable() {
    let broker = Broker::start();
    let url = |password: &str| format!("mqtt://me:{password}@localhost:{}/a/b:c@d", broker.port());
    for option in ["-L", "--url"] {
        check(
            mqpub().arg("-l"),
            &[option, &url(SECRET)],
            &[option, &url(STARS)],
        );
        check(mqsub(), &[option, &url(SECRET)], &[option, &url(STARS)]);
    }
    let [typed, shown] = [SECRET, STARS].map(|password| format!("-vL{}", url(password)));
    check(mqsub(), &[&typed], &[&shown]);
}

/// The proxy answers nothing, and so the tool goes on waiting for it.
#[test]
fn so_is_it_with_a_proxys_url() {
    let silent = silent_port();
    let url = |password: &str| format!("socks5h://me:{password}@localhost:{}", silent.port());
    for args in [
        &["--proxy", &url(SECRET), "-i", "x"][..],
        &[&format!("--proxy={}", url(SECRET)), "-i", "x"],
    ] {
        let running = mqpub()
            .args(args)
            .args(["-t", "a", "-m", "x", "--connect-timeout", "100000"])
            .spawn();
        let deadline = Instant::now() + PATIENCE;
        // Before it is the tool, the process is still a copy of this one.
        loop {
            let words = fs::read(format!("/proc/{}/cmdline", running.pid())).unwrap();
            let words = String::from_utf8_lossy(&words);
            if words.contains(&url(STARS)) {
                assert!(!words.contains(SECRET), "{words:?}");
                break;
            }
            assert!(Instant::now() < deadline, "{words:?}");
            thread::sleep(Duration::from_millis(1));
        }
        assert!(running.is_running());
    }
}

#[test]
fn other_words_stay_as_they_are() {
    let broker = Broker::start();
    let args = ["-t", "-P", "-P", SECRET, "-u", SECRET, "-i", "--pw"];
    let running = waiting(mqpub().args(broker.args()).arg("-l").args(args));
    let words = words_of(&running);
    assert!(
        words.ends_with(
            &["-t", "-P", "-P", STARS, "-u", SECRET, "-i", "--pw", "-d"].map(str::to_owned)
        ),
        "{words:?}"
    );
}

#[test]
fn the_password_still_gets_there() {
    let broker = Broker::builder().anonymous(false).config("log_type all");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("passwd");
    harness::mqpasswd()
        .args(["-c", "-b"])
        .arg(&file)
        .args(["me", SECRET])
        .run()
        .assert_success();
    let broker = broker.password_file(&file).start();
    let running = waiting(
        mqpub()
            .args(broker.args())
            .args(["-t", "a", "-l", "-u", "me", "-P", SECRET]),
    );
    assert!(!words_of(&running).concat().contains(SECRET));
    running.wait().assert_success();
}

#[test]
fn it_is_hidden_under_the_names_of_the_originals() {
    let broker = Broker::start();
    let folder = TempDir::new().unwrap();
    for (tool, name, args) in [
        (mqpub(), "mosquitto_pub", &["-t", "a", "-l"][..]),
        (mqsub(), "mosquitto_sub", &["-t", "a"]),
    ] {
        let link = folder.path().join(name);
        symlink(tool.path(), &link).unwrap();
        let tool = Tool::new(&link).args(broker.args()).args(args);
        check(
            tool,
            &["-u", "me", "-P", SECRET],
            &["-u", "me", "-P", STARS],
        );
    }
}

#[test]
fn the_variable_is_hidden_too() {
    let broker = Broker::start();
    let tool = mqsub()
        .args(broker.args())
        .args(["-t", "a", "-u", "me"])
        .envs([
            ("MQ_PASSWORD", SECRET),
            ("XMQ_PASSWORD", "kept"),
            ("Z", "kept"),
        ]);
    let running = waiting(tool);
    let variables = read(&running, "environ");
    for expected in [
        format!("MQ_PASSWORD={STARS}"),
        "XMQ_PASSWORD=kept".to_owned(),
        "Z=kept".to_owned(),
    ] {
        assert!(variables.contains(&expected), "{variables:?}");
    }
}

#[test]
fn a_process_with_a_password_writes_no_core_file() {
    let broker = Broker::start();
    for (args, limit) in [
        (&["-u", "me", "-P", SECRET][..], "0"),
        (&["-u", "me"], "4096"),
    ] {
        let tool = Tool::new("prlimit")
            .arg("--core=4096:")
            .arg(mqsub().path())
            .args(broker.args())
            .args(["-t", "a"])
            .args(args);
        let running = waiting(tool);
        let limits = fs::read_to_string(format!("/proc/{}/limits", running.pid())).unwrap();
        let soft = limits
            .lines()
            .find_map(|line| line.strip_prefix("Max core file size"))
            .and_then(|line| line.split_whitespace().next());
        assert_eq!(soft, Some(limit), "{limits}");
    }
}

#[test]
fn without_proc_everything_else_works() {
    let broker = Broker::start();
    // A mount namespace of its own, in which an empty folder lies over /proc.
    let output = namespace("--mount")
        .args(["sh", "-c"])
        .arg(r#"mount -t tmpfs none /proc && ! test -e /proc/self && exec "$0" "$@""#)
        .arg(mqpub().path())
        .args(broker.args())
        .args(["-t", "a", "-m", "x", "-u", "me", "-P", SECRET])
        .env("MQ_PASSWORD", SECRET)
        .run()
        .assert_success();
    assert_eq!(output.stderr_str(), "");
}
