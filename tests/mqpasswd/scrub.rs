//! The password of `-b` does not stay in the command line that `ps` shows.

use std::fs;
use std::os::unix::fs::symlink;
use std::thread;
use std::time::{Duration, Instant};

use harness::Tool;

use crate::support::Folder;

const SECRET: &str = "-s3cr3t pässword";

/// More than can be computed before the test has looked.
const FOR_HOURS: &str = "2147483647";

/// Waits until the command line ends so, which is at once after the start.
#[track_caller]
fn wait_for_words(pid: u32, expected: &[u8]) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        if words.ends_with(expected) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{:?}",
            String::from_utf8_lossy(&words)
        );
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn the_password_is_hidden_and_nothing_else() {
    let folder = Folder::with("");
    let shown = ["-I", FOR_HOURS, "-b", "passwd", "alice"].join("\0");
    let stars = "*".repeat(SECRET.len());
    let expected = format!("\0{shown}\0{stars}\0");
    let link = folder.path().join("mosquitto_passwd");
    let args = ["-I", FOR_HOURS, "-b", "passwd", "alice", SECRET];
    let tool = folder.mqpasswd(&args);
    symlink(tool.path(), &link).unwrap();
    for tool in [tool, Tool::new(&link).current_dir(folder.path()).args(args)] {
        let running = tool.spawn();
        wait_for_words(running.pid(), expected.as_bytes());
        assert!(running.is_running());
        running.kill();
    }
    assert_eq!(folder.text(), "");
}

#[test]
fn the_password_is_hashed_as_it_was_typed() {
    let folder = Folder::with("");
    folder
        .mqpasswd(&["-b", "passwd", "alice", SECRET])
        .run()
        .assert_success();
    assert!(folder.admits("alice", SECRET));
}
