//! The checked-in manual pages: whether they are clean for who renders them, and their examples, to
//! be typed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::broker::Broker;
use crate::generated;
use crate::tool::Tool;

/// A bound for a busy machine, not a measurement.
const PATIENCE: Duration = Duration::from_secs(300);

/// Checks that mandoc, groff and man have nothing to say of the page of a tool.
///
/// # Panics
/// One of them has.
#[track_caller]
pub fn assert_clean(tool: &str) {
    let page = generated::file(tool, "man");
    for words in [
        &["mandoc", "-T", "lint", "-W", "warning"][..],
        &["groff", "-man", "-T", "utf8", "-ww", "-z"],
    ] {
        let output = Tool::new(words[0]).args(&words[1..]).arg(&page).run();
        assert!(output.stdout.is_empty(), "{words:?}: {output}");
        assert!(output.stderr.is_empty(), "{words:?}: {output}");
        output.assert_success();
    }
    let output = Tool::new("man")
        .args(["--warnings", "-l"])
        .arg(&page)
        .env("LC_ALL", "C.UTF-8")
        .env("MANWIDTH", "80")
        .run()
        .assert_success();
    assert!(output.stderr.is_empty(), "man: {output}");
    let shown = output.stdout_str();
    for section in [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "EXIT STATUS",
        "EXAMPLES",
    ] {
        let has_it = shown.lines().any(|line| line == section);
        assert!(has_it, "there is no section {section}: {shown}");
    }
}

/// The commands of the examples in the page of a tool, as a reader types them.
#[must_use]
pub fn examples(tool: &str) -> Vec<String> {
    let page = fs::read_to_string(generated::file(tool, "man")).unwrap();
    let mut is_example = false;
    let mut examples = Vec::new();
    for line in page.lines() {
        match line {
            ".EX" => is_example = true,
            ".EE" => is_example = false,
            _ if is_example => examples.extend(line.strip_prefix("$ ").map(plain)),
            _ => {}
        }
    }
    examples
}

/// What roff shows for a line of an example.
fn plain(line: &str) -> String {
    [
        ("\\-", "-"),
        ("\\(aq", "'"),
        ("\\(ga", "`"),
        ("\\(ha", "^"),
        ("\\(ti", "~"),
        ("\\e", "\\"),
    ]
    .iter()
    .fold(line.to_owned(), |line, (escaped, plain)| {
        line.replace(escaped, plain)
    })
}

/// A folder and a broker in which examples are typed.
#[derive(Debug)]
pub struct Workshop {
    folder: TempDir,
    /// What `localhost` is, without a port.
    pub broker: Broker,
}

impl Workshop {
    /// With an empty folder, and these tools in `PATH`.
    #[must_use]
    pub fn with(tools: &[(&str, Tool)]) -> Self {
        let folder = TempDir::with_prefix("mqtools-").unwrap();
        let programs = folder.path().join("bin");
        fs::create_dir(&programs).unwrap();
        for (name, tool) in tools {
            symlink(fs::canonicalize(tool.path()).unwrap(), programs.join(name)).unwrap();
        }
        fs::create_dir(folder.path().join("work")).unwrap();
        Self {
            folder,
            broker: Broker::start(),
        }
    }

    /// A file in the folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("work").join(name)
    }

    /// Puts a file into the folder.
    pub fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.file(name), text).unwrap();
    }

    /// A command line for a shell in the folder.
    #[must_use]
    pub fn typed(&self, line: &str) -> Tool {
        let path = std::env::var("PATH").unwrap_or_default();
        let programs = self.folder.path().join("bin");
        Tool::new("sh")
            .current_dir(self.folder.path().join("work"))
            .args(["-c", line])
            .env("PATH", format!("{}:{path}", programs.display()))
            .env("MQ_PORT", self.broker.port().to_string())
    }

    /// Waits until a file of the folder has this text.
    ///
    /// # Panics
    /// It never has.
    #[track_caller]
    pub fn wait_for_file(&self, name: &str, text: &str) {
        let begin = Instant::now();
        let has_it = |path: &Path| fs::read_to_string(path).is_ok_and(|found| found.contains(text));
        while !has_it(&self.file(name)) {
            assert!(begin.elapsed() < PATIENCE, "{name} does not get {text:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
