//! What the tests share: everything that `cargo xtask dist --static` makes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use harness::{Broker, Tool, mqsub};

/// What this process has made, twice.
#[derive(Debug)]
pub(crate) struct Made {
    folder: PathBuf,
    /// SHA256SUMS of the first time; what lies in the folder is from the second.
    pub(crate) first_sums: String,
}

/// Everything that is handed out.
pub(crate) fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = make("umask 022", "UTC");
        let first_sums = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
        assert_eq!(make("umask 077", "Asia/Tokyo"), folder);
        Made { folder, first_sums }
    })
}

/// The folder with everything that is handed out.
pub(crate) fn dist() -> &'static Path {
    &made().folder
}

/// Runs `cargo xtask dist --static`, and gives the folder that it names. It builds with cargo, so it
/// gets the environment that cargo gave this test, not the sealed one.
fn make(before: &str, zone: &str) -> PathBuf {
    let output = Tool::new("sh")
        .arg("-c")
        .arg(format!("{before}; exec \"$0\" dist --static"))
        .arg(env!("CARGO_BIN_EXE_xtask"))
        .envs(std::env::vars_os())
        // Some crates name a toolchain of their own; nothing must be fetched for that.
        .env("RUSTUP_AUTO_INSTALL", "0")
        .env("TZ", zone)
        .limit(Duration::from_secs(3000))
        .run()
        .assert_success();
    let text = output.stdout_str();
    let named = text
        .lines()
        .find_map(|line| line.strip_prefix("In ")?.strip_suffix(':'));
    named
        .unwrap_or_else(|| panic!("no folder was named\n{output}"))
        .into()
}

/// The only file in the folder whose name begins and ends so.
pub(crate) fn one(start: &str, end: &str) -> PathBuf {
    let mut found: Vec<_> = files(dist())
        .into_iter()
        .filter(|name| name.starts_with(start) && name.ends_with(end))
        .collect();
    assert_eq!(found.len(), 1, "{start}…{end}: {found:?}");
    dist().join(found.remove(0))
}

/// Every file and link below a folder, in order, by its path inside.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(&inner).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let path = entry.path();
                let path = path.strip_prefix(folder).unwrap();
                found.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Unpacks a tarball into a folder of its own, as somebody does who installs it.
pub(crate) fn unpacked(tarball: &Path, prefix: &Path) {
    Tool::new("tar")
        .args(["--extract", "--strip-components=1", "--file"])
        .arg(tarball)
        .arg("--directory")
        .arg(prefix)
        .run()
        .assert_success();
}

/// Publishes with a command at QoS 1, and has a subscriber that was there before print it.
pub(crate) fn publishes(publisher: Tool, host: &str) {
    let broker = Broker::start();
    let subscriber = mqsub()
        .args(broker.args())
        .args(["-t", "packed", "-q", "1", "-C", "1", "-d"])
        .spawn();
    subscriber.wait_for_stderr("SUBACK");
    publisher
        .args(["-h", host, "-p", &broker.port().to_string()])
        .args(["-t", "packed", "-m", "from a package", "-q", "1"])
        .run()
        .assert_success();
    let received = subscriber.wait().assert_success();
    assert_eq!(received.stdout_str(), "from a package\n", "{received}");
}
