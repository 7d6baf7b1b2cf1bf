//! The file under test: written, raced for, linked, refused.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn put(text: &str) -> impl FnMut(Option<&[u8]>) -> Result<Patch, Report> {
    move |old| Ok(Patch::whole(old.map_or(0, <[u8]>::len), text))
}

#[test]
fn a_new_file_is_for_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("passwd");
    let outcome = replace(&path, Access::default(), |old| {
        assert_eq!(old, None);
        Ok(Patch::whole(0, *b"a:b\n"))
    });
    assert_eq!(outcome, Ok(Outcome::Created));
    assert_eq!(fs::read(&path).unwrap(), b"a:b\n");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(names(dir.path()), ["passwd"]);
}

#[test]
fn a_missing_file_is_created_only_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("passwd");
    let report = edit(&path, |_| Ok(Patch::default())).unwrap_err();
    assert_eq!(
        report.to_string(),
        format!(
            "error: cannot open {}\ncause: No such file or directory\n",
            path.display()
        )
    );
    assert!(names(dir.path()).is_empty());
    assert_eq!(create(&path, Access::default(), b"1"), Ok(Outcome::Created));
    assert_eq!(
        create(&path, Access::default(), b"2"),
        Ok(Outcome::Replaced)
    );
    assert_eq!(read(&path), Ok(b"2".to_vec()));
}

#[test]
fn the_mode_of_an_old_file_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("passwd");
    fs::write(&path, "old").unwrap();
    for mode in [0o640, 0o644, 0o400] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(
            replace(&path, Access::default(), put(&format!("{mode}"))),
            Ok(Outcome::Replaced)
        );
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, mode);
    }
}

#[test]
fn an_unchanged_file_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("passwd");
    fs::write(&path, "same").unwrap();
    let before = fs::metadata(&path).unwrap();
    assert_eq!(
        replace(&path, Access::default(), put("same")),
        Ok(Outcome::Unchanged)
    );
    let after = fs::metadata(&path).unwrap();
    assert_eq!(
        (before.ino(), before.ctime_nsec()),
        (after.ino(), after.ctime_nsec())
    );
}

#[test]
fn a_change_that_fails_leaves_everything_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("passwd");
    let refuse = |_: Option<&[u8]>| Err(Report::new(Exit::PASSWD_FAILED, "no"));
    assert!(replace(&path, Access::default(), refuse).is_err());
    assert!(names(dir.path()).is_empty());
    fs::write(&path, "old").unwrap();
    assert!(replace(&path, Access::default(), refuse).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(dir.path()), ["passwd"]);
}

#[test]
fn links_stay_and_their_target_changes() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("inner");
    fs::create_dir(&inner).unwrap();
    symlink("second", inner.join("first")).unwrap();
    symlink("inner/first", dir.path().join("outer")).unwrap();
    // Dangling at first: the file is made where the chain of links ends.
    assert_eq!(
        replace(&dir.path().join("outer"), Access::default(), put("1")),
        Ok(Outcome::Created)
    );
    assert_eq!(
        replace(&dir.path().join("outer"), Access::default(), put("2")),
        Ok(Outcome::Replaced)
    );
    assert_eq!(fs::read(inner.join("second")).unwrap(), b"2");
    assert!(dir.path().join("outer").is_symlink() && inner.join("first").is_symlink());
    assert_eq!(names(&inner), ["first", "second"]);
}

#[test]
fn links_in_a_circle_are_an_error() {
    let dir = tempfile::tempdir().unwrap();
    symlink("b", dir.path().join("a")).unwrap();
    symlink("a", dir.path().join("b")).unwrap();
    let report = replace(&dir.path().join("a"), Access::default(), put("")).unwrap_err();
    assert!(report.to_string().contains("symbolic links"), "{report}");
}

#[test]
fn what_is_not_a_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let report = replace(dir.path(), Access::default(), put("")).unwrap_err();
    assert!(report.to_string().contains("it is a folder"), "{report}");
    let report = replace(Path::new("/dev/null"), Access::default(), put("")).unwrap_err();
    assert!(
        report.to_string().contains("not a regular file"),
        "{report}"
    );
    let report = read(Path::new("/dev/null")).unwrap_err();
    assert!(
        report.to_string().contains("not a regular file"),
        "{report}"
    );
}

#[test]
fn a_missing_folder_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("missing/passwd");
    let report = replace(&path, Access::default(), put("")).unwrap_err();
    let folder = dir.path().join("missing");
    assert_eq!(
        report.to_string(),
        format!(
            "error: cannot create {}\ncause: No such file or directory\n\
             hint: does the folder {} exist?\n",
            path.display(),
            folder.display()
        )
    );
}

#[test]
fn every_one_of_many_changes_at_once_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("passwd");
    // No file at the start: the first ones race to create it.
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let path = &path;
            scope.spawn(move || {
                for round in 0..20 {
                    let line = format!("{thread}-{round}\n");
                    replace(path, Access::default(), |old| {
                        let mut patch = Patch::default();
                        let end = old.map_or(0, <[u8]>::len);
                        patch.replace(end..end, line.as_str());
                        Ok(patch)
                    })
                    .unwrap();
                }
            });
        }
    });
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), 160, "{text}");
    assert_eq!(names(dir.path()), ["passwd"]);
}

#[test]
fn what_a_killed_run_left_is_removed_and_what_a_living_one_writes_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("passwd");
    fs::write(&path, "old").unwrap();
    for name in [
        ".mqpasswd-abc123",
        ".mqpasswd-living",
        ".mqpasswd-notours",
        ".other-abc123",
    ] {
        fs::write(dir.path().join(name), "").unwrap();
    }
    let living = File::open(dir.path().join(".mqpasswd-living")).unwrap();
    rustix::fs::flock(&living, rustix::fs::FlockOperation::LockExclusive).unwrap();
    replace(&path, Access::default(), put("new")).unwrap();
    assert_eq!(
        names(dir.path()),
        [
            ".mqpasswd-living",
            ".mqpasswd-notours",
            ".other-abc123",
            "passwd"
        ]
    );
}

#[test]
fn an_interrupted_overwrite_is_finished_by_the_next_change() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("passwd");
    let (old, new) = (b"alice:old\nbob:x\n", b"alice:much newer\nbob:x\n");
    let tail = journal::tail(old, new);
    let begun = [&old[..], &tail].concat();
    for (interrupted, expected) in [
        ([b"alice:mu", &begun[8..]].concat(), &new[..]),
        (begun[..begun.len() - 9].to_vec(), &old[..]),
    ] {
        fs::write(&path, &interrupted).unwrap();
        assert_eq!(read(&path).unwrap(), expected);
        assert_eq!(is_interrupted(&path), Ok(true));
        let unchanged = edit(&path, |text| {
            assert_eq!(text, expected);
            Ok(Patch::default())
        });
        assert_eq!(unchanged, Ok(Outcome::Unchanged));
        assert_eq!(fs::read(&path).unwrap(), expected);
        assert_eq!(is_interrupted(&path), Ok(false));
    }
}

#[test]
fn a_new_file_has_the_access_it_was_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("passwd");
    let access = Access {
        mode: Some(0o640),
        ..Access::default()
    };
    create(&path, access, b"1").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
}
