//! mosquitto_passwd, and the files it leaves.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

use harness::{Broker, Output, mqpasswd};
use tempfile::TempDir;

use crate::support::expect;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("passwd")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    #[track_caller]
    fn run(&self, args: &[&str], stdin: &str) -> Output {
        mqpasswd()
            .current_dir(self.0.path())
            .args(args)
            .stdin(stdin)
            .run()
    }

    /// Whether a broker with this file lets them in. mosquitto_pub asks, whoever made the file.
    #[track_caller]
    fn admits(&self, user: &str, password: &str) -> bool {
        let broker = Broker::builder()
            .anonymous(false)
            .password_file(self.file())
            .start();
        let output = harness::Tool::new("mosquitto_pub")
            .args(broker.args())
            .args(["-t", "t", "-m", "x", "-u", user, "-P", password])
            .run();
        assert!([0, 5].contains(&output.status), "{output}");
        output.status == 0
    }
}

#[test]
fn c_and_b_make_a_file_with_one_user() {
    let folder = Folder::new();
    folder
        .run(&["-c", "-b", "passwd", "alice", "secret"], "")
        .assert_success();
    let text = folder.text();
    assert!(
        text.starts_with("alice:$7$") && text.lines().count() == 1,
        "{text}"
    );
    assert!(folder.admits("alice", "secret"));
    assert!(!folder.admits("alice", "Secret"));
}

