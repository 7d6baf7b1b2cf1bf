//! The programs that need no library, in a root that has nothing but them and /etc/hosts.

use std::fs;
use std::path::Path;

use harness::{Broker, Tool, mqpub, namespace};
use tempfile::TempDir;

use crate::support::{one, publishes, unpacked};

#[test]
fn no_library_is_asked_for() {
    let root = Root::new();
    for tool in ["mqpub", "mqsub", "mqpasswd"] {
        let output = Tool::new("ldd")
            .arg(root.folder.path().join("bin").join(tool))
            .run();
        assert_eq!(output.stdout_str().trim(), "statically linked", "{output}");
    }
}

#[test]
fn mqpub_publishes_by_address_and_by_name() {
    let root = Root::new();
    // localhost takes no resolver; a name from /etc/hosts is found by the C library's, which loads
    // libraries at run time where it has to, and here are none.
    for host in ["127.0.0.1", "localhost", "broker.test"] {
        publishes(root.run("bin/mqpub"), host);
    }
}

#[test]
fn a_name_that_nobody_knows_is_an_error_and_no_crash() {
    let root = Root::new();
    let output = root
        .run("bin/mqpub")
        .args(["-h", "unknown.test", "-t", "t", "-m", "m"])
        .run();
    assert_eq!(output.status, 15, "{output}");
    assert!(
        output
            .stderr_str()
            .contains("cannot find the host \"unknown.test\""),
        "{output}"
    );
}

#[test]
fn mqsub_prints_what_it_receives() {
    let root = Root::new();
    let broker = Broker::start();
    mqpub()
        .args(broker.args())
        .args(["-t", "kept", "-m", "for later", "-r", "-q", "1"])
        .run()
        .assert_success();
    let output = root
        .run("bin/mqsub")
        .args(["-h", "broker.test", "-p", &broker.port().to_string()])
        .args(["-t", "kept", "-C", "1"])
        .run()
        .assert_success();
    assert_eq!(output.stdout_str(), "for later\n");
}

/// Outside: its random numbers are from /dev/urandom, which the root does not have.
#[test]
fn mqpasswd_makes_a_file_that_it_knows_again() {
    let root = Root::new();
    let run = |args: &[&str]| {
        Tool::new(root.folder.path().join("bin/mqpasswd"))
            .current_dir(root.folder.path())
            .args(args)
    };
    run(&["-c", "-b", "passwords", "somebody", "secret"])
        .run()
        .assert_success();
    for (password, code) in [("secret\n", 0), ("other\n", 1)] {
        run(&["--password-stdin", "--verify", "passwords", "somebody"])
            .stdin(password)
            .run()
            .assert_code(code);
    }
}

struct Root {
    folder: TempDir,
}

impl Root {
    fn new() -> Self {
        let folder = TempDir::with_prefix("mqtools-root-").unwrap();
        unpacked(&one("mqtools-", "-linux-static.tar.gz"), folder.path());
        fs::create_dir(folder.path().join("etc")).unwrap();
        fs::write(folder.path().join("etc/hosts"), "127.0.0.1 broker.test\n").unwrap();
        Self { folder }
    }

    /// A program inside, for which this folder is `/`.
    fn run(&self, program: impl AsRef<Path>) -> Tool {
        namespace("--mount")
            .arg("--root")
            .arg(self.folder.path())
            .arg(Path::new("/").join(program))
    }
}
