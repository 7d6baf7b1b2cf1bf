//! The tarball: what is in it, its checksum, and that it is the same when it is made again.

use std::fs;

use harness::Tool;
use tempfile::TempDir;

use crate::support::{dist, files, made, one, publishes, unpacked};

#[test]
fn unpacked_over_a_prefix_it_is_installed() {
    let prefix = TempDir::new().unwrap();
    unpacked(&one("mqtools-", "-linux.tar.gz"), prefix.path());
    publishes(Tool::new(prefix.path().join("bin/mqpub")), "localhost");
    publishes(
        Tool::new(prefix.path().join("lib/mqtools/bin/mosquitto_pub")),
        "localhost",
    );
    let there = files(prefix.path());
    for expected in [
        "share/man/man1/mqsub.1.gz",
        "share/bash-completion/completions/mqsub",
        "share/zsh/site-functions/_mqsub",
        "share/fish/vendor_completions.d/mqsub.fish",
        "share/doc/mqtools/LICENSE-MIT",
        "share/doc/mqtools/third-party-licences.txt.gz",
    ] {
        assert!(
            there.iter().any(|path| path == expected),
            "{expected}: {there:?}"
        );
    }
}

#[test]
fn the_debian_package_has_the_same_content() {
    let (tarball, package) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    unpacked(&one("mqtools-", "-linux.tar.gz"), tarball.path());
    Tool::new("dpkg-deb")
        .arg("--extract")
        .args([one("mqtools_", ".deb").as_path(), package.path()])
        .run()
        .assert_success();
    let packed = package.path().join("usr");
    let there = files(&packed);
    let mut compared = 0;
    for path in files(tarball.path()) {
        // Debian has the texts of licences elsewhere.
        if path.contains("/LICENSE") {
            continue;
        }
        let theirs = path.replace("zsh/site-functions", "zsh/vendor-completions");
        assert!(
            there.contains(&theirs),
            "{path} is not in the package: {there:?}"
        );
        assert!(
            fs::read(tarball.path().join(&path)).unwrap() == fs::read(packed.join(theirs)).unwrap(),
            "{path}"
        );
        compared += 1;
    }
    assert!(compared > 15, "only {compared} files");
}

#[test]
fn the_licence_of_every_library_is_there() {
    let prefix = TempDir::new().unwrap();
    unpacked(&one("mqtools-", "-linux.tar.gz"), prefix.path());
    let text = Tool::new("zcat")
        .arg(
            prefix
                .path()
                .join("share/doc/mqtools/third-party-licences.txt.gz"),
        )
        .run()
        .assert_success();
    let text = text.stdout_str();
    for expected in [
        "  ring 0.",
        "  rustls 0.",
        "Permission is hereby granted",
        "Apache License",
    ] {
        assert!(text.contains(expected), "{expected:?} is missing");
    }
    // Only tests use it.
    assert!(!text.contains("  proptest "));
}

/// Everything carries the time of the last commit, and nothing of the machine: no umask, no zone.
#[test]
fn made_again_everything_is_the_same() {
    let sums = fs::read_to_string(dist().join("SHA256SUMS")).unwrap();
    assert_eq!(sums, made().first_sums);
    // Everything but the list itself.
    assert_eq!(sums.lines().count(), files(dist()).len() - 1, "{sums}");
    Tool::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(dist())
        .run()
        .assert_success();
}