/// Ours: 0600 whatever the umask is, and made by root 0640 for the broker's group; and 1000
/// iterations.
#[test]
fn a_new_file() {
    let folder = Folder::new();
    // A new mask can be set by a shell only.
    harness::Tool::new("sh")
        .args(["-c", r#"umask 022; exec "$0" "$@""#])
        .arg(mqpasswd().path())
        .args(["-c", "-b", "passwd", "alice", "pw"])
        .current_dir(folder.0.path())
        .run()
        .assert_success();
    let mode = fs::metadata(folder.file()).unwrap().permissions().mode() & 0o777;
    let by_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let ours = if by_root { 0o640 } else { 0o600 };
    assert_eq!(mode, expect(ours, 0o644));
    let text = folder.text();
    assert_eq!(text.split('$').nth(2), Some(expect("1000", "101")));
    // A salt of 12 bytes, which every broker reads.
    assert_eq!(text.split('$').nth(3).unwrap().len(), 16);
}

#[test]
fn c_overwrites() {
    let folder = Folder::new();
    folder
        .run(&["-c", "-b", "passwd", "alice", "pw"], "")
        .assert_success();
    folder
        .run(&["-c", "-b", "passwd", "bob", "pw"], "")
        .assert_success();
    assert!(folder.text().starts_with("bob:") && folder.text().lines().count() == 1);
}

#[test]
fn users_are_added_and_changed_in_place() {
    let folder = Folder::new();
    for (user, password) in [("alice", "one"), ("bob", "two"), ("alice", "three")] {
        let create = if folder.file().exists() {
            vec![]
        } else {
            vec!["-c"]
        };
        let args = [&create[..], &["-b", "passwd", user, password]].concat();
        folder.run(&args, "").assert_success();
    }
    let text = folder.text();
    let users: Vec<_> = text
        .lines()
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(users, ["alice", "bob"]);
    assert!(folder.admits("alice", "three") && folder.admits("bob", "two"));
    assert!(!folder.admits("alice", "one"));
}

#[test]
fn h_chooses_the_hash() {
    for (name, prefix) in [("sha512", "alice:$6$"), ("sha512-pbkdf2", "alice:$7$")] {
        let folder = Folder::new();
        folder
            .run(&["-H", name, "-c", "-b", "passwd", "alice", "pw"], "")
            .assert_success();
        assert!(folder.text().starts_with(prefix));
        assert!(folder.admits("alice", "pw"));
    }
    let folder = Folder::new();
    folder
        .run(&["-H", "md5", "-c", "-b", "passwd", "alice", "pw"], "")
        .assert_code(1);
}

#[test]
fn i_is_the_number_of_iterations() {
    let folder = Folder::new();
    folder
        .run(&["-I", "77", "-c", "-b", "passwd", "alice", "pw"], "")
        .assert_success();
    assert!(folder.text().starts_with("alice:$7$77$"));
    assert!(folder.admits("alice", "pw"));
    folder
        .run(&["-I", "0", "-b", "passwd", "alice", "pw"], "")
        .assert_code(1);
}

#[test]
fn capital_d_deletes() {
    let folder = Folder::new();
    folder
        .run(&["-c", "-b", "passwd", "alice", "pw"], "")
        .assert_success();
    folder
        .run(&["-b", "passwd", "bob", "pw"], "")
        .assert_success();
    folder.run(&["-D", "passwd", "alice"], "").assert_success();
    assert!(folder.text().starts_with("bob:") && folder.text().lines().count() == 1);
    folder.run(&["-D", "passwd", "nobody"], "").assert_code(1);
    assert!(folder.text().starts_with("bob:"));
}

#[test]
fn u_hashes_plain_lines() {
    let folder = Folder::new();
    fs::write(folder.file(), "alice:one\nbob:two:three\n").unwrap();
    folder.run(&["-U", "passwd"], "").assert_success();
    let text = folder.text();
    assert!(text.lines().all(|line| line.contains(":$7$")), "{text}");
    assert!(folder.admits("alice", "one"));
    // Ours: a password may hold a colon, as it may with -b. The original stops at it.
    assert_eq!(folder.admits("bob", "two:three"), expect(true, false));
}

/// Ours: hashes stay as they are. The original hashes them again.
#[test]
fn u_twice() {
    let folder = Folder::new();
    fs::write(folder.file(), "alice:one\n").unwrap();
    folder.run(&["-U", "passwd"], "").assert_success();
    let once = folder.text();
    folder.run(&["-U", "passwd"], "").assert_success();
    assert_eq!(folder.text() == once, expect(true, false));
}

#[test]
fn passwords_come_from_two_lines_of_stdin() {
    let folder = Folder::new();
    folder
        .run(&["-c", "passwd", "alice"], "se cret\nse cret\n")
        .assert_success();
    assert!(folder.admits("alice", "se cret"));
    folder.run(&["passwd", "bob"], "one\ntwo\n").assert_code(2);
    folder.run(&["passwd", "bob"], "\n\n").assert_code(1);
    assert_eq!(folder.text().lines().count(), 1);
}

#[test]
fn prompts_on_a_terminal() {
    let folder = Folder::new();
    fs::write(folder.file(), "").unwrap();
    let mut terminal = mqpasswd().arg(folder.file()).arg("alice").run_on_pty();
    for prompt in ["Password: ", "Reenter password: "] {
        terminal.expect(prompt);
        while terminal.echo_is_on() {
            std::thread::yield_now();
        }
        terminal.send_line("secret");
    }
    assert_eq!(terminal.wait(), 0);
    assert!(!terminal.screen().contains("secret"));
    assert!(folder.admits("alice", "secret"));
}

#[test]
fn what_excludes_each_other() {
    let folder = Folder::new();
    folder
        .run(&["-c", "-b", "passwd", "alice", "pw"], "")
        .assert_success();
    let before = folder.text();
    for args in [
        &["-c", "-D", "passwd", "alice"][..],
        &["-c", "-U", "passwd"],
        &["-D", "-U", "passwd"],
        &["-b", "-D", "passwd", "alice"],
        &["-b", "passwd", "alice"],
        &["passwd"],
        &[],
        &["--bogus"],
    ] {
        folder.run(args, "").assert_code(1);
        assert_eq!(folder.text(), before, "{args:?}");
    }
}

#[test]
fn user_names_and_missing_files() {
    let folder = Folder::new();
    folder
        .run(&["-b", "passwd", "alice", "pw"], "")
        .assert_code(1);
    folder.run(&["-D", "passwd", "alice"], "").assert_code(1);
    folder.run(&["-U", "passwd"], "").assert_code(1);
    folder
        .run(&["-c", "-b", "passwd", "a:b", "pw"], "")
        .assert_code(1);
    assert!(!folder.file().exists() || folder.text().is_empty());
}

/// A file of the one is read and changed by the other; see also tests/mqpasswd/original.rs.
#[test]
fn the_mode_of_an_existing_file_stays() {
    let folder = Folder::new();
    folder
        .run(&["-c", "-b", "passwd", "alice", "pw"], "")
        .assert_success();
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o640)).unwrap();
    folder
        .run(&["-b", "passwd", "bob", "pw"], "")
        .assert_success();
    let mode = fs::metadata(folder.file()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o640);
}
