//! The file as a file: mode, owner, links.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};

use harness::is_root;

use crate::support::Folder;

#[test]
fn mode_and_owner_stay() {
    let folder = Folder::with("alice:x\n");
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o640)).unwrap();
    if is_root() {
        chown(folder.file(), Some(12_345), Some(23_456)).unwrap();
    }
    let before = fs::metadata(folder.file()).unwrap();
    for args in [
        &["-b", "passwd", "bob", "pw"][..],
        &["-U", "passwd"],
        &["-D", "passwd", "alice"],
        &["-c", "-b", "passwd", "bob", "pw"],
    ] {
        let old = fs::metadata(folder.file()).unwrap().ino();
        folder.mqpasswd(args).run().assert_success();
        let after = fs::metadata(folder.file()).unwrap();
        assert_ne!(after.ino(), old, "{args:?} writes a new file");
        assert_eq!(
            (after.uid(), after.gid(), after.mode()),
            (before.uid(), before.gid(), before.mode()),
            "{args:?}"
        );
    }
}

#[test]
fn a_link_stays_and_its_target_changes() {
    let folder = Folder::empty();
    fs::create_dir(folder.path().join("real")).unwrap();
    symlink("real/passwd", folder.file()).unwrap();
    for args in [
        &["-c", "-b", "passwd", "alice", "pw"][..],
        &["-b", "passwd", "bob", "pw"],
        &["-D", "passwd", "bob"],
    ] {
        folder.mqpasswd(args).run().assert_success();
        assert!(folder.file().is_symlink(), "{args:?}");
    }
    assert!(folder.admits("alice", "pw"));
    let real = fs::read_dir(folder.path().join("real")).unwrap();
    assert_eq!(real.count(), 1, "nothing but the file");
}

#[test]
fn a_file_that_would_not_change_is_not_written() {
    let folder = Folder::empty();
    folder
        .mqpasswd(&["-c", "-b", "passwd", "alice", "pw"])
        .run()
        .assert_success();
    let before = fs::metadata(folder.file()).unwrap();
    folder.mqpasswd(&["-U", "passwd"]).run().assert_success();
    let after = fs::metadata(folder.file()).unwrap();
    assert_eq!(
        (before.ino(), before.ctime(), before.ctime_nsec()),
        (after.ino(), after.ctime(), after.ctime_nsec())
    );
}
