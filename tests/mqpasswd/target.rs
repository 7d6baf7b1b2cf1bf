//! `--for`, `--cost`, `--hash-only`, and the scheme that a user keeps.

use harness::{mqpasswd, python};

use crate::support::Folder;

#[test]
fn an_existing_user_keeps_the_scheme() {
    for (args, prefix) in [
        (&["-H", "sha512"][..], "alice:$6$"),
        (&["-I", "7"][..], "alice:$7$1000$"),
        (&["-I", "7000"][..], "alice:$7$7000$"),
        (
            &["--cost", "m=64,t=2,p=1"][..],
            "alice:$argon2id$v=19$m=64,t=2,p=1$",
        ),
    ] {
        let folder = Folder::with("");
        let first = [args, &["-b", "passwd", "alice", "pw"]].concat();
        folder.mqpasswd(&first).run().assert_success();
        folder
            .mqpasswd(&["-b", "passwd", "alice", "new"])
            .run()
            .assert_success();
        assert!(folder.text().starts_with(prefix), "{}", folder.text());
        assert!(folder.admits("alice", "new"));
        folder
            .mqpasswd(&["-H", "sha512-pbkdf2", "-b", "passwd", "alice", "new"])
            .run()
            .assert_success();
        assert!(folder.text().starts_with("alice:$7$1000$"));
    }
}

#[test]
fn a_target_is_written_for() {
    for (target, prefix) in [
        ("1.6", "alice:$6$"),
        ("2.0", "alice:$7$1000$"),
        ("2.1", "alice:$7$1000$"),
    ] {
        let folder = Folder::with("");
        folder
            .mqpasswd(&["--for", target, "-b", "passwd", "alice", "pw"])
            .run()
            .assert_success();
        assert!(folder.text().starts_with(prefix), "{}", folder.text());
    }
    let folder = Folder::with("");
    let output = folder
        .mqpasswd(&["--for", "2.0", "-H", "argon2id", "-b", "passwd", "a", "pw"])
        .run()
        .assert_code(1);
    assert_eq!(
        output.stderr_str(),
        "error: mosquitto 2.0 does not read passwords that are hashed so\n\
         hint: mqpasswd --help lists the options\n"
    );
}

#[test]
fn a_cost_is_what_the_reference_library_reads() {
    let script = r"
import sys
from argon2 import extract_parameters
from argon2.low_level import Type, verify_secret
text = sys.argv[1].strip()
assert verify_secret(text.encode(), b'pw', Type.ID)
found = extract_parameters(text)
assert (found.memory_cost, found.time_cost, found.parallelism) == (256, 3, 2), found
assert (found.salt_len, found.hash_len) == (64, 64), found
";
    let output = mqpasswd()
        .args(["--cost", "m=256,t=3,p=2", "--hash-only", "--password-stdin"])
        .stdin("pw\n")
        .run()
        .assert_success();
    python("argon2", script, &[output.stdout_str()])
        .run()
        .assert_success();
}

#[test]
fn only_the_hash_is_printed() {
    for args in [&["--hash-only"][..], &["--hash-only", "alice"]] {
        let folder = Folder::empty();
        let output = folder
            .mqpasswd(args)
            .stdin("pw\npw\n")
            .run()
            .assert_success();
        assert_eq!(output.stderr_str(), "");
        assert!(folder.names().is_empty());
        assert!(output.stdout_str().starts_with("$7$1000$"), "{output}");
        std::fs::write(folder.file(), format!("alice:{}", output.stdout_str())).unwrap();
        assert!(folder.admits("alice", "pw"));
    }
    let output = mqpasswd()
        .args(["--hash-only", "a:b"])
        .stdin("pw\npw\n")
        .run()
        .assert_code(1);
    assert!(output.stderr_str().contains("cannot be a user name"));
}
