//! The Debian packages, judged by lintian, and installed, used and removed by dpkg in a root of
//! their own, beside the files of the broker's package.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use harness::{Output, Tool, mqpasswd, namespace};
use tempfile::TempDir;

use crate::support::{dist, files, one, publishes};

const TOOLS: [&str; 3] = ["mqpub", "mqsub", "mqpasswd"];

#[test]
fn lintian_has_nothing_to_say() {
    let output = Tool::new("lintian")
        .arg("--show-overrides")
        .args([
            one("mqtools_", ".deb"),
            one("mqtools-mosquitto-names_", ".deb"),
        ])
        .run();
    let output = output.assert_success();
    // No error and no warning. What is overridden is shown: so lintian has read both packages.
    let said: Vec<_> = output
        .stdout_str()
        .lines()
        .filter(|line| !line.starts_with("N:"))
        .collect();
    assert_eq!(said.len(), 2, "{output}");
    for line in said {
        assert!(
            line.starts_with("O: ") && line.contains("initial-upload"),
            "{output}"
        );
    }
}

#[test]
fn installed_used_and_removed() {
    let root = Root::new(&["libc6", "libgcc-s1"]);
    let before = root.files();
    root.dpkg("--install", one("mqtools_", ".deb"))
        .assert_success();

    publishes(root.tool("usr/bin/mqpub"), "localhost");
    publishes(root.tool("usr/lib/mqtools/bin/mosquitto_pub"), "localhost");
    let passwords = root.path().join("passwords");
    root.tool("usr/lib/mqtools/bin/mosquitto_passwd")
        .args(["-c", "-b"])
        .arg(&passwords)
        .args(["somebody", "secret"])
        .run()
        .assert_success();
    mqpasswd()
        .arg("--check")
        .arg(&passwords)
        .run()
        .assert_success();
    fs::remove_file(passwords).unwrap();
    for tool in TOOLS {
        let version = root.tool(format!("usr/bin/{tool}")).arg("--version").run();
        let version = version.assert_success();
        assert!(version.stdout_str().starts_with(tool), "{version}");
        assert!(root.manual(tool).stdout_str().contains(tool));
        for completion in [
            format!("bash-completion/completions/{tool}"),
            format!("zsh/vendor-completions/_{tool}"),
            format!("fish/vendor_completions.d/{tool}.fish"),
        ] {
            let path = root.path().join("usr/share").join(&completion);
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{completion}: {error}"));
            assert!(text.contains(tool), "{completion}: {text}");
        }
    }
    // Its own sums are right, and dpkg finds nothing changed.
    let verified = root.dpkg("--verify", "mqtools").assert_success();
    assert_eq!(verified.stdout_str(), "");

    root.dpkg("--purge", "mqtools").assert_success();
    assert_eq!(root.files(), before);
    assert!(!root.path().join("usr/share/doc/mqtools").exists());
    assert!(!root.path().join("usr/lib/mqtools").exists());
}

#[test]
fn a_library_that_is_too_old_is_refused() {
    let root = Root::new(&["libgcc-s1"]);
    let output = root.dpkg("--install", one("mqtools_", ".deb"));
    assert_eq!(output.status, 1, "{output}");
    assert!(
        output.stderr_str().contains("depends on libc6 (>= 2."),
        "{output}"
    );
}

#[test]
fn the_original_names_leave_the_broker_alone() {
    let root = Root::new(&["libc6", "libgcc-s1", "mosquitto"]);
    let broker = root.take_files_of("mosquitto");
    assert!(
        broker
            .iter()
            .any(|(path, _)| path == "usr/bin/mosquitto_passwd")
    );
    let untouched = || {
        for (path, content) in &broker {
            let now = fs::read(root.path().join(path)).unwrap();
            assert!(
                now == *content,
                "{path} of the broker's package was changed"
            );
        }
    };
    let before = root.files();
    root.dpkg("--install", one("mqtools_", ".deb"))
        .assert_success();
    root.dpkg("--install", one("mqtools-mosquitto-names_", ".deb"))
        .assert_success();
    untouched();
    publishes(root.tool("usr/bin/mosquitto_pub"), "localhost");
    let help = root.tool("usr/bin/mosquitto_sub").arg("--help").run();
    assert!(help.assert_success().stdout_str().contains("mosquitto_sub"));
    assert!(root.manual("mosquitto_sub").stdout_str().contains("mqsub"));

    // The broker's package can come later, or again: it finds none of its files taken.
    let listed = Tool::new("dpkg-query")
        .arg(format!("--admindir={}", root.admin().display()))
        .args(["--listfiles", "mqtools", "mqtools-mosquitto-names"])
        .run()
        .assert_success();
    let ours: Vec<_> = listed.stdout_str().lines().collect();
    assert!(ours.contains(&"/usr/bin/mosquitto_pub"), "{listed}");
    for (path, _) in &broker {
        assert!(!ours.contains(&format!("/{path}").as_str()), "{path}");
    }

    root.dpkg("--purge", "mqtools-mosquitto-names")
        .assert_success();
    root.dpkg("--purge", "mqtools").assert_success();
    untouched();
    assert_eq!(root.files(), before);
}

