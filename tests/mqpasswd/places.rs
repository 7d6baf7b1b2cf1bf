//! Places where a file cannot simply be replaced: mount points, full and read-only file systems,
//! folders and files of others.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

use harness::{Output, Tool, is_root, mqpasswd, namespace};
use rustix::fs::{XattrFlags, getxattr, setxattr};

use crate::support::{Folder, as_nobody};

const ADD: &str = "-b passwd bob pw";

/// Runs a script in a mount namespace of its own; `$MQPASSWD` is the tool.
#[track_caller]
fn in_namespace(folder: &Folder, script: &str) -> Output {
    let script = format!("echo namespace >&2; set -e; {script}",);
    let output = namespace("--mount")
        .current_dir(folder.path())
        .args(["sh", "-c", &script])
        .env("MQPASSWD", mqpasswd().path())
        .run();
    assert!(
        output.stderr_str().starts_with("namespace\n"),
        "this test needs a mount namespace: run it as root with CAP_SYS_ADMIN, or where users \
         may make namespaces (sysctl kernel.unprivileged_userns_clone)\n{output}"
    );
    output
}

#[test]
fn a_file_that_is_a_mount_point_is_overwritten() {
    let folder = Folder::with("# kept\nalice:x\n");
    fs::write(folder.path().join("outside"), "# kept\nalice:x\n").unwrap();
    fs::set_permissions(
        folder.path().join("outside"),
        fs::Permissions::from_mode(0o640),
    )
    .unwrap();
    let before = fs::metadata(folder.path().join("outside")).unwrap();
    in_namespace(
        &folder,
        &format!(
            "mount --bind outside passwd; $MQPASSWD {ADD}; $MQPASSWD -D passwd alice; \
             $MQPASSWD --verify {ADD}"
        ),
    )
    .assert_success();
    let after = fs::metadata(folder.path().join("outside")).unwrap();
    assert_eq!(
        (before.ino(), before.mode(), before.uid()),
        (after.ino(), after.mode(), after.uid())
    );
    let text = fs::read_to_string(folder.path().join("outside")).unwrap();
    assert!(
        text.starts_with("# kept\nbob:$7$1000$") && text.lines().count() == 2,
        "{text}"
    );
    assert_eq!(folder.text(), "# kept\nalice:x\n");
    assert_eq!(folder.names(), ["outside", "passwd"]);
}

#[test]
fn a_mounted_file_in_a_read_only_file_system_is_overwritten() {
    let folder = Folder::with("alice:x\n");
    in_namespace(
        &folder,
        &format!(
            "mkdir ro; touch ro/passwd; mount --bind ro ro; mount --bind passwd ro/passwd; \
             mount -o remount,ro,bind ro; cd ro; ! touch x 2>/dev/null; $MQPASSWD {ADD}"
        ),
    )
    .assert_success();
    assert!(folder.admits("bob", "pw"));
    assert!(folder.text().starts_with("alice:x\n"));
}

#[test]
fn a_read_only_file_system_is_an_error() {
    let folder = Folder::with("alice:x\n");
    for args in [ADD, "-c -b new bob pw", "-D passwd alice", "-U passwd"] {
        let output = in_namespace(
            &folder,
            &format!("mount --bind . .; mount -o remount,ro,bind .; cd \"$PWD\"; $MQPASSWD {args}"),
        )
        .assert_code(1);
        assert!(
            output.stderr_str().contains("cause: Read-only file system"),
            "{output}"
        );
        assert_eq!(folder.text(), "alice:x\n");
        assert_eq!(folder.names(), ["passwd"]);
    }
}

#[test]
fn a_full_file_system_is_an_error_and_the_old_file_stays() {
    let line = format!("alice:{}\n", "x".repeat(3000));
    let folder = Folder::with(line.repeat(6));
    fs::create_dir(folder.path().join("small")).unwrap();
    // 32 KiB, of which the file takes 20, and something else the rest: there is no room for a
    // second one, nor for a tail behind the first.
    for prepare in ["true", "mount --bind passwd passwd"] {
        let output = in_namespace(
            &folder,
            &format!(
                "mount -t tmpfs -o size=32k tmpfs small; cp passwd small/; cd small; {prepare}; \
                 head -c 20000 /dev/zero >rest 2>/dev/null || true; \
                 code=0; $MQPASSWD {ADD} || code=$?; \
                 cmp passwd ../passwd; rm rest; ls -A; exit $code"
            ),
        )
        .assert_code(1);
        assert!(
            output
                .stderr_str()
                .contains("cause: No space left on device"),
            "{output}"
        );
        assert_eq!(output.stdout_str(), "passwd\n");
    }
}

