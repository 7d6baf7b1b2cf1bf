//! A folder with a password file, and the questions that tests ask of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use harness::{Broker, Output, Tool, is_root, mqpasswd};
use mqtools_common::passwd;
use mqtools_common::secret::Secret;
use tempfile::TempDir;

/// A private folder with, or for, a password file named `passwd`.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn empty() -> Self {
        Self(TempDir::with_prefix("mqpasswd-test-").unwrap())
    }

    pub(crate) fn with(text: impl AsRef<[u8]>) -> Self {
        let folder = Self::empty();
        fs::write(folder.file(), text).unwrap();
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The password file.
    pub(crate) fn file(&self) -> PathBuf {
        self.path().join("passwd")
    }

    /// `mqpasswd`, started in this folder.
    pub(crate) fn mqpasswd(&self, args: &[&str]) -> Tool {
        mqpasswd().current_dir(self.path()).args(args)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(self.file()).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }

    /// The names of everything in the folder, sorted: what a tool left behind shows here.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Whether our own code lets the user in.
    pub(crate) fn admits(&self, user: &str, password: &str) -> bool {
        let password = Secret::from(password.to_owned());
        passwd::admits(&self.bytes(), user.as_bytes(), &password)
    }
}

/// A broker that knows only the users of a file.
pub(crate) fn broker_with(file: &Path) -> Broker {
    Broker::builder()
        .anonymous(false)
        .password_file(file)
        .start()
}

/// Whether the broker lets a user in, asked by publishing with mosquitto's own client.
#[track_caller]
pub(crate) fn logs_in(broker: &Broker, user: &str, password: &str) -> bool {
    let output = Tool::new("mosquitto_pub")
        .args(broker.args())
        .args(["-t", "test", "-m", "x", "-u", user, "-P", password])
        .run();
    match output.status {
        0 => true,
        // The CONNACK's Return Code: not authorised.
        5 => false,
        _ => panic!("mosquitto_pub could not ask\n{output}"),
    }
}

/// Runs the tool as somebody whom permissions stop, which they do not stop root.
pub(crate) fn as_nobody(folder: &Folder, args: &[&str]) -> Output {
    if !is_root() {
        return folder.mqpasswd(args).run();
    }
    // The tool itself may lie where only root gets to.
    let public = TempDir::with_prefix("mqpasswd-public-").unwrap();
    fs::set_permissions(public.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let tool = public.path().join("mqpasswd");
    // By another process: a child that a test beside this one starts would inherit the open copy,
    // and a program that is open for writing cannot be started (ETXTBSY).
    Tool::new("cp")
        .arg(mqpasswd().path())
        .arg(&tool)
        .run()
        .assert_success();
    Tool::new("setpriv")
        .current_dir(folder.path())
        .args([
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            "--",
        ])
        .arg(&tool)
        .args(args)
        .run()
}