#[test]
fn the_original_names_take_the_place_of_the_originals() {
    let root = Root::new(&["libc6", "libgcc-s1", "mosquitto-clients"]);
    let originals = root.take_files_of("mosquitto-clients");
    root.dpkg("--install", one("mqtools_", ".deb"))
        .assert_success();
    // Beside them, the folder for PATH works.
    publishes(root.tool("usr/lib/mqtools/bin/mosquitto_pub"), "localhost");
    for (path, content) in &originals {
        assert!(
            fs::read(root.path().join(path)).unwrap() == *content,
            "{path}"
        );
    }

    let output = root.dpkg("--install", one("mqtools-mosquitto-names_", ".deb"));
    let output = output.assert_success();
    assert!(
        output.stdout_str().contains("Removing mosquitto-clients"),
        "{output}"
    );
    publishes(root.tool("usr/bin/mosquitto_pub"), "localhost");
    assert!(!root.path().join("usr/bin/mosquitto_rr").exists());
}

/// A root in which dpkg believes that some of the machine's packages are installed.
struct Root {
    folder: TempDir,
}

impl Root {
    fn new(packages: &[&str]) -> Self {
        let root = Self {
            folder: TempDir::with_prefix("mqtools-root-").unwrap(),
        };
        let admin = root.admin();
        for inner in ["info", "updates", "triggers"] {
            fs::create_dir_all(admin.join(inner)).unwrap();
        }
        let mut status = String::new();
        for package in packages {
            let known = Tool::new("dpkg-query").args(["--status", package]).run();
            writeln!(status, "{}", known.assert_success().stdout_str()).unwrap();
            let listed = Tool::new("dpkg-query").args(["--listfiles", package]).run();
            let names = Tool::new("dpkg-query")
                .args(["--show", "--showformat=${binary:Package}", package])
                .run();
            // Of what the root does not have, only the broker's files matter.
            let list = admin.join(format!("info/{}.list", names.stdout_str()));
            fs::write(list, &listed.assert_success().stdout).unwrap();
        }
        fs::write(admin.join("status"), status).unwrap();
        fs::write(admin.join("available"), "").unwrap();
        root
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What is installed: everything but dpkg's own books.
    fn files(&self) -> Vec<String> {
        let mut all = files(self.path());
        all.retain(|path| !path.starts_with("var/lib/dpkg/"));
        all
    }

    fn admin(&self) -> PathBuf {
        self.path().join("var/lib/dpkg")
    }

    /// Copies what lies in the folders that our packages write to; gives paths and contents.
    fn take_files_of(&self, package: &str) -> Vec<(String, Vec<u8>)> {
        let listed = Tool::new("dpkg-query").args(["--listfiles", package]).run();
        let mut taken = Vec::new();
        for path in listed.assert_success().stdout_str().lines() {
            let from = Path::new(path);
            // A machine without documentation has no manual pages.
            if !path.starts_with("/usr/") || !from.is_file() {
                continue;
            }
            let content = fs::read(from).unwrap();
            let to = self.path().join(&path[1..]);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, &content).unwrap();
            taken.push((path[1..].to_owned(), content));
        }
        assert!(!taken.is_empty(), "{package} has no files here");
        taken
    }

    /// Runs dpkg as whoever is root in here.
    fn dpkg(&self, action: &str, what: impl AsRef<std::ffi::OsStr>) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        namespace("--mount")
            // What the machine's configuration leaves out (containers: manual pages) is wanted.
            .args(["dpkg", "--log=/dev/null", "--path-include=/usr/*", "--root"])
            .arg(self.path())
            .arg(action)
            .arg(what)
            // dpkg looks for ldconfig, which is not in every user's PATH.
            .env("PATH", format!("{path}:/usr/sbin:/sbin"))
            .env("LC_ALL", "C")
            .run()
    }

    fn tool(&self, path: impl AsRef<Path>) -> Tool {
        Tool::new(self.path().join(path))
    }

    fn manual(&self, page: &str) -> Output {
        Tool::new("man")
            .arg("--manpath")
            .arg(self.path().join("usr/share/man"))
            .arg(page)
            .env("MANPAGER", "cat")
            .run()
            .assert_success()
    }
}

#[test]
fn only_what_is_handed_out_is_in_the_folder() {
    let mut names = files(dist());
    for (start, end) in [
        ("SHA256SUMS", ""),
        ("mqtools_", ".deb"),
        ("mqtools-mosquitto-names_", "_all.deb"),
        ("mqtools-", "-linux.tar.gz"),
        ("mqtools-", "-linux-static.tar.gz"),
        ("mqpub-", ".cdx.json"),
        ("mqsub-", ".cdx.json"),
        ("mqpasswd-", ".cdx.json"),
    ] {
        let at = names
            .iter()
            .position(|name| name.starts_with(start) && name.ends_with(end))
            .unwrap_or_else(|| panic!("no {start}…{end} in {names:?}"));
        names.remove(at);
    }
    assert!(names.is_empty(), "{names:?}");
}