#[test]
fn a_mounted_file_without_room_for_a_tail_stays_as_it_was() {
    let folder = Folder::with("nobody:x\n");
    let line = format!("alice:{}\n", "x".repeat(3000));
    fs::write(folder.path().join("big"), line.repeat(6)).unwrap();
    fs::create_dir(folder.path().join("small")).unwrap();
    let output = in_namespace(
        &folder,
        &format!(
            "mount -t tmpfs -o size=32k tmpfs small; cp big small/; \
             head -c 20000 /dev/zero >small/rest 2>/dev/null || true; \
             mount --bind small/big passwd; code=0; $MQPASSWD {ADD} || code=$?; \
             cmp passwd big; exit $code"
        ),
    )
    .assert_code(1);
    assert!(
        output
            .stderr_str()
            .contains("error: cannot write passwd\ncause: No space left on device"),
        "{output}"
    );
    assert_eq!(folder.names(), ["big", "passwd", "small"]);
}

/// A limit on the size of files (`ulimit -f`), which the kernel also tells by a signal that ends
/// whoever does not expect it.
#[test]
fn a_file_that_would_be_too_long_stays_as_it_was() {
    let text = format!("alice:{}\n", "x".repeat(3000)).repeat(6);
    let folder = Folder::with(&text);
    // Enough for a part of the new file, and for the tail's beginning.
    for (limit, prepare) in [("10000", "true"), ("20000", "mount --bind passwd passwd")] {
        let output = in_namespace(
            &folder,
            &format!("{prepare}; exec prlimit --fsize={limit} -- $MQPASSWD {ADD}"),
        )
        .assert_code(1);
        let words = output.stderr_str();
        assert!(
            words.contains("cause: File too large\nhint: ") && words.contains("ulimit -f"),
            "{output}"
        );
        assert_eq!(folder.text(), text);
        assert_eq!(folder.names(), ["passwd"]);
    }
    // A new file leaves nothing behind either.
    let args = ["--fsize=50", "--"];
    Tool::new("prlimit")
        .current_dir(folder.path())
        .args(args)
        .arg(mqpasswd().path())
        .args(["-c", "-b", "new", "bob", "pw"])
        .run()
        .assert_code(1);
    assert_eq!(folder.names(), ["passwd"]);
}

#[test]
fn in_a_folder_that_cannot_be_written_the_file_is_overwritten() {
    let folder = Folder::with("alice:x\n");
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let before = fs::metadata(folder.file()).unwrap();
    as_nobody(&folder, &["-b", "passwd", "bob", "pw"]).assert_success();
    as_nobody(&folder, &["-D", "passwd", "alice"]).assert_success();
    let after = fs::metadata(folder.file()).unwrap();
    assert_eq!(
        (before.ino(), before.mode(), before.uid()),
        (after.ino(), after.mode(), after.uid())
    );
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(folder.admits("bob", "pw"));
    assert_eq!(folder.text().lines().count(), 1);
    assert_eq!(folder.names(), ["passwd"]);
}

#[test]
fn a_file_of_somebody_else_keeps_its_owner() {
    if !is_root() {
        // Giving a file away takes root, or a namespace in which one is.
        let folder = Folder::with("alice:x\n");
        let script = format!("chown 0:0 passwd; $MQPASSWD {ADD}");
        in_namespace(&folder, &script).assert_success();
        return;
    }
    let folder = Folder::with("alice:x\n");
    chown(folder.file(), Some(12_345), Some(23_456)).unwrap();
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    as_nobody(&folder, &["-b", "passwd", "bob", "pw"]).assert_success();
    let file = fs::metadata(folder.file()).unwrap();
    assert_eq!((file.uid(), file.gid()), (12_345, 23_456));
    assert!(folder.admits("bob", "pw"));
    assert_eq!(folder.names(), ["passwd"]);
}

#[test]
fn extended_attributes_stay() {
    let folder = Folder::with("alice:x\n");
    let set = setxattr(
        folder.file(),
        "user.mqtools.test",
        b"kept",
        XattrFlags::empty(),
    );
    assert!(
        set.is_ok(),
        "this test needs a temporary folder with extended attributes: set TMPDIR to one ({set:?})"
    );
    let old = fs::metadata(folder.file()).unwrap().ino();
    folder
        .mqpasswd(&["-b", "passwd", "bob", "pw"])
        .run()
        .assert_success();
    assert_ne!(fs::metadata(folder.file()).unwrap().ino(), old);
    let mut value = [0; 16];
    let length = getxattr(folder.file(), "user.mqtools.test", &mut value[..]).unwrap();
    assert_eq!(&value[..length], b"kept");
}
